"""What forty runs at work cost the watcher: counts of queries and rounds, which are the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.model import Run
from fleet_tui.store.connection import raw
from fleet_tui.tmux import runner_client
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.watcher.loop import Loop
from fleet_tui.watcher.passes import budgets
from fleet_tui.watcher.runs import spending
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent

RUNS = 40
HOUR_NS = 3_600_000_000_000
RULES = [{"scope": "fleet", "name": "fleet", "unit": "seconds", "ceiling": 1_000_000}]


@pytest.fixture(autouse=True)
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no runners to be told how to count."""

    async def meter(run_dir: Path, *, limit_ms: int | None, idle: bool) -> RunnerStatus:
        return RunnerStatus("running", 0, False, 1, 1, limit_ms=limit_ms, idle=idle)

    monkeypatch.setattr(runner_client, "meter", meter)


async def at_work(make_fleet: MakeFleet) -> Fleet:
    """Forty runs of one agent, each charged once."""
    fleet = await make_fleet([agent("dev", "developer")], budgets=RULES)
    for number in range(RUNS):
        run = f"run-{number}"
        queued = ev.RunQueued(run, "dev", "developer", "claude-code", None, "ticket_ready", ticket=number)
        started = ev.RunStarted(run, run, "pane", "/w", "b", "a" * 40, "L0", 1, "0" * 64)
        await fleet.ctx.record(ev.draft(queued, f"run:{run}"), ev.draft(started, f"run:{run}"))
        await fleet.ctx.say(ev.RunStateChanged(run, "running", "hook"), f"run:{run}")
    await charge(fleet, RUNS, active_ms=1)
    return fleet


async def charge(fleet: Fleet, due: int, *, active_ms: int) -> None:
    """A look at all runs; ``due`` of them have used up what was bought for them."""
    for number in range(RUNS):
        ms = active_ms if number < due else 1
        # What the runner was told last, so that nobody needs to be told.
        fleet.ctx.statuses[f"run-{number}"] = RunnerStatus("running", ms, False, 1, 1)
    await budgets.meter(fleet.ctx)


@contextmanager
def statements(fleet: Fleet) -> Iterator[list[str]]:
    """What the reader asks SQLite."""
    asked: list[str] = []
    connection = raw(fleet.ctx.store.reader._db)
    connection.set_trace_callback(asked.append)
    try:
        yield asked
    finally:
        connection.set_trace_callback(None)


def same(fleet: Fleet, runs: list[Run]) -> bool:
    """Whether the ledger is what a reader finds who remembers nothing."""
    return spending.cells(fleet.ctx, *runs) == fleet.ctx.store.reader.spending(
        fleet.clock_ns, tuple(fleet.ctx.reader.runs())
    )


async def test_of_a_charge_only_its_own_cells_are_read(make_fleet: MakeFleet) -> None:
    fleet = await at_work(make_fleet)
    counts = {}
    for nth, due in enumerate((0, 4, 40)):
        spending.cells(fleet.ctx)
        with statements(fleet) as asked:
            await charge(fleet, due, active_ms=20_000 * (nth + 1))
        cells = [sql for sql in asked if 'FROM "spending"' in sql]
        assert sum("IN (" in sql for sql in cells) <= 1, "the whole ledger"
        counts[due] = len(asked)
    assert counts[0] < 60, "nothing has changed"
    assert counts[4] - counts[0] < 15 * 4 + 40
    assert counts[40] - counts[0] < 15 * 40 + 40


async def test_the_ledger_is_what_the_tables_say(make_fleet: MakeFleet) -> None:
    fleet = await at_work(make_fleet)
    everybody = fleet.ctx.reader.runs()
    assert same(fleet, everybody)
    await fleet.ctx.say(ev.RunMetered("run-3", "dev", 50_000), "run:run-3")
    assert same(fleet, everybody)
    await fleet.ctx.say(ev.RunMetered("run-3", "dev", 41_000, settled=True), "run:run-3")
    await fleet.ctx.say(ev.RunMetered("run-7", "dev", 60_000), "run:run-7")
    assert same(fleet, everybody)
    await fleet.ctx.say(ev.RunFinished("run-7", "finished", 0, None, 1, ""), "run:run-7")
    await fleet.ctx.say(ev.RunMetered("run-3", "dev", 70_000), "run:run-3")
    assert same(fleet, everybody)
    await fleet.ctx.say(ev.BudgetExtended("dev", 60, "more", name="dev", extra=60), "agent:dev")
    assert same(fleet, everybody)
    fleet.clock_ns += HOUR_NS
    assert same(fleet, everybody)
    late = fleet.ctx.reader.run("run-7")
    assert late is not None
    fleet.ctx.ledger = None
    assert ("run", "run-7", "total", 0) not in spending.cells(fleet.ctx)
    assert spending.cells(fleet.ctx, late)["run", "run-7", "total", 0].run_ms == 60_000, "who is asked for later"


async def test_what_is_known_is_asked_of_nobody(make_fleet: MakeFleet) -> None:
    fleet = await at_work(make_fleet)
    fleet.ctx.reader.tickets()
    with statements(fleet) as asked:
        for _ in range(100):
            fleet.ctx.reader.tickets()
            fleet.ctx.reader.last_seq()
    assert asked == []


@pytest.mark.parametrize(("says", "rounds"), [("charge", 1), ("more", 2)])
async def test_a_round_that_only_charges_is_not_followed_by_another(
    make_fleet: MakeFleet, says: str, rounds: int
) -> None:
    fleet = await at_work(make_fleet)
    rounds_run = 0

    async def once(ctx: object) -> None:
        nonlocal rounds_run
        rounds_run += 1
        if rounds_run == 1:
            await fleet.ctx.say(ev.RunMetered("run-3", "dev", 90_000), "run:run-3")
            if says == "more":
                await fleet.ctx.say(ev.RunStateChanged("run-3", "waiting", "hook"), "run:run-3")

    loop = Loop(fleet.ctx)
    loop._passes = [("once", once)]
    await loop.settle()
    assert rounds_run == rounds
