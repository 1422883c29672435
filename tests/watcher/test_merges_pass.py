"""Landing: by compare-and-swap, once, with its record; and what becomes of the person's own branch."""

from __future__ import annotations

import pytest

from fleet_tui.domain.states import ApprovalState, EffectState, PullRequestState, TicketState
from fleet_tui.watcher.passes import merges
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit, git


class Killed(BaseException):
    """Stands for the end of the process at this point."""


def user(fleet: Fleet, *words: str) -> str:
    return git(fleet.ctx.paths.repository, *words)


async def approved(fleet: Fleet) -> None:
    await fleet.approve(await fleet.to_approval())


async def look(fleet: Fleet) -> None:
    fleet.ctx.home.looked_at_target_ns = 0
    await merges.follow_user(fleet.ctx)


async def test_lost_swap_is_judged_anew(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await approved(fleet)
    land = fleet.ctx.home.control.land

    async def overtaken(new: str, old: str) -> bool:
        monkeypatch.setattr(fleet.ctx.home.control, "land", land)
        commit(fleet.ctx.paths.repository, {"other.txt": "first"})
        await fleet.ctx.home.control.sync_target()
        return await land(new, old)

    monkeypatch.setattr(fleet.ctx.home.control, "land", overtaken)
    await merges.land(fleet.ctx)
    assert fleet.events("pr_merged") == []
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED
    assert [a.state for a in fleet.ctx.reader.approvals()] == [ApprovalState.VOIDED, ApprovalState.REQUESTED]
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.MERGED
    assert user(fleet, "show", "main:other.txt") == "first"


@pytest.mark.parametrize("landed", [False, True])
async def test_killed_around_the_swap(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, landed: bool) -> None:
    await approved(fleet)
    land = fleet.ctx.home.control.land

    async def dying(new: str, old: str) -> bool:
        monkeypatch.setattr(fleet.ctx.home.control, "land", land)
        if landed:
            assert await land(new, old)
        raise Killed

    monkeypatch.setattr(fleet.ctx.home.control, "land", dying)
    with pytest.raises(Killed):
        await merges.land(fleet.ctx)
    # The next life of the watcher knows nothing but the log.
    fleet.ctx.home.tip = ""
    fleet.ctx.home.merge_results.clear()
    await fleet.settle()
    assert fleet.states == (TicketState.SHIPPED, PullRequestState.MERGED)
    assert len(fleet.events("pr_merged")) == 1
    assert [e.payload["source"] for e in fleet.events("target_moved") if e.payload["source"] == "merge"] == ["merge"]
    assert user(fleet, "rev-list", "--count", "--merges", "main") == "1"
    assert fleet.alarms() == []


async def test_what_landed_but_differs_stops_the_queue(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await approved(fleet)
    tree_of = fleet.ctx.home.control.tree_of

    async def lying(commit: str) -> str:
        return "0" * 40 if fleet.ctx.reader.effects(EffectState.ATTEMPTING) else await tree_of(commit)

    monkeypatch.setattr(fleet.ctx.home.control, "tree_of", lying)
    await merges.land(fleet.ctx)
    (alarm,) = fleet.alarms("landed-differs")
    assert alarm.priority == 1
    assert fleet.events("pr_merged") == []
    assert fleet.events("ticket_shipped") == []
    monkeypatch.setattr(fleet.ctx.home.control, "tree_of", tree_of)
    before = fleet.ctx.reader.last_seq()
    await merges.land(fleet.ctx)
    assert fleet.ctx.reader.last_seq() == before, "nothing lands while it stands"


async def test_three_in_flight_land_one_after_the_other(make_fleet: MakeFleet) -> None:
    team = [agent(f"dev{n}", "developer") for n in (1, 2, 3)] + [agent("lee", "tech-lead", max_concurrent=3)]
    fleet = await make_fleet(team)
    for n in (1, 2, 3):
        await fleet.ticket(f"Part {n}")
    await fleet.settle()
    for n in (1, 2, 3):
        await fleet.author({f"part{n}.py": f"{n}\n"}, f"dev{n}")
    await fleet.settle()
    for run in fleet.occupying():
        await fleet.publish(await fleet.begin(run), "pr_approved")
        await fleet.end(run)
    await fleet.settle()
    approvals = {n: fleet.open_approval(n) for n in (1, 2, 3)}
    for approval in approvals.values():
        await fleet.approve(approval)
    await fleet.settle()
    # The first landing moved the base: what the others were approved on is no longer what would land.
    assert len(fleet.events("pr_merged")) == 1
    for _ in range(2):
        waiting = fleet.ctx.reader.approvals(ApprovalState.REQUESTED)
        await fleet.approve(waiting[0])
        await fleet.settle()
    assert {t.state for t in fleet.ctx.reader.tickets()} == {TicketState.SHIPPED}
    assert user(fleet, "ls-tree", "--name-only", "main").split()[-3:] == ["part1.py", "part2.py", "part3.py"]
    used = [event.payload["approval"] for event in fleet.events("pr_merged")]
    assert len(set(used)) == 3


async def test_dirty_checkout_waits_and_is_handed_over_when_clean(fleet: Fleet) -> None:
    before = commit(fleet.ctx.paths.repository, {"mine.py": "print('mine')\n"})
    (fleet.ctx.paths.repository / "mine.py").write_text("half a thought\n")
    await approved(fleet)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.MERGED
    assert user(fleet, "rev-parse", "main") == before
    assert (fleet.ctx.paths.repository / "mine.py").read_text() == "half a thought\n"
    (waits,) = fleet.alarms("publish-waits")
    assert waits.response == "git stash && git merge --ff-only refs/fleet/main && git stash pop"
    for command in waits.response.split(" && "):  # what is advised does it, and keeps the half thought
        user(fleet, *command.split()[1:])
    assert (fleet.ctx.paths.repository / "mine.py").read_text() == "half a thought\n"
    await fleet.settle()
    assert user(fleet, "rev-parse", "main") == fleet.pr().merge_sha
    assert fleet.alarms() == []


async def test_diverged_branch_stops_the_queue_and_loses_nothing(fleet: Fleet) -> None:
    (fleet.ctx.paths.repository / "app.py").write_text("half a thought\n")
    await approved(fleet)
    await fleet.settle()
    mine = commit(fleet.ctx.paths.repository, {"app.py": "a whole thought\n"})
    await look(fleet)
    assert len(fleet.alarms("target-diverged")) == 1
    assert user(fleet, "rev-parse", "main") == mine
    landed = fleet.pr().merge_sha
    assert landed is not None
    assert await fleet.ctx.home.control.target_sha() == landed
    # The person joins the two; the fleet takes the result in.
    fetched = ["fetch", "--quiet", str(fleet.ctx.paths.control), "refs/heads/main"]
    user(fleet, *fetched)
    user(fleet, "merge", "--quiet", "-s", "ours", "-m", "join", "FETCH_HEAD")
    await look(fleet)
    assert fleet.alarms("target-diverged") == []
    assert await fleet.ctx.home.control.target_sha() == user(fleet, "rev-parse", "main")


async def test_missing_branch_is_told(fleet: Fleet) -> None:
    user(fleet, "checkout", "--quiet", "-b", "aside")
    tip = user(fleet, "rev-parse", "main")
    user(fleet, "branch", "-D", "main")
    await look(fleet)
    (alarm,) = fleet.alarms("target-missing")
    assert tip[:12] in alarm.response
    user(fleet, "branch", "main", tip)
    await look(fleet)
    assert fleet.alarms() == []


async def test_workspace_is_removed_with_a_backup_when_shipped(fleet: Fleet) -> None:
    await approved(fleet)
    (workspace,) = fleet.ctx.reader.workspaces()
    await fleet.settle()
    after = fleet.ctx.reader.workspace(1)
    assert after is not None
    assert after.removed
    assert after.backup_ref
    assert not fleet.ctx.home.workspaces.find(1)
    assert git(fleet.ctx.paths.control, "rev-parse", "--verify", after.backup_ref)
    assert workspace.path == after.path


async def test_a_commit_of_the_person_is_recorded_as_theirs(fleet: Fleet) -> None:
    await fleet.settle()
    mine = commit(fleet.ctx.paths.repository, {"x.txt": "x"})
    await look(fleet)
    await look(fleet)
    moves = [e.payload for e in fleet.events("target_moved")]
    assert [(m["source"], m["new_sha"]) for m in moves][-1] == ("user", mine)
    assert sum(m["new_sha"] == mine for m in moves) == 1
