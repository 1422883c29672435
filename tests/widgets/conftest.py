"""What the widget tests share: a bare app around one widget, lines of any text, and a count of what is redrawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from fleet_widgets.base import LineWidget
from tests.parsed_styles import parse_once

parse_once()
W = TypeVar("W", bound=LineWidget)


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the app run until ``condition`` holds; fails after ten seconds."""
    async with asyncio.timeout(40):
        while not condition():
            await pilot.pause()


class Bare(App[None]):
    """An app with nothing but the widgets under test."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None

    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self._widgets = widgets

    def compose(self) -> ComposeResult:
        yield from self._widgets


@dataclass
class Stage(Generic[W]):
    """A mounted widget, the keys to drive it, the messages it sent and the regions it asked to redraw."""

    widget: W
    pilot: Pilot[None]
    messages: list[Message]
    redrawn: list[Region | None] = field(default_factory=list)
    """Regions passed to ``refresh``; None stands for the whole widget."""

    def of(self, kind: type[Message]) -> list[Message]:
        """Messages of one kind, each once (the hook also sees them bubble)."""
        found = {id(message): message for message in self.messages if isinstance(message, kind)}
        return list(found.values())

    async def settle(self) -> None:
        await self.pilot.pause()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that follows a repaint; fails after ten seconds."""
        await until(self.pilot, condition)

    async def quiet(self) -> None:
        """Let everything that is under way happen, then forget what was redrawn and sent."""
        await self.settle()
        self.redrawn.clear()
        self.messages.clear()

    def text(self) -> list[str]:
        """What stands on the screen, row by row, without trailing blanks; checks every row's width and background."""
        rows = []
        for y in range(self.widget.size.height):
            strip = self.widget.strip(y)
            assert sum(segment.cell_length for segment in strip) == strip.cell_length == self.widget.size.width
            assert all(segment.style is not None and segment.style.bgcolor is not None for segment in strip)
            rows.append(strip.text.rstrip())
        return rows

    def cells(self) -> int:
        """How many cells were asked to be redrawn."""
        whole = self.widget.size.area
        return sum(whole if region is None else region.area for region in self.redrawn)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """``async with stage(widget, size=(80, 24), focus=True) as s``."""

    @asynccontextmanager
    async def open_stage(
        widget: W, *others: Widget, size: tuple[int, int] = (80, 24), focus: bool = True
    ) -> AsyncIterator[Stage[W]]:
        messages: list[Message] = []
        app = Bare(widget, *others)
        async with app.run_test(size=size, message_hook=messages.append, notifications=True) as pilot:
            assert app.screen.query_one(type(widget)) is widget
            shown = Stage(widget, pilot, messages)
            plain_refresh = widget.refresh

            def refresh(*regions: Region, **options: bool) -> LineWidget:
                shown.redrawn.extend(regions or (None,))
                return plain_refresh(*regions, **options)

            monkeypatch.setattr(widget, "refresh", refresh)
            if focus:
                app.screen.set_focus(widget)
            await shown.quiet()
            yield shown

    return open_stage


NASTY = (
    "[red]not markup[/red] [@click=app.quit]x[/] [/etc/hosts] [INFO]",
    "\x1b[31mred\x1b[0m \x1b]52;c;Zm9v\x07 \x1b[2J\x1b[H \x9b31m \x1bP+q\x1b\\",
    "bidi \u202eevil\u202c \u2066x\u2069 \u200f\u061c",
    "wide 中文字 ｆｕｌｌ 한글 👩‍💻 👍🏽 🇩🇪 ❤️",
    "combining e\u0301 \u0301start Z" + "\u0300" * 200 + " end",
    "zero\u200b\u200d\ufeff\u2060width \u00adsoft",
    "\ud800 lone \uffff \ufffe \x00\x07\x08\r\n\ttab\x7f\x85",
    "long " + "x" * 100_000,
    "wide " + "中" * 50_000,
    "marks a" + "\u0301" * 100_000,
    "",
    " ",
)
"""Text that somebody would send to break a screen."""


@pytest.fixture(params=NASTY, ids=lambda text: ascii(text[:18]))
def nasty(request: pytest.FixtureRequest) -> str:
    return str(request.param)
