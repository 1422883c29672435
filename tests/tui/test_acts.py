"""Deciding and containing by keys: exactly what was shown is sent, once, and nothing without its confirmation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import Refused
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_widgets.strip import ARM_S
from tests.tui.tui_support import armed, opened

HEAD = "c" * 40


async def diff_shown(app: Any, until: Any, head: str = HEAD) -> None:
    def shown() -> bool:
        screen = app.screen
        return (
            isinstance(screen, ApprovalsScreen)
            and bool(screen.diff.files)
            and (screen.diff.shown or ("", ""))[1] == head
        )

    await until(shown)


async def test_u2_second_approval_takes_four_keys(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2", "w")
        await diff_shown(app, until)
        await pilot.press("A")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: bool(fleet.calls))
    op, args = fleet.calls[0]
    assert (op, args["approval"], args["head"]) == ("approve", "apr-2-c", HEAD)
    assert args["shown"] == {
        "pr": 2, "head": HEAD, "base": "b" * 40, "tree": "d" * 40, "gates": "gates-1", "policy": "v-1234567890ab",
        "files": 2, "seen": ["src/keys.py", "tests/test_keys.py"],
    }  # fmt: skip
    assert len(fleet.calls) == 1


async def test_u4_reject_with_a_reason(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        await diff_shown(app, until)
        await pilot.press("R")
        await armed(app, until)
        await pilot.press(*"too large", "tab")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls == [("reject", {"approval": "apr-1-c", "reason": "too large"})]


async def test_u5_contain_the_agent_of_the_first_alarm(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("w")
        await until(lambda: isinstance(app.screen, AgentScreen))
        await pilot.press("Q")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls == [("quarantine", {"agent": "dev-3", "reason": "by hand from the control room"})]


async def test_interrupt_names_the_run_that_was_shown(fleet: Any, until: Any, text: Any) -> None:
    fleet.answers["interrupt"] = {"message": "Escape was sent to dev-1; its turn is over, the run stays"}
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("I")
        await armed(app, until)
        assert "INTERRUPT dev-1" in text(app)
        await pilot.press("y")
        await until(lambda: "its turn is over, the run stays" in text(app))
    assert fleet.calls == [("interrupt", {"agent": "dev-1", "run": "run-dev-1-1"})]


async def test_a_frozen_agent_has_no_turn_to_interrupt(fleet: Any, until: Any, text: Any) -> None:
    fleet.add(ev.draft(ev.AgentPaused("dev-1", "lunch"), "agent:dev-1"))
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("I")
        await until(lambda: "I: dev-1 is frozen (PAUS): there is no turn to interrupt" in text(app))
        await pilot.press("right", "I")
        await armed(app, until)
        fleet.add(ev.draft(ev.RunFinished("run-dev-2-2", "finished", 0, None, 5), "run:run-dev-2-2"))
        app.feed.poke()
        await until(lambda: "dev-2 has no run any more" in text(app))
    assert fleet.calls == []


async def test_release_needs_a_reason_and_the_agents_name(fleet: Any, until: Any) -> None:
    fleet.add(ev.draft(ev.AgentQuarantined("dev-1", "wrote outside its workspace", "guard", 2), "agent:dev-1"))
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("U")
        await armed(app, until)
        await pilot.press(*"false alarm", "tab")
        await armed(app, until)
        await pilot.press(*"dev-1", "enter")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls == [("release", {"agent": "dev-1", "reason": "false alarm"})]


async def test_conditions_may_follow_the_reason_of_a_release(fleet: Any, until: Any) -> None:
    fleet.add(ev.draft(ev.AgentQuarantined("dev-1", "wrote outside its workspace", "guard", 2), "agent:dev-1"))
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("U")
        await armed(app, until)
        await pilot.press(*"false alarm; budget 10m; risk 50", "tab")
        await armed(app, until)
        await pilot.press(*"dev-1", "enter")
        await until(lambda: bool(fleet.calls))
    args = {"agent": "dev-1", "reason": "false alarm", "budgets": ["10m"], "risk_floor": 50}
    assert fleet.calls == [("release", args)]


async def test_a_question_is_answered_not_messaged(fleet: Any, until: Any) -> None:
    fleet.add(ev.draft(ev.Blocker("qst-1", "keep which API?", "run-dev-1-1", "dev-1", ticket=1), "ticket:1"))
    async with opened(fleet, until) as (app, pilot):
        assert app.picture.snapshot.tile("dev-1").doing == "ASK"
        await pilot.press("m", *"the new one", "tab", "enter")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls == [("answer", {"question": "qst-1", "text": "the new one"})]


async def test_a_draft_survives_closing(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("m", *"hold on", "enter", *"please", "escape")
        await until(lambda: bool(app.drafts))
        await pilot.press("m", "tab")
        await asyncio.sleep(ARM_S + 0.05)  # the safety delay itself is what is waited for
        await pilot.press("enter")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls == [("message", {"run": "run-dev-1-1", "text": "hold on\nplease"})]


async def test_an_alarm_is_acknowledged(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (_, pilot):
        await pilot.press("a")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls == [("acknowledge", {"alarm": "alm-1"})]


async def test_a_held_approval_is_undone_from_anywhere(fleet: Any, until: Any, text: Callable[[Any], str]) -> None:
    now = fleet.now_ns()
    fleet.add(ev.draft(ev.ApprovalGranted("apr-1-c", 1, "operator:me", now + 9_000_000_000), "pr:1"))
    async with opened(fleet, until) as (app, pilot):
        assert "PR 1 lands in 9 s  u undo" in text(app)
        await pilot.press("u")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls == [("undo", {"approval": "apr-1-c"})]


async def test_t4_a_vanished_card_leaves_nothing_selected(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        await diff_shown(app, until)
        fleet.add(ev.draft(ev.ApprovalVoided("apr-1-c", 1, "head moved"), "pr:1"))
        app.feed.poke()
        await until(lambda: app.picture.snapshot.card("apr-1-c") is None)
        await pilot.press("A")
        await until(lambda: "select a pull request" in app.message)
    assert fleet.calls == []


async def test_a_refusal_says_why_and_what_to_do(fleet: Any, until: Any) -> None:
    fleet.answers["acknowledge"] = Refused("not yours", "another person has it", "ask them")
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("a")
        await until(lambda: "refused: not yours. another person has it Try: ask them" in app.message)


@pytest.mark.parametrize("keys", [("A", "y"), ("A", "A"), ("A", "enter", "space"), ("Q", "y")])
async def test_keys_typed_ahead_confirm_nothing(fleet: Any, until: Any, keys: tuple[str, ...]) -> None:
    async with opened(fleet, until) as (app, pilot):
        if keys[0] == "A":
            await pilot.press("2")
            await diff_shown(app, until)
        await pilot.press(*keys)
        await pilot.pause()
    assert fleet.calls == []


async def test_a_sensitive_approval_wants_the_word(fleet: Any, until: Any, pull_request: Any) -> None:
    fleet.add(*pull_request(3, 3, "dev-3", fleet.now_ns() - 86_000_000_000_000, reasons=("touches Makefile",)))
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: app.screen._chosen == "apr-3-c")
        await diff_shown(app, until)
        await pilot.press("A")
        await armed(app, until)
        await pilot.press("y", "enter")
        await pilot.pause()
        assert fleet.calls == []
        await pilot.press("escape", "A")
        await armed(app, until)
        await pilot.press(*"yes", "enter")
        await until(lambda: bool(fleet.calls))
    assert [args["approval"] for _, args in fleet.calls] == ["apr-3-c"]


async def test_u10_find_an_agent(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("slash", *"dev-2", "enter")
        await pilot.pause()
        assert app.screen.selected_tile().name == "dev-2"
        await pilot.press("slash", "3", "enter")
        assert app.screen.selected_tile().name == "dev-3"


async def test_q_leaves_only_twice_on_the_wall(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("5", "q", "escape", "escape", "q", "w")
        await pilot.press("q", "q")
        await pilot.pause()
        assert app.is_running
        await pilot.press("q")
        await until(lambda: app.return_code is not None)
    assert fleet.calls == []


async def test_the_blocked_ticket_of_the_selected_agent_goes_on(fleet: Any, until: Any) -> None:
    fleet.add(ev.draft(ev.TicketBlocked(1, "three rounds of review"), "ticket:1"))
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("T")
        await armed(app, until)
        await pilot.press("tab", *"split it", "tab")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls == [("unblock", {"ticket": 1, "reason": "split it"})]


async def test_the_alarm_on_line_two_can_be_acknowledged_after_w_went_elsewhere(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (_, pilot):
        await pilot.press("w", "w", "a")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls == [("acknowledge", {"alarm": "alm-1"})]


async def test_all_stop_from_any_screen_is_typed(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("5", "exclamation_mark")
        await armed(app, until)
        await pilot.press("enter", "exclamation_mark")
        await armed(app, until)
        await pilot.press(*"stop", "enter")
        await until(lambda: bool(fleet.calls))
    assert [(op, set(args)) for op, args in fleet.calls] == [("halt", {"reason"})]


async def test_a_lifted_stop_is_typed_too(fleet: Any, until: Any) -> None:
    fleet.add(ev.draft(ev.FleetHalted("wrong database", ["ada"]), "fleet"))
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("exclamation_mark")
        strip = await armed(app, until)
        assert "wrong database" in str(strip.request)
        await pilot.press(*"lift", "enter")
        await until(lambda: bool(fleet.calls))
    assert [op for op, _ in fleet.calls] == ["lift"]


async def test_a_condition_that_would_be_refused_is_told_while_it_is_typed(fleet: Any, until: Any, text: Any) -> None:
    fleet.add(ev.draft(ev.AgentQuarantined("dev-1", "wrote outside its workspace", "guard", 2), "agent:dev-1"))
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("U")
        await armed(app, until)
        await pilot.press(*"ok; risk 200")
        await until(lambda: "would quarantine it again: at most 79" in text(app))
        await pilot.press(*["backspace"] * 3, *"50; budget 1x")
        await until(lambda: "not understood: `budget 1x`" in text(app))
        await pilot.press("backspace", "m")
        await until(lambda: "each run at most 60 s; risk at least 50" in text(app))
    assert fleet.calls == []
