"""What the event log costs at size, as ratios measured in one run.

    python benchmarks/store.py [--events 1000000] [--directory DIR] [--keep]

Three questions: does a page of a big log cost more than a page of a small one, does opening it, and what does an append
cost beside bare SQLite with the same durability. Absolute figures depend on the disk; the ratios should not.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fleet_tui.domain import events as ev
from fleet_tui.store import audit
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.store.store import Store

SMALL = 5000
"""Events in the log that pages of the big one are compared with."""
AGENTS = [f"agent-{number}" for number in range(30)]
WORDS = [
    "login",
    "checkout",
    "cart",
    "index",
    "parser",
    "cache",
    "queue",
    "widget",
    "schema",
    "retry",
    "socket",
    "timeout",
    "colour",
    "header",
]


def drafts(count: int, seed: int = 1) -> Iterator[ev.Draft]:
    """A plausible history: mostly metering and state changes, some talk, few decisions."""
    rng = random.Random(seed)
    run = "run-0"
    for number in range(count):
        agent = AGENTS[number % len(AGENTS)]
        if number % 50 == 0:
            ticket = number // 50 + 1
            run = f"run-{number}"
            yield ev.draft(
                ev.RunQueued(run, agent, "developer", "claude_code", None, "ticket_ready", ticket), f"run:{run}"
            )
            continue
        yield _draft(rng, number, agent, run)


def _draft(rng: random.Random, number: int, agent: str, run: str) -> ev.Draft:
    choice = rng.random()
    actor = f"agent:{agent}/{run}"
    if choice < 0.45:
        return ev.draft(ev.RunMetered(run, agent, number % 50 * 10_000), f"run:{run}")
    if choice < 0.75:
        state = rng.choice(["running", "waiting", "paused"])
        return ev.draft(ev.RunStateChanged(run, state, "hook", rng.choice(WORDS)), f"run:{run}")
    if choice < 0.9:
        summary = f"{rng.choice(WORDS)} {rng.choice(WORDS)} in src/{rng.choice(WORDS)}.py line {number}"
        return ev.draft(ev.Note(summary, run, number // 50 + 1), "fleet", actor=actor)
    if choice < 0.9995:
        message = f"msg-{number}"
        return ev.draft(ev.MessageSent(message, run, "prompt", f"please look at {rng.choice(WORDS)}"), f"run:{run}")
    if choice < 0.9999:
        return ev.draft(ev.Blocker(f"q-{number}", f"which {rng.choice(WORDS)}?", run, agent), f"run:{run}", actor=actor)
    return ev.draft(ev.OperatorActed("zebra crossing"), "fleet", actor="operator:kim")


FILTERS: dict[str, EventFilter] = {
    "no filter": EventFilter(),
    "one common kind": EventFilter(kinds=("run_metered",)),
    "one rare kind": EventFilter(kinds=("blocker",)),
    "a kind that never came": EventFilter(kinds=("pr_merged",)),
    "five kinds": EventFilter(kinds=("run_metered", "run_state_changed", "note", "message_sent", "blocker")),
    "one subject, many events": EventFilter(subjects=("fleet",)),
    "one subject, few events": EventFilter(subjects=("run:run-100",)),
    "forty subjects": EventFilter(subjects=tuple(f"run:run-{number * 50}" for number in range(40))),
    "one common actor": EventFilter(actors=("watcher",)),
    "one rare actor": EventFilter(actors=("operator:kim",)),
    "common kind, rare actor": EventFilter(kinds=("note",), actors=("operator:kim",)),
    "common kind, other common actor": EventFilter(kinds=("note",), actors=("watcher",)),
    "common kind, other common subject": EventFilter(kinds=("run_metered",), subjects=("fleet",)),
    "common subject, other common actor": EventFilter(subjects=("fleet",), actors=("watcher",)),
    "a common word": EventFilter(text="running"),
    "a rare word": EventFilter(text="zebra"),
    "a word that never came": EventFilter(text="xylophone"),
    "the beginning of a word": EventFilter(text="run"),
    "one letter": EventFilter(text="r"),
    "two common words never together": EventFilter(text="metered checkout"),
    "two words": EventFilter(text="login parser"),
    "a common word, another kind": EventFilter(kinds=("note",), text="metered"),
    "a word and a kind": EventFilter(kinds=("note",), text="login"),
    "a path": EventFilter(text="src/cart.py"),
    "a number": EventFilter(text="777"),
}


def milliseconds(call: Callable[[], object], repeat: int = 15) -> float:
    """The median time of ``call`` in milliseconds; the first, cold one is not counted."""
    call()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def fill(directory: Path, count: int) -> float:
    """Writes ``count`` events into a new log; returns events per second."""
    store = Store.open(directory / "fleet.db", host="bench", blobs=directory / "blobs")
    start = time.perf_counter()
    waiting = []
    batch: list[ev.Draft] = []
    for draft in drafts(count):
        batch.append(draft)
        if len(batch) == 20:
            waiting.append(store.append(batch))
            batch = []
        if len(waiting) > 200:
            waiting.pop(0).result()
    waiting.append(store.append(batch))
    for future in waiting:
        future.result()
    elapsed = time.perf_counter() - start
    store.close()
    return count / elapsed


def bare_sqlite(directory: Path, count: int, per_commit: int) -> float:
    """Events per second of bare inserts with the same durability into one table, ``per_commit`` rows a commit."""
    with contextlib.closing(sqlite3.connect(directory / "bare.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=wal")
        db.execute("PRAGMA synchronous=full")
        db.execute("CREATE TABLE e (seq INTEGER PRIMARY KEY, kind TEXT, subject TEXT, body TEXT)")
        rows = [(d.kind, d.subject, str(d.payload)) for d in drafts(count)]
        start = time.perf_counter()
        for at in range(0, count, per_commit):
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO e (kind, subject, body) VALUES (?, ?, ?)", rows[at : at + per_commit])
            db.execute("COMMIT")
        return count / (time.perf_counter() - start)


def producers(directory: Path, count: int, threads: int) -> tuple[float, float]:
    """Closed loop: each of ``threads`` waits for its own event. Events per second, 99th percentile in milliseconds."""
    store = Store.open(directory / "fleet.db", host="bench", blobs=directory / "blobs")
    waits: list[float] = []

    def produce(seed: int) -> None:
        for draft in drafts(count // threads, seed):
            start = time.perf_counter()
            store.append([draft]).result()
            waits.append((time.perf_counter() - start) * 1000)

    workers = [threading.Thread(target=produce, args=(seed,)) for seed in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    elapsed = time.perf_counter() - start
    store.close()
    return len(waits) / elapsed, statistics.quantiles(waits, n=100)[98]


def opening(directory: Path) -> float:
    """Milliseconds to open and close the store."""

    def once() -> None:
        Store.open(directory / "fleet.db", host="bench", blobs=directory / "blobs").close()

    return milliseconds(once, repeat=9)


def report_pages(big: Path, small: Path) -> None:
    print(f"\n{'newest page of 200':36} {'big ms':>9} {'rows':>5} {f'{SMALL} ms':>9} {'rows':>5} {'ratio':>6}")
    with contextlib.closing(Reader.open(big)) as full, contextlib.closing(Reader.open(small)) as little:
        for name, wanted in FILTERS.items():
            rows, few = len(full.events(wanted)), len(little.events(wanted))
            at_size = milliseconds(lambda w=wanted: full.events(w))  # type: ignore[misc]
            base = milliseconds(lambda w=wanted: little.events(w))  # type: ignore[misc]
            mark = "  <-- over 10 ms" if at_size > 10 else ""
            ratio = f"{at_size / base:6.2f}" if rows == few else "     -"  # comparable only when as many rows were read
            print(f"{name:36} {at_size:9.2f} {rows:5} {base:9.2f} {few:5} {ratio}{mark}")
        middle = full.last_seq() // 2
        instant = full.event(middle)
        assert instant is not None
        for name, wanted, edges in (
            ("a page in the middle", EventFilter(), {"before": middle}),
            ("forward from the middle", EventFilter(), {"after": middle}),
            ("until an instant in the middle", EventFilter(until_ns=instant.at_ns), {}),
            ("since an instant in the middle", EventFilter(since_ns=instant.at_ns), {}),
            ("kind until the middle", EventFilter(kinds=("blocker",), until_ns=instant.at_ns), {}),
        ):
            print(f"{name:36} {milliseconds(lambda w=wanted, e=edges: full.events(w, **e)):9.2f}")  # type: ignore[misc]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep the big log for another look")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="fleet-bench-", dir=options.directory))
    big, small, empty, append = (home / name for name in ("big", "small", "empty", "append"))
    for directory in (big, small, empty, append):
        directory.mkdir()
    try:
        run(options.events, big, small, empty, append)
    finally:
        if not options.keep:
            shutil.rmtree(home)


def run(count: int, big: Path, small: Path, empty: Path, append: Path) -> None:
    print(f"SQLite {sqlite3.sqlite_version}, {count} events")
    sample = 20_000
    bare = bare_sqlite(append, sample, 20)
    rate, p99 = producers(append, sample, 50)
    print(f"append, 50 producers, one event each: {rate:.0f}/s, 99 % within {p99:.1f} ms")
    rate = fill(big, count)
    size = (big / "fleet.db").stat().st_size / count
    print(f"append, calls of 20: {rate:.0f}/s; {size:.0f} bytes an event")
    print(f"bare SQLite, 20 rows a commit, no chain, tables or index: {bare:.0f}/s, ratio {bare / rate:.1f}")
    fill(empty, 0)
    fill(small, SMALL)
    none, full = opening(empty), opening(big)
    print(f"opening and closing: {full:.1f} ms, an empty log {none:.1f} ms, ratio {full / none:.2f}")
    report_pages(big / "fleet.db", small / "fleet.db")
    start = time.perf_counter()
    report = audit.verify(big / "fleet.db")
    print(f"\naudit verify: {time.perf_counter() - start:.1f} s, ok {report.ok}")


if __name__ == "__main__":
    main()
