"""The terminal in other hands: the pager and the editor have it alone, and the room comes back whole."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import AsyncIterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.live.terminal import Terminal
from fleet_tui.domain.errors import FleetError
from fleet_tui.settings.load import PROJECT_FILE
from fleet_tui.tui.pager import pager_argv
from tests.tui.test_copy_for_real import OUTSIDE, argv, shown
from tests.tui.test_system_screen import BROKEN, answer_for

READER = """#!/bin/sh
for word; do file=$word; done
printf '%s\\n' "$@" > {seen}.words
ls -l "$file" > {seen}.mode
cp "$file" {seen}
printf 'READER \\033[?1003h\\033[>1u\\033[5;10r\\033[31m'
read -r line < /dev/tty
"""


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    made = Terminal((120, 40))
    yield made
    await made.close()


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """A pager that says so, waits for Enter and leaves the terminal in disorder."""
    program = tmp_path / "a reader"
    program.write_text(READER.format(seen=shlex.quote(str(tmp_path / "seen"))))
    program.chmod(0o755)
    return program


async def in_other_hands(terminal: Terminal, keys: str) -> None:
    """Press ``keys``; the room is silent while the other program has the terminal, until Enter."""
    terminal.press(keys)
    await shown(terminal, lambda written: b"READER" in written)
    await asyncio.sleep(0.3)
    before = terminal.bytes
    await asyncio.sleep(2.2)  # longer than the clock of the room's ages
    assert terminal.bytes == before
    terminal.written = b""
    terminal.press("\r")


async def whole(terminal: Terminal, *words: bytes) -> None:
    """All of the screen was drawn, and the modes are the room's again."""
    words = (*words, b"back from", b"command")
    await shown(terminal, lambda written: all(word in written.partition(b"\x1b[?1049h")[2] for word in words))
    for mode in (b"\x1b[?2004h", b"\x1b[?25l", b"\x1b[=0u", b"\x1b[?1003l", b"\x1b[r"):
        assert mode in terminal.written, mode
    assert terminal.written.index(b"\x1b[=0u") < terminal.written.index(b"\x1b[?1049h")


async def test_the_pager_has_the_terminal_alone_and_the_room_comes_back(
    fleet: Any, terminal: Terminal, reader: Path, tmp_path: Path
) -> None:
    terminal.open(argv(fleet), {**OUTSIDE, "PAGER": shlex.join([str(reader), "-x", "a;touch b"])})
    await shown(terminal, lambda written: b"dev-1" in written and b"data ok" in written)
    terminal.press("2")
    await shown(terminal, lambda written: b"hunk 1/1" in written)
    await in_other_hands(terminal, "e")
    await whole(terminal, b"2 APPROVALS", b"Rotate the keys", b"rotate")
    assert (tmp_path / "seen").read_text().startswith("=== src/keys.py (M)\n")
    assert (tmp_path / "seen.mode").read_text().startswith("-r--------")
    words = (tmp_path / "seen.words").read_text().splitlines()
    assert words[:2] == ["-x", "a;touch b"]
    assert not Path(words[2]).exists()
    terminal.press("3")
    await shown(terminal, lambda written: b"3 ALARMS" in written)


async def test_u15_the_editor_has_the_error_and_the_room_comes_back(
    fleet: Any, terminal: Terminal, reader: Path, tmp_path: Path
) -> None:
    fleet.answers["system"] = answer_for(tmp_path, BROKEN)
    editor = reader.rename(tmp_path / "vi")
    file = tmp_path / PROJECT_FILE
    terminal.open(argv(fleet, str(file)), {**OUTSIDE, "EDITOR": str(editor), "VISUAL": ""})
    await shown(terminal, lambda written: b"dev-1" in written and b"data ok" in written)
    terminal.press("8")
    await shown(terminal, lambda written: b"2 errors" in written)
    await in_other_hands(terminal, "e")
    await whole(terminal, b"8 SYSTEM", b"max_rounds", b"your terminal")
    assert (tmp_path / "seen.words").read_text().splitlines() == ["+3", str(file)]


@contextmanager
def not_suspended() -> Any:
    """A test of the app alone has no terminal that could be handed over."""
    yield


@pytest.mark.parametrize(
    ("keys", "name", "holds"),
    [(("enter",), "pane", ""), (("enter", "tab"), "facts", "ticket"), (("5", "k"), "JSON", '"kind"')],
)
async def test_the_pager_gets_the_part_that_has_the_keys(
    fleet: Any,
    until: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keys: tuple[str, ...],
    name: str,
    holds: str,
) -> None:
    reader = tmp_path / "reader"
    reader.write_text(f'#!/bin/sh\ncat "$1" > {tmp_path}/seen\nbasename "$1" > {tmp_path}/name\n')
    reader.chmod(0o755)
    monkeypatch.setenv("PAGER", str(reader))
    app = fleet.room()
    monkeypatch.setattr(app, "suspend", not_suspended)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        await pilot.press(*keys, "e")
        if not holds:
            await until(lambda: app.message == "e: there is nothing to read here")
            return
        await until(lambda: app.message == "back from reader")
    assert (tmp_path / "name").read_text() == f"{name}.txt\n"
    assert holds in (tmp_path / "seen").read_text()


async def test_a_pager_that_fails_is_told(fleet: Any, until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = fleet.room()
    monkeypatch.setattr(app, "suspend", not_suspended)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        await pilot.press("5", "k")
        for named, says in (("/none/less", "the pager does not start: /none/less"), ("false", "ended with 1")):
            monkeypatch.setenv("PAGER", named)
            await pilot.press("e")
            await until(lambda says=says: says in app.message)
            assert not app.handed_over


def test_the_pager_is_words_and_never_a_line_for_a_shell() -> None:
    file = Path("/x/diff.txt")
    assert pager_argv({"PAGER": "less -R"}, file) == ["less", "-R", "-+F", "/x/diff.txt"]
    assert pager_argv({"PAGER": "cat; rm -rf '$HOME' | sh"}, file)[:3] == ["cat;", "rm", "-rf"]
    assert os.path.basename(pager_argv({}, file)[0]) in ("less", "more")  # noqa: PTH119
    with pytest.raises(FleetError, match="cannot be read"):
        pager_argv({"PAGER": "less 'x"}, file)
