"""Generated screens and those of vendors through a real tmux: what the wall shows is what a terminal would.

tmux takes what programs write and gives it back as rows; the reference is pyte, which is fed with the same rows. A
fence at the right edge of each row shows that no character has moved its neighbours, whatever it is made of.
"""

from __future__ import annotations

import os
import random
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyte
import pytest

from fleet_tui.tmux import command
from fleet_tui.tmux.link import Command, Link
from fleet_tui.tmux.server import TmuxServer
from fleet_tui.tmux.sgr import SKINS_JOINED, Span, Style, parse_rows, skins_apart
from fleet_widgets.cells import cells as width_in_cells
from fleet_widgets.cells import plain
from tests.tmux.test_tmux_sgr import shown
from tests.tmux.tmux_support import until

WIDTH, HEIGHT = 40, 6
PANES = 25
SCREENS = Path(__file__).parents[1] / "vendors" / "screens"
WORDS = ("a", "word", " ", "x  y", "│─█", "漢字", "한글", "ｆｕ", "e\u0301", "Z\u0300\u0301", "日\u0301", "ß", "◆")
UNSEEN = ("\u200b", "\u2060", "\ufeff", "\u202e", "\u2066", "\u200f", "\u00ad")
EMOJI = ("👍", "👍🏽", "👩\u200d💻", "✅", "⚠", "⚠\ufe0f", "❤\ufe0f", "🚀")
CONTROLS = ("\t", "\r", "\x0e", "\x0f", "\x07", "\x7f")
EDITS = ("\b", "\x0b", "\x1b[K", "\x1b[1K", "\x1b[3X", "\x1b[2P", "\x1b[2@")
"""Move rows, or cut a wide character in two; tmux then gives a row that is short of a column."""
WHOLE = (
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\",
    "\x1b]8;;\x1b\\",
    "\x1bP+q\x1b\\",
    "\x1b[12;3\x18",
    "\x9b",
    "\x85",
)
SGR = (
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    21,
    22,
    23,
    24,
    27,
    29,
    *range(30, 38),
    39,
    *range(40, 50),
    *range(90, 98),
    *range(100, 108),
)
IGNORED = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")

KINDS_OF_UNDERLINE = re.compile(r"(?<=[\[;])4:[1-5](?=[;m])")
"""pyte knows one kind."""


def soup(dice: random.Random) -> str:
    """One SGR sequence, at times a broken one."""
    kind = dice.randrange(8)
    if kind < 5:
        return f"\x1b[{';'.join(str(dice.choice(SGR)) for _ in range(dice.randrange(4)))}m"
    ground = dice.choice((38, 48))
    if kind == 5:
        return f"\x1b[{ground};5;{dice.randrange(256)}m"
    if kind == 6:
        return f"\x1b[{ground}:2::{dice.randrange(256)}:{dice.randrange(256)}:{dice.randrange(256)}m"
    return dice.choice(("\x1b[38;5m", "\x1b[48;2;1m", "\x1b[;;m", "\x1b[999m", "\x1b[4:3m"))


def screen(dice: random.Random, words: Sequence[str], controls: Sequence[str]) -> str:
    """What one program writes: rows of soup, each with a fence at its end."""
    rows = []
    for row in range(1, HEIGHT):
        parts = [f"\x1b[{row};{dice.randrange(1, 20)}H"]
        parts += [
            dice.choice((soup(dice), dice.choice(words), dice.choice(controls), dice.choice(WHOLE)))
            for _ in range(dice.randrange(8))
        ]
        # Nothing of a row may reach the next one.
        rows.append("".join(parts) + f"\x18\x0f\x1b[m\x1b[{row};{WIDTH}H|")
    return "\x1bc" + "".join(rows)


Rows = tuple[bytes, ...]


async def captured(
    link: Link, apart: bool, ttys: dict[str, int], screens: Sequence[str], number: int
) -> list[tuple[bytes, ...]]:
    """The rows of each pane after it was written to; a mark on the last row tells that tmux has taken all of it."""
    mark = b"#%06d" % number
    for tty, text in zip(ttys.values(), screens, strict=False):
        os.write(tty, text.encode("utf-8") + b"\x1b[%d;1H\x1b[2K%s" % (HEIGHT, mark))
    capture = [Command(("capture-pane", "-p", "-e", "-N", "-t", pane)) for pane in list(ttys)[: len(screens)]]
    found: list[Rows] = []

    async def taken() -> bool:
        nonlocal found
        found = [skins_apart(reply.lines) if apart else reply.lines for reply in await link.batch(capture)]
        return all(len(rows) == HEIGHT and mark in rows[-1] for rows in found)

    await until(taken)
    return found


def ours(spans: Sequence[Span]) -> list[tuple[str, Style]]:
    """One entry per column."""
    row: list[tuple[str, Style]] = []
    for text, style in spans:
        for character in plain(text):
            size = width_in_cells(character)
            if size:
                row += [(character, style), *[("", style)] * (size - 1)]
            elif row:
                at = -1 if row[-1][0] else -2
                row[at] = (unicodedata.normalize("NFC", row[at][0] + character), row[at][1])
    return row


