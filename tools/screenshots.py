"""Draw the pictures of the README: screenshots/<screen>-<size>.svg, and the same as text.

The log that tools/record_demo.py took from a real demo fleet is put into a store, a watcher's socket answers with what
was recorded, the clock stands still, and the room is opened on it and driven by keys: same code, same pictures.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_tui.tui.launch import prepare_environment

prepare_environment(os.environ)  # before Textual is imported: it reads these once

from fleet_tui.bus.server import BusServer  # noqa: E402
from fleet_tui.domain.errors import Refused  # noqa: E402
from fleet_tui.store.recording import Playback, sealed_anew  # noqa: E402
from fleet_tui.tui.app import RoomApp  # noqa: E402
from fleet_tui.tui.context import RoomContext  # noqa: E402
from fleet_tui.tui.live import ShowsPanes, lines_of_rows  # noqa: E402
from fleet_tui.tui.theme import choose  # noqa: E402

if TYPE_CHECKING:
    from textual.pilot import Pilot

PICTURES = Path(__file__).resolve().parent.parent / "screenshots"
SIZES = ((80, 24), (120, 40), (200, 60))
KEYS: dict[str, tuple[str, ...]] = {
    "wall": (),
    "approve": ("2",),
    "strip": ("2", "A"),
    "pipeline": ("4",),
    "events": ("5",),
    "agent": ("slash", "b", "o", "enter", "enter"),
    "help": ("question_mark",),
    "frozen": (),
}
FROZEN_AFTER_S = 47
NEEDED_LIMIT_S = 15.0
SECOND_NS = 1_000_000_000


@dataclass
class Stage:
    """A replayed fleet. ``late_s`` is how long ago the watcher answered for the last time."""

    directory: Path
    recording: dict[str, Any]
    late_s: int = 0

    @property
    def database(self) -> Path:
        return self.directory / "fleet.db"

    @property
    def socket(self) -> Path:
        return self.directory / "operator.sock"

    def now_ns(self) -> int:
        newest: int = self.recording["events"][-1][self.recording["columns"].index("at_ns")]
        return newest + (self.late_s + 1) * SECOND_NS

    def fill(self) -> None:
        """The recorded log in a database of its own, sealed again, with the tables that follow from it."""
        names = self.recording["columns"]
        events = [(dict(zip(names, columns, strict=True)), body) for *columns, body in self.recording["events"]]
        with contextlib.closing(Playback(sealed_anew(events), self.database)) as player:
            player.go_to(player.last_ns)

    async def answer(self, caller: object, op: str, args: dict[str, Any], request: str) -> dict[str, Any]:  # noqa: ARG002
        """What the watcher answered when the demo was recorded; pictures never act."""
        if op == "status":
            status: dict[str, Any] = self.recording["status"]
            return status
        for recorded in self.recording["diffs"]:
            if op == "diff" and recorded["args"]["head"] == args.get("head"):
                answer: dict[str, Any] = recorded["answer"]
                return answer
        raise Refused("not recorded", op, "make screenshots")

    def room(self) -> RoomApp:
        context = RoomContext(
            self.database, self.socket, "none", choose("grey", {}), "textkit", live=False, clock=self.now_ns
        )
        return RoomApp(context)

    def show_panes(self, room: RoomApp) -> None:
        screen: Any = room.room_screen
        for uuid in screen.wanted_panes() if isinstance(screen, ShowsPanes) else ():
            pane = self.recording["panes"].get(uuid)
            if pane is not None:
                rows = lines_of_rows(tuple(row.encode() for row in pane["rows"]))
                screen.show_pane(uuid, rows, 0, tuple(pane["size"]))


@contextlib.asynccontextmanager
async def stage(recording: dict[str, Any]) -> AsyncIterator[Stage]:
    """A replayed fleet whose watcher answers."""
    # Unix socket paths are short, so the place is too.
    with tempfile.TemporaryDirectory(prefix="fl", dir="/tmp") as directory:
        made = Stage(Path(directory), recording)
        made.fill()
        server = BusServer(made.answer, lambda pid: None)  # noqa: ARG005
        await server.listen_operator(made.socket)
        try:
            yield made
        finally:
            await server.close()


async def needed(condition: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(NEEDED_LIMIT_S):
            while not condition():  # noqa: ASYNC110 - conditions of a screen have no event
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise SystemExit(f"screenshots: {what} did not come") from None


async def picture(made: Stage, name: str, size: tuple[int, int]) -> None:
    """Drive the room to the screen and write both files."""
    made.late_s = 0
    room = made.room()
    async with room.run_test(size=size) as pilot:
        await needed(lambda: room.picture.snapshot and room.picture.health.fresh_ns, "the first picture")
        await pilot.press(*KEYS[name])
        await pilot.pause()
        if name in {"approve", "strip"}:
            await needed(lambda: "hunk" in text(room), "the diff")
        if name == "frozen":
            await freeze(made, room, pilot)
        made.show_panes(room)
        await pilot.pause()
        write(PICTURES / f"{name}-{size[0]}x{size[1]}", room)


async def freeze(made: Stage, room: RoomApp, pilot: Pilot[int]) -> None:
    """Let the watcher be silent for a while."""
    room.feed.stop()
    await pilot.pause()
    made.late_s = FROZEN_AFTER_S
    room._tick()


def text(room: RoomApp) -> str:
    strips = room.screen._compositor.render_strips(room.screen.size)
    return "\n".join(strip.text.rstrip() for strip in strips)


def write(path: Path, room: RoomApp) -> None:
    path.with_suffix(".txt").write_text(text(room) + "\n", encoding="utf-8")
    path.with_suffix(".svg").write_text(named(room.export_screenshot(title=""), path.name), encoding="utf-8")


def named(svg: str, name: str) -> str:
    """Classes and ids of an SVG by its own name instead of a random number: equal pictures are equal files."""
    return re.sub(r"terminal-\d+", f"t-{name}", svg)


async def draw(wanted: list[str]) -> None:
    recording = json.loads((PICTURES / "recording.json").read_text(encoding="utf-8"))
    async with stage(recording) as made:
        for name in wanted or KEYS:
            for size in SIZES:
                await picture(made, name, size)


if __name__ == "__main__":
    asyncio.run(draw(sys.argv[1:]))
