"""What the tests of the room share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from fleet_tui.tui.app import RoomApp
from fleet_widgets.strip import ConfirmStrip, StripRequest


@asynccontextmanager
async def opened(
    world: Any, until: Any, size: tuple[int, int] = (120, 40), **changes: Any
) -> AsyncIterator[tuple[Any, Pilot[int]]]:
    """A room over ``world`` (with ``changes`` of its context) that is laid out for its size, has its first picture and
    knows that the watcher answers."""
    app: RoomApp = world.room(**changes)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        # A picture may come before the screen knows its size, and what stands where depends on that.
        await until(lambda: any(app.screen.has_class(name) for _, name in app.VERTICAL_BREAKPOINTS))
        await pilot.pause()
        yield app, pilot


async def armed(app: Any, until: Any) -> ConfirmStrip:
    """The open strip, as soon as its keys count."""
    strip: ConfirmStrip = app.screen.query_one(ConfirmStrip)
    await until(lambda: strip.armed)
    return strip


async def asked(app: Any, until: Any) -> StripRequest:
    """What the open strip asks, as soon as its keys count."""
    request = (await armed(app, until)).request
    assert request is not None
    return request
