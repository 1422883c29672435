"""What the room writes to files when a person asks: a picture of the screen, a note for the next shift."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.handover import read_handover
from fleet_tui.store.reader import Reader
from fleet_tui.tui.present.copying import offer
from fleet_tui.tui.present.handover import handover_text
from fleet_tui.tui.saving import home_short, write_private

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_FETCHES = re.compile(r"@font-face\s*{[^}]*}")


def snapshot(room: RoomApp) -> None:
    """The screen on show, as text and as SVG."""
    screen = room.room_screen
    if screen is not None:
        text = screen.as_text()
        svg = without_fetches(room.export_screenshot(title=""))
        name = f"{screen.scope}-{_stamp(room.now_ns)}"
        room.run_worker(_save(room, "snapshot", text, {f"{name}.txt": text, f"{name}.svg": svg}), exit_on_error=False)


def without_fetches(svg: str) -> str:
    """``svg`` without the fonts that Rich has viewers fetch from the network; what stands on the screen stays."""
    return _STYLE.sub(lambda style: _FETCHES.sub("", style[0]), svg, count=1)


def handover(room: RoomApp, for_s: int) -> None:
    """A note about now and the last ``for_s`` seconds."""
    room.say("handover: reading the log", "quiet")
    room.run_worker(_hand_over(room, for_s), exit_on_error=False)


async def _hand_over(room: RoomApp, for_s: int) -> None:
    now_ns, context = room.now_ns, room.context
    try:
        text = await asyncio.to_thread(_note, context.database, context.repository, now_ns, for_s)
    except FleetError as error:
        room.say(one_line(f"handover: {error.title}: {error.message}", 300), "warn")
        return
    await _save(room, "handover", text, {f"handover-{_stamp(now_ns)}.md": text})


def _note(database: Path, name: str, now_ns: int, for_s: int) -> str:
    reader = Reader.open(database)  # of this thread
    try:
        return handover_text(read_handover(reader, now_ns, now_ns - for_s * 1_000_000_000), name)
    finally:
        reader.close()


async def _save(room: RoomApp, what: str, text: str, files: dict[str, str]) -> None:
    """Write ``files``; the first one is named, and ``text`` can be copied from then on."""
    place = room.context.saved
    if place is None:
        room.say(f"{what}: this room has no directory to write to", "warn")
        return
    try:
        for name, content in files.items():
            await asyncio.to_thread(write_private, place / name, content)
    except OSError as error:
        room.say(f"{what}: not written to {home_short(place)}: {error.strerror}", "warn")
        return
    room.copier.written = (offer("w", what, text), offer("W", f"{what}'s path", str(place / next(iter(files)))))
    more = "".join(f" and {Path(name).suffix}" for name in [*files][1:])
    room.say(f"{what}: {home_short(place / next(iter(files)))}{more}; y w copies it")


def _stamp(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y%m%d-%H%M%S")
