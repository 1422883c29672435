"""Every picture of the room that is compared with one that somebody looked at: how to get there from the wall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from textual.pilot import Pilot

from fleet_tui.tui.screens.approvals import ApprovalsScreen
from tests.tui.conftest import World, screen_text

Ready = Callable[[Any], bool]
SILENT_NS = 47_000_000_000


def _diff(app: Any) -> bool:
    return isinstance(app.screen, ApprovalsScreen) and bool(app.screen.diff.files)


@dataclass(frozen=True)
class Scene:
    """``ready``: when it has all that it waits for."""

    keys: tuple[str, ...] = ()
    ready: Ready = lambda app: True
    freezes: bool = False


SCENES: Mapping[str, Scene] = MappingProxyType(
    {
        "wall": Scene(),
        "agent": Scene(("w",), lambda app: app.parts.report is not None),
        "approvals": Scene(("2",), _diff),
        "strip": Scene(("2", "A"), lambda app: _diff(app) and app.screen.strip.armed),
        "alarms": Scene(("3",)),
        "pipeline": Scene(("4",)),
        "events": Scene(("5",)),
        "budgets": Scene(("6",)),
        "system": Scene(("8",), lambda app: "2 errors" in screen_text(app)),
        "help": Scene(("question_mark",)),
        "palette": Scene(("colon",), lambda app: app.screen.query_one("CommandList").option_count > 0),
        "frozen": Scene(freezes=True),
    }
)
"""The last one leaves the room frozen."""


async def shown(name: str, app: Any, pilot: Pilot[int], world: World, until: Any) -> str:
    """Go to a scene and tell what is on the screen; nothing of the one before is left."""
    scene = SCENES[name]
    await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
    await pilot.press("escape", "1", "escape")
    app.need, app.modes_visited = None, ["wall", "wall"]
    for key in scene.keys:
        await pilot.press(key)
        if key == "2":
            await until(lambda: _diff(app))
    if scene.freezes:
        app.feed.stop()
        await pilot.pause()
        # On a busy machine a question may have gone without an answer; that is told too.
        app.picture = replace(app.picture, health=replace(app.picture.health, missed=0, error=""))
        world.offset_ns = SILENT_NS
        app._tick()
    await pilot.pause()
    await until(lambda: scene.ready(app))
    app.screen.refresh()
    await pilot.pause()
    return screen_text(app)
