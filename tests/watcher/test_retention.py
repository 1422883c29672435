"""Evidence is kept for a while and no longer, except for what somebody may still decide by."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import PullRequestStateChanged
from fleet_tui.domain.model import PullRequest, Run
from fleet_tui.governance.retention import Item, outlived
from fleet_tui.watcher import retention
from fleet_tui.watcher.passes import containment
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent

DAY_NS = 86_400 * 10**9
TEAM = [agent("dev", "developer", max_concurrent=3), agent("lee", "tech-lead")]


def keep(fleet: Fleet, name: str, *, days: int, size: int = 100) -> Path:
    """Evidence that was written so many days ago; a name without a dot is a folder."""
    path = fleet.ctx.paths.evidence / name
    file = path if "." in name else path / "screen.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * size)
    at_ns = fleet.ctx.now_ns() - days * DAY_NS
    for changed in {file, path}:
        os.utime(changed, ns=(at_ns, at_ns))
    return path


async def tidied(fleet: Fleet) -> list[str]:
    """What the pass removed now, an hour after it last looked."""
    fleet.later(3_601)
    before = len(fleet.events("evidence_removed"))
    await retention.tidy(fleet.ctx)
    await fleet.ctx.jobs.idle()
    return [name for event in fleet.events("evidence_removed")[before:] for name in event.payload["names"]]


async def ended(fleet: Fleet) -> Run:
    """A run that is over, whose ticket has no pull request."""
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.end(run)
    return fleet.run(run.id)


async def handed_over(fleet: Fleet) -> tuple[Run, PullRequest]:
    await fleet.ticket()
    await fleet.settle()
    return await fleet.author()


async def test_what_is_old_goes_and_is_recorded_what_is_young_stays(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    run = await ended(fleet)
    old, bundle = keep(fleet, f"{run.id}.log", days=31), keep(fleet, f"quarantine-{run.id}-abc_1234", days=40)
    young = keep(fleet, f"quarantine-{run.id}-zzzz9999", days=29)
    assert await tidied(fleet) == [bundle.name, old.name]
    assert (old.exists(), bundle.exists(), young.exists()) == (False, False, True)
    (event,) = fleet.events("evidence_removed")
    assert (event.payload["bytes"], event.payload["keep_days"], event.actor) == (200, 30, "watcher")
    assert await tidied(fleet) == []
    await fleet.reconfigure(evidence={"keep_days": 3})
    assert await tidied(fleet) == [young.name]


async def test_beyond_the_total_size_the_oldest_goes(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, evidence={"keep_mib": 1})
    run = await ended(fleet)
    mib = 1024 * 1024
    names = [f"quarantine-{run.id}-aaaa000{number}" for number in range(3)]
    for days, name in zip((3, 2, 1), names, strict=True):
        keep(fleet, name, days=days, size=mib // 2)
    assert await tidied(fleet) == names[:1]


async def test_evidence_of_the_living_the_contained_and_of_open_pull_requests_is_never_removed(
    make_fleet: MakeFleet,
) -> None:
    fleet = await make_fleet(TEAM)
    run, pull = await handed_over(fleet)
    gone = await ended(fleet)
    live = keep(fleet, f"{run.id}.log", days=400)
    other = keep(fleet, f"quarantine-{gone.id}-abcd1234", days=400)
    stranger, link = keep(fleet, "notes.txt", days=400), fleet.ctx.paths.evidence / f"{gone.id}.log"
    link.symlink_to("/etc/passwd")
    await containment.quarantine(fleet.ctx, fleet.agent(), "a test", rule="test", actor="watcher")
    assert await tidied(fleet) == []  # every run of a contained agent is held
    await fleet.person.answer("kim", "release", {"agent": "dev", "reason": "a test"})
    await fleet.end(run, "stopped")
    assert await tidied(fleet) == [other.name]  # the other run is over, but its pull request is open
    await fleet.say(PullRequestStateChanged(pull.number, "closed", "a test", 1), f"pr:{pull.number}")
    assert await tidied(fleet) == [live.name]
    assert stranger.exists()
    assert link.is_symlink()


async def test_output_of_a_gate_is_kept_while_its_pull_request_is_open(make_fleet: MakeFleet) -> None:
    gates = [{"name": "tests", "run": "true"}]
    fleet = await make_fleet(TEAM, gates=gates)
    _run, pull = await handed_over(fleet)
    await fleet.settle()
    (gate,) = fleet.ctx.reader.gates(pr=pull.number)
    assert gate.log
    path = keep(fleet, gate.log, days=400)
    assert await tidied(fleet) == []
    await fleet.say(PullRequestStateChanged(pull.number, "closed", "a test", 1), f"pr:{pull.number}")
    assert await tidied(fleet) == [path.name]
    with pytest.raises(Conflict, match="not kept any more"):
        await fleet.person.answer("kim", "gate_log", {"gate": gate.id})


async def test_it_is_looked_at_once_an_hour(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    run = await ended(fleet)
    await tidied(fleet)
    path = keep(fleet, f"{run.id}.log", days=31)
    await retention.tidy(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert path.exists()
    assert await tidied(fleet) == [path.name]


ITEMS = st.lists(st.builds(Item, st.uuids().map(str), st.integers(0, 100), st.integers(0, 90 * DAY_NS), st.booleans()))


@given(ITEMS, st.integers(1, 90), st.integers(0, 500))
def test_what_may_go_is_neither_held_nor_more_than_needed(items: list[Item], days: int, most: int) -> None:
    now_ns = 90 * DAY_NS
    chosen = outlived(items, keep_days=days, keep_bytes=most, now_ns=now_ns)
    left = [item for item in items if item not in chosen]
    assert not any(item.held for item in chosen)
    assert all(item.held or now_ns - item.changed_ns <= days * DAY_NS for item in left)
    assert sum(item.bytes for item in left) <= most or all(item.held for item in left)
    young = [item for item in chosen if now_ns - item.changed_ns <= days * DAY_NS]
    if young:  # the last one that went for want of room was needed
        assert sum(item.bytes for item in left) + young[-1].bytes > most
