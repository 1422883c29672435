"""Appending: one transaction a call, idempotency keys, refusals, grouping, fencing."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError
from fleet_tui.store import canonical
from fleet_tui.store.audit import verify
from fleet_tui.store.errors import Corrupt, Fenced, Rejected
from fleet_tui.store.store import Store

NOTE = ev.draft(ev.Note("hello"), "fleet")


def append(store: Store, *drafts: ev.Draft) -> list[ev.Event]:
    return store.append(drafts).result(timeout=10)


def test_events_are_numbered_from_one_and_chained(store: Store) -> None:
    first, second = append(store, NOTE, NOTE)
    assert (first.seq, second.seq) == (1, 2)
    assert first.previous == "00" * 32
    assert second.previous == first.hash
    assert store.reader.event(2) == second
    assert store.reader.event(first.id) == first
    assert store.reader.last_seq() == 2


def test_envelope_says_who_where_and_in_which_epoch(store: Store) -> None:
    (event,) = append(store, ev.Draft("note", {"summary": "x"}, "ticket:1", "agent:ada/run-1", "ev-0", "key-1"))
    assert (event.subject, event.actor, event.cause, event.key) == ("ticket:1", "agent:ada/run-1", "ev-0", "key-1")
    assert (event.host, event.epoch) == ("host-a", store.epoch)
    assert store.reader.effects_of("ev-0") == [event]


async def test_record_awaits_the_commit(store: Store) -> None:
    (event,) = await store.record(NOTE)
    assert store.reader.event(event.id) == event


def test_a_known_key_gives_the_first_event(store: Store) -> None:
    (first,) = append(store, ev.draft(ev.Note("one"), "fleet", key="k"))
    again, new = append(store, ev.draft(ev.Note("two"), "fleet", key="k"), NOTE)
    assert again == first
    assert (new.seq, store.reader.last_seq()) == (2, 2)
    twice = append(store, ev.draft(ev.Note("a"), "fleet", key="j"), ev.draft(ev.Note("b"), "fleet", key="j"))
    assert twice[0] == twice[1]
    assert store.reader.last_seq() == 3


def test_later_changes_of_the_callers_payload_do_not_reach_the_log(store: Store) -> None:
    payload: dict[str, object] = {"summary": "before", "data": [1]}
    future = store.append([ev.Draft("note", payload, "fleet")])
    payload["summary"] = "after"
    assert future.result(timeout=10)[0].payload["summary"] == "before"


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({"summary": 1.5}, "float"),
        ({"summary": "a\0b"}, "NUL"),
        ({"summary": "\ud800"}, "surrogate"),
        ({"summary": "x", "data": 2**63}, "64 bits"),
        ({"summary": "x", "data": {1: 2}}, "key that is not text"),
        ({"summary": "x", "data": {"b": {"c": [0, 0.5]}}}, "payload.data.b.c[1]"),
        ({"summary": "x", "data": b"bytes"}, "bytes"),
        ({}, "summary is missing"),
        ({"summary": 3}, "summary has the wrong type"),
        ({"summary": "x", "run": 7}, "run has the wrong type"),
        ({"summary": "x", "ticket": True}, "ticket has the wrong type"),
        ({"summary": "x", "to": ["ada", 3]}, "to has the wrong type"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_its_place(store: Store, payload: dict[str, object], says: str) -> None:
    with pytest.raises(Rejected) as refusal:
        append(store, ev.Draft("note", payload, "fleet"))
    assert says in str(refusal.value)
    assert store.reader.last_seq() == 0


def test_deep_nesting_is_refused_instead_of_overflowing(store: Store) -> None:
    deep: object = 0
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Rejected, match="nested deeper"):
        append(store, ev.Draft("note", {"summary": "x", "data": deep}, "fleet"))


@pytest.mark.parametrize("field", ["subject", "actor", "cause", "key", "kind"])
def test_the_envelope_is_checked_too(store: Store, field: str) -> None:
    envelope = {"kind": "odd", "payload": {}, "subject": "fleet", field: "a\0"}
    with pytest.raises(Rejected, match="NUL"):
        append(store, ev.Draft(**envelope))  # type: ignore[arg-type]


def test_the_size_limit_counts_canonical_bytes(store: Store) -> None:
    frame = len(canonical.encode({"text": ""}, "odd"))
    fits = {"text": "x" * (canonical.BODY_LIMIT - frame)}
    assert append(store, ev.Draft("odd", fits, "fleet"))[0].payload == fits
    with pytest.raises(Rejected, match="65537 bytes"):
        append(store, ev.Draft("odd", {"text": fits["text"] + "x"}, "fleet"))


@pytest.mark.parametrize(
    "draft",
    [
        ev.draft(ev.RunStateChanged("run-1", "dancing", "hook"), "run:run-1"),
        ev.draft(ev.RunFinished("run-1", "running", 0, None, 1), "run:run-1"),
        ev.draft(ev.PullRequestStateChanged(1, "upside_down", "", 1), "pr:1"),
        ev.draft(ev.MessageDelivered("m", "run-1", "lost"), "run:run-1"),
        ev.draft(ev.EffectPlanned("e", "merge", "twice", "main"), "fleet"),
        ev.draft(ev.ConfigLoaded("s", "p", [{"role": "developer"}]), "fleet"),
        ev.draft(ev.ConfigLoaded("s", "p", [{"name": "ada", "max_concurrent": "3"}]), "fleet"),
        ev.draft(ev.ConfigLoaded("s", "p", [{"name": "ada", "budget_s": True}]), "fleet"),
    ],
)
def test_states_and_configurations_outside_the_vocabulary_are_refused(store: Store, draft: ev.Draft) -> None:
    with pytest.raises(Rejected):
        append(store, draft)
    assert store.reader.last_seq() == 0


def test_a_bad_draft_undoes_its_whole_call_and_no_other(store: Store) -> None:
    bad = ev.draft(ev.RunStateChanged("run-1", "dancing", "hook"), "run:run-1")
    stop = threading.Event()
    blocked = _occupy(store, stop)
    before = store.append([ev.draft(ev.Note("before"), "fleet")])
    mixed = store.append([ev.draft(ev.TicketCreated(1, "t", "", "0", [], [], 1), "ticket:1"), bad])
    after = store.append([ev.draft(ev.Note("after"), "fleet")])
    stop.set()
    blocked.result(timeout=10)
    with pytest.raises(Rejected):
        mixed.result(timeout=10)
    assert [before.result(timeout=10)[0].seq, after.result(timeout=10)[0].seq] == [1, 2]
    assert store.reader.tickets() == []
    assert store.reader.last_seq() == 2


def test_what_waits_is_committed_together(store: Store) -> None:
    stop = threading.Event()
    blocked = _occupy(store, stop)
    version = store.reader.data_version()
    waiting = [store.append([NOTE]) for _ in range(20)]
    seen = {store.reader.data_version()}
    stop.set()
    blocked.result(timeout=10)
    for future in waiting:
        future.result(timeout=10)
        seen.add(store.reader.data_version())
    assert store.reader.last_seq() == 20
    assert len(seen - {version}) < 20


def test_a_cancelled_call_is_not_recorded(store: Store) -> None:
    stop = threading.Event()
    blocked = _occupy(store, stop)
    unwanted, wanted = store.append([NOTE]), store.append([NOTE])
    assert unwanted.cancel()
    stop.set()
    blocked.result(timeout=10)
    assert wanted.result(timeout=10)[0].seq == 1
    assert store.reader.last_seq() == 1


def test_fifty_producers_lose_nothing_and_stay_whole(store: Store, database: Path) -> None:
    answers: list[list[ev.Event]] = []

    def produce(producer: int) -> None:
        for number in range(10):
            drafts = [ev.draft(ev.Note(f"{producer}/{number}/{part}"), "fleet") for part in range(3)]
            answers.append(append(store, *drafts))

    threads = [threading.Thread(target=produce, args=(producer,)) for producer in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = sorted(event.seq for events in answers for event in events)
    assert numbers == list(range(1, 1501))
    for events in answers:
        assert [event.seq for event in events] == list(range(events[0].seq, events[0].seq + 3))
        assert len({event.payload["summary"].rsplit("/", 1)[0] for event in events}) == 1
    assert verify(database).problems == []


def test_producers_racing_for_one_key_get_one_event(store: Store) -> None:
    barrier = threading.Barrier(20)
    answers: list[ev.Event] = []

    def produce(number: int) -> None:
        barrier.wait()
        answers.extend(append(store, ev.draft(ev.Note(str(number)), "fleet", key="only")))

    threads = [threading.Thread(target=produce, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert len({event.id for event in answers}) == 1
    assert store.reader.last_seq() == 1


def test_a_newer_writer_fences_the_older(store: Store, database: Path, blob_directory: Path) -> None:
    append(store, NOTE)
    newer = Store.open(database, host="host-a", blobs=blob_directory)
    assert newer.epoch == store.epoch + 1
    with pytest.raises(Fenced):
        append(store, NOTE)
    assert append(newer, NOTE)[0].seq == 2
    newer.close()


def test_a_removed_database_is_noticed_before_the_next_commit(store: Store, database: Path) -> None:
    append(store, NOTE)
    database.rename(database.with_name("stolen.db"))
    with pytest.raises(Corrupt, match="removed or replaced"):
        append(store, NOTE)
    database.with_name("stolen.db").rename(database)
    assert append(store, NOTE)[0].seq == 2


def test_closing_records_what_is_queued_and_refuses_the_rest(database: Path, blob_directory: Path) -> None:
    store = Store.open(database, host="host-a", blobs=blob_directory)
    waiting = [store.append([NOTE]) for _ in range(30)]
    store.close()
    assert [future.result(timeout=10)[0].seq for future in waiting] == list(range(1, 31))
    with pytest.raises(FleetError, match="closed"):
        append(store, NOTE)
    store.close()
    assert not database.with_name("fleet.db-wal").exists()
    again = Store.open(database, host="host-a", blobs=blob_directory)
    assert (again.epoch, again.reader.last_seq()) == (2, 30)
    again.close()


def test_a_backup_is_a_whole_log(store: Store, tmp_path: Path) -> None:
    append(store, NOTE, NOTE)
    copy = tmp_path / "copy" / "fleet.db"
    copy.parent.mkdir()
    store.backup(copy)
    append(store, NOTE)
    report = verify(copy)
    assert (report.ok, report.events) == (True, 2)
    assert copy.stat().st_mode & 0o077 == 0
    with pytest.raises(FleetError):
        store.backup(tmp_path / "missing" / "fleet.db")
    assert append(store, NOTE)[0].seq == 4


def _occupy(store: Store, stop: threading.Event) -> Future[None]:
    """Keeps the writer busy until ``stop``, so that calls queue up behind it."""
    from fleet_tui.store.writer import Task

    started = threading.Event()

    def work(_connection: object) -> None:
        started.set()
        stop.wait(timeout=10)

    task = Task(work)
    store._writer.submit(task)
    assert started.wait(timeout=10)
    return task.future
