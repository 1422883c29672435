"""Handing over: a rejection is answered with new commits, within the bounded rounds, whoever publishes however."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError, Refused
from fleet_tui.domain.events import RunCrashed
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import ApprovalState, PullRequestState, RunState, TicketState
from fleet_tui.watcher.merging.handover import hand_over
from fleet_tui.watcher.merging.parties import authors
from fleet_tui.watcher.runs.queueing import queued
from tests.governance.rejections import violations
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit, git

TEAM = [agent("dev", "developer"), agent("dana", "developer", subscribes_to=[]), agent("lee", "tech-lead")]
FAILING = [{"name": "check", "run": "false"}]
LATER = {"gates_first": False}


async def at_work(fleet: Fleet) -> Run:
    """The author of ticket 1, handed over and still alive."""
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.handed_over(run)
    await fleet.settle()
    return run


async def by_reviewer(fleet: Fleet) -> None:
    await fleet.verdict("lee", "pr_changes_requested", "name the function")


async def by_gate(fleet: Fleet) -> None:
    await fleet.verdict("lee")


async def by_person(fleet: Fleet) -> None:
    await fleet.verdict("lee")
    await fleet.settle()
    await fleet.person.answer("kim", "request_changes", {"approval": fleet.open_approval().id, "reason": "not yet"})


async def by_persons_rejection(fleet: Fleet) -> None:
    await fleet.verdict("lee")
    await fleet.settle()
    await fleet.person.answer("kim", "reject", {"approval": fleet.open_approval().id, "reason": "never"})


Rejection = Callable[[Fleet], Awaitable[None]]
WHY: dict[Rejection, str] = {
    by_reviewer: "lee: name the function",
    by_gate: "gate check failed",
    by_person: "operator:kim asks for changes",
    by_persons_rejection: "rejected by operator:kim: never",
}


@pytest.mark.parametrize("reject", list(WHY))
async def test_publishing_again_undoes_no_rejection(make_fleet: MakeFleet, reject: Rejection) -> None:
    fleet = await make_fleet(TEAM, gates=FAILING if reject is by_gate else [], reviews=LATER)
    run = await at_work(fleet)
    await reject(fleet)
    await fleet.settle()
    rejected = fleet.pr()
    assert rejected.state in (PullRequestState.CHANGES_REQUESTED, PullRequestState.BLOCKED)
    with pytest.raises(Refused, match=WHY[reject]):
        await fleet.publish(run, "pr_created")
    await fleet.settle()
    assert fleet.pr() == rejected


async def test_request_repeated_with_another_head_behind_it_changes_nothing(make_fleet: MakeFleet) -> None:
    """An agent chooses its request ids: the update would count as done, and the call for review as new."""
    fleet = await make_fleet(TEAM, gates=FAILING, reviews=LATER)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    commit(Path(run.workspace), {"app.py": "print('two')\n"})
    await fleet.publish(run, "pr_created", request="same")
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    rejected = fleet.pr()
    assert rejected.state is PullRequestState.CHANGES_REQUESTED
    commit(Path(run.workspace), {"app.py": "print('three')\n"})
    await fleet.publish(run, "pr_created", request="same")
    assert fleet.pr() == rejected
    assert len(fleet.events("pr_needs_review")) == 1


async def test_going_back_to_a_head_that_was_handed_over_is_no_new_work(make_fleet: MakeFleet) -> None:
    """Its approvals are older than what a person asked for since."""
    fleet = await make_fleet(TEAM)
    await at_work(fleet)
    old = fleet.pr().head_sha
    await by_person(fleet)
    await fleet.settle()
    rework = await fleet.queued("dev")
    await fleet.handed_over(rework)
    git(Path(rework.workspace), "reset", "--quiet", "--hard", old)
    git(Path(rework.workspace), "push", "--quiet", "--force")
    with pytest.raises(Refused, match="handed over before"):
        await fleet.publish(rework, "pr_created")
    await fleet.settle()
    assert fleet.pr().head_sha != old
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW


async def test_new_head_after_a_rejection_is_a_round_whoever_publishes_it(make_fleet: MakeFleet) -> None:
    """The first run is still alive, another run of its author follows, then another author: the count goes on."""
    fleet = await make_fleet(TEAM, reviews={"max_rounds": 9})
    first = await at_work(fleet)
    await by_reviewer(fleet)
    await fleet.settle()
    await fleet.handed_over(first)
    assert (fleet.pr().round, first.round) == (2, 1)
    await fleet.settle()
    await by_reviewer(fleet)
    await fleet.settle()
    for name, nth in (("dev", 3), ("dana", 4)):
        settings = fleet.ctx.settings.agent(name)
        await fleet.ctx.record(queued(settings, key=f"anew:{name}", trigger="ticket_ready", ticket=1))
        (run,) = [r for r in fleet.occupying() if r.agent == name and r.trigger == "ticket_ready" and r.id != first.id]
        begun = await fleet.begin(run)
        await fleet.handed_over(begun)
        assert fleet.pr().round == nth
        await fleet.end(begun)
        await fleet.settle()
        await by_reviewer(fleet)
        await fleet.settle()


async def test_pushing_away_from_an_objection_is_a_round(make_fleet: MakeFleet) -> None:
    """One reviewer objects; before the other has been heard the author publishes another head."""
    fleet = await make_fleet([*TEAM, agent("quinn", "qa-lead")], reviews={"max_rounds": 3})
    run = await at_work(fleet)
    for nth in (2, 3):
        await by_reviewer(fleet)
        await fleet.settle()
        assert (await fleet.handed_over(run)).round == nth
        await fleet.settle()
    await by_reviewer(fleet)
    await fleet.settle()
    with pytest.raises(Refused, match=r"3 rounds .* used up"):
        await fleet.handed_over(run)
    await fleet.verdict("quinn")
    await fleet.settle()
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED), "a person decides"
    assert len(fleet.alarms("blocked")) == 1


async def test_new_head_without_a_rejection_is_no_round(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, reviews={"max_rounds": 1})
    run = await at_work(fleet)
    for _ in range(3):
        assert (await fleet.handed_over(run)).round == 1
        await fleet.settle()


@pytest.mark.parametrize("reject", [by_reviewer, by_persons_rejection])
async def test_what_waits_for_a_person_is_not_handed_over(make_fleet: MakeFleet, reject: Rejection) -> None:
    """New commits neither: only the person lets it go on, and that gives one more round."""
    fleet = await make_fleet(TEAM, reviews={"max_rounds": 1})
    run = await at_work(fleet)
    await reject(fleet)
    await fleet.settle()
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED)
    with pytest.raises(Refused, match="waits for a person"):
        await fleet.handed_over(run)
    await fleet.end(run)
    await fleet.settle()
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED)
    await fleet.person.answer("kim", "unblock", {"ticket": 1})
    await fleet.settle()
    _run, pull_request = await fleet.author()
    assert (pull_request.state, pull_request.round) == (PullRequestState.NEEDS_REVIEW, 2)
    await fleet.settle()
    await by_reviewer(fleet)
    await fleet.settle()
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED)


async def test_another_author_takes_over_when_the_first_is_gone(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM[:1] + TEAM[2:])
    await fleet.end(await at_work(fleet))
    await fleet.reconfigure(agents=[agent("dora", "developer"), TEAM[2]])
    await by_reviewer(fleet)
    await fleet.settle()
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED)
    await fleet.person.answer("kim", "unblock", {"ticket": 1})
    await fleet.settle()
    _run, pull_request = await fleet.author(name="dora")
    await fleet.settle()
    assert pull_request.round == 2
    await by_reviewer(fleet)
    await fleet.settle()
    assert (await fleet.queued("dora")).round == 3, "its rework goes to who wrote last"


async def test_without_any_author_it_waits_in_sight(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM[:1] + TEAM[2:])
    await fleet.end(await at_work(fleet))
    await fleet.reconfigure(agents=[TEAM[2]])
    await by_reviewer(fleet)
    await fleet.settle()
    await fleet.person.answer("kim", "unblock", {"ticket": 1})
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.BLOCKED
    assert "no author" in fleet.of_ticket().blocked_reason


async def test_nobody_reviews_what_they_took_over(make_fleet: MakeFleet) -> None:
    """The pull request bears its first author's name; who wrote the newest commits is an author as well."""
    fleet = await make_fleet(TEAM)
    await at_work(fleet)
    settings = fleet.ctx.settings.agent("dana")
    await fleet.ctx.record(queued(settings, key="dana", trigger="ticket_ready", ticket=1))
    await fleet.handed_over(await fleet.queued("dana"))
    await fleet.reconfigure(agents=[TEAM[0], agent("dana", "tech-lead"), TEAM[2]])
    await fleet.settle()
    head = fleet.pr().head_sha
    assert [run.agent for run in fleet.occupying() if run.head_sha == head] == ["lee"]
    settings = fleet.ctx.settings.agent("dana")
    asked = queued(settings, key="asked", trigger="pr_needs_review", ticket=1, pr=1, head_sha=head)
    await fleet.ctx.record(asked)
    with pytest.raises(FleetError, match="cannot review it"):
        await fleet.publish(await fleet.queued("dana"), "pr_approved")


