"""`fleet release check`: every reason why a pull request may not land, and no more."""

from __future__ import annotations

import pytest

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.states import PullRequestState
from fleet_tui.forge.gh import Gh
from fleet_tui.forge.gh_pulls import Pulls
from fleet_tui.forge.trust import Trust
from fleet_tui.governance.release import Ground
from fleet_tui.watcher.merging.release_check import check
from fleet_tui.watcher.passes.approvals import may_land
from fleet_tui.watcher.upstream.standing import remote_of
from tests.github.fixture import Site
from tests.github.state import Protection
from tests.github.state import commit as push

from .conftest import MakeFleet
from .watcher_support import Fleet, agent, commit

GATE = {"name": "test", "run": "true"}
BROKEN = {"name": "test", "run": "false"}
CHANGES = "pr_changes_requested"


async def grounds(fleet: Fleet, number: int = 1) -> list[str]:
    """What `fleet release check` tells over the operator's socket; whether it is ready is what the merge queue says."""
    before = fleet.ctx.reader.last_seq()
    told = await fleet.person.answer("kim", "release_check", {"pr": number})
    assert fleet.ctx.reader.last_seq() == before, "it looks, and changes nothing"
    found = [reason["ground"] for reason in told["reasons"]]
    assert told["ready"] == (found == [])
    pull = fleet.pr(number)
    if pull.state is PullRequestState.GATED:
        allowed, _approval = await may_land(fleet.ctx, pull)
        assert told["ready"] == allowed
    return found


