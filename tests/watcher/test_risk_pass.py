"""Risk as the work goes on: what is seen, written down and done about it, and each act that it stops."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fleet_tui.domain.errors import Refused
from fleet_tui.domain.events import Note, draft
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import ApprovalState, Isolation, PullRequestState, RiskBand, RunState
from fleet_tui.governance.isolation import Level
from fleet_tui.watcher.passes import approvals, dispatch, risk
from fleet_tui.watcher.passes import runs as runs_pass
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit, git, until

KEY = "AKIAIOSFODNN7EXAMPLQ"
LEAK = f'KEY = "{KEY}"\n'
TEAM = [agent("dev", "developer", max_concurrent=3), agent("lee", "tech-lead")]


async def looked(fleet: Fleet) -> None:
    """One look at everything, and what follows."""
    await risk.observe(fleet.ctx)
    await fleet.ctx.jobs.idle()
    await risk.enforce(fleet.ctx)


async def working(make_fleet: MakeFleet, **ticket: object) -> tuple[Fleet, Run, Path]:
    fleet = await make_fleet(TEAM)
    await fleet.ticket(**ticket)  # type: ignore[arg-type]
    await fleet.settle()
    run = await fleet.queued("dev")
    return fleet, run, Path(run.workspace)


async def stale(fleet: Fleet, run: Run) -> None:
    """A notice has come that something in the workspace changed."""
    fleet.ctx.lookout.of(run.id, lambda: pytest.fail("not looked at yet")).stale = None


async def test_an_ordinary_change_raises_nothing(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    (tree / "app.py").write_text("print('two')\n")
    await looked(fleet)
    assert (fleet.run(run.id).risk, fleet.run(run.id).risk_band) == (0, RiskBand.LOW)
    assert fleet.events("risk_changed") == []
    assert fleet.alarms() == []


async def test_what_is_not_committed_counts_and_what_is_taken_back_no_longer_does(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    (tree / ".github").mkdir()
    (tree / ".github" / "ci.yml").write_text("on: push\n")
    await looked(fleet)
    found = fleet.run(run.id)
    assert (found.risk, found.risk_band) == (30, RiskBand.MEDIUM)
    assert found.risk_reasons == ("+30 pipeline: decides what runs: .github/ci.yml",)
    (told,) = fleet.alarms("risk-medium")
    assert (told.about, told.priority) == (f"run:{run.id}", 3)
    (tree / ".github" / "ci.yml").unlink()
    await stale(fleet, run)
    await looked(fleet)
    assert fleet.run(run.id).risk_band is RiskBand.LOW
    assert fleet.alarms() == []
    assert [event.payload["score"] for event in fleet.events("risk_changed")] == [30, 0]


async def test_nothing_new_is_neither_read_nor_written_down(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, run, tree = await working(make_fleet)
    (tree / "app.py").write_text(LEAK)
    await looked(fleet)
    before = fleet.ctx.reader.last_seq()
    started: list[str] = []
    monkeypatch.setattr(fleet.ctx.jobs, "start", lambda key, _work: started.append(key))
    await risk.observe(fleet.ctx)
    assert started == []
    fleet.later(60)
    await risk.observe(fleet.ctx)
    assert started == [f"risk:run:{run.id}"]
    assert fleet.ctx.reader.last_seq() == before


async def test_a_found_secret_is_told_without_itself(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    (tree / "app.py").write_text(f"\n{LEAK}")
    await looked(fleet)
    assert fleet.run(run.id).risk_reasons[0] == "+50 secrets: AWS Access Key in app.py:2"
    kept = list(fleet.ctx.paths.state.glob("fleet.db*"))
    assert len(kept) >= 2
    assert all(KEY.encode() not in path.read_bytes() for path in kept)


async def of_handed_over(fleet: Fleet, files: dict[str, str | None]) -> list[str]:
    """The reasons of the risk of a pull request with these files."""
    await fleet.ticket()
    await fleet.settle()
    await fleet.author(files)
    await fleet.settle()
    return [reason.partition(": ")[0] for reason in fleet.pr().risk_reasons]


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param({"aaa.txt": "x" * 2_100_000}, id="one long line"),
        pytest.param({"aaa.txt": "x\n" * 50_001}, id="very many lines"),
        pytest.param({f"a{n}.txt": "x" * 99_000 for n in range(30)}, id="more than a look at all takes"),
        pytest.param({"aaa.py": "".join(f'password{n} = "hunter{n}secret"\n' for n in range(60))}, id="likely ones"),
    ],
)
async def test_a_secret_is_found_beside_whatever_is_handed_over_with_it(
    make_fleet: MakeFleet, beside: dict[str, str]
) -> None:
    fleet = await make_fleet(TEAM)
    assert "+50 secrets" in await of_handed_over(fleet, {**beside, "zzz.py": LEAK})


async def handed_over_of(make_fleet: MakeFleet, *commits: tuple[str, ...]) -> list[str]:
    """The reasons of the risk of a branch on which these commands of git were given (``write PATH TEXT`` too)."""
    fleet, run, tree = await working(make_fleet)
    git(tree, "config", "user.name", "a")
    git(tree, "config", "user.email", "a@b")
    for words in commits:
        if words[0] == "write":
            (tree / words[1]).write_text(words[2])
            git(tree, "add", "--all")
        else:
            git(tree, *words)
    await fleet.handed_over(run, {"done.py": "print('done')\n"})
    await fleet.settle()
    return [reason.partition(" in ")[0] for reason in fleet.pr().risk_reasons]


COMMIT, CLEAN = ("commit", "--quiet", "-m", "more"), ("write", "new.py", "print('one')\n")


async def test_a_secret_that_a_later_commit_takes_back_is_found(make_fleet: MakeFleet) -> None:
    found = await handed_over_of(make_fleet, ("write", "new.py", LEAK), COMMIT, CLEAN, COMMIT)
    assert found == ["+50 secrets: AWS Access Key"]


async def test_a_secret_in_the_message_of_a_commit_is_found(make_fleet: MakeFleet) -> None:
    found = await handed_over_of(make_fleet, CLEAN, ("commit", "--quiet", "-m", f"more\n\nby {KEY}"))
    assert found == ["+50 secrets: AWS Access Key"]


async def test_a_secret_that_only_a_merge_holds_is_found(make_fleet: MakeFleet) -> None:
    side = (("checkout", "--quiet", "-b", "side"), CLEAN, COMMIT, ("checkout", "--quiet", "-"))
    merge = ("merge", "--quiet", "--no-ff", "--no-commit", "side")
    found = await handed_over_of(
        make_fleet, *side, merge, ("write", "key.py", LEAK), COMMIT, ("rm", "--quiet", "key.py"), COMMIT
    )
    assert found == ["+50 secrets: AWS Access Key"]


async def test_a_secret_in_a_history_of_its_own_is_found(make_fleet: MakeFleet) -> None:
    island = (("checkout", "--quiet", "--orphan", "side"), ("write", "key.py", LEAK), COMMIT)
    back = (("rm", "--quiet", "key.py"), COMMIT, ("checkout", "--quiet", "agent/1-say-two"))
    merge = ("merge", "--quiet", "--allow-unrelated-histories", "--no-edit", "side")
    assert await handed_over_of(make_fleet, *island, *back, merge) == ["+50 secrets: AWS Access Key"]


async def test_what_came_with_the_target_is_no_secret_of_the_branch(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    commit(fleet.ctx.paths.repository, {"key.py": LEAK})
    fleet.ctx.home.looked_at_target_ns = 0
    await fleet.settle()
    (tree / "own.py").write_text("print('mine')\n")
    git(tree, "add", "--all")
    git(tree, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "mine")
    git(tree, "fetch", "--quiet")
    git(tree, "-c", "user.name=a", "-c", "user.email=a@b", "merge", "--quiet", "origin/main")
    await fleet.handed_over(run, {"done.py": "print('done')\n"})
    await fleet.settle()
    assert fleet.pr().risk_reasons == ()


async def test_a_secret_with_hidden_characters_in_it_is_found(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    (tree / "app.py").write_text(LEAK.replace("AKIA", "AK\u200bIA"))
    await looked(fleet)
    assert "+50 secrets: AWS Access Key in app.py:1" in fleet.run(run.id).risk_reasons


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
async def test_a_secret_in_text_that_passes_for_binary_is_found(make_fleet: MakeFleet, encoding: str) -> None:
    fleet, run, tree = await working(make_fleet)
    (tree / "app.py").write_bytes(LEAK.encode(encoding))
    await looked(fleet)
    assert "+50 secrets: AWS Access Key in app.py:1" in fleet.run(run.id).risk_reasons


async def test_what_nobody_could_search_counts_as_much_as_a_secret(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    (tree / "huge.json").write_text("x" * 1_100_000)
    await looked(fleet)
    assert "+50 unread: too large to be searched: huge.json" in fleet.run(run.id).risk_reasons


async def test_refused_acts_are_not_talked_away(make_fleet: MakeFleet) -> None:
    fleet, run, _tree = await working(make_fleet)
    for n in range(2):
        with pytest.raises(Refused):
            await fleet.publish(run, "pr_approved", f"mine {n}")
    notes = [
        draft(
            Note(f"note {n}", run.id, run.ticket, None, None, []), f"ticket:{run.ticket}", actor=f"agent:dev/{run.id}"
        )
        for n in range(1_100)
    ]
    await fleet.ctx.record(*notes)
    await looked(fleet)
    assert [reason.partition(":")[0] for reason in fleet.run(run.id).risk_reasons] == ["+20 denied"]


async def test_high_risk_asks_a_person_where_policy_would_not_and_the_merge_waits(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, approval={"when": "sensitive", "hold_s": 0})
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    await fleet.ticket()
    await fleet.settle()
    await fleet.author({"app.py": LEAK})
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    approval = fleet.open_approval()
    assert approval.reasons == ("risk 50 high: +50 secrets: AWS Access Key in app.py:1",)
    assert fleet.pr().state is PullRequestState.GATED, "nothing landed"
    assert [alarm.about for alarm in fleet.alarms("risk-high")] == ["pr:1"]


async def test_low_risk_lands_without_a_person_there_once_it_is_known(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, approval={"when": "sensitive", "hold_s": 0})
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    without = frozenset({"observe runs", "start runs", "messages", "observe risk"})
    await fleet.settle(without=without)
    await fleet.verdict("lee")
    await fleet.settle(without=without)
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW, "its risk is not known: it goes no further"
    assert fleet.ctx.reader.approvals(ApprovalState.REQUESTED) == []
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.MERGED


async def test_an_agent_at_high_risk_gets_one_run_at_a_time(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    (tree / "app.py").write_text(LEAK)
    await looked(fleet)
    await fleet.ticket("Another")
    fleet.ctx.look_at_tickets = True
    await fleet.settle()
    assert fleet.of_ticket(2).agent is None, "the second ticket stays ready"
    (tree / "app.py").write_text("print('two')\n")
    await stale(fleet, run)
    await looked(fleet)
    await dispatch.assign(fleet.ctx)
    assert fleet.of_ticket(2).agent == "dev"


async def test_a_queued_run_of_an_agent_at_high_risk_does_not_start(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, run, tree = await working(make_fleet)
    await fleet.ticket("Another")
    fleet.ctx.look_at_tickets = True
    await fleet.settle()
    (waiting,) = fleet.ctx.reader.runs(RunState.QUEUED)
    started: list[str] = []
    (tree / "app.py").write_text(LEAK)
    await stale(fleet, run)
    await looked(fleet)
    monkeypatch.setattr(fleet.ctx.jobs, "start", lambda key, _work: started.append(key))
    await runs_pass.start_queued(fleet.ctx)
    assert started == []
    await fleet.end(run)
    await runs_pass.start_queued(fleet.ctx)
    assert started == [f"start:{waiting.id}"]


async def critical(make_fleet: MakeFleet) -> tuple[Fleet, Run, Path]:
    fleet, run, tree = await working(make_fleet)
    commit(tree, {"app.py": LEAK, ".github/ci.yml": "on: push\n"})
    await looked(fleet)
    return fleet, run, tree


async def test_critical_risk_quarantines_and_what_the_agent_says_is_refused(make_fleet: MakeFleet) -> None:
    fleet, run, _tree = await critical(make_fleet)
    assert fleet.agent().quarantined
    assert fleet.agent().quarantine_reason.startswith("risk 80 critical: +30 pipeline")
    assert fleet.run(run.id).state is RunState.QUARANTINED
    with pytest.raises(Refused):
        await fleet.publish(run, "pr_created")
    assert fleet.ctx.reader.pull_requests() == []
    await looked(fleet)
    assert len(fleet.events("agent_quarantined")) == 1


async def test_a_person_who_releases_it_is_not_overruled_unless_it_gets_worse(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await critical(make_fleet)
    await fleet.person.answer("kim", "release", {"agent": "dev", "reason": "a test key"})
    await fleet.end(run, "stopped")
    await fleet.settle()
    again = await fleet.queued("dev")
    await looked(fleet)
    assert fleet.run(again.id).risk_band is RiskBand.CRITICAL
    assert not fleet.agent().quarantined
    (tree / "auth").mkdir()
    (tree / "auth" / "login.py").write_text("OPEN = True\n")
    await stale(fleet, again)
    await looked(fleet)
    assert fleet.agent().quarantined


async def test_behaviour_counts_and_fades_and_a_release_forgives_it(make_fleet: MakeFleet) -> None:
    fleet, run, _tree = await working(make_fleet)
    for _ in range(2):
        with pytest.raises(Refused):
            await fleet.publish(run, "pr_approved")
    await looked(fleet)
    assert fleet.run(run.id).risk_reasons == ("+20 denied: 2 refused acts",)
    pull = await fleet.handed_over(run)
    fleet.later(2 * 3600)
    await looked(fleet)
    assert [reason for reason in fleet.run(run.id).risk_reasons if "denied" in reason] == ["+5 denied: 2 refused acts"]
    assert any("silence" in reason for reason in fleet.run(run.id).risk_reasons)
    assert "+5 denied: 2 refused acts" in fleet.pr(pull.number).risk_reasons
    await fleet.person.answer("kim", "quarantine", {"agent": "dev", "reason": "a look"})
    await looked(fleet)
    assert "+5 denied: 2 refused acts" in fleet.pr(pull.number).risk_reasons  # quarantine forgives nothing
    await fleet.person.answer("kim", "release", {"agent": "dev", "reason": "meant no harm"})
    await looked(fleet)
    for work in (fleet.run(run.id), fleet.pr(pull.number)):
        assert not any("denied" in reason for reason in work.risk_reasons), work.risk_reasons


async def test_the_tickets_scope_is_read_and_drift_is_told(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    (path,) = fleet.ctx.paths.tickets.glob("0001-*.md")
    path.write_text(path.read_text().replace("priority:", "scope: [docs/**, app.py]\npriority:"))
    await fleet.settle()
    assert fleet.of_ticket().scope == ("docs/**", "app.py")
    (tree / "app.py").write_text("print('two')\n")
    (tree / "other.py").write_text("print('two')\n")
    await stale(fleet, run)
    await looked(fleet)
    assert fleet.run(run.id).risk_reasons == ("+10 scope: outside the ticket's scope: other.py",)


async def test_what_others_landed_meanwhile_is_not_charged_to_who_merges_it(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    user = fleet.ctx.paths.repository
    commit(user, {"key.py": LEAK, ".github/ci.yml": "on: push\n"})
    fleet.ctx.home.looked_at_target_ns = 0
    await fleet.settle()
    git(tree, "fetch", "--quiet")
    git(tree, "-c", "user.name=a", "-c", "user.email=a@b", "merge", "--quiet", "origin/main")
    await stale(fleet, run)
    await looked(fleet)
    assert (tree / "key.py").exists()
    assert fleet.run(run.id).risk == 0


async def test_other_rules_count_at_once(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    (tree / "app.py").write_text(LEAK)
    await looked(fleet)
    await fleet.reconfigure(risk=fleet.ctx.settings.risk.model_dump(mode="json") | {"factors": {}})
    await looked(fleet)
    assert fleet.run(run.id).risk == 0


async def test_a_pull_request_whose_risk_cannot_be_told_asks_a_person(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await make_fleet(TEAM, approval={"when": "sensitive", "hold_s": 0})
    fleet.ctx.level = Level(Isolation.L1, "for the test")

    async def fails(*_args: object, **_more: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(fleet.ctx.home.control, "whole_diff", fails)
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    await approvals.request(fleet.ctx)
    assert fleet.open_approval().reasons == ("its risk cannot be told",)


async def test_a_change_is_noticed_without_looking_everywhere(make_fleet: MakeFleet) -> None:
    fleet, run, tree = await working(make_fleet)
    woken = asyncio.Event()
    fleet.ctx.lookout.wake = woken.set
    await looked(fleet)
    await looked(fleet)  # what changed before the watch began
    watched = fleet.ctx.lookout.of(run.id, lambda: pytest.fail("not looked at yet"))
    assert not watched.is_due

    async def noticed() -> bool:
        (tree / "app.py").write_text(LEAK)
        await asyncio.sleep(0)
        return bool(watched.stale)

    await until(noticed)
    assert watched.stale == {str(tree / "app.py")}
    assert woken.is_set()
    await looked(fleet)
    assert fleet.run(run.id).risk_band is RiskBand.HIGH
    await fleet.end(run)
    await looked(fleet)
    assert watched.watching is None
    await fleet.ctx.lookout.close()
