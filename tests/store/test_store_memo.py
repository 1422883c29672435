"""Remembered answers are the reader's own, and forgotten with the next event."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.domain.events import TicketCreated, TicketReady, draft
from fleet_tui.domain.states import TicketState
from fleet_tui.store.memo import remembering
from fleet_tui.store.store import Store


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
