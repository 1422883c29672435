"""The Makefile: every target explains itself, and setting up is not repeated."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROMISED = {
    "demo",
    "demo-github",
    "test",
    "test-slow",
    "test-vendors",
    "vendors",
    "check",
    "fmt",
    "types",
    "bench",
    "screenshots",
    "recording",
    "docs",
    "lock",
    "clean",
    "help",
    "setup",
}

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def make(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    # An outer `make test` hands its flags down, which must not change what is asserted here.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_is_the_default_and_lists_every_target() -> None:
    done = make(f"VENV={ROOT / 'no-such-environment'}")
    assert done.returncode == 0
    assert set(re.findall(r"^  make ([\w-]+) +\w", done.stdout, re.MULTILINE)) == PROMISED


def test_every_target_is_phony() -> None:
    phony = next(line for line in MAKEFILE.splitlines() if line.startswith(".PHONY:"))
    assert set(phony.split()[1:]) == PROMISED


def test_every_script_that_is_called_exists() -> None:
    called = set(re.findall(r"\btools/[\w.]+", MAKEFILE))
    assert {name for name in called if not (ROOT / name).is_file()} == set()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose environment was set up: stamps newer than what they depend on."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "bootstrap.sh", tmp_path / "tools")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    for age, name in enumerate((".system", ".locked", ".ready")):
        (tmp_path / ".venv" / name).touch()
        os.utime(tmp_path / ".venv" / name, ns=(2**61 + age, 2**61 + age))
    return tmp_path


def test_a_second_run_sets_nothing_up(checkout: Path) -> None:
    assert "Nothing to be done" in make("setup", cwd=checkout).stdout


@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        ("tools/bootstrap.sh", ["bootstrap.sh", "--require-hashes", "--editable"]),
        ("requirements.lock", ["--require-hashes", "--editable"]),
        ("pyproject.toml", ["--editable"]),
    ],
)
def test_a_change_repeats_what_depends_on_it(checkout: Path, changed: str, steps: list[str]) -> None:
    os.utime(checkout / changed, ns=(2**62, 2**62))
    planned = make("--dry-run", "setup", cwd=checkout).stdout
    assert [step for step in ("bootstrap.sh", "--require-hashes", "--editable") if step in planned] == steps


def test_an_environment_without_its_python_is_made_anew(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(checkout / "an-uninstalled-python")
    assert "bootstrap.sh" in make("--dry-run", "setup", cwd=checkout).stdout


def test_the_lock_is_installed_by_hash_and_the_project_without_its_dependencies() -> None:
    assert "--require-hashes -r requirements.lock" in MAKEFILE
    assert "--no-deps --no-build-isolation --editable ." in MAKEFILE


def test_the_slow_run_tries_properties_on_all_their_examples() -> None:
    assert 'FLEET_ALL_EXAMPLES=1 $(PYTEST) -m "(slow or hypothesis) and not vendor"' in MAKEFILE


def test_the_ci_entry_runs_check_and_test_without_input() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert "exec </dev/null" in text
    assert "export CI=true" in text
    assert [line.split("step ")[1] for line in text.splitlines() if " step make" in f" {line}"] == [
        "make setup",
        "make check",
        "make test",
        "make test-slow",
        "make test-vendors",
    ]