def wide(character: str) -> bool:
    return unicodedata.east_asian_width(character[0]) in "WF"


def compare(rows: tuple[bytes, ...]) -> None:
    """Text, colours and attributes against pyte, cell by cell."""
    reference = pyte.Screen(2 * WIDTH, HEIGHT)  # a row with half a character may be longer
    stream = pyte.ByteStream(reference)
    # A soft hyphen has a column in tmux; what has none is dropped by both.
    text = b"\r\n".join(rows).decode("utf-8", "replace").replace("\u00ad", " ")
    stream.feed(IGNORED.sub("", KINDS_OF_UNDERLINE.sub("4", text)).encode())
    for y, spans in enumerate(parse_rows(rows)):
        for x, (character, style) in enumerate(ours(spans)):
            cell = reference.buffer[y][x]
            if character:
                # pyte hangs a mark on the second half of a wide character.
                mark = reference.buffer[y][x + 1].data if wide(character) else ""
                assert unicodedata.normalize("NFC", cell.data + mark) == character, (y, x, rows)
            assert cell.fg in shown(style.fg), (y, x, rows[y])
            assert cell.bg in shown(style.bg), (y, x, rows[y])
            flags = (style.bold, style.italic, style.underline, style.reverse, style.strike)
            assert flags == (cell.bold, cell.italics, cell.underscore, cell.reverse, cell.strikethrough), (
                y,
                x,
                rows[y],
            )


def fenced(rows: tuple[bytes, ...]) -> None:
    """Every fence stands at the right edge."""
    for spans in list(parse_rows(rows))[: HEIGHT - 1]:
        row = ours(spans)
        assert len(row) == WIDTH, rows
        assert row[-1][0] == "|", rows


async def fuzz(tmux: TmuxServer, seed: int, count: int) -> None:
    dice, ttys = random.Random(seed), {}
    for number in range(PANES):
        argv = ("sh", "-c", "stty raw -echo; echo ready; exec cat >/dev/null")
        pane = await tmux.spawn(
            f"run-{number}", argv, cwd=Path("/"), uuid=f"uuid-{number:04}", width=WIDTH, height=HEIGHT
        )

        async def ready(pane=pane) -> bool:  # type: ignore[no-untyped-def]
            return "ready" in await tmux.capture(pane)

        await until(ready)
        where = (await tmux.run("display-message", "-p", "-t", pane.pane_id, "#{pane_tty}")).out.decode().strip()
        ttys[pane.pane_id] = os.open(where, os.O_WRONLY | os.O_NOCTTY)
    try:
        async with Link(tmux) as link:
            version = command.parse_version(
                (await link.command("display-message", "-p", "tmux #{version}"))[0].decode()
            )
            apart = version is not None and version < SKINS_JOINED
            for number, batch in enumerate(batches(dice, count)):
                texts = [text for text, _, _ in batch]
                for rows, (_, known, whole) in zip(
                    await captured(link, apart, ttys, texts, number), batch, strict=True
                ):
                    if known:
                        compare(rows)
                    if whole:
                        fenced(rows)
    finally:
        for tty in ttys.values():
            os.close(tty)


def batches(dice: random.Random, count: int) -> Iterator[list[tuple[str, bool, bool]]]:
    """Screens for all panes at a time; whether pyte can tell what they look like (it knows nothing of joined pictures),
    and whether every row is whole."""
    for start in range(0, count, PANES):
        batch = []
        for _ in range(min(PANES, count - start)):
            known, whole = dice.random() < 0.75, dice.random() < 0.75
            words = (*WORDS, *UNSEEN, *(() if known else EMOJI))
            batch.append((screen(dice, words, CONTROLS if whole else (*CONTROLS, *EDITS)), known, whole))
        yield batch


async def test_some_generated_screens(tmux: TmuxServer) -> None:
    await fuzz(tmux, seed=1, count=1_000)


@pytest.mark.slow
async def test_fifty_thousand_generated_screens(tmux: TmuxServer) -> None:
    await fuzz(tmux, seed=random.SystemRandom().randrange(10**9), count=50_000)


@pytest.mark.parametrize("path", sorted(SCREENS.glob("*.txt")), ids=lambda path: path.stem)
def test_screens_of_vendors(path: Path) -> None:
    rows = tuple(path.read_bytes().rstrip(b"\n").split(b"\n"))
    reference = pyte.Screen(400, len(rows))
    pyte.ByteStream(reference).feed(b"\r\n".join(rows))
    for y, spans in enumerate(parse_rows(rows)):
        row = ours(spans)
        assert "".join(text for text, _ in row) == "".join(
            unicodedata.normalize("NFC", reference.buffer[y][x].data) for x in range(len(row))
        )
