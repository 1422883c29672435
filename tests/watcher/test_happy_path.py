"""One ticket from file to shipped, pass by pass."""

from __future__ import annotations

from fleet_tui.domain.states import PullRequestState, TicketState
from tests.watcher.watcher_support import Fleet, git


async def test_ticket_is_written_reviewed_approved_and_landed(fleet: Fleet) -> None:
    approval = await fleet.to_approval({"app.py": "print('two')\n"})
    assert fleet.states == (TicketState.IN_REVIEW, PullRequestState.GATED)
    await fleet.approve(approval)
    await fleet.settle()
    assert fleet.states == (TicketState.SHIPPED, PullRequestState.MERGED)
    assert (fleet.ctx.paths.repository / "app.py").read_text() == "print('two')\n"
    assert git(fleet.ctx.paths.repository, "rev-parse", "main") == fleet.pr().merge_sha
    assert fleet.alarms() == []
    assert fleet.occupying() == []
