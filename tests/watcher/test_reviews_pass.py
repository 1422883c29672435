"""Reviews: every verdict at the head counts once, rounds are bounded, and no review waits for somebody who is gone."""

from __future__ import annotations

import pytest

from fleet_tui.domain.events import RunCrashed
from fleet_tui.domain.states import PullRequestState, RunState, TicketState
from fleet_tui.readmodel.needs import agent_of, alarm_need, command_for
from fleet_tui.watcher.passes import merges, reviews
from fleet_tui.watcher.runs import prompt
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent

TEAM = [agent("dev", "developer"), agent("lee", "tech-lead"), agent("quinn", "qa-lead")]


async def written(fleet: Fleet) -> None:
    """Ticket 1 is written; its pull request waits for review."""
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()


async def contained(fleet: Fleet, name: str) -> None:
    await fleet.person.answer("kim", "quarantine", {"agent": name})
    await fleet.settle()


async def released(fleet: Fleet, name: str) -> None:
    await fleet.person.answer("kim", "release", {"agent": name, "reason": "looked at it"})
    for run in fleet.ctx.reader.runs(RunState.QUARANTINED, agent=name):
        await fleet.end(run, "stopped")
    await fleet.settle()


async def test_each_reviewer_is_asked_once(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await written(fleet)
    for _ in range(50):
        await reviews.review(fleet.ctx)
    assert sorted(run.agent for run in fleet.occupying()) == ["lee", "quinn"]
    assert {run.head_sha for run in fleet.occupying()} == {fleet.pr().head_sha}


async def test_all_are_heard_and_their_findings_reach_the_author(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await written(fleet)
    await fleet.verdict("lee", "pr_changes_requested", "name the function")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW, "quinn has not been heard"
    await fleet.verdict("quinn", "pr_changes_requested", "test the empty case >>> ok")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    run = await fleet.queued("dev")
    assert (run.trigger, run.round, run.ticket, run.pr) == ("pr_changes_requested", 2, 1, 1)
    told = prompt.build(fleet.ctx, run, fleet.ctx.settings.agent("dev"))
    assert "name the function" in told
    assert "test the empty case >>> ok" in told


async def test_findings_of_any_script_and_number_reach_the_author(make_fleet: MakeFleet) -> None:
    """The log counts bytes, and writes such characters with twelve of them each."""
    critics = [f"critic{nth}" for nth in range(6)]
    fleet = await make_fleet([TEAM[0], *(agent(name, "qa-lead") for name in critics)])
    await written(fleet)
    for name in critics:
        await fleet.verdict(name, "pr_changes_requested", "\U0001f41b" * 2_000)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    (run,) = fleet.occupying()
    assert all(f"qa-lead ({name}): \U0001f41b" in run.instructions for name in critics)


async def test_verdict_on_an_older_head_does_not_count(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await written(fleet)
    await fleet.verdict("lee", "pr_changes_requested", "again")
    await fleet.verdict("quinn")
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    assert fleet.pr().round == 2
    assert sorted(run.agent for run in fleet.occupying()) == ["lee", "quinn"], "both see the new head"
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    await fleet.verdict("quinn")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED


async def test_review_of_a_head_that_is_gone_is_ended_and_makes_room(make_fleet: MakeFleet) -> None:
    """An agent at its prompt would else keep the place in which the new head is to be reviewed."""
    fleet = await make_fleet(TEAM)
    await fleet.ticket()
    await fleet.settle()
    writer = await fleet.queued("dev")
    await fleet.handed_over(writer)
    await fleet.settle()
    old = await fleet.queued("lee")
    await fleet.handed_over(writer)
    await fleet.settle()
    stopped = {run.agent: run for run in fleet.ctx.reader.runs() if run.stop_requested}
    assert sorted(stopped) == ["lee", "quinn"], "the one at work and the one that has not begun"
    assert stopped["lee"].id == old.id
    head = fleet.pr().head_sha
    going_on = [run.agent for run in fleet.occupying() if run.head_sha == head and not run.stop_requested]
    assert sorted(going_on) == ["lee", "quinn"]


async def test_rounds_are_bounded_and_a_person_gives_another(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM[:2], reviews={"max_rounds": 2})
    await written(fleet)
    await fleet.verdict("lee", "pr_changes_requested", "no")
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    await fleet.verdict("lee", "pr_changes_requested", "still no")
    await fleet.settle()
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED)
    assert "2 rounds used up" in fleet.pr().reason
    assert len(fleet.alarms("blocked")) == 1
    assert fleet.occupying() == []
    await fleet.person.answer("kim", "unblock", {"ticket": 1})
    await fleet.settle()
    (run,) = fleet.occupying()
    assert run.agent == "dev"
    assert "2 rounds used up" in run.instructions
    assert fleet.alarms("blocked") == []


async def test_one_approval_suffices_when_policy_says_so(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, reviews={"required": 1})
    await written(fleet)
    await fleet.verdict("quinn")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED


# -- reviewers in quarantine -----------------------------------------------------------------------------------------


async def test_quarantined_reviewer_is_waited_for_in_sight_until_its_release(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await written(fleet)
    await fleet.queued("quinn")
    await fleet.verdict("lee")
    await contained(fleet, "quinn")
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW, "it does not go on without quinn"
    (alarm,) = fleet.alarms("review-held")
    assert alarm.about == "agent:quinn"
    assert alarm.title == "a pull request waits for quinn, in quarantine"
    need = alarm_need(alarm, agent_of(alarm.about, {}, [], {}))
    assert (need.agent, command_for(need)) == ("quinn", "fleet agent release quinn --reason TEXT")
    await released(fleet, "quinn")
    assert fleet.alarms("review-held") == []
    await fleet.verdict("quinn")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED


async def test_only_reviewer_in_quarantine_is_neither_asked_nor_passed_over(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM[:2])
    await contained(fleet, "lee")
    await written(fleet)
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    assert fleet.occupying() == []
    assert len(fleet.alarms("review-held")) == 1
    await released(fleet, "lee")
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED
    assert fleet.alarms("review-held") == []


async def test_another_agent_of_the_role_stands_in_for_a_quarantined_reviewer(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([*TEAM, agent("quincy", "qa-lead")])
    await written(fleet)
    await contained(fleet, "quinn")
    assert fleet.alarms("review-held") == []
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW, "quincy has not been heard"
    await fleet.verdict("quincy")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED


async def test_quarantine_does_not_lower_the_number_of_approvals(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, reviews={"required": 2})
    await written(fleet)
    await fleet.verdict("lee")
    await contained(fleet, "quinn")
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    assert len(fleet.alarms("review-held")) == 1


async def test_findings_do_not_wait_for_a_quarantined_reviewer(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await written(fleet)
    await contained(fleet, "quinn")
    await fleet.verdict("lee", "pr_changes_requested", "name the function")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    assert fleet.alarms("review-held") == []


async def test_objection_to_what_was_approved_already_counts(make_fleet: MakeFleet) -> None:
    """One approval suffices, but the others are still reading."""
    fleet = await make_fleet(TEAM, reviews={"required": 1})
    await written(fleet)
    await fleet.verdict("quinn")
    await fleet.settle()
    approval = fleet.open_approval()
    await fleet.approve(approval)
    lee = await fleet.queued("lee")
    await fleet.publish(lee, "pr_changes_requested", "it deletes everything")
    await merges.land(fleet.ctx)
    assert fleet.events("pr_merged") == [], "also when it comes between the passes"
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    assert "it deletes everything" in (await fleet.queued("dev")).instructions


async def test_released_reviewer_is_asked_anew(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM[:2])
    await written(fleet)
    first = await fleet.queued("lee")
    await contained(fleet, "lee")
    await released(fleet, "lee")
    (again,) = fleet.occupying()
    assert (again.agent, again.head_sha) == ("lee", first.head_sha)
    assert again.id != first.id


async def test_released_author_takes_its_rework_up_anew(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM[:2])
    await written(fleet)
    await fleet.verdict("lee", "pr_changes_requested", "name the function")
    await fleet.settle()
    await fleet.queued("dev")
    await contained(fleet, "dev")
    await released(fleet, "dev")
    (again,) = fleet.occupying()
    assert (again.agent, again.trigger, again.round) == ("dev", "pr_changes_requested", 2)
    assert "name the function" in again.instructions


@pytest.mark.parametrize("how", ["stopped", "failed", "crashed"])
@pytest.mark.parametrize("who", ["lee", "dev"])
async def test_work_that_ends_without_a_result_waits_for_a_person(make_fleet: MakeFleet, who: str, how: str) -> None:
    """A reviewer, or an author at rework, is stopped by hand, cannot start, or uses its attempts up."""
    fleet = await make_fleet(TEAM[:2], limits={"restart_attempts": 1})
    await written(fleet)
    if who == "dev":
        await fleet.verdict("lee", "pr_changes_requested", "name the function")
        await fleet.settle()
    run = await fleet.queued(who)
    if how == "crashed":
        await fleet.say(RunCrashed(run.id, 1, None, 10, "exited"), f"run:{run.id}")
    else:
        await fleet.end(run, how)
    await fleet.settle()
    assert fleet.occupying() == []
    assert fleet.of_ticket().state is TicketState.BLOCKED, "nothing stops silently"
    await fleet.person.answer("kim", "unblock", {"ticket": 1})
    await fleet.settle()
    (again,) = fleet.occupying()
    assert (again.agent, again.trigger, again.round) == (who, run.trigger, run.round)
    assert again.instructions.startswith(run.instructions)


async def test_author_who_is_no_longer_configured_leaves_it_to_a_person(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM[:2])
    await written(fleet)
    await fleet.queued("lee")
    await fleet.reconfigure(agents=[TEAM[1]])
    (run,) = fleet.ctx.reader.runs(RunState.RUNNING)
    await fleet.publish(run, "pr_changes_requested", "no")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.BLOCKED
    assert "no longer configured" in fleet.pr().reason


# -- the release manager ---------------------------------------------------------------------------------------------

RELEASING = [*TEAM[:2], agent("rae", "release-manager")]


async def gated(fleet: Fleet) -> None:
    await written(fleet)
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED


async def test_release_manager_is_asked_once_before_the_person(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(RELEASING)
    await gated(fleet)
    for _ in range(10):
        assert not await reviews.ask_release_manager(fleet.ctx, fleet.pr())
    assert fleet.ctx.reader.approvals() == []
    run = await fleet.queued("rae")
    await fleet.publish(run, "release_decided", payload={"decision": "merge"})
    await fleet.end(run)
    await fleet.settle()
    assert fleet.open_approval().head_sha == fleet.pr().head_sha


async def test_hold_waits_for_a_person(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(RELEASING)
    await gated(fleet)
    run = await fleet.queued("rae")
    await fleet.publish(run, "release_decided", "not on a Friday", payload={"decision": "hold"})
    await fleet.settle()
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED)
    assert "not on a Friday" in fleet.pr().reason


async def test_quarantined_release_manager_is_waited_for_in_sight(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(RELEASING)
    await contained(fleet, "rae")
    await gated(fleet)
    assert fleet.ctx.reader.approvals() == [], "it does not go on without rae"
    assert "rae" in fleet.alarms("review-held")[0].title
    await released(fleet, "rae")
    assert fleet.alarms("review-held") == []
    assert [run.agent for run in fleet.occupying()] == ["rae"]


async def test_release_manager_that_ends_without_a_decision_is_asked_again_by_a_person(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(RELEASING)
    await gated(fleet)
    await fleet.end(await fleet.queued("rae"), "stopped")
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.BLOCKED
    await fleet.person.answer("kim", "unblock", {"ticket": 1})
    await fleet.settle()
    assert [run.agent for run in fleet.occupying()] == ["rae"]
