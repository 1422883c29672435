"""``python baseline.py TMUX COLUMNS WIDTH HEIGHT PANE...``: the obvious way to show panes, as others do it.

A ``capture-pane`` process per pane and frame, ten frames a second, its text parsed by Rich into a ``Static`` per pane;
unchanged captures are not drawn again.
"""

from __future__ import annotations

import asyncio
import os
import sys

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

from rich.text import Text
from textual import events, work
from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.widgets import Static

FPS = 10.0
AT_ONCE = 8


class Baseline(App[None]):
    """A grid of pictures and a line that answers keys."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, tmux: str, columns: int, width: int, height: int, panes: list[str]) -> None:
        super().__init__()
        self._tmux, self._columns, self._width, self._height, self._panes = tmux, columns, width, height, panes
        self._shown: dict[str, bytes] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    def compose(self) -> ComposeResult:
        with Grid() as grid:
            grid.styles.grid_size_columns = self._columns
            grid.styles.grid_columns = str(self._width)
            grid.styles.grid_rows = str(self._height)
            grid.styles.height = "1fr"
            for pane in self._panes:
                yield Static(id=f"pane-{pane[1:]}")
        yield Static("", id="answer", markup=False)

    def on_mount(self) -> None:
        self._watch()

    def on_key(self, event: events.Key) -> None:
        self.query_one("#answer", Static).update(f"{event.character}: does nothing here")

    @work
    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            await asyncio.gather(*map(self._look, self._panes))
            await asyncio.sleep(max(0.0, started + 1.0 / FPS - clock()))

    async def _look(self, pane: str) -> None:
        async with self._gate:
            process = await asyncio.create_subprocess_exec(
                *("tmux", "-L", self._tmux, "capture-pane", "-p", "-e", "-t", pane), stdout=asyncio.subprocess.PIPE
            )
            out, _ = await process.communicate()
        if self._shown.get(pane) != out:
            self._shown[pane] = out
            tail = b"\n".join(out.rstrip(b"\n").split(b"\n")[-self._height :]).decode()
            self.query_one(f"#pane-{pane[1:]}", Static).update(Text.from_ansi(tail, no_wrap=True))


if __name__ == "__main__":
    Baseline(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]).run()
