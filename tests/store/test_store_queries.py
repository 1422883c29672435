"""Pages of the log: the same as filtering by hand, and always from an index."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError
from fleet_tui.store import search
from fleet_tui.store.connection import raw
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.store.store import Store
from tests.examples import tried

WORDS = [
    "login",
    "log",
    "logins",
    "Größe",
    "GRÖSSE",
    "src/cart.py",
    "internationalisation",
    "internationalism",
    "42",
    "a_b",
    "日本",
]
KINDS = ["note", "claim", "handoff", "odd"]
SUBJECTS = ["fleet", "ticket:1", "ticket:10", "run:run-1"]
ACTORS = ["watcher", "operator:kim", "agent:ada/run-1"]
FILTERS = st.builds(
    EventFilter,
    kinds=st.lists(st.sampled_from([*KINDS, "never"]), max_size=3).map(tuple),
    subjects=st.lists(st.sampled_from(SUBJECTS), max_size=2).map(tuple),
    actors=st.lists(st.sampled_from(ACTORS), max_size=2).map(tuple),
    since_ns=st.none() | st.integers(-50, 3050),
    until_ns=st.none() | st.integers(-50, 3050),
    text=st.none()
    | st.lists(st.sampled_from([*WORDS, "lo", "inter", "note", "ticket", "--"]), max_size=2).map(" ".join),
)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reader, list[ev.Event]]]:
    """Three thousand events whose clock runs from 0 to 3000, with jumps, over three blocks."""
    directory = tmp_path_factory.mktemp("log")
    store = Store.open(directory / "fleet.db", host="h", blobs=directory)
    with pytest.MonkeyPatch.context() as patch:
        ticks = iter(range(10**9))
        patch.setattr("fleet_tui.store.append.time.time_ns", lambda: _clock(next(ticks)))
        drafts = [_draft(number) for number in range(3000)]
        for start in range(0, 3000, 100):
            store.append(drafts[start : start + 100]).result(timeout=10)
    everything = store.reader.events(limit=5000)
    yield store.reader, everything
    store.close()


def _clock(tick: int) -> int:
    """Mostly forward, with a jump back by 500 in the middle."""
    return tick if tick < 1500 else tick - 500


def _draft(number: int) -> ev.Draft:
    words = [WORDS[number % len(WORDS)], WORDS[number // 7 % len(WORDS)]]
    payload = {"summary": " ".join(words), "data": {"deep": [number]}}
    kind, subject = KINDS[number % 11 % len(KINDS)], SUBJECTS[number // 3 % len(SUBJECTS)]
    return ev.Draft(kind, payload, subject, ACTORS[number // 5 % len(ACTORS)])


def by_hand(event: ev.Event, wanted: EventFilter) -> bool:
    """What a filter means, said plainly."""
    content = search.words(" ".join([event.kind, event.subject, *search.texts(event.payload)]))
    return (
        (not wanted.kinds or event.kind in wanted.kinds)
        and (not wanted.subjects or event.subject in wanted.subjects)
        and (not wanted.actors or event.actor in wanted.actors)
        and (wanted.since_ns is None or event.at_ns >= wanted.since_ns)
        and (wanted.until_ns is None or event.at_ns <= wanted.until_ns)
        and all(any(word.startswith(part) for word in content) for part in search.words(wanted.text or ""))
    )


@given(FILTERS, st.integers(0, 3100), st.integers(0, 3100), st.sampled_from([0, 1, 7, 200, 1500]))
@tried(200)
def test_pages_are_what_filtering_by_hand_gives(
    log: tuple[Reader, list[ev.Event]], wanted: EventFilter, before: int, after: int, limit: int
) -> None:
    reader, everything = log
    matching = [event for event in everything if by_hand(event, wanted)]
    assert reader.events(wanted, limit=limit) == (matching[-limit:] if limit else [])
    assert reader.events(wanted, before=before, limit=limit) == _newest(matching, before, limit)
    assert reader.events(wanted, after=after, limit=limit) == [event for event in matching if event.seq > after][:limit]
    between = [event for event in matching if after < event.seq < before]
    assert reader.events(wanted, after=after, before=before, limit=limit) == between[:limit]


def _newest(matching: list[ev.Event], before: int, limit: int) -> list[ev.Event]:
    earlier = [event for event in matching if event.seq < before]
    return earlier[-limit:] if limit else []


def test_paging_back_visits_every_event_once(log: tuple[Reader, list[ev.Event]]) -> None:
    reader, everything = log
    wanted = EventFilter(kinds=("note", "claim"), text="log")
    pages, before = [], None
    while page := reader.events(wanted, before=before, limit=37):
        pages.append(page)
        before = page[0].seq
    assert [event for page in reversed(pages) for event in page] == [e for e in everything if by_hand(e, wanted)]


@pytest.mark.parametrize("instant", [0, 1022, 1023, 1024, 1499, 2046, 2047, 2499, 2500])
def test_instants_at_the_edges_of_blocks(log: tuple[Reader, list[ev.Event]], instant: int) -> None:
    reader, everything = log
    for wanted in (
        EventFilter(since_ns=instant),
        EventFilter(until_ns=instant),
        EventFilter((), (), (), instant, instant),
    ):
        assert reader.events(wanted, limit=5000) == [event for event in everything if by_hand(event, wanted)]


def test_many_names_at_once(log: tuple[Reader, list[ev.Event]]) -> None:
    reader, everything = log
    many = tuple(f"ticket:{number}" for number in range(900))
    wanted = EventFilter(kinds=(*KINDS, "never"), subjects=many, actors=tuple(ACTORS))
    assert reader.events(wanted) == [event for event in everything if by_hand(event, wanted)][-200:]


@pytest.mark.parametrize(
    "text", ['"', "'); DROP TABLE event; --", "NEAR(a b)", "* OR *", "a AND NOT b", "-x", "{words}:y", "\0", "  "]
)
def test_text_is_never_a_query_language(log: tuple[Reader, list[ev.Event]], text: str) -> None:
    reader, everything = log
    wanted = EventFilter(text=text)
    assert reader.events(wanted) == [event for event in everything if by_hand(event, wanted)][-200:]


@pytest.mark.parametrize(
    "wanted",
    [
        EventFilter(),
        EventFilter(kinds=("note",)),
        EventFilter(kinds=("note", "claim")),
        EventFilter(subjects=("fleet", "ticket:1")),
        EventFilter(actors=("watcher",)),
        EventFilter(kinds=("note",), subjects=("fleet",)),
        EventFilter(text="login"),
        EventFilter(kinds=("note",), actors=("watcher",), text="login"),
        EventFilter(since_ns=100, until_ns=200),
    ],
)
def test_every_page_comes_from_an_index(log: tuple[Reader, list[ev.Event]], wanted: EventFilter) -> None:
    reader, _everything = log
    connection = raw(reader._db)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    reader.events(wanted, limit=10)
    reader.events(wanted, after=50, limit=10)
    connection.set_trace_callback(None)
    assert statements
    plans = [
        _plan(connection, statement) for statement in statements if " event" in statement or " search" in statement
    ]
    for plan in plans:
        assert not [step for step in plan if step.startswith("SCAN") and step not in _ALLOWED], plan
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan or any(
            "json_each" in step or "wanted" in step for step in plan
        )


_ALLOWED = {"SCAN wanted VIRTUAL TABLE INDEX 1:", "SCAN event_span"}


def _plan(connection: sqlite3.Connection, statement: str) -> list[str]:
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()]
    # An FTS5 question with a MATCH is an index lookup that SQLite calls a scan: index number "0:M…".
    return [
        step for step in steps if not (step.startswith("SCAN search VIRTUAL TABLE INDEX") and "M" in step.split(":")[1])
    ]


def test_a_snapshot_sees_one_state(store: Store) -> None:
    note = ev.draft(ev.Note("x"), "fleet")
    store.append([note]).result(timeout=10)
    with store.reader.snapshot() as reader:
        assert reader.last_seq() == 1
        store.append([note]).result(timeout=10)
        assert (reader.last_seq(), len(reader.events())) == (1, 1)
        with reader.snapshot():
            assert reader.last_seq() == 1
    assert store.reader.last_seq() == 2


def test_data_version_changes_with_every_commit_and_only_then(store: Store) -> None:
    first = store.reader.data_version()
    assert store.reader.data_version() == first
    store.append([ev.draft(ev.Note("x"), "fleet")]).result(timeout=10)
    assert store.reader.data_version() != first


def test_a_reader_cannot_write(store: Store, database: Path) -> None:
    reader = Reader.open(database)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        raw(reader._db).execute("DELETE FROM event")
    reader.close()
    reader.close()


def test_one_reader_serves_many_threads(log: tuple[Reader, list[ev.Event]]) -> None:
    reader, everything = log
    answers: list[int] = []

    def read() -> None:
        for _ in range(10):
            with reader.snapshot():
                answers.append(len(reader.events(limit=50)) + reader.last_seq())

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [50 + len(everything)] * 80


def test_a_missing_or_foreign_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="does not exist"):
        Reader.open(tmp_path / "fleet.db")
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(FleetError, match="another program"):
        Reader.open(foreign)
    with pytest.raises(FleetError, match="another program"):
        Store.open(foreign, host="h", blobs=tmp_path)
    (tmp_path / "text.db").write_text("this is not a database, but long enough to look like one" * 20)
    for opening in (Reader.open, lambda path: Store.open(path, host="h", blobs=tmp_path)):
        with pytest.raises(FleetError, match="not an event log"):
            opening(tmp_path / "text.db")
