"""An agent that is parked at the usage limit of its account says on the wall until when."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain import events as ev
from tests.tui.tui_support import opened


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_wall_says_until_when(fleet: Any, until: Any, text: Any, size: tuple[int, int]) -> None:
    reason = "parked until 14:05 UTC: usage limit of claude-code:3fa9c1d2"
    parked = ev.RunStateChanged("run-dev-1-1", "limited", "account", reason)
    fleet.add(ev.draft(parked, "run:run-dev-1-1"))
    async with opened(fleet, until, size) as (app, _pilot):
        await until(lambda: "parked until 14:05 UTC" in text(app))
        assert "LIM" in text(app)
