"""An agent that is parked at the usage limit of its account: the wall says until when, and a key lets it go on."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.tui.screens.alarms import AlarmsScreen
from tests.tui.tui_support import armed, opened


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_wall_says_until_when(fleet: Any, until: Any, text: Any, size: tuple[int, int]) -> None:
    reason = "parked until 14:05 UTC: usage limit of claude-code:3fa9c1d2"
    parked = ev.RunStateChanged("run-dev-1-1", "limited", "account", reason)
    fleet.add(ev.draft(parked, "run:run-dev-1-1"))
    async with opened(fleet, until, size) as (app, _pilot):
        await until(lambda: "parked until 14:05 UTC" in text(app))
        assert "LIM" in text(app)


ACCOUNT = "claude-code:3fa9c1d2"


@pytest.fixture
async def parked(fleet: Any) -> Any:
    """An account at its limit, which its alarm tells, and an agent that waits for it."""
    reason = f"parked until 14:05 UTC: usage limit of {ACCOUNT}"
    title = f"{ACCOUNT} is at its usage limit (met by dev-1); its agents are parked until 14:05 UTC"
    about = f"account:{ACCOUNT}"
    fleet.add(
        ev.draft(ev.AccountLimited(ACCOUNT, "claude-code", "run-dev-1-1", "dev-1", None, "hook", "limit"), about),
        ev.draft(ev.RunStateChanged("run-dev-1-1", "limited", "account", reason), "run:run-dev-1-1"),
        ev.draft(ev.AlarmRaised("alm-limit", "usage-limit", 2, title, "wait", about), about),
    )
    return fleet


async def to_its_alarm(app: Any, pilot: Any, until: Any) -> None:
    """By `w`, as anybody would."""
    for _ in app.picture.snapshot.needs:
        await pilot.press("w")
        if isinstance(app.screen, AlarmsScreen):
            break
    await until(lambda: isinstance(app.screen, AlarmsScreen) and app.screen.row() is not None)
    assert app.screen.row().alarm.id == "alm-limit"


async def test_w_leads_to_where_t_lets_them_go_on(parked: Any, until: Any, text: Any) -> None:
    async with opened(parked, until) as (app, pilot):
        await to_its_alarm(app, pilot, until)
        assert "  T go on  " in text(app).splitlines()[-1]
        await pilot.press("T")
        await armed(app, until)
        shown = text(app)
        assert f"LET THE AGENTS OF {ACCOUNT} GO ON NOW" in shown
        assert "Waiting: dev-1." in shown
        assert " y = go on   Tab = reason" in shown
        await pilot.press("tab", *"more was bought", "tab", "enter")
        await until(lambda: bool(parked.calls))
        assert parked.calls == [("resume_account", {"account": ACCOUNT, "reason": "more was bought"})]
        parked.add(ev.draft(ev.AccountResumed(ACCOUNT, "more was bought"), f"account:{ACCOUNT}"))
        await pilot.press("T")
        await until(lambda: app.message == "T: they go on already, one after the other")


async def test_an_account_is_named_in_the_palette(parked: Any, until: Any, text: Any) -> None:
    async with opened(parked, until) as (app, pilot):
        await pilot.press("colon", *f"account resume {ACCOUNT}")
        await until(lambda: app.screen.query_one("CommandList").option_count > 0)
        await pilot.press("enter")
        await until(lambda: f"LET THE AGENTS OF {ACCOUNT} GO ON NOW" in text(app))
        await pilot.press("escape")
        await pilot.press("colon", *"account resume nobody")
        await until(lambda: app.screen.query_one("CommandList").option_count > 0)
        await pilot.press("enter")
        await until(lambda: "nobody is no account at its usage limit" in app.message)
    assert parked.calls == []


async def test_t_is_for_no_other_alarm_and_void_when_the_limit_is_over(parked: Any, until: Any, text: Any) -> None:
    async with opened(parked, until) as (app, pilot):
        await pilot.press("3", "T")
        await until(lambda: app.message == "T: the selected alarm is about no account at its usage limit")
        await to_its_alarm(app, pilot, until)
        await pilot.press("T")
        await armed(app, until)
        parked.add(
            ev.draft(ev.AlarmCleared("alm-limit", "over"), f"account:{ACCOUNT}"),
            ev.draft(ev.AlarmAcknowledged("alm-limit", "operator:kim"), f"account:{ACCOUNT}"),
        )
        await until(lambda: "CHANGED while you looked: the limit is over" in text(app))
    assert parked.calls == []
