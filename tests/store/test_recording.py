"""A recording is what was recorded, or it is refused; played to an instant it is the log of that instant."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError
from fleet_tui.store.audit import export
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.store.recording import Playback, Recorded, checked, load
from fleet_tui.store.store import Store


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two tickets, one of them ready."""
    store = Store.open(tmp_path / "fleet.db", host="test", blobs=tmp_path / "blobs")
    for number in (1, 2):
        created = ev.TicketCreated(number, f"Ticket {number}", "", "0" * 64, [], [], 3)
        store.append([ev.draft(created, f"ticket:{number}")]).result(10)
    store.append([ev.draft(ev.TicketReady(2), "ticket:2")]).result(10)
    store.close()
    return tmp_path / "fleet.db"


def lines(log: Path) -> list[str]:
    written: list[str] = []
    export(log, written.append)
    return written


def exported(log: Path, text: list[str] | None = None) -> Path:
    path = log.with_name("events.jsonl")
    path.write_text("".join(lines(log) if text is None else text))
    return path


def spread(found: list[Recorded]) -> list[Recorded]:
    """The same events a second apart: those of a test come within microseconds."""
    return [Recorded(one.row._replace(at_ns=at * 10**9), one.salt, one.body) for at, one in enumerate(found, 1)]


def test_an_export_and_the_database_are_the_same_recording(log: Path) -> None:
    assert load(exported(log)) == load(log)


def test_played_forwards_and_backwards_it_is_the_log_of_that_instant(log: Path, tmp_path: Path) -> None:
    with closing(Playback(spread(load(log)), tmp_path / "played" / "fleet.db")) as player:
        reader = Reader.open(tmp_path / "played" / "fleet.db")
        seen = []
        for second in (1, 3, 2, 0, 3):
            player.go_to(second * 10**9)
            states = [str(ticket.state) for ticket in reader.tickets()]
            found = [event.seq for event in reader.events(EventFilter(text="Ticket"))]
            seen.append((reader.last_seq(), states, found))
        assert seen == [
            (1, ["draft"], [1]),
            (3, ["draft", "ready"], [1, 2, 3]),
            (2, ["draft", "draft"], [1, 2]),
            (0, [], []),
            (3, ["draft", "ready"], [1, 2, 3]),
        ]
        assert not player.go_to(3 * 10**9)
        reader.close()


def test_the_source_is_only_read(log: Path, tmp_path: Path) -> None:
    before = log.read_bytes()
    with closing(Playback(load(log), tmp_path / "played" / "fleet.db")) as player:
        player.go_to(player.last_ns)
    assert log.read_bytes() == before


def changed(line: str, **what: Any) -> str:
    return json.dumps({**json.loads(line), **what}) + "\n"


def test_what_was_changed_or_is_something_else_is_refused(log: Path) -> None:
    first, *rest = lines(log)
    for text, why in (
        ([changed(first, actor="operator:eve"), *rest], "was changed"),
        ([changed(first, payload={}), *rest], "was changed"),
        (["{}\n"], "no recording"),
        (["hello\n"], "no recording"),
        ([], "empty"),
    ):
        with pytest.raises(FleetError, match=why):
            load(exported(log, text))
    with pytest.raises(FleetError, match="empty"):
        checked([], "x")
