"""Screen 3: what stands, what went unseen, what is on the shelf; and every key that answers one."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.readmodel.bell import Bell
from fleet_tui.settings.alarms import AlarmSettings
from fleet_tui.tui.screens.alarms import AlarmsScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.events import EventsScreen
from tests.tui.tui_support import armed, asked, opened

MEANINGS = {"secrets": AlarmSettings(consequence="a credential leaks", respond_within_s=300)}


def raised(
    name: str, priority: int, title: str, about: str, first: str | None = None, rule: str = "gates", **of: Any
) -> ev.Draft:
    return ev.draft(ev.AlarmRaised(name, rule, priority, title, f"mend {name}", about, first), about, **of)


@pytest.fixture
async def alarmed(fleet: Any) -> Any:
    """A P1 of which two follow, one that went unseen, one on the shelf."""
    far_ns = fleet.now_ns() + 2 * 3_600_000_000_000
    fleet.add(
        raised("alm-2", 2, "push blocked", "agent:dev-3", "alm-1"),
        raised("alm-3", 2, "gate unit cannot run", "pr:2", "alm-1"),
        raised("alm-4", 2, "gate e2e timed out", "pr:1"),
        ev.draft(ev.AlarmCleared("alm-4", "it works again"), "pr:1"),
        raised("alm-5", 3, "flaky test rate", "agent:spare", rule="idle"),
        ev.draft(ev.AlarmShelved("alm-5", "operator:kim", far_ns, "known, ticket 377"), "alarm:alm-5"),
    )
    return fleet


def chosen(app: Any) -> str | None:
    return app.screen._chosen if isinstance(app.screen, AlarmsScreen) else None


def keys(app: Any) -> list[str]:
    return [item.key for item in app.screen.query_one("#alarms").items]


async def test_the_list_has_everything_and_the_detail_says_why(alarmed: Any, until: Any, text: Any) -> None:
    app = alarmed.room(alarms=MEANINGS)
    async with app.run_test(size=(120, 50), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        await pilot.press("3")
        await pilot.pause()
        shown = text(app)
        assert "active 3, unacknowledged 3" in shown
        assert "returned to normal, not acknowledged 1" in shown
        assert "shelf 1" in shown
        assert "z<3> " in shown
        assert '"known, ticket 377"' in shown
        rows = [row for row in shown.splitlines() if "FIRST of 3" in row]
        assert rows[0].startswith(">[1!]")
        assert shown.index("FIRST of 3") < shown.index("↳ push blocked".replace("push", "dev-3 push"))
        assert "why priority 1" in shown
        assert "if left    a credential leaks" in shown
        assert "within 5m; 4m left" in shown or "within 5m; 5m left" in shown
        assert "3x gates" in shown
        assert "today 5 (target <120)   P1/P2/P3 20/60/20%" in shown


async def test_a_acknowledges_the_row_and_from_the_first_its_group(alarmed: Any, until: Any) -> None:
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "a")
        await until(lambda: alarmed.calls == [("acknowledge", {"alarm": "alm-1", "group": True})])
        await pilot.press("j", "a")
        await until(lambda: alarmed.calls[1:] == [("acknowledge", {"alarm": "alm-2", "group": False})])
        await pilot.press("j", "j", "a")  # the one that went unseen is acknowledged like any other
        await until(lambda: alarmed.calls[2:] == [("acknowledge", {"alarm": "alm-4", "group": False})])
        assert chosen(app) == "alm-4"


async def test_what_is_acknowledged_or_shelved_says_why_a_does_nothing(alarmed: Any, until: Any) -> None:
    alarmed.add(ev.draft(ev.AlarmAcknowledged("alm-1", "operator:kim"), "alarm:alm-1"))
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "a")
        await until(lambda: "acknowledged already, by operator:kim" in app.message)
        await pilot.press("G", "a")
        await until(lambda: "on the shelf; s brings it back" in app.message)
        assert alarmed.calls == []


async def test_u11_shelving_is_a_key_the_text_and_enter(alarmed: Any, until: Any, text: Any) -> None:
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "j", "s")
        await armed(app, until)
        assert "SHELVE push blocked" in text(app)
        await pilot.press("enter")
        await until(lambda: "nothing was done" in app.message)
        await pilot.press("s")
        await armed(app, until)
        await pilot.press(*"9h the gate", "enter")
        await pilot.pause()
        assert "at most 8 hours" in text(app)
        await pilot.press(*["backspace"] * 11, *"2h the gate is mended")
        await pilot.pause()
        assert "for 2h00: the gate is mended" in text(app)
        await pilot.press("enter")
        wanted = {"alarm": "alm-2", "for_s": 7200, "reason": "the gate is mended"}
        await until(lambda: alarmed.calls == [("shelve", wanted)])


async def test_enter_typed_ahead_shelves_nothing(alarmed: Any, until: Any) -> None:
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "j", "s", "x", "enter")
        await pilot.pause()
        assert app.screen.strip.request is not None
        assert alarmed.calls == []


async def test_priority_1_is_not_shelved_and_the_shelf_gives_back(alarmed: Any, until: Any) -> None:
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "s")
        await until(lambda: "priority 1 can be acknowledged, not shelved" in app.message)
        await pilot.press("G", "s")
        await until(lambda: alarmed.calls == [("unshelve", {"alarm": "alm-5"})])


async def test_a_strip_about_an_alarm_that_clears_does_nothing(alarmed: Any, until: Any) -> None:
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "j", "s")
        strip = await armed(app, until)
        alarmed.add(ev.draft(ev.AlarmCleared("alm-2", "over"), "agent:dev-3"))
        app.feed.poke()
        await until(lambda: strip._state is not None and strip._state.field == "changed")
        await pilot.press(*"2h x", "enter")
        assert alarmed.calls == []


async def test_u8_the_cause_is_two_keys_away(fleet: Any, until: Any, text: Any) -> None:
    fleet.add(ev.draft(ev.AlarmCleared("alm-1", "over"), "agent:dev-3"))
    about, why = "agent:dev-2", "a secret in src/keys.py"
    (cause,) = fleet.add(ev.draft(ev.AgentQuarantined("dev-2", why, "rule", 2), about))
    fleet.add(raised("alm-9", 1, f"dev-2 is quarantined: {why}", about, rule="quarantine", cause=cause.id))
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("3", "c")
        await until(lambda: isinstance(app.screen, EventsScreen))
        await pilot.pause()
        assert app.screen._detail_of == cause.seq
        assert "a secret in src/keys.py" in text(app)


async def test_without_a_cause_c_shows_where_it_was_raised(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("3", "c")
        await until(lambda: "no cause is recorded" in app.message)
        reader = fleet.store.reader
        assert reader.event(app.screen._detail_of).kind == "alarm_raised"


async def test_q_contains_the_agent_behind_the_alarm(alarmed: Any, until: Any) -> None:
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "Q")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: [(op, args["agent"]) for op, args in alarmed.calls] == [("quarantine", "dev-3")])


async def test_enter_opens_what_it_is_about(alarmed: Any, until: Any) -> None:
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "j", "j", "enter")
        await until(lambda: isinstance(app.screen, ApprovalsScreen) and app.screen._chosen == "apr-2-c")
        await pilot.press("3", "g", "enter")
        await until(lambda: getattr(app.screen, "_agent", "") == "dev-3")


async def test_w_steps_through_alarms_that_have_no_agent_here(fleet: Any, until: Any) -> None:
    fleet.add(raised("alm-8", 2, "disk is nearly full", "fleet"), raised("alm-9", 2, "target is gone", "fleet"))
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("w")
        await until(lambda: getattr(app.screen, "_agent", "") == "dev-3")
        for wanted in ("alm-8", "alm-9"):
            await pilot.press("w")
            await until(lambda wanted=wanted: chosen(app) == wanted)
        await pilot.press("w")
        await until(lambda: isinstance(app.screen, ApprovalsScreen))
        await pilot.press("3", "g", "w")  # from here the one with an agent stays here too
        await until(lambda: chosen(app) == "alm-8")


async def test_the_selection_is_the_alarm_and_not_its_place(alarmed: Any, until: Any) -> None:
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "j")
        assert chosen(app) == "alm-2"
        alarmed.add(raised("alm-0", 1, "another at the top", "fleet"))
        app.feed.poke()
        await until(lambda: "alm-0" in [row.alarm.id for row in app.screen._board.rows])
        assert app.screen.query_one("#alarms").selected == "alm-2"
        alarmed.add(ev.draft(ev.AlarmAcknowledged("alm-2", "operator:kim"), "alarm:alm-2"))
        alarmed.add(ev.draft(ev.AlarmCleared("alm-2", "over"), "agent:dev-3"))
        app.feed.poke()
        await until(lambda: app.screen.row() is None)
        assert app.screen.query_one("#alarms").selected is None


async def test_nothing_abnormal(world: Any, until: Any, text: Any) -> None:
    world.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L0"), "fleet"))
    async with opened(world, until, (80, 24)) as (app, pilot):
        await pilot.press("3")
        await pilot.pause()
        shown = text(app)
        assert "no alarm stands" in shown
        assert "last 10 min ░░░░░░░░░░ 0   today 0" in shown
        await pilot.press("c")
        await until(lambda: "no alarm is selected" in app.message)


async def test_small_screens_show_the_detail_with_tab(alarmed: Any, until: Any, text: Any) -> None:
    async with opened(alarmed, until, (60, 16)) as (app, pilot):
        await pilot.press("3")
        await until(lambda: app.message == "" and "do: quarantine the agent" in text(app))
        assert "why priority 1" not in text(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "why priority 1" in text(app)
        await pilot.press("q")
        await pilot.pause()
        assert "FIRST of 3" in text(app)


async def test_e7_in_a_burst_line_2_shows_the_first_out(fleet: Any, until: Any, text: Any) -> None:
    fleet.add(ev.draft(ev.AlarmCleared("alm-1", "over"), "agent:dev-3"))
    fleet.add(raised("alm-a", 2, "the disk is full", "agent:dev-1"))
    fleet.add(*(raised(f"alm-b{n}", 2, f"effect {n}", f"run:run-dev-1-{n}", "alm-a") for n in range(199)))
    async with opened(fleet, until) as (app, pilot):
        assert "(2!) dev-1 the disk is full (first of 200)" in text(app).splitlines()[1]
        await pilot.press("3")
        await pilot.pause()
        shown = text(app)
        assert ">(2!)" in shown.splitlines()[4]
        assert "FIRST of 200" in shown.splitlines()[4]
        assert "██████████ 201 FLOOD" in shown
        assert "196 more follow from it; x shows them" in shown
        assert "alm-b198" not in keys(app)
        app.screen.select("alm-b150")  # where w leads is listed
        await pilot.pause()
        assert app.screen.query_one("#alarms").selected == "alm-b150"
        await pilot.press("x")
        await until(lambda: "alm-b198" in keys(app))


async def test_the_bell_rings_once_for_a_burst_and_writes_nothing_else(fleet: Any, until: Any) -> None:
    fleet.add(ev.draft(ev.AlarmCleared("alm-1", "over"), "agent:dev-3"))
    async with opened(fleet, until) as (app, _):
        rung: list[int] = []
        app.bell = lambda: rung.append(1)
        app.ringer = Bell("urgent", 0)
        fleet.add(raised("alm-a", 1, "\x07\x1b]9;hello\x07 the disk is full", "agent:dev-1"))
        fleet.add(*(raised(f"alm-b{n}", 2, f"effect {n}", f"run:run-dev-1-{n}", "alm-a") for n in range(199)))
        app.feed.poke()
        await until(lambda: len(app.picture.snapshot.alarms) >= 200)
        fleet.offset_ns += 5_000_000_000
        app._tick()
        assert rung == [1]
        app.handed_over = True
        fleet.offset_ns += 60_000_000_000
        app._tick()
        assert rung == [1], "an agent's own screen is left alone"


async def test_those_that_are_marked_are_acknowledged_by_their_number(alarmed: Any, until: Any, text: Any) -> None:
    alarmed.add(ev.draft(ev.AlarmAcknowledged("alm-2", "operator:kim"), "alarm:alm-2"))
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "asterisk")
        await until(lambda: "5 marked  a acknowledges, s shelves them; Esc clears the marks" in text(app))
        await pilot.press("a")
        request = await asked(app, until)
        assert (request.title, request.confirm) == ("ACKNOWLEDGE 3 ALARMS", "y")
        assert "left out (acknowledged already, by operator:kim): (2) dev-3 push blocked" in text(app)
        assert "left out (it is on the shelf; s brings it back): <3!> spare flaky test rate" in text(app)
        await pilot.press("y")
        await until(lambda: app.message == "acknowledge 3 alarms: acknowledged")
        await until(lambda: "acknowledge: 3 of 5 done" in text(app))
        assert app.screen.marking().marked == frozenset()
    assert [args for _, args in alarmed.calls] == [{"alarm": f"alm-{number}"} for number in (1, 3, 4)]


async def test_one_time_and_reason_shelve_all_that_are_marked(alarmed: Any, until: Any, text: Any) -> None:
    alarmed.add(*(raised(f"alm-{number}", 3, f"slow {number}", f"ticket:{number}") for number in range(6, 9)))
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "x")
        await until(lambda: "alm-8" in keys(app))
        await pilot.press("asterisk", "s")
        request = await asked(app, until)
        assert (request.title, request.word) == ("SHELVE 5 ALARMS", "5")
        assert "left out (an alarm of priority 1 can be acknowledged, not shelved): [1!] dev-3" in text(app)
        await pilot.press(*"2h known", "tab", *"5", "enter")
        await until(lambda: len(alarmed.calls) == 5)
    assert {op for op, _ in alarmed.calls} == {"shelve"}
    assert {(args["for_s"], args["reason"]) for _, args in alarmed.calls} == {(7200, "known")}


async def test_v_marks_alarms_from_here_to_there(alarmed: Any, until: Any, text: Any) -> None:
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "g", "v", "j")
        await until(lambda: "2 marked  marks follow the cursor; v ends the range, Esc takes it back" in text(app))
        chosen = app.screen.marking().marked
        await pilot.press("v", "G")
        await until(lambda: "2 marked  a acknowledges, s shelves them" in text(app))
        assert app.screen.marking().marked == chosen
        await pilot.press("a", "y")
        request = await asked(app, until)
        assert request.title == "ACKNOWLEDGE 2 ALARMS"


async def test_marks_of_alarms_are_kept_where_they_are_folded(alarmed: Any, until: Any, text: Any) -> None:
    alarmed.add(*(raised(f"alm-{number}", 2, f"more {number}", "agent:dev-3", "alm-1") for number in range(6, 11)))
    async with opened(alarmed, until) as (app, pilot):
        await pilot.press("3", "x")
        await until(lambda: "alm-10" in keys(app))
        await pilot.press("asterisk")
        marked = len(app.screen.marking().marked)
        await pilot.press("x")
        await until(lambda: f"{marked} marked (" in text(app) and "not shown)" in text(app))
        await pilot.press("escape")
        await until(lambda: not app.screen.marking().marked)
        assert isinstance(app.screen, AlarmsScreen)
