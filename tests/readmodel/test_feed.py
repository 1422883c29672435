"""The feed: pictures while the database and the watcher answer, and the truth when they do not."""

from __future__ import annotations

import queue
import sys
from pathlib import Path

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import WatcherUnavailable
from fleet_tui.readmodel.feed import Feed
from fleet_tui.readmodel.health import Trust, trust
from fleet_tui.readmodel.values import Health, Picture
from fleet_tui.store.store import Store

SECOND = 1_000_000_000


def next_with(pictures: queue.Queue[Picture], wanted: object) -> Picture:
    """The first picture for which ``wanted`` holds; fails after a long silence."""
    while True:
        picture = pictures.get(timeout=40)
        if wanted(picture):  # type: ignore[operator]
            return picture


def test_it_follows_the_log_and_the_watcher(tmp_path: Path) -> None:
    pictures: queue.Queue[Picture] = queue.Queue()
    alive = [True]

    def probe() -> dict[str, object]:
        if not alive[0]:
            raise WatcherUnavailable("the watcher is not running", "nobody listens")
        return {"pid": 7}

    feed = Feed(tmp_path / "fleet.db", probe, pictures.put)
    feed.start()
    try:
        missing = next_with(pictures, lambda p: p.health.missed > 0)
        assert "does not exist" in missing.health.error
        store = Store.open(tmp_path / "fleet.db", host="test", blobs=tmp_path / "blobs")
        try:
            first = next_with(pictures, lambda p: p.snapshot is not None and p.health.missed == 0)
            assert first.health.status == (("pid", "7"),)
            seq = store.append([ev.draft(ev.Note("hello"), "fleet")]).result(5)[0].seq
            next_with(pictures, lambda p: p.snapshot is not None and p.snapshot.seq == seq)
            alive[0] = False
            feed.poke()
            dead = next_with(pictures, lambda p: p.health.missed > 0)
            assert "not running" in dead.health.error
            assert dead.health.fresh_ns > 0
        finally:
            store.close()
    finally:
        feed.stop()


def test_agents_of_whose_state_the_watcher_is_not_sure_are_marked(tmp_path: Path) -> None:
    pictures: queue.Queue[Picture] = queue.Queue()
    store = Store.open(tmp_path / "fleet.db", host="test", blobs=tmp_path / "blobs")
    names = ("dev", "qa")
    rows: list[dict[str, object]] = [
        {"name": name, "role": "developer", "vendor": "x", "model": None, "enabled": True, "max_concurrent": 1}
        | {"department": None, "reports_to": None, "subscribes_to": [], "budget_s": 1}
        for name in names
    ]
    started = [
        ev.RunStarted(f"run-{name}", f"run-{name}", "u" * 32, "/w", "b", "a" * 40, "L0", 1, "") for name in names
    ]
    queued = [ev.RunQueued(f"run-{name}", name, "developer", "x", None, "by hand") for name in names]
    store.append([ev.draft(ev.ConfigLoaded("sha", "v", rows, []), "fleet")]).result(5)
    store.append([ev.draft(event, "fleet") for event in (*queued, *started)]).result(5)
    feed = Feed(tmp_path / "fleet.db", lambda: {"unsure": ["qa", 7]}, pictures.put)
    feed.start()
    try:
        seen = next_with(pictures, lambda p: p.snapshot is not None and any(t.unsure for t in p.snapshot.tiles))
        assert seen.snapshot is not None
        assert [(tile.name, tile.word) for tile in seen.snapshot.tiles] == [("dev", "RUN"), ("qa", "RUN?")]
    finally:
        feed.stop()
        store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="nobody tells of writes elsewhere: it looks again and again")
def test_while_nothing_is_written_it_sleeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet_tui.readmodel.feed.PROBE_S", 600.0)
    monkeypatch.setattr("fleet_tui.readmodel.feed.POLL_S", 0.001)
    store = Store.open(tmp_path / "fleet.db", host="test", blobs=tmp_path / "blobs")
    pictures: queue.Queue[Picture] = queue.Queue()
    rounds: list[bool] = []

    class Counted(Feed):
        def step(self) -> bool:
            rounds.append(super().step())
            return rounds[-1]

    feed = Counted(tmp_path / "fleet.db", dict, pictures.put)
    try:
        feed.start()
        for number in range(3):
            seq = store.append([ev.draft(ev.Note(f"note {number}"), "fleet")]).result(5)[0].seq
            next_with(pictures, lambda p, seq=seq: p.snapshot is not None and p.snapshot.seq == seq)
        # One for each commit, some that came before a commit was complete, and none because time had passed.
        assert len(rounds) < 40
    finally:
        feed.stop()
        store.close()


def test_what_only_counts_waits_for_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet_tui.readmodel.feed.BY_TIME_S", 600.0)
    store = Store.open(tmp_path / "fleet.db", host="test", blobs=tmp_path / "blobs")
    pictures: queue.Queue[Picture] = queue.Queue()
    feed = Feed(tmp_path / "fleet.db", dict, pictures.put)
    try:
        feed.start()
        next_with(pictures, lambda p: p.snapshot is not None)
        charged = store.append([ev.draft(ev.RunMetered("run-1", "dev", 10_000), "run:run-1")]).result(5)[0].seq
        probed = next_with(pictures, lambda p: p.health.fresh_ns > 0)
        later = next_with(pictures, lambda p: p.health.fresh_ns > probed.health.fresh_ns)
        assert later.snapshot is not None
        assert later.snapshot.seq < charged
        seq = store.append([ev.draft(ev.Note("it happens"), "fleet")]).result(5)[0].seq
        next_with(pictures, lambda p: p.snapshot is not None and p.snapshot.seq == seq)
        monkeypatch.setattr("fleet_tui.readmodel.feed.BY_TIME_S", 0.0)
        seq = store.append([ev.draft(ev.RunMetered("run-1", "dev", 20_000), "run:run-1")]).result(5)[0].seq
        next_with(pictures, lambda p: p.snapshot is not None and p.snapshot.seq == seq)
    finally:
        feed.stop()
        store.close()


def test_trust_fades() -> None:
    health = Health(100 * SECOND, 0, "")
    assert [trust(health, 0, (100 + age) * SECOND) for age in (0, 3, 4, 9, 10)] == [
        Trust.FRESH,
        Trust.FRESH,
        Trust.LATE,
        Trust.LATE,
        Trust.FROZEN,
    ]
    assert trust(Health(100 * SECOND, 3, "x"), 0, 101 * SECOND) is Trust.LATE
    assert trust(Health(0, 0, ""), 50 * SECOND, 70 * SECOND) is Trust.FROZEN
