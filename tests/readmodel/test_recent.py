"""The newest events of a list: what happened, not that time passes; each read once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.readmodel.recent import Recent
from fleet_tui.store.reader import Reader
from fleet_tui.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "fleet.db", host="test", blobs=tmp_path / "blobs")
    yield opened
    opened.close()


@pytest.fixture
def reader(store: Store, tmp_path: Path) -> Iterator[Reader]:
    opened = Reader.open(tmp_path / "fleet.db")
    yield opened
    opened.close()


def told(store: Store, *texts: str) -> int:
    """Record notes, each amid run time that was charged; the number of the last event."""
    drafts = []
    for text in texts:
        drafts += [charged(), ev.draft(ev.Note(text), "fleet"), charged()]
    return store.append(drafts).result(30)[-1].seq


def charged() -> ev.Draft:
    return ev.draft(ev.RunMetered("run-1", "dev", 10_000), "run:run-1")


def notes(recent: Recent, reader: Reader, seq: int) -> list[str]:
    found = recent.read(reader, seq)
    assert {event.kind for event in found} <= {"note"}
    return [event.payload["summary"] for event in found]


def test_it_grows_by_what_is_new_and_keeps_the_newest(store: Store, reader: Reader) -> None:
    recent = Recent(limit=3)
    assert notes(recent, reader, told(store, "a", "b")) == ["a", "b"]
    assert notes(recent, reader, told(store, "c", "d")) == ["b", "c", "d"]
    last = told(store, "e")
    assert notes(recent, reader, last) == ["c", "d", "e"]
    assert notes(recent, reader, last) == ["c", "d", "e"]


def test_what_came_after_the_picture_is_told_once(store: Store, reader: Reader) -> None:
    recent = Recent()
    first, second = told(store, "a"), told(store, "b")
    assert notes(recent, reader, first) == ["a", "b"]
    assert notes(recent, reader, second) == ["a", "b"]
    assert notes(recent, reader, told(store, "c")) == ["a", "b", "c"]


def test_it_looks_behind_much_that_only_counts(store: Store, reader: Reader) -> None:
    told(store, "long ago")
    last = store.append([charged() for _ in range(900)]).result(60)[-1].seq
    assert notes(Recent(), reader, last) == ["long ago"]
    late = Recent()
    assert notes(late, reader, last) == notes(late, reader, last)


def test_when_a_recording_goes_back_it_begins_anew(store: Store, reader: Reader) -> None:
    recent = Recent(limit=2)
    first, last = told(store, "a"), told(store, "b", "c")
    assert notes(recent, reader, last) == ["b", "c"]
    assert notes(recent, reader, first) == ["b", "c"]  # this log still has all of it
