"""The log under a filter: everything that matches, once, also while the log grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_tui.domain.events import Event, Note, draft
from fleet_tui.readmodel.event_source import EventSource
from fleet_tui.readmodel.filters import parse
from fleet_tui.store.reader import Reader
from fleet_tui.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "fleet.db", host="test", blobs=tmp_path / "blobs")
    yield opened
    opened.close()


def say(store: Store, *texts: str) -> None:
    store.append([draft(Note(text), "fleet") for text in texts]).result(10)


def test_what_is_appended_while_looking_is_taken_in_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    say(store, "a")
    source = EventSource(store.reader, parse("type:note", 0), {})
    say(store, "b")
    events = Reader.events

    def while_somebody_writes(reader: Reader, *args: object, **more: object) -> list[Event]:
        say(store, "late")
        return events(reader, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Reader, "events", while_somebody_writes)
    source.refresh()
    monkeypatch.undo()
    source.refresh()
    assert [event.payload["summary"] for event in source.page(None, None, 10)] == ["a", "b", "late"]
