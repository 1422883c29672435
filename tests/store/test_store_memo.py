"""Remembered answers are the reader's own, and forgotten with the next event."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from fleet_tui.domain.events import RunMetered, RunQueued, TicketCreated, TicketReady, draft
from fleet_tui.domain.model import Ticket
from fleet_tui.domain.states import TicketState
from fleet_tui.store.connection import raw
from fleet_tui.store.filters import EventFilter
from fleet_tui.store.memo import _APART_FROM_CHARGES, remembering
from fleet_tui.store.projections.registry import apply
from fleet_tui.store.store import Store
from fleet_tui.store.tables import MemoryTables


def charged(store: Store, charged_ms: int) -> None:
    store.append([draft(RunMetered("run-1", "dev", charged_ms), "run:run-1")]).result(10)


def test_charges_leave_what_they_change_nothing_of(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "fleet.db", host="h", blobs=tmp_path / "blobs")
    try:
        reader = remembering(store)
        queued = RunQueued("run-1", "dev", "developer", "v", None, "ticket_ready", ticket=1)
        store.append([draft(queued, "run:run-1")]).result(10)
        charged(store, 1_000)
        now_ns = store.reader.event(2).at_ns  # type: ignore[union-attr]
        starts, charges = EventFilter(kinds=("run_started",)), EventFilter(kinds=("run_metered",))
        alarms, none_started = reader.alarms(), reader.events(starts, after=0)
        before = (reader.run("run-1"), reader.agent("dev"), reader.spending(now_ns), reader.events(charges, after=0))
        assert reader.events(EventFilter(), after=0)[-1].seq == 2
        charged(store, 2_000)
        assert reader.alarms() is alarms
        assert reader.events(starts, after=0) is none_started
        after = (reader.run("run-1"), reader.agent("dev"), reader.spending(now_ns), reader.events(charges, after=0))
        assert all(old != new for old, new in zip(before, after, strict=True))
        assert reader.events(EventFilter(), after=0)[-1].seq == 3
        store.append([draft(TicketReady(1), "ticket:1"), draft(RunMetered("run-1", "dev", 3_000), "run:1")]).result(10)
        assert reader.alarms() is not alarms, "something else has happened too"
    finally:
        store.close()


def test_tables_that_charges_change_are_not_among_those_that_are_kept(tmp_path: Path) -> None:
    """By what the projection writes, not by what somebody thought of."""
    store = Store.open(tmp_path / "fleet.db", host="h", blobs=tmp_path / "blobs")
    try:
        queued = RunQueued("run-1", "dev", "developer", "v", None, "ticket_ready", ticket=1)
        store.append([draft(queued, "run:run-1")]).result(10)
        tables = MemoryTables()
        for event in store.reader.events(after=0):
            apply(tables, event)
        before = {name: dict(rows) for name, rows in tables.content.items()}
        charged(store, 1_000)
        apply(tables, store.reader.events(after=1)[0])
        changed = {name for name, rows in tables.content.items() if rows != before[name]}
        assert changed == {"run", "agent", "spending"}
        asked: list[str] = []
        raw(store.reader._db).set_trace_callback(asked.append)
        arguments = {"ticket": (1,), "pull_request": (1,), "open_pull_request": (1,), "reviews": (1,), "release": (1,)}
        for name in _APART_FROM_CHARGES:
            one = name in {"alarm", "approval", "question", "message", "effect"}
            getattr(store.reader, name)(*arguments.get(name, ("x",) if one else ()), *_more(name))
        read = {table for sql in asked for table in re.findall(r'FROM "?(\w+)"?', sql)}
        assert len(asked) == len(_APART_FROM_CHARGES)
        assert not read & (changed | {"event"})
    finally:
        store.close()


def _more(name: str) -> tuple[object, ...]:
    return {"workspace": (1,), "times_raised": ("rule", "agent:dev")}.get(name, ())


def test_an_answer_lasts_until_the_next_event(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "fleet.db", host="h", blobs=tmp_path / "blobs")
    try:
        reader = remembering(store)
        created = TicketCreated(1, "t", "", "", [], [], 3)
        store.append([draft(created, "ticket:1")]).result(10)
        first = reader.tickets(TicketState.DRAFT)
        assert first == store.reader.tickets(TicketState.DRAFT)
        assert reader.tickets(TicketState.DRAFT) is first
        store.append([draft(TicketReady(1), "ticket:1")]).result(10)
        assert reader.tickets(TicketState.DRAFT) == []
        assert [ticket.number for ticket in reader.tickets(TicketState.READY)] == [1]
        assert reader.ticket(1) == store.reader.ticket(1)
    finally:
        store.close()


def test_an_answer_that_comes_late_to_a_thread_is_not_remembered_as_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "fleet.db", host="h", blobs=tmp_path / "blobs")
    try:
        store.append([draft(TicketCreated(1, "t", "e", "0", [], [], 1), "ticket:1")]).result(10)
        reader, query = remembering(store), store.reader.ticket
        asked, go_on = threading.Event(), threading.Event()

        def slow(number: int) -> Ticket | None:
            found = query(number)
            asked.set()
            go_on.wait(10)
            return found

        monkeypatch.setattr(store.reader, "ticket", slow)
        thread = threading.Thread(target=lambda: reader.ticket(1))
        thread.start()
        assert asked.wait(10)
        monkeypatch.undo()
        store.append([draft(TicketReady(1), "ticket:1")]).result(10)
        reader.alarms()  # somebody else asks, and what was remembered is forgotten
        go_on.set()
        thread.join(10)
        found = reader.ticket(1)
        assert found is not None
        assert found.state is TicketState.READY
    finally:
        store.close()