async def opened(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()


async def test_from_the_first_hand_over_to_the_landing(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(gates=[GATE], approval={"when": "always", "hold_s": 60})
    await opened(fleet)
    assert await grounds(fleet) == [Ground.REVIEWS, Ground.APPROVAL]
    await fleet.verdict("lee")
    await fleet.settle()
    assert await grounds(fleet) == [Ground.APPROVAL]
    await fleet.approve(fleet.open_approval())
    assert await grounds(fleet) == [Ground.APPROVAL], "its grace time"
    fleet.later(61)
    assert await grounds(fleet) == []
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.MERGED
    assert await grounds(fleet) == [Ground.NOT_OPEN]


async def test_a_gate_that_fails(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(gates=[BROKEN])
    await opened(fleet)
    found = await check(fleet.ctx, 1)
    told = {reason["message"] for reason in found["reasons"]}
    assert "gate test: failed" in told
    assert Ground.CHANGES_REQUESTED in await grounds(fleet), "the gate has sent it back"


async def test_changes_that_a_reviewer_asks_for(fleet: Fleet) -> None:
    await opened(fleet)
    await fleet.verdict("lee", CHANGES, "say why")
    await fleet.settle()
    assert Ground.CHANGES_REQUESTED in await grounds(fleet)
    (reason,) = [r for r in (await check(fleet.ctx, 1))["reasons"] if r["ground"] == Ground.CHANGES_REQUESTED]
    assert reason["message"].endswith(": say why")


async def test_an_approval_of_an_older_head_is_told_as_outdated(fleet: Fleet) -> None:
    await fleet.to_approval()
    pull = fleet.pr()
    commit(fleet.ctx.paths.repository, {"other.txt": "mine\n"})
    await fleet.settle(without=frozenset({"approvals", "gates", "merges"}))
    assert Ground.APPROVAL in await grounds(fleet)
    assert pull.head_sha == (await check(fleet.ctx, 1))["head"]


async def test_a_verdict_on_an_older_head_is_told_as_outdated(make_fleet: MakeFleet) -> None:
    team = [agent("dev", "developer"), agent("lee", "tech-lead"), agent("ann", "qa")]
    fleet = await make_fleet(team)
    await opened(fleet)
    await fleet.verdict("lee")
    await fleet.verdict("ann", CHANGES, "no")
    await fleet.settle()
    await fleet.author({"app.py": "print('three')\n"})
    await fleet.settle()
    found = await check(fleet.ctx, 1)
    stale = [reason["message"] for reason in found["reasons"] if reason["ground"] == Ground.STALE]
    assert [message.split(" spoke")[0] for message in stale] == ["lee", "ann"]


async def test_what_conflicts(fleet: Fleet) -> None:
    await fleet.to_approval({"app.py": "print('two')\n"})
    commit(fleet.ctx.paths.repository, {"app.py": "print('mine')\n"})
    await fleet.ctx.home.control.sync_target()
    fleet.ctx.home.tip = ""
    found = await check(fleet.ctx, 1)
    assert Ground.CONFLICT in {reason["ground"] for reason in found["reasons"]}
    assert "app.py" in str(found["reasons"])


async def test_all_stop_quarantine_and_an_open_question(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.handed_over(run)
    await fleet.publish(run, "blocker", "Which colour?")
    await fleet.person.answer("kim", "halt", {"reason": "fire"})
    await fleet.person.answer("kim", "quarantine", {"agent": "dev", "reason": "odd"})
    found = await grounds(fleet)
    assert {Ground.BLOCKED, Ground.QUARANTINE, Ground.CONVERSATIONS} <= set(found)


async def test_there_is_no_such_pull_request(fleet: Fleet) -> None:
    with pytest.raises(UsageError):
        await check(fleet.ctx, 7)


async def landed_but_for(fleet: Fleet, *authors: str) -> list[str]:
    """The grounds of a pull request that the fleet would let land and that stands on GitHub too."""
    seen = await Pulls(Gh(), "acme/shop").view(1)
    told = await check(fleet.ctx, 1, remote_of(seen, Trust.of(authors, "fleet-bot")))
    assert told["forge"] == "github"
    return [f"{reason['where']}: {reason['ground']}" for reason in told["reasons"] if reason["where"] == "github"]


async def test_a_pull_request_on_github_has_github_s_reasons_too(fleet: Fleet, github: Site) -> None:
    await fleet.to_approval()
    repo = github.repository
    sha = push(repo, "work", {"a.txt": "x\n"})
    pull = repo.open_pull("work", "main", "T", author="fleet-bot")
    assert await landed_but_for(fleet) == ["github: stale"], "the fleet decided on another commit"
    repo.protections["main"] = Protection(reviews=1, contexts=("build",), conversations=True)
    repo.check(sha, "build", "failure")
    repo.review(pull, "REQUEST_CHANGES", "no")
    thread = repo.thread(pull, "a.txt", "why?")
    pull.draft = True
    found = await landed_but_for(fleet)
    kinds = ("stale", "draft", "checks", "changes_requested", "reviews", "conversations")
    assert found == [f"github: {kind}" for kind in kinds]
    repo.check(sha, "build", "success")
    repo.review(pull, "APPROVE")
    thread.resolved, pull.draft = True, False
    assert await landed_but_for(fleet) == ["github: stale"]
    # Of people who may not write there nothing counts, unless the target's rule says so.
    repo.review(pull, "REQUEST_CHANGES", "spam", author="stranger")
    repo.thread(pull, "a.txt", "spam", author="stranger")
    assert await landed_but_for(fleet) == ["github: stale", "github: conversations"]
    repo.protections["main"].conversations = False
    assert await landed_but_for(fleet) == ["github: stale"]
    # Where people are named, the word of nobody else counts either.
    repo.review(pull, "REQUEST_CHANGES", "no", author="pat")
    repo.thread(pull, "a.txt", "why?", author="pat")
    assert await landed_but_for(fleet) == ["github: stale", "github: changes_requested", "github: conversations"]
    assert await landed_but_for(fleet, "Rev") == ["github: stale"]
    found = await landed_but_for(fleet, "Stranger")
    assert found == [f"github: {kind}" for kind in ("stale", "changes_requested", "reviews", "conversations")]
    repo.close(pull)
    assert await landed_but_for(fleet) == ["github: not_open"]
