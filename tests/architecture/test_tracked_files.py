"""What must not be in any file of the project: addresses of registries, paths of a machine, secrets, build results."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Put together here, so that this file does not contain what it looks for.
REGISTRIES = [name.replace("*", ".") for name in (
    "pypi*org", "pythonhosted*org", "registry*npmjs", "npmjs*org", "yarnpkg*com", "crates*io", "proxy*golang",
    "rubygems*org", "repo*maven", "conda*anaconda", "anaconda*org",
)]  # fmt: skip
# The homes of the examples: `shop` is the project on the recorded screens of vendors' programs.
MACHINE_PATHS = re.compile(
    r"(?<![\w.])/(?:home/(?!me\b|dev\b|alice\b|user\b|you\b|shop\b)[a-z]\w*|Users/[A-Z]\w*|root/)|"
    + re.escape(f"{ROOT}/")
)
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bsk-ant-[A-Za-z0-9-]{20,}"
)
# Tests of the secret scanner need things that look like secrets.
MAY_LOOK_LIKE_SECRETS = ("tests/",)
NOT_TRACKED = (
    ".venv/",
    "dist/",
    "build/",
    ".egg-info",
    "__pycache__",
    ".pyc",
    ".coverage",
    "snapshot_report.html",
    "uv.lock",
    "package-lock.json",
)


def listed() -> list[str]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    return [name for name in done.stdout.decode().split("\0") if name]


def tracked() -> list[str]:
    return [name for name in listed() if (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    return [(name, (ROOT / name).read_bytes().decode(errors="replace")) for name in tracked()]


def test_no_file_names_a_package_registry() -> None:
    found = [f"{name}: {host}" for name, text in texts() for host in REGISTRIES if host in text.lower()]
    assert found == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    found = [f"{name}: {match.group()}" for name, text in texts() for match in MACHINE_PATHS.finditer(text)]
    assert found == []


def test_no_link_leads_out_of_the_checkout() -> None:
    links = [ROOT / name for name in listed() if (ROOT / name).is_symlink()]
    assert [link for link in links if not link.resolve().is_relative_to(ROOT.resolve())] == []


def test_no_file_holds_a_secret() -> None:
    names = [name for name, text in texts() if SECRETS.search(text) and not name.startswith(MAY_LOOK_LIKE_SECRETS)]
    assert names == []


def test_build_results_and_foreign_locks_are_not_tracked() -> None:
    assert [name for name in tracked() if any(part in f"/{name}" for part in NOT_TRACKED)] == []


def test_no_file_is_large() -> None:
    assert [name for name in tracked() if (ROOT / name).stat().st_size > 1_000_000] == []


@pytest.mark.parametrize(
    "text",
    [["", "home", "jane", "src"], ["see ", "root", "x"], ["", "Users", "Jane", "x"], ["cd ", *ROOT.parts[1:], "x"]],
)
def test_machine_paths_are_recognised(text: list[str]) -> None:
    assert MACHINE_PATHS.search("/".join(text))


@pytest.mark.parametrize(
    "text", ["/home/dev/shop", "$HOME/x", "/tmp/x", "/usr/bin/git", "https://example.com/home/page"]
)
def test_harmless_paths_are_left_alone(text: str) -> None:
    assert not MACHINE_PATHS.search(text)
