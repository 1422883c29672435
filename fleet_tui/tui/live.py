"""Live panes: from tmux's frames to the widgets of the screen on show, no faster than the terminal takes them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from rich.color import Color
from rich.style import Style as RichStyle

from fleet_tui.tmux.sgr import PLAIN, Style, parse_row
from fleet_tui.tui.governor import Governor, Tier
from fleet_tui.tui.terminal import Way
from fleet_widgets.lines import Line, Span
from fleet_widgets.pane_wall import LiveView

if TYPE_CHECKING:
    from fleet_tui.tmux.frames import Event, FrameSource
    from fleet_tui.tui.app import RoomApp

_LOOK_AGAIN_S = 0.02
_KEPT_ROWS = 4_096
"""More than a screen full of panes shows. Nearly every frame brings rows that never come again: it is always full."""
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 30.0
"""Pauses after a failure: doubled each time, and short again once the panes were shown for longer than the longest."""


@runtime_checkable
class ShowsPanes(Protocol):
    """A screen with live panes on it."""

    def wanted_panes(self) -> dict[str, LiveView]:
        """Pane uuid → what of it is on screen."""

    def show_pane(self, uuid: str, rows: tuple[Line, ...], first: int, size: tuple[int, int]) -> None:
        """Rows ``first``... of a pane; the widgets compare, so rows that did not change cost nothing."""

    def drop_pane(self, uuid: str) -> None:
        """The pane is gone."""


class LivePanes:
    """One task of the app; lives as long as the room."""

    def __init__(self, room: RoomApp, link: Tier | None = None) -> None:
        self._room = room
        self.governor = Governor(link)
        self.way = Way(self._taken)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._source: FrameSource | None = None
        self._screen: object = None
        self._wanted: dict[str, LiveView] = {}
        self.failed = ""
        """What ended the panes, until they are shown again."""

    @property
    def in_force(self) -> str:
        """How changes are noticed, for the header; empty while there are no live panes."""
        if self.failed:
            return "nothing: they begin anew"
        return self._source.in_force if self._source is not None else ""

    def wanted_changed(self) -> None:
        """Another part of another pane may be on screen now."""
        source, screen = self._source, self._room.room_screen
        if source is None:
            return
        from fleet_tui.tmux.frames import Rows

        wanted: dict[str, LiveView] = {}
        if isinstance(screen, ShowsPanes) and not self._room.handed_over:
            wanted = screen.wanted_panes()
        if screen is not self._screen:
            # The widgets of another screen have not seen the rows that the source believes to be known.
            source.watch({})
            self._screen, self._wanted = screen, {}
        if wanted != self._wanted:
            self._wanted = wanted
            source.watch({uuid: Rows(view.first, view.last) for uuid, view in wanted.items()})

    def fix(self, tier: Tier | None) -> None:
        """Take the way to the terminal for ``tier`` from now on; None: measure it."""
        self.governor = Governor(tier)
        if self._source is not None:
            self._source.pace(self.governor.fps)

    def look(self) -> None:
        """Pictures now, whatever the link."""
        if self._source is not None:
            self._source.look()

    def _taken(self, size: int, took_s: float) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._govern, size, took_s)

    def _govern(self, size: int, took_s: float) -> None:
        changed = self.governor.taken(size, took_s, time.monotonic())
        if self._source is not None:
            self._source.pace(self.governor.fps)
        screen = self._room.room_screen
        if changed and screen is not None:
            screen.tick()

    async def run(self) -> None:
        """Show frames until the app ends. After any failure, begin anew with nothing of the old state."""
        self._loop = asyncio.get_running_loop()
        clock, pause_s = asyncio.get_running_loop().time, FIRST_RETRY_S
        while True:
            started = clock()
            try:
                await self._follow()
            except Exception as error:
                self.failed = f"{type(error).__name__}: {error}"
            if clock() - started > LONGEST_RETRY_S:
                pause_s = FIRST_RETRY_S
            self._room.say(lambda: f"live panes failed and begin anew: {self.failed}" if self.failed else "", "warn")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_RETRY_S)

    async def _follow(self) -> None:
        # Here, not at the top: tmux is not needed for the first picture.
        from fleet_tui.tmux.frames import FrameSource
        from fleet_tui.tmux.server import TmuxServer

        self._source = FrameSource(TmuxServer(self._room.context.tmux_socket_name))
        self._source.pace(self.governor.fps)
        self._screen, self._wanted = None, {}
        self.wanted_changed()
        async with contextlib.aclosing(self._source.frames()) as frames:
            async for event in frames:
                self._show(event)
                self.way.wants_answer = True
                self.failed = ""
                await self._drained()

    def _show(self, event: Event) -> None:
        from fleet_tui.tmux.frames import Frame, Gone

        screen = self._room.room_screen
        if not isinstance(screen, ShowsPanes):
            return
        if isinstance(event, Frame):
            screen.show_pane(event.uuid, lines_of_rows(event.rows), event.first, (event.width, event.height))
        elif isinstance(event, Gone) and not event.dead:
            screen.drop_pane(event.uuid)

    async def _drained(self) -> None:
        """Wait while the driver still holds output, or the terminal has not got the last frame: over a slow link the
        picture slows down, the keyboard does not.

        Nobody takes frames meanwhile, so tmux is not asked for them either.
        """
        thread = getattr(self._room._driver, "_writer_thread", None)
        while self.way.is_open or (  # noqa: ASYNC110 - a thread's queue
            thread is not None and thread.is_alive() and thread._queue.qsize()
        ):
            await asyncio.sleep(_LOOK_AGAIN_S)


def lines_of_rows(rows: tuple[bytes, ...]) -> tuple[Line, ...]:
    """Captured rows as lines with the pane's own colours."""
    style, lines = PLAIN, []
    for row in rows:
        value, style = _line_of_row(row, style)
        lines.append(value)
    return tuple(lines)


@lru_cache(maxsize=_KEPT_ROWS)
def _line_of_row(row: bytes, start: Style) -> tuple[Line, Style]:
    """The line of one row, always the same object, and the style in which it ends: most rows of a frame were in the
    one before."""
    spans, end = parse_row(row, start)
    return tuple(Span(text, rich_style(style)) for text, style in spans), end


@lru_cache(maxsize=2048)
def rich_style(style: Style) -> RichStyle | str:
    """A pane's style; plain text takes the palette's own colours, so that a light theme stays light."""
    if style == PLAIN:
        return "normal"
    return RichStyle(
        color=_colour(style.fg),
        bgcolor=_colour(style.bg),
        bold=style.bold or None,
        dim=style.dim or None,
        italic=style.italic or None,
        underline=style.underline or None,
        reverse=style.reverse or None,
        strike=style.strike or None,
    )


def _colour(value: int | tuple[int, int, int] | None) -> Color | None:
    if value is None:
        return None
    return Color.from_ansi(value) if isinstance(value, int) else Color.from_rgb(*value)