async def test_collected_work_is_bound_to_the_same_rules(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, reviews={"max_rounds": 1})
    run = await at_work(fleet)
    await by_reviewer(fleet)
    await fleet.settle()
    commit(Path(run.workspace), {"app.py": "print('three')\n"})
    git(Path(run.workspace), "push", "--quiet")
    with pytest.raises(Refused, match="waits for a person"):
        await hand_over(fleet.ctx, run, title="", body="", key=f"exit:{run.id}", actor="watcher")


# -- random lives ----------------------------------------------------------------------------------------------------


async def push(fleet: Fleet, chance: random.Random) -> None:
    """Some author at work pushes something new or old, and publishes it as a new request or as one made before."""
    at_work = [run for run in fleet.ctx.reader.runs(RunState.RUNNING) if run.agent in ("dev", "dana")]
    if not at_work:
        return
    run = chance.choice(at_work)
    path = Path(run.workspace)
    heads = [event.payload["head_sha"] for event in fleet.events("pr_created", "pr_updated")]
    if heads and chance.random() < 0.3:
        git(path, "reset", "--quiet", "--hard", chance.choice(heads))
    else:
        commit(path, {"app.py": f"print({fleet.ctx.reader.last_seq()})\n"})
    git(path, "push", "--quiet", "--force")
    await fleet.publish(run, "pr_created", request=chance.choice(("", "", "same")))


