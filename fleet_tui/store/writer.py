"""The one writer thread: owns the writing connection, groups calls into commits, answers futures."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import Event
from fleet_tui.store import chain
from fleet_tui.store.anchors import Anchoring
from fleet_tui.store.append import Origin, Prepared, Transaction
from fleet_tui.store.errors import Corrupt, storage_error

GROUP_EVENTS = 500
GROUP_NS = 5_000_000
"""A group takes calls until it has this many events, or has worked this long, or none is waiting."""


@dataclass(slots=True)
class Call:
    """Drafts that are recorded together or not at all."""

    prepared: list[Prepared]
    future: Future[list[Event]] = field(default_factory=Future)


@dataclass(slots=True)
class Task:
    """Something else to do on the writing connection, between two groups."""

    work: Callable[[sqlite3.Connection], None]
    future: Future[None] = field(default_factory=Future)


class Writer:
    """Thread-safe; what is handed in is done in order."""

    def __init__(self, connection: sqlite3.Connection, database: Path, origin: Origin) -> None:
        self._connection = connection
        self._database = database
        self._origin = origin
        self._items: deque[Call | Task] = deque()
        self._ready = threading.Condition()
        self._closed = False
        self._inode = _inode(database)
        self.seq, hash_, _epoch = chain.head_of(connection)
        """Number of the newest event that is durable."""
        self._anchoring = Anchoring(database, origin.host, self.seq, hash_)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, item: Call | Task) -> None:
        """Queues ``item``; its future fails when the writer is closed."""
        with self._ready:
            if not self._closed:
                self._items.append(item)
                self._ready.notify()
                return
        item.future.set_exception(FleetError("the event log is closed", "nothing was recorded", "start the watcher"))

    def close(self) -> None:
        """Finishes what is queued and ends the thread; the connection stays open."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        self._anchoring.write()  # what a killed writer left: no event may follow on it unanchored
        while self._wait():
            if self._anchoring.due_s() == 0:  # this process was stopped meanwhile, or is too busy to wait
                self._anchoring.write()
            if isinstance(self._items[0], Task):
                self._do(self._items.popleft())
            else:
                self._commit_group()
        self._anchoring.write()

    def _wait(self) -> bool:
        """Waits for work, and anchors the log when that is due; False when closed and done."""
        while True:
            with self._ready:
                if not self._items and not self._closed:
                    self._ready.wait(self._anchoring.due_s())
                if self._items or self._closed:
                    return bool(self._items)
            self._anchoring.write()

    def _do(self, task: Call | Task) -> None:
        assert isinstance(task, Task)
        if not task.future.set_running_or_notify_cancel():
            return
        try:
            task.work(self._connection)
        except Exception as error:
            task.future.set_exception(storage_error(error, self._database))
        else:
            task.future.set_result(None)

    def _commit_group(self) -> None:
        taken: list[Call] = []
        error = self._commit(self._next_calls(taken), taken)
        if error is None:
            return
        if len(taken) == 1:
            taken[0].future.set_exception(error)
            return
        for call in taken:
            failure = self._commit([call], [call])
            if failure is not None:
                call.future.set_exception(failure)

    def _next_calls(self, taken: list[Call]) -> Iterator[Call]:
        """Waiting calls, as long as the group has room; each is noted in ``taken``."""
        until_ns = time.monotonic_ns() + GROUP_NS
        events = 0
        while self._items and events < GROUP_EVENTS and time.monotonic_ns() < until_ns:
            call = self._items[0]
            if isinstance(call, Task):
                return
            self._items.popleft()
            if not call.future.set_running_or_notify_cancel():
                continue
            taken.append(call)
            events += len(call.prepared)
            yield call

    def _commit(self, calls: Iterator[Call] | Sequence[Call], taken: list[Call]) -> FleetError | None:
        """Records ``calls`` in one transaction and answers them; or changes nothing and returns why."""
        try:
            self._check_file()
            self._connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(self._connection, self._origin)
            results = [transaction.append(call.prepared) for call in calls]
            transaction.finish()
            self._connection.execute("COMMIT")
        except Exception as error:
            return self._rolled_back(error, calls, taken)
        self.seq = transaction.seq
        self._anchoring.note(transaction.seq, transaction.hash)
        for call, events in zip(taken, results, strict=True):
            call.future.set_result(events)
        return None

    def _rolled_back(self, error: Exception, calls: Iterator[Call] | Sequence[Call], taken: list[Call]) -> FleetError:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if not taken:
            next(iter(calls), None)  # the transaction did not even begin: its first call gets the answer
        return storage_error(error, self._database)

    def _check_file(self) -> None:
        """An unlinked or replaced file would swallow everything that is written."""
        if _inode(self._database) != self._inode:
            raise Corrupt(
                "the event log was removed or replaced",
                f"{self._database} is not the file that this writer opened; nothing was recorded",
                "stop the fleet and restore the file from a backup",
            )


def _inode(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - before every commit
    except FileNotFoundError:
        return None
