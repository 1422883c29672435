"""A state directory that is not ours, a terminal that cannot write a character: told in words, without a traceback."""

from __future__ import annotations

import codecs
import importlib
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

import fleet_tui
from fleet_tui.cli import main as entry
from fleet_tui.domain.errors import SetupError
from fleet_tui.paths import FleetPaths
from tests.cli.conftest import Shop

NOBODY = 65534
AS_ROOT = os.getuid() == 0
COMMANDS: list[tuple[str, ...]] = [
    ("agent", "list"),
    ("agent", "explain", "dev"),
    ("alarm", "list"),
    ("approval", "list"),
    ("board",),
    ("budget",),
    ("log",),
    ("pr", "list"),
    ("queue",),
    ("status",),
    ("ticket", "list"),
    ("ticket", "show", "1"),
    ("verify",),
    ("watcher", "status"),
    ("watcher", "stop"),
]


@contextmanager
def locked_out(state: Path) -> Iterator[None]:
    """The state directory is closed, also to root: then it is somebody else who looks."""
    # What is imported later may lie where nobody may look.
    codecs.lookup("utf-8-sig")
    importlib.import_module("concurrent.futures.thread")
    for module in pkgutil.walk_packages(fleet_tui.__path__, "fleet_tui."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    state.chmod(0o700 if AS_ROOT else 0)
    if AS_ROOT:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if AS_ROOT:
            os.setresuid(0, 0, 0)
        state.chmod(0o700)


def ended(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["fleet", *words])
    with pytest.raises(SystemExit) as exit_:
        entry.main()
    code = exit_.value.code
    return code if isinstance(code, int) else 0, capsys.readouterr().err


def test_a_state_directory_of_somebody_else(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.repository.parent.chmod(0o755)
    shop.paths.tickets.mkdir()
    (shop.paths.tickets / "0001-a.md").write_text("---\ntitle: A\n---\n")
    monkeypatch.chdir(shop.repository)
    home = shop.paths.state.parent
    told = {}
    with locked_out(home):
        for words in COMMANDS:
            told[words] = ended(words, capsys, monkeypatch)
    for words, (code, said) in told.items():
        assert code == 1, (words, said)
        assert said.startswith(f"fleet: the state directory cannot be used: {home}"), (words, said)
        assert "Permission denied" in said
        assert f"try: make {home} yours" in said
        assert "FLEET_STATE_HOME" in said


def test_doctor_has_it_as_a_finding(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.repository.parent.chmod(0o755)
    monkeypatch.chdir(shop.repository)
    runner = CliRunner()
    with locked_out(shop.paths.state.parent):
        done = runner.invoke(entry.fleet, ["doctor"], catch_exceptions=False)
    assert done.exit_code == 1
    assert " x state         cannot create the state directory: " in done.output
    assert "configuration" in done.output, "the rest is looked at all the same"


def test_a_name_that_no_file_system_takes(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_STATE_HOME", "/tmp/" + "x" * 300)
    monkeypatch.chdir(shop.repository)
    code, said = ended(("status",), capsys, monkeypatch)
    assert (code, "File name too long" in said, "Traceback" in said) == (1, True, False)


@pytest.mark.parametrize("variable", ["FLEET_STATE_HOME", "FLEET_RUNTIME_DIR"])
def test_a_relative_path_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """The watcher runs elsewhere: for it the same words would mean another place."""
    monkeypatch.setenv(variable, "here/state")
    with pytest.raises(SetupError, match=f"{variable} is a relative path"):
        FleetPaths.of(shop.repository)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_a_character_that_the_terminal_cannot_write(shop: Shop, encoding: str) -> None:
    shop.paths.tickets.mkdir()
    (shop.paths.tickets / "0001-a.md").write_text("---\ntitle: Zürich … 東京\n---\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "fleet_tui", "ticket", "list"],
        cwd=shop.repository,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr.decode(encoding)
    assert "Z" in done.stdout.decode("latin-1")
    if encoding == "latin-1":
        assert "Zürich \\u2026 \\u6771\\u4eac" in done.stdout.decode("latin-1")