async def judge(fleet: Fleet, chance: random.Random) -> None:
    """Some reviewer at work says something, often about the newest head."""
    if chance.random() < 0.7:
        await fleet.settle()
        await begin(fleet, chance)
    at_work = [run for run in fleet.ctx.reader.runs(RunState.RUNNING) if run.agent in ("lee", "quinn")]
    if at_work:
        run = chance.choice(at_work)
        await fleet.publish(run, chance.choice(("pr_approved", "pr_changes_requested")))
        await fleet.end(run)


async def begin(fleet: Fleet, chance: random.Random) -> None:
    for run in fleet.ctx.reader.runs(RunState.QUEUED):
        if not run.stop_requested:
            await fleet.begin(run)


async def end(fleet: Fleet, chance: random.Random) -> None:
    for run in fleet.ctx.reader.runs(RunState.RUNNING):
        if run.stop_requested or chance.random() < 0.2:
            await fleet.say(RunCrashed(run.id, 1, None, 10, "exited"), f"run:{run.id}")


async def other_author(fleet: Fleet, chance: random.Random) -> None:
    """Somebody else is put to the ticket, or the first author again, as if it were new."""
    name = chance.choice(("dev", "dana"))
    key = f"anew:{fleet.ctx.reader.last_seq()}"
    await fleet.ctx.record(queued(fleet.ctx.settings.agent(name), key=key, trigger="ticket_ready", ticket=1))


