"""Screen 4: tickets in their stages, what is slowest and who has to move, and the acts on the selected ticket."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.pipeline import PipelineScreen
from fleet_widgets.board_view import BoardView
from tests.tui.tui_support import armed, opened

HOUR_NS = 3600 * 10**9


def ticket(number: int, title: str, *, ready: bool = True, needs: tuple[int, ...] = ()) -> list[ev.Draft]:
    about = f"ticket:{number}"
    made = [ev.draft(ev.TicketCreated(number, title, title, "0" * 64, [], list(needs), 3), about)]
    return [*made, ev.draft(ev.TicketReady(number), about)] if ready else made


@pytest.fixture
def board(fleet: Any) -> Any:
    """Beside the three tickets in hand: one ready, one that needs another, a draft, one that shipped."""
    fleet.add(
        *ticket(4, "Cap the rate"),
        *ticket(5, "Mend the time zone", needs=(4,)),
        *ticket(6, "Write the guide", ready=False),
        *ticket(7, "Old matter"),
        ev.draft(ev.TicketShipped(7, 9, "e" * 40), "ticket:7"),
    )
    return fleet


async def test_u12_one_key_says_which_ticket_is_slowest_and_who_has_to_move(board: Any, until: Any, text: Any) -> None:
    board.offset_ns = 5 * HOUR_NS
    async with opened(board, until, (80, 24)) as (app, pilot):
        await pilot.press("4")
        await until(lambda: "slowest: #3 in DEV 5h dev-3 works on it" in text(app))
        shown = text(app)
        assert "─ READY 2 +1 draft" in shown
        assert "─ DEV 1/4" not in shown  # nobody in this fleet is started by ready tickets, so nothing limits it
        assert "─ DEV 1 " in shown
        assert "#3 *dev-3 5h !" in shown


async def test_a_ticket_stands_where_its_pull_request_does(board: Any, until: Any) -> None:
    async with opened(board, until) as (app, pilot):
        await pilot.press("4")
        await until(lambda: app.screen._board is not None)
        places = {card.number: card.stage for card in app.screen._board.cards}
        assert places == {1: "REVIEW", 2: "REVIEW", 3: "DEV", 4: "READY", 5: "READY", 6: "READY", 7: "DONE"}
        board.add(
            ev.draft(ev.PullRequestStateChanged(1, "gated", "1 of 1 gates passed", 1), "pr:1"),
            ev.draft(ev.PullRequestStateChanged(2, "changes_requested", "no tests", 1), "pr:2"),
        )
        await until(lambda: app.screen._board.card(1).stage == "APPROVAL" and app.screen._board.card(2).stage == "DEV")
        assert app.screen._board.card(1).waits == "waits for your approval"
        assert app.screen._board.card(5).waits == "needs #4"


async def test_the_cursor_goes_over_empty_stages_and_stays_with_its_ticket(board: Any, until: Any) -> None:
    async with opened(board, until) as (app, pilot):
        await pilot.press("4")
        view = app.screen.query_one(BoardView)
        await until(lambda: view.selected is not None)
        view.select("4")
        await pilot.press("j", "j")
        assert view.selected == "6"
        await pilot.press("l")
        assert view.selected == "3"
        await pilot.press("l", "l")
        assert view.selected == "7"  # over GATES and APPROVAL, where nothing is
        await pilot.press("h", "h", "h", "g")
        assert view.selected == "4"
        board.add(ev.draft(ev.TicketClaimed(4, "spare", "run-x"), "ticket:4"))
        await until(lambda: app.screen._board.card(4).stage == "DEV")
        assert view.selected == "4"


async def test_enter_opens_the_agent_or_the_decision(board: Any, until: Any) -> None:
    board.add(ev.draft(ev.PullRequestStateChanged(1, "gated", "gates passed", 1), "pr:1"))
    async with opened(board, until) as (app, pilot):
        await pilot.press("4", "slash", "3", "enter", "enter")
        await until(lambda: isinstance(app.screen, AgentScreen))
        await pilot.press("4", "slash", "1", "enter", "enter")
        await until(lambda: isinstance(app.screen, ApprovalsScreen) and app.screen._chosen == "apr-1-c")
        await pilot.press("4", "slash", *"guide", "enter", "enter")
        await until(lambda: "nobody has #6 in hand: a draft" in app.message)
        await pilot.press("d")
        assert app.message == "d: no decision on #6 waits for you"
        await pilot.press("slash", *"nothing like it")
        await until(lambda: app.message == "no ticket matches nothing like it")


async def test_a_ready_ticket_is_held_back_and_a_draft_made_ready(board: Any, until: Any) -> None:
    async with opened(board, until) as (app, pilot):
        await pilot.press("4", "slash", "4", "enter", "P")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: ("hold", {"ticket": 4}) in board.calls)
        await pilot.press("slash", "6", "enter", "P")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: ("ready", {"ticket": 6}) in board.calls)
        await pilot.press("slash", "3", "enter", "P")
        assert app.message == "P: #3 is under way: only what waits can be held"


async def test_a_ticket_that_is_taken_meanwhile_is_not_held_back(board: Any, until: Any, text: Any) -> None:
    async with opened(board, until) as (app, pilot):
        await pilot.press("4", "slash", "4", "enter", "P")
        await armed(app, until)
        board.add(ev.draft(ev.TicketClaimed(4, "spare", "run-x"), "ticket:4"))
        await until(lambda: "CHANGED while you looked: it is in_progress now" in text(app))
        await pilot.press("y")
        assert not [call for call in board.calls if call[0] == "hold"]


async def test_w_leads_to_a_blocked_ticket_without_an_agent_and_t_lets_it_go_on(board: Any, until: Any) -> None:
    board.add(ev.draft(ev.TicketBlocked(4, "the spec is missing"), "ticket:4"))
    async with opened(board, until) as (app, pilot):
        for _ in app.picture.snapshot.needs:
            await pilot.press("w")
            if isinstance(app.screen, PipelineScreen):
                break
        await until(lambda: isinstance(app.screen, PipelineScreen) and app.screen.card() is not None)
        assert app.screen.card().number == 4
        await pilot.press("T")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: any(op == "unblock" and args["ticket"] == 4 for op, args in board.calls))


async def test_t_is_for_the_ticket_on_show_and_no_other(board: Any, until: Any, text: Any) -> None:
    board.add(ev.draft(ev.TicketBlocked(4, "the spec is missing"), "ticket:4"))
    board.add(ev.draft(ev.TicketBlocked(1, "which way?"), "ticket:1"))
    async with opened(board, until) as (app, pilot):
        await pilot.press("4", "slash", "1", "enter", "T")
        await armed(app, until)
        assert "LET TICKET #1 GO ON" in text(app)
        await pilot.press("escape")
        await app.open_need(next(item for item in app.picture.snapshot.needs if item.key == "blocked:4"))
        await pilot.press("slash", "3", "enter", "T")
        assert app.message == "T: no blocked ticket here"
        await pilot.press("1", "g", "T")
        await armed(app, until)
        assert "LET TICKET #1 GO ON" in text(app), "the first agent's own, not the one that w led to"
        board.add(ev.draft(ev.TicketUnblocked(1, "by somebody else"), "ticket:1"))
        await until(lambda: "CHANGED while you looked: it does not wait for you any more" in text(app))
        await pilot.press("y", "escape", "right", "T")
        assert app.message == "T: no blocked ticket here"
    assert not [call for call in board.calls if call[0] == "unblock"]


async def test_without_tickets_the_board_says_how_to_write_one(world: Any, until: Any, text: Any) -> None:
    world.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L0"), "fleet"))
    async with opened(world, until, (80, 24)) as (app, pilot):
        await pilot.press("4")
        await until(lambda: "No tickets yet." in text(app))
