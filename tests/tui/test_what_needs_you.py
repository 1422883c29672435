"""What needs a person: counted the same everywhere, each matter once, and never cut off without a word."""

from __future__ import annotations

import re
from typing import Any

from fleet_tui.domain import events as ev
from fleet_tui.readmodel.queries import read_snapshot
from tests.tui.tui_support import opened


def rejected(world: Any) -> None:
    """What one rejection records: the pull request and its ticket wait, and an alarm says so."""
    world.add(
        ev.draft(ev.ApprovalDenied("apr-1-c", 1, "operator:me", "reject", "no"), "pr:1"),
        ev.draft(ev.PullRequestStateChanged(1, "blocked", "rejected by operator:me: no", 1), "pr:1"),
        ev.draft(ev.TicketBlocked(1, "rejected by operator:me: no"), "ticket:1"),
        ev.draft(ev.AlarmRaised("alm-9", "blocked", 3, "PR 1 waits for you: rejected", "unblock", "pr:1"), "pr:1"),
    )


def test_one_rejection_is_one_matter(fleet: Any) -> None:
    before = {item.key for item in read_snapshot(fleet.store.reader, fleet.now_ns()).needs}
    rejected(fleet)
    after = {item.key for item in read_snapshot(fleet.store.reader, fleet.now_ns()).needs}
    assert after - before == {"blocked:1"}
    assert before - after == {"approval:apr-1-c"}


def test_a_pull_request_that_waits_without_its_ticket_is_told_by_its_alarm(fleet: Any) -> None:
    raised = ev.AlarmRaised("alm-9", "blocked", 3, "PR 1 waits for you: rejected", "unblock", "pr:1")
    fleet.add(ev.draft(raised, "pr:1"))
    assert "alarm:alm-9" in {item.key for item in read_snapshot(fleet.store.reader, fleet.now_ns()).needs}


async def test_a_long_queue_says_how_much_is_not_listed_and_follows_w(fleet: Any, until: Any, text: Any) -> None:
    for number in range(12):
        raised = ev.AlarmRaised(f"alm-x{number}", "x", 2, f"trouble number {number}", "look", "fleet")
        fleet.add(ev.draft(raised, "fleet"))
    for size, rows in (((80, 24), 3), ((120, 40), 6)):
        async with opened(fleet, until, size) as (app, pilot):
            shown = text(app)
            assert f"needs you 15: line 2 first, then these, +{14 - rows} more; w = next" in shown
            listed = re.findall(r"fleet trouble number (\d+)", shown)
            assert listed == [str(number) for number in range(rows)]
            for _ in range(rows + 3):
                await pilot.press("w")
            app.need = app.picture.snapshot.needs[rows + 2]
            await pilot.press("1")
            await until(lambda rows=rows: f">(2!) fleet trouble number {rows + 1}" in text(app))


async def test_runs_are_called_by_their_agent(fleet: Any, until: Any, text: Any) -> None:
    title, one, two = "dev-1 ended its turn without a word", "run:run-dev-1-1", "run:run-dev-2-2"
    fleet.add(
        ev.draft(ev.AlarmCleared("alm-1", "over"), "agent:dev-3"),
        ev.draft(ev.AlarmRaised("alm-2", "turn", 2, title, "look", one), one),
        ev.draft(ev.AlarmRaised("alm-3", "spool", 2, "what it said is lost", "look", two), two),
    )
    async with opened(fleet, until, (80, 24)) as (app, _):
        assert text(app).splitlines()[1].startswith("(2!) dev-1 ended its turn")
        assert "(2!) dev-2 what it said is lost" in text(app)
        assert "run:" not in text(app)
