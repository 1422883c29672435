"""The ledger of costs: whatever is asked of it adds up to what was metered."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_tui.domain import events as ev
from fleet_tui.domain.amounts import FULL
from fleet_tui.domain.costs import HEADINGS, CostCell, grouped, show_cost, total
from fleet_tui.domain.spending import HOUR_NS
from fleet_tui.store.projections.registry import apply
from fleet_tui.store.store import Store
from fleet_tui.store.tables import COST, MemoryTables

RUNS = {"run-1": ("ada", 1), "run-2": ("ada", 2), "run-3": ("bob", None), "unheard": ("eve", None)}
COUNT = st.integers(0, 10**12)


@st.composite
def usages(draw: st.DrawFn) -> tuple[int, ev.UsageReported]:
    """When, and what: with a price, without one, and turns that are no requests."""
    run = draw(st.sampled_from(sorted(RUNS)))
    source = draw(st.sampled_from(["vendor", "config", "table", "unknown"]))
    output = draw(COUNT)
    used = ev.UsageReported(
        run,
        RUNS[run][0],
        draw(st.sampled_from(["big", "small", ""])),
        draw(COUNT),
        output,
        draw(COUNT),
        draw(COUNT),
        None if source == "unknown" else draw(st.integers(0, 10**9)),
        source,
        draw(st.integers(0, 3)),
        reasoning_tokens=draw(st.none() | st.integers(0, output)),
    )
    return draw(st.integers(0, 60 * HOUR_NS)), used


def event(seq: int, at_ns: int, payload: ev.Payload) -> ev.Event:
    facts = payload.as_dict()
    return ev.Event(seq, f"ev-{seq}", at_ns, "h", payload.kind, "watcher", "fleet", None, None, 1, facts, "", "")


def ledger(metered: list[tuple[int, ev.UsageReported]]) -> list[CostCell]:
    tables, seq = MemoryTables(), 0
    for run, (agent, ticket) in RUNS.items():
        if run != "unheard":
            queued = ev.RunQueued(run, agent, "developer", "x", None, "ticket_ready", ticket)
            apply(tables, event(seq := seq + 1, 0, queued))
    for at_ns, used in metered:
        apply(tables, event(seq := seq + 1, at_ns, used))
    return [CostCell(**row) for row in tables.content[COST.name].values()]


@settings(max_examples=60, deadline=None)
@given(st.lists(usages(), max_size=25))
def test_every_grouping_adds_up_to_what_was_metered(metered: list[tuple[int, ev.UsageReported]]) -> None:
    cells, used = ledger(metered), [one for _, one in metered]
    whole = total(cells)
    assert whole.fresh == sum(one.input_tokens for one in used)
    assert whole.output == sum(one.output_tokens for one in used)
    assert whole.cache_read == sum(one.cache_read for one in used)
    assert whole.cache_write == sum(one.cache_write for one in used)
    assert (whole.reasoning or 0) == sum(one.reasoning_tokens or 0 for one in used)
    assert sum(whole.by_source.values()) == sum(one.cost_microusd or 0 for one in used)
    assert whole.unpriced == sum(one.cost_microusd is None and has_tokens(one) for one in used)
    for by in HEADINGS:
        parts = grouped(cells, by).values()
        for amount in ("requests", "fresh", "output", "cache_read", "cache_write", "unpriced"):
            assert sum(getattr(part, amount) for part in parts) == getattr(whole, amount), (by, amount)
        assert sum(part.microusd or 0 for part in parts) == (whole.microusd or 0)
        known = [part.reasoning for part in parts if part.reasoning is not None]
        assert (sum(known) if known else None) == whole.reasoning


def test_sums_stop_at_what_the_database_holds(store: Store) -> None:
    """The cell of the fleet is everybody's: one that is full keeps nobody's use or end out of the log."""
    most = 2**62
    for _ in range(3):
        told = ev.UsageReported("run-1", "ada", "big", most, 1, cost_microusd=most, cost_source="vendor")
        store.append([ev.draft(told, "run:run-1")]).result(10)
    (cell,) = store.reader.costs()
    assert (cell.input_tokens, cell.output_tokens, cell.microusd) == (FULL, 3, FULL)
    more = ev.BudgetExtended(
        "", 0, "more", scope="fleet", name="fleet", window="total", start_ns=0, unit="money", extra=most
    )
    for _ in range(3):
        store.append([ev.draft(more, "fleet")]).result(10)
    fleet = store.reader.spending_of(0, (("fleet", "fleet"),))["fleet", "fleet", "total", 0]
    assert (fleet.microusd, fleet.more_money, fleet.output_tokens) == (FULL, FULL, 3)


def has_tokens(one: ev.UsageReported) -> bool:
    return any((one.input_tokens, one.output_tokens, one.cache_read, one.cache_write))


def used(run: str, model: str, cost: int | None, source: str, **more: Any) -> ev.Draft:
    reported = ev.UsageReported(run, RUNS[run][0], model, 100, 10, cost_microusd=cost, cost_source=source, **more)
    return ev.draft(reported, f"run:{run}")


def test_an_unknown_price_is_unknown_and_never_nothing(store: Store) -> None:
    queued = ev.RunQueued("run-1", "ada", "developer", "x", None, "ticket_ready", 1)
    store.append(
        [
            ev.draft(queued, "run:run-1"),
            used("run-1", "big", 1_200_000, "vendor", reasoning_tokens=4),
            used("run-1", "odd", None, "unknown"),
            ev.draft(ev.UsageReported("run-1", "ada", "", cost_microusd=0, cost_source="vendor", turn=1), "run:run-1"),
        ]
    ).result(10)
    cells = store.reader.costs()
    by_model = grouped(cells, "model")
    assert list(by_model) == ["big", "odd"], "a turn alone is no request"
    assert (show_cost(by_model["big"]), by_model["big"].reasoning) == ("$1.20", 4)
    assert (show_cost(by_model["odd"]), by_model["odd"].microusd, by_model["odd"].reasoning) == ("unknown", None, None)
    whole = grouped(cells, "ticket")["1"]
    assert (show_cost(whole), whole.requests, whole.unpriced_models) == ("$1.20 + unknown", 2, ("odd",))
    assert store.reader.costs(cells[0].hour_ns + HOUR_NS) == []
    assert len(store.reader.costs(cells[0].hour_ns + HOUR_NS - 1)) == 2, "from the beginning of its hour on"
