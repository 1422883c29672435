"""Captures over the link: the same rows as tmux prints them, and nothing left in the server."""

from __future__ import annotations

import os
import random
from pathlib import Path

import psutil
import pytest

from fleet_tui.tmux import command
from fleet_tui.tmux.capture import Captures
from fleet_tui.tmux.link import Command, Link
from fleet_tui.tmux.server import PaneInfo, TmuxServer
from tests.tmux.tmux_support import until

WIDTH, HEIGHT = 60, 12
QUIET = ("sh", "-c", "stty raw -echo; echo ready; exec cat >/dev/null")
OLD = (3, 3)
SOUP = (
    *(
        "\\",
        "\\\\",
        "\\033",
        "\\e",
        "$HOME",
        "${x}",
        "$1",
        "$",
        "\\$a",
        "\\n",
        "\\s",
        "\\M-a",
        "\\^A",
        "\\000",
        "\\777",
    ),
    *("plain", "é", "你", "😀", "%end 1 2 1", "%begin 1 2 1", "\x1b[1;38;2;1;2;3m", "\x1b[m", "\x1b[41m", "\x0eqx\x0f"),
)


async def pane_of(tmux: TmuxServer, number: int = 1) -> PaneInfo:
    pane = await tmux.spawn(f"run-{number}", QUIET, cwd=Path("/"), uuid=f"uuid-{number:04}", width=WIDTH, height=HEIGHT)
    await until(lambda: ready(tmux, pane))
    return pane


async def ready(tmux: TmuxServer, pane: PaneInfo) -> bool:
    return "ready" in await tmux.capture(pane)


async def tty_of(tmux: TmuxServer, pane: PaneInfo) -> int:
    found = await tmux.run("display-message", "-p", "-t", pane.pane_id, "#{pane_tty}")
    return os.open(found.out.decode().strip(), os.O_WRONLY | os.O_NOCTTY)


async def rows(link: Link, captures: Captures, pane: PaneInfo) -> tuple[bytes, ...]:
    replies = await link.batch(captures.commands(pane.pane_id, 0, HEIGHT - 1, "#{@fleet_uuid}"))
    assert replies[-1].seal == pane.uuid.encode()
    raw = captures.taken(replies)
    assert raw is not None
    return captures.rows(raw)


@pytest.mark.parametrize("version", [OLD, (3, 6), None], ids=["by a buffer", "printed", "without a number"])
async def test_rows_are_those_that_tmux_prints(tmux: TmuxServer, version: tuple[int, int] | None) -> None:
    pane = await pane_of(tmux)
    tty, dice, captures = await tty_of(tmux, pane), random.Random(7), Captures(version)
    try:
        async with Link(tmux) as link:
            for number in range(60):
                text = "".join(
                    f"\x1b[{row};1H\x1b[m" + "".join(dice.choices(SOUP, k=dice.randrange(9)))
                    for row in range(1, HEIGHT)
                )
                mark = b"#%04d" % number
                os.write(tty, b"\x1b[2J" + text.encode() + b"\x0f\x1b[m\x1b[%d;1H%s" % (HEIGHT, mark))

                async def arrived(mark: bytes = mark) -> bool:
                    return mark in (await rows(link, captures, pane))[-1]

                await until(arrived)
                argv = ("capture-pane", "-p", "-e", "-N", "-t", pane.pane_id)
                (printed,) = await link.batch([Command(argv, seal=(pane.pane_id, ""))])
                expected = Captures((3, 6)).rows(printed.lines) if version != OLD else captures_of_print(printed.lines)
                assert await rows(link, captures, pane) == expected
            await captures.close(link)
        assert b"fleet-room" not in (await tmux.run("list-buffers")).out
    finally:
        os.close(tty)


def captures_of_print(lines: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Printed rows as an old tmux's: only what it does to skins is mended."""
    captures = Captures(OLD)
    captures._buffer = ""
    return captures.rows(lines)


async def test_a_pane_that_is_gone_is_not_shown_as_another(tmux: TmuxServer) -> None:
    one, other = await pane_of(tmux, 1), await pane_of(tmux, 2)
    captures = Captures(OLD)
    async with Link(tmux) as link:
        assert b"ready" in b"".join(await rows(link, captures, one))
        await tmux.kill(other.session)
        replies = await link.batch(captures.commands(other.pane_id, 0, HEIGHT - 1, "#{@fleet_uuid}"))
        assert captures.taken(replies) is None


async def test_the_server_does_not_grow_by_captures(tmux: TmuxServer) -> None:
    info = await tmux.alive()
    assert info is not None
    pane = await pane_of(tmux)
    tty = await tty_of(tmux, pane)
    os.write(tty, b"".join(b"\x1b[%d;1H\x1b[3%dm%s" % (row, row % 8, b"x" * 50) for row in range(1, HEIGHT)))
    os.close(tty)
    captures = Captures(command.parse_version(info.version))
    server = psutil.Process(info.pid)
    async with Link(tmux) as link:

        async def many(times: int) -> int:
            for _ in range(times):
                await link.batch(captures.commands(pane.pane_id, 0, HEIGHT - 1, "x") * 20)
            return int(server.memory_info().rss)

        before = await many(20)
        # Each capture is some 700 bytes; a tmux that forgets them keeps three megabytes of these.
        assert await many(200) - before < 1_000_000
        await captures.close(link)
