"""The last run of an agent that has no process: which one it is, and what it did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.events import Draft, draft
from fleet_tui.domain.states import RunState
from fleet_tui.readmodel import queries
from fleet_tui.readmodel.queries import read_agent, read_snapshot
from fleet_tui.readmodel.story import PLUMBING, Stories, read_story
from fleet_tui.readmodel.values import LastRun
from fleet_tui.store.reader import Reader
from fleet_tui.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "fleet.db", host="test", blobs=tmp_path / "blobs")
    agents: list[dict[str, Any]] = [{"name": name, "role": "developer", "vendor": "v"} for name in ("dev", "spare")]
    add(opened, draft(ev.ConfigLoaded("0" * 64, "v", agents), "fleet"))
    yield opened
    opened.close()


def add(store: Store, *drafts: Draft) -> None:
    store.append(list(drafts)).result(10)


def queued(run: str, agent: str = "dev", **more: Any) -> Draft:
    return draft(ev.RunQueued(run, agent, "developer", "v", None, "ticket_ready", **more), f"run:{run}")


def started(run: str) -> Draft:
    return draft(ev.RunStarted(run, run, f"pane-{run}", "/w", "b", "a" * 40, "L0", 1, "0" * 64), f"run:{run}")


def finished(run: str, outcome: str = "finished") -> Draft:
    return draft(ev.RunFinished(run, outcome, 0, None, 5), f"run:{run}")


def note(text: str, run: str = "run-1") -> Draft:
    return draft(ev.Note(text), "ticket:3", actor=f"agent:dev/{run}")


def last(store: Store, stories: Stories | None = None, name: str = "dev") -> LastRun | None:
    tile = read_snapshot(store.reader, 1, stories).tile(name)
    assert tile is not None
    return tile.last


def test_a_story_is_what_happened_to_the_run_and_what_its_agent_did_in_it(store: Store) -> None:
    add(
        store,
        queued("run-1", ticket=3),
        started("run-1"),
        draft(ev.RunMetered("run-1", "dev", 10), "run:run-1"),
        draft(ev.MessageSent("m", "run-1", "prompt", "x"), "run:run-1"),
        note("first"),
        note("of another run", "run-2"),
        draft(ev.RunStateChanged("run-1", "running", "hook"), "run:run-1"),
        note("second"),
        finished("run-1"),
    )
    told = read_story(store.reader, "dev", "run-1")
    assert [event.kind for event in told] == ["run_queued", "run_started", "note", "note", "run_finished"]
    assert [event.seq for event in told] == sorted(event.seq for event in told)
    assert [event.payload["summary"] for event in told if event.kind == "note"] == ["first", "second"]
    assert ev.PAYLOADS.keys() >= PLUMBING


def test_of_a_long_story_the_end_is_told(store: Store) -> None:
    add(store, queued("run-1"), *(note(f"{number}") for number in range(50)), finished("run-1"))
    told = read_story(store.reader, "dev", "run-1", limit=5)
    assert [event.payload.get("summary") for event in told] == ["46", "47", "48", "49", None]


def test_which_run_is_the_last_one(store: Store) -> None:
    assert last(store) is None
    add(store, queued("run-1", ticket=3, pr=2))
    assert last(store) is None
    add(store, started("run-1"))
    assert last(store) is None
    add(store, finished("run-1", "stopped"))
    ended = last(store)
    assert ended is not None
    assert (ended.id, ended.state, ended.ticket, ended.pr) == ("run-1", RunState.STOPPED, 3, 2)
    add(store, queued("run-2"))
    assert last(store) == ended, "what waits to begin has nothing to show yet"
    add(store, started("run-2"))
    assert last(store) is None
    assert last(store, name="spare") is None


def test_an_agent_that_has_rested_long_still_has_its_last_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_RECENT_RUNS", 3)
    add(store, queued("run-0", "spare"), finished("run-0"))
    for number in range(1, 5):
        add(store, queued(f"run-{number}"), finished(f"run-{number}"))
    ended = last(store, name="spare")
    assert ended is not None
    assert ended.id == "run-0"


def test_each_story_is_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ev.Event | object] = []
    events = Reader.events

    def counted(reader: Reader, *args: Any, **more: Any) -> list[ev.Event]:
        asked.append(args)
        return events(reader, *args, **more)

    monkeypatch.setattr(Reader, "events", counted)
    add(store, queued("run-1"), note("done"), finished("run-1"))
    stories = Stories()
    ended = last(store, stories)
    assert ended is not None
    assert [event.kind for event in ended.story] == ["run_queued", "note", "run_finished"]
    count = len(asked)
    assert last(store, stories) == ended
    assert len(asked) == count
    add(store, queued("run-2"), finished("run-2"))
    newer = last(store, stories)
    assert newer is not None
    assert [event.subject for event in newer.story] == ["run:run-2"] * 2
    assert len(asked) > count


def test_the_detail_of_an_agent_tells_the_story_of_the_run_on_show(store: Store) -> None:
    add(store, queued("run-1"), finished("run-1"), queued("run-2"), note("later", "run-2"), finished("run-2", "failed"))
    tile = read_snapshot(store.reader, 1).tile("dev")
    assert tile is not None
    for run in ("run-1", "run-2"):
        detail = read_agent(store.reader, tile, run)
        assert detail is not None
        assert detail.last is not None
        assert detail.last.id == run
        assert {event.kind for event in detail.last.story} >= {"run_queued", "run_finished"}
    add(store, queued("run-3"))
    waiting = read_agent(store.reader, tile, "run-3")
    assert waiting is not None
    assert waiting.last is not None
    assert waiting.last.id == "run-2"
    add(store, started("run-3"))
    living = read_agent(store.reader, tile, "run-3")
    assert living is not None
    assert living.last is None
