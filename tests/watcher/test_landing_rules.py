"""Whatever people, agents and policy do in whatever order: nothing lands without an approval of exactly what lands.

The judge reads the log alone and shares no code with the rules it judges. Rules that are weakened on purpose must be
caught by it, else it proves nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import Event, FleetHalted, GateFailed, GateStarted
from fleet_tui.domain.states import ApprovalState, Isolation, RunState
from fleet_tui.governance.isolation import Level
from fleet_tui.watcher.merging import landing
from fleet_tui.watcher.merging.mergeview import judgement
from fleet_tui.watcher.passes import approvals, merges
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, commit, git

GATES = [{"name": "check", "run": "true"}]


# -- the judge -------------------------------------------------------------------------------------------------------


def violations(events: list[Event]) -> list[str]:
    """Every landing in the log that no valid approval covers, and why."""
    found: list[str] = []
    used: set[str] = set()
    for place, event in enumerate(events):
        if event.kind == "pr_merged":
            found += [f"#{event.seq}: {why}" for why in _objections(event, events[:place], used)]
            used.add(str(event.payload["approval"]))
    return found


def _objections(merge: Event, before: list[Event], used: set[str]) -> list[str]:
    name = merge.payload["approval"]
    request = next((e for e in before if e.kind == "approval_requested" and e.payload["approval"] == name), None)
    if name is None or request is None:
        return ["nobody was asked"]
    why = [f"another {f}" for f in ("pr", "head_sha", "base_sha", "tree") if merge.payload[f] != request.payload[f]]
    decided = [e.kind for e in before if e.kind.startswith("approval_") and e.payload.get("approval") == name]
    if decided[-1] != "approval_granted":
        why.append(f"the last word was {decided[-1]}")
    if name in used:
        why.append("used twice")
    policies = [e.payload["policy"] for e in before if e.kind == "config_loaded"]
    if policies[-1] != request.payload["policy"]:
        why.append("another policy")
    latches = [e.kind for e in before if e.kind in ("agent_quarantined", "agent_released")]
    if latches and latches[-1] == "agent_quarantined":
        why.append("the author is quarantined")
    started = {
        e.payload["gate"] for e in before if e.kind == "gate_started" and e.payload["tree"] == request.payload["tree"]
    }
    results = [e.kind for e in before if e.kind in ("gate_passed", "gate_failed") and e.payload["gate"] in started]
    if not results or results[-1] != "gate_passed":
        why.append("its gate did not pass")
    return why


# -- what can happen -------------------------------------------------------------------------------------------------


async def work(fleet: Fleet) -> None:
    """Whoever is queued does its part."""
    await fleet.settle()
    for run in fleet.ctx.reader.runs(RunState.QUEUED):
        begun = await fleet.begin(run)
        if run.agent == "dev":
            commit(Path(begun.workspace), {f"part{run.ticket}.py": f"{run.id}\n"})
            git(Path(begun.workspace), "push", "--quiet")
            await fleet.publish(begun, "pr_created")
        else:
            await fleet.publish(begun, "pr_approved")
        await fleet.end(begun)
    await fleet.settle()


async def grant(fleet: Fleet) -> None:
    for approval in fleet.ctx.reader.approvals(ApprovalState.REQUESTED)[:1]:
        await fleet.approve(approval)


async def undo(fleet: Fleet) -> None:
    for approval in fleet.ctx.reader.approvals(ApprovalState.HELD)[:1]:
        await fleet.person.answer("kim", "undo", {"approval": approval.id})


async def send_back(fleet: Fleet) -> None:
    for approval in fleet.ctx.reader.approvals(*approvals.OPEN)[:1]:
        await fleet.person.answer("kim", "request_changes", {"approval": approval.id, "reason": "more"})


async def change_policy(fleet: Fleet) -> None:
    await fleet.reconfigure(reviews={"max_rounds": 2 + fleet.ctx.settings.reviews.max_rounds % 9})


async def commit_to_target(fleet: Fleet) -> None:
    commit(fleet.ctx.paths.repository, {"person.txt": str(fleet.ctx.reader.last_seq())})
    fleet.ctx.home.looked_at_target_ns = 0
    await merges.follow_user(fleet.ctx)


async def contain(fleet: Fleet) -> None:
    await fleet.person.answer("kim", "quarantine", {"agent": "dev"})


async def release(fleet: Fleet) -> None:
    await fleet.person.answer("kim", "release", {"agent": "dev", "reason": "fine"})


async def fail_gate(fleet: Fleet) -> None:
    """The gate of the newest request ran once more, and failed."""
    for approval in fleet.ctx.reader.approvals(*approvals.OPEN)[:1]:
        name = f"gate-{fleet.ctx.reader.last_seq()}"
        bound = (approval.tree, approval.head_sha, approval.base_sha)
        await fleet.say(GateStarted(name, "check", approval.pr, *bound, "true"), f"pr:{approval.pr}")
        await fleet.say(GateFailed(name, "check", approval.pr, approval.tree, 1, 1, "", ""), f"pr:{approval.pr}")


async def wait(fleet: Fleet) -> None:
    fleet.later(7)


async def land(fleet: Fleet) -> None:
    """The pass alone, as when everything else happened since the others ran."""
    await merges.land(fleet.ctx)


async def new_ticket(fleet: Fleet) -> None:
    await fleet.ticket(f"Ticket {fleet.ctx.reader.last_seq()}")
    await work(fleet)


Act = Callable[[Fleet], Awaitable[None]]
ACTS: list[Act] = [
    new_ticket, work, work, grant, grant, grant, undo, send_back, change_policy, commit_to_target, contain, release,
    release, fail_gate, wait, wait, land, land,
]  # fmt: skip
CHANGES: dict[str, tuple[Act, str]] = {
    "policy": (change_policy, "another policy"),
    "quarantine": (contain, "the author is quarantined"),
    "gate": (fail_gate, "its gate did not pass"),
    "undo": (undo, "the last word was approval_undone"),
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
async def test_random_lives_land_only_what_was_approved(make_fleet: MakeFleet, seed: int) -> None:
    fleet = await make_fleet(gates=GATES, approval={"when": "always", "hold_s": 5})
    chance = random.Random(seed)
    await new_ticket(fleet)
    await work(fleet)
    for _ in range(25):
        with contextlib.suppress(FleetError):  # refused is an answer as well
            await chance.choice(ACTS)(fleet)
    # Let everything through that may go, so that no life ends before its landing.
    with contextlib.suppress(FleetError):
        await release(fleet)
    for _ in range(4):
        await work(fleet)
        with contextlib.suppress(FleetError):
            await grant(fleet)
        fleet.later(10)
        await fleet.settle()
    assert violations(fleet.events()) == []
    assert fleet.events("pr_merged"), "a life in which nothing lands shows nothing"


@pytest.mark.parametrize("change", list(CHANGES))
async def test_judge_catches_weakened_rules(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """With the check at the landing taken out, each change lands; with it, none does."""
    fleet = await make_fleet(gates=GATES)
    await fleet.approve(await fleet.to_approval())
    await CHANGES[change][0](fleet)
    await merges.land(fleet.ctx)
    assert violations(fleet.events()) == []
    assert fleet.events("pr_merged") == []

    async def blind(*_anything: object) -> None:
        return None

    (approval,) = fleet.ctx.reader.approvals()

    async def allows(*_anything: object) -> tuple[bool, object]:
        return True, approval

    async def lenient(*about: object) -> object:
        return dataclasses.replace(await judgement(*about), unmet=None)  # type: ignore[arg-type]

    monkeypatch.setattr(landing, "objection_to_landing", blind)
    monkeypatch.setattr(merges, "may_land", allows)
    monkeypatch.setattr(merges, "judgement", lenient)
    await merges.land(fleet.ctx)
    (found,) = violations(fleet.events())
    assert CHANGES[change][1] in found


async def test_judge_wants_to_be_asked(make_fleet: MakeFleet) -> None:
    """Where policy needs no person a landing has no approval: the judge must see that."""
    fleet = await make_fleet(gates=GATES, approval={"when": "sensitive", "hold_s": 0, "sensitive_paths": []})
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    await new_ticket(fleet)
    await work(fleet)
    assert violations(fleet.events())[0].endswith("nobody was asked")


async def test_nothing_lands_while_everything_is_stopped(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet()
    approval = await fleet.to_approval()
    await fleet.approve(approval)
    args = (fleet.ctx, 1, approval.head_sha, approval.id)
    assert await approvals.objection_to_landing(*args) is None
    await fleet.ctx.say(FleetHalted("look", []), "fleet")
    assert await approvals.objection_to_landing(*args) == "everything is stopped"
