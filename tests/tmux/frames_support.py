"""A room that looks at panes, and panes that show what they are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from fleet_tui.tmux.frames import Event, Frame, FrameSource, Rows
from fleet_tui.tmux.server import PaneInfo, TmuxServer
from tests.tmux.tmux_support import python, until

ALL = Rows(0, -1)
# Sets single lines on request: `3 word` writes word on row 3.
PAINTER = """
import sys
while line := sys.stdin.readline():
    row, _, text = line.rstrip('\\n').partition(' ')
    sys.stdout.write('\\x1b[%d;1H\\x1b[K%s' % (int(row) + 1, text)); sys.stdout.flush()
"""


class Watcher:
    """Consumes a source in a task and keeps what came."""

    def __init__(self, source: FrameSource) -> None:
        self.source = source
        self.events: list[Event] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with contextlib.aclosing(self.source.frames()) as events:
            async for event in events:
                self.events.append(event)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def frames(self, uuid: str | None = None) -> list[Frame]:
        found = [event for event in self.events if isinstance(event, Frame)]
        return [frame for frame in found if uuid in {None, frame.uuid}]

    def screen(self, uuid: str) -> bytes:
        """The last picture, rows joined by newlines."""
        mine = self.frames(uuid)
        return b"\n".join(mine[-1].rows) if mine else b""

    async def shows(self, uuid: str, text: bytes) -> None:
        await until(lambda: text in self.screen(uuid))


Watch = Callable[..., Watcher]


async def painter(tmux: TmuxServer, number: int) -> PaneInfo:
    argv = ("sh", "-c", 'stty -echo; exec "$@"', "sh", *python(PAINTER))
    return await tmux.spawn(f"run-{number}", argv, cwd=Path("/"), uuid=f"uuid-{number:04}", width=60, height=10)


async def paint(tmux: TmuxServer, pane: PaneInfo, row: int, text: str) -> None:
    await tmux.run("send-keys", "-t", pane.pane_id, "-l", f"{row} {text}\n")