async def person(fleet: Fleet, chance: random.Random) -> None:
    for approval in fleet.ctx.reader.approvals(ApprovalState.REQUESTED):
        act = chance.choice(("request_changes", "reject"))
        await fleet.person.answer("kim", act, {"approval": approval.id, "reason": "no"})
        return
    if fleet.of_ticket().state is TicketState.BLOCKED and chance.random() < 0.5:
        await fleet.person.answer("kim", "unblock", {"ticket": 1})


async def look(fleet: Fleet, chance: random.Random) -> None:
    await fleet.settle()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_random_lives_undo_no_rejection_and_keep_to_the_rounds(make_fleet: MakeFleet, seed: int) -> None:
    fleet = await make_fleet([*TEAM, agent("quinn", "qa-lead")], reviews={"max_rounds": 2, "required": 1})
    chance = random.Random(seed)
    await at_work(fleet)
    for _ in range(60):
        with contextlib.suppress(FleetError):  # refused is an answer as well
            await chance.choice((push, judge, judge, judge, begin, end, other_author, person, person, look))(
                fleet, chance
            )
    assert violations(fleet.events(), 2) == []
    assert fleet.events("pr_updated"), "a life without a second head shows nothing"
    assert fleet.events("pr_state_changed"), "nor one without a conclusion"


@pytest.mark.parametrize(
    "words",
    [
        ("--author", "lee <someone@example.org>", "-m", "work"),
        ("--author", "Someone <lee@fleet.invalid>", "-m", "work"),
        ("-m", "work\n\nCo-authored-by: Lee <x@example.org>"),
        ("-m", "work\n\nCo-Authored-By: y <lee@example.org>"),
    ],
)
async def test_a_commit_may_not_strike_out_a_reviewer_by_naming_it(
    make_fleet: MakeFleet, words: tuple[str, ...]
) -> None:
    fleet = await make_fleet(TEAM)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    tree = Path(run.workspace)
    (tree / "app.py").write_text("print('mine')\n")
    git(tree, "commit", "--quiet", "--all", *words)
    git(tree, "push", "--quiet")
    with pytest.raises(Refused, match="a commit names lee"):
        await fleet.publish(run, "pr_created")
    assert fleet.ctx.reader.pull_requests() == []
    git(tree, "commit", "--quiet", "--amend", "--reset-author", "-m", "work")
    git(tree, "push", "--quiet", "--force")
    await fleet.publish(run, "pr_created")
    await fleet.settle()
    assert [r.agent for r in fleet.occupying() if r.role == "tech-lead"] == ["lee"]


async def test_who_had_the_branch_never_reviews_it_whatever_its_role_is_now(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([*TEAM, agent("rob", "tech-lead")])
    await at_work(fleet)
    (run,) = [r for r in fleet.ctx.reader.runs(agent="dev") if r.branch]
    await fleet.end(run)
    turned = {"name": "dev", "role": "tech-lead", "vendor": "shell", "prompt": "p"}
    others = [agent("lee", "tech-lead"), agent("rob", "tech-lead")]
    roles = {"author": {"match": ["nobody"]}, "reviewer": {"match": ["tech-lead", "developer"]}}
    await fleet.reconfigure(
        agents=[turned, *others],
        roles={
            **fleet.ctx.settings.model_dump()["roles"],
            **{name: {**fleet.ctx.settings.model_dump()["roles"][name], **change} for name, change in roles.items()},
        },
    )
    assert "dev" in authors(fleet.ctx, fleet.pr())
