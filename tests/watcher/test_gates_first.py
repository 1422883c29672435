"""Gates before reviews: a red build costs no review, a tree is judged once, what lands is judged as it is then."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.domain.events import PullRequestUpdated
from fleet_tui.domain.states import GateState, PullRequestState, RunState
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit, git

TEAM = [agent("dev", "developer"), agent("lee", "tech-lead"), agent("quinn", "qa-lead")]
NO_BAD = [{"name": "check", "run": "! grep -r bad *.py"}]


async def written(fleet: Fleet, files: dict[str, str | None] | None = None) -> None:
    """Ticket 1 is written and handed over."""
    await fleet.ticket()
    await fleet.settle()
    await fleet.author(files)
    await fleet.settle()


def reviews_asked(fleet: Fleet) -> list[str]:
    return [run.agent for run in fleet.ctx.reader.runs() if run.trigger == "pr_needs_review"]


async def test_red_build_goes_back_without_a_review(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, gates=NO_BAD)
    await written(fleet, {"app.py": "bad\n"})
    assert reviews_asked(fleet) == []
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    assert fleet.pr().reason == "gate check failed: exit code 1"
    (rework,) = fleet.occupying()
    assert (rework.agent, rework.round) == ("dev", 2)
    assert "Gate check failed on the merge result" in rework.instructions
    # The answer is judged anew, and only then do reviewers see it.
    await fleet.author({"app.py": "good\n"})
    await fleet.settle()
    assert sorted(reviews_asked(fleet)) == ["lee", "quinn"]
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    assert fleet.pr().reason == "waits for lee, quinn"


async def test_same_tree_is_judged_once(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, gates=NO_BAD)
    await written(fleet)
    for name in ("lee", "quinn"):
        await fleet.verdict(name)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED
    (result,) = fleet.ctx.reader.gates()
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.MERGED
    assert len(fleet.events("gate_started")) == 1
    assert git(fleet.ctx.paths.repository, "rev-parse", "main^{tree}") == result.tree


async def test_tree_that_lands_is_judged_again_when_the_base_moved(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, gates=NO_BAD)
    await written(fleet)
    commit(fleet.ctx.paths.repository, {"other.py": "bad\n"})
    await fleet.settle()
    assert sorted(reviews_asked(fleet)) == ["lee", "quinn"]
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW, "who is asked is heard"
    for name in ("lee", "quinn"):
        await fleet.verdict(name)
    await fleet.settle()
    assert [result.state for result in fleet.ctx.reader.gates()] == [GateState.PASSED, GateState.FAILED]
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED


async def test_conflict_goes_back_without_a_review(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, gates=NO_BAD)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    commit(fleet.ctx.paths.repository, {"app.py": "print('mine')\n"})
    await fleet.handed_over(run, {"app.py": "print('theirs')\n"})
    await fleet.end(run)
    await fleet.settle()
    assert reviews_asked(fleet) == []
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    assert "conflicts with main in app.py" in fleet.pr().reason


async def test_reds_are_rounds_and_end_with_a_person(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, gates=NO_BAD, reviews={"max_rounds": 2})
    await written(fleet, {"app.py": "bad\n"})
    await fleet.author({"app.py": "bad too\n"})
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.BLOCKED
    assert fleet.pr().reason == "2 rounds used up: gate check failed: exit code 1"
    assert reviews_asked(fleet) == []


async def test_nothing_runs_for_an_author_in_quarantine(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, gates=NO_BAD)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.handed_over(run)
    await fleet.person.answer("kim", "quarantine", {"agent": "dev"})
    await fleet.settle()
    assert fleet.events("gate_started") == []
    assert reviews_asked(fleet) == []
    await fleet.person.answer("kim", "release", {"agent": "dev", "reason": "looked at it"})
    await fleet.end(run, "stopped")
    await fleet.settle()
    assert sorted(reviews_asked(fleet)) == ["lee", "quinn"]


async def test_gates_later_when_the_configuration_says_so(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, gates=NO_BAD, reviews={"gates_first": False})
    await written(fleet, {"app.py": "bad\n"})
    assert sorted(reviews_asked(fleet)) == ["lee", "quinn"]
    assert fleet.events("gate_started") == []


async def test_pull_request_that_cannot_be_judged_is_told_once_and_asks_nobody(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, gates=NO_BAD)
    await fleet.ticket()
    await fleet.settle()
    run, pull_request = await fleet.author()
    await fleet.say(PullRequestUpdated(1, "f" * 40, pull_request.base_sha, run.id, 1, 1, 0), "pr:1")
    await fleet.settle()
    assert reviews_asked(fleet) == []
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    assert "cannot be judged" in fleet.pr().reason
    assert {alarm.rule for alarm in fleet.alarms()} >= {"gates"}
    assert "review" not in {alarm.rule for alarm in fleet.alarms()}


async def test_halted_fleet_runs_no_gate_and_asks_nobody(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, gates=NO_BAD)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    commit(Path(run.workspace), {"app.py": "print('two')\n"})
    git(Path(run.workspace), "push", "--quiet")
    await fleet.publish(run, "pr_created")
    await fleet.person.answer("kim", "halt", {})
    await fleet.settle()
    assert fleet.events("gate_started") == []
    assert reviews_asked(fleet) == []
    assert fleet.ctx.reader.runs(RunState.QUEUED) == []
