"""A tile's age is that of its word: since when the agent is quarantined or paused, not when its run ended."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.readmodel.queries import read_snapshot


@pytest.mark.parametrize("runs_on", [True, False])
@pytest.mark.parametrize(
    ("latch", "word"),
    [(ev.AgentQuarantined("dev-1", "secrets", "rule", 2), "QUAR"), (ev.AgentPaused("dev-1", "all stop"), "PAUS")],
    ids=["quarantined", "paused"],
)
async def test_a_latch_counts_from_its_own_event(fleet: Any, latch: ev.Payload, word: str, runs_on: bool) -> None:
    (latched,) = fleet.add(ev.draft(latch, "agent:dev-1"))
    if not runs_on:
        fleet.add(ev.draft(ev.RunFinished("run-dev-1-1", "finished", 0, None, 1), "run:run-dev-1-1"))
    state = ev.RunStateChanged("run-dev-1-1", "quarantined" if word == "QUAR" else "paused", "watcher")
    (later,) = fleet.add(ev.draft(state, "run:run-dev-1-1") if runs_on else ev.draft(ev.Note("later"), "fleet"))
    snapshot = read_snapshot(fleet.store.reader, later.at_ns + 60_000_000_000)
    tile = snapshot.tile("dev-1")
    assert tile is not None
    assert (tile.doing, tile.since_ns) == (word, latched.at_ns)


async def test_a_released_agent_counts_from_its_run_again(fleet: Any) -> None:
    before = read_snapshot(fleet.store.reader, 1 << 62).tile("dev-1")
    fleet.add(
        ev.draft(ev.AgentQuarantined("dev-1", "secrets", "rule", 2), "agent:dev-1"),
        ev.draft(ev.AgentReleased("dev-1", "mended", 3), "agent:dev-1"),
    )
    after = read_snapshot(fleet.store.reader, 1 << 62).tile("dev-1")
    assert before is not None
    assert after is not None
    assert after.since_ns == before.since_ns
