"""The feed: a thread with its own reader that hands the newest picture to whoever publishes it.

It never touches the screen: ``publish`` must be safe to call from a thread and should keep only the newest picture.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.readmodel.recent import BY_TIME
from fleet_tui.readmodel.story import Stories
from fleet_tui.readmodel.values import Health, Other, Picture, Snapshot
from fleet_tui.store.changes import Changes
from fleet_tui.store.reader import Reader

Probe = Callable[[], Mapping[str, object]]
"""Asks the watcher for its status; raises FleetError when it does not answer within its time limit."""

POLL_S = 0.1
PROBE_S = 1.0
BY_TIME_S = 2.0
"""So long may what only counts on (run time) wait for what happens."""
FIRST_RETRY_S = 0.015
"""A write is heard before its commit can be read: look again so soon, and after twice the time if it was too soon."""

_NONE: frozenset[str] = frozenset()


class Feed:
    """Follows ``database`` and asks the watcher whether it lives; ``start`` once, ``stop`` once."""

    def __init__(
        self,
        database: Path,
        probe: Probe,
        publish: Callable[[Picture], None],
        *,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._database = database
        self._probe = probe
        self._publish = publish
        self._clock = clock
        self._changes: Changes | None = None
        self._retry_s = 0.0
        """How soon to look again for a commit whose writing was heard; 0: none is awaited."""
        self._stopping = False
        self._reader: Reader | None = None
        self._version = -1
        self._probed_at = float("-inf")
        self._read_at = float("-inf")
        self._snapshot: Snapshot | None = None
        self._health = Health(0, 0, "")
        self._stories = Stories()
        # Not a Textual worker: those share a small pool, and a blocked one would hold up quitting.
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def poke(self) -> None:
        """Probe and read at once, for instance after a command or on the operator's wish."""
        self._probed_at = float("-inf")
        self._wake()

    def stop(self, time_limit_s: float = 2.0) -> None:
        self._stopping = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join(time_limit_s)

    def _wake(self) -> None:
        if self._changes is not None:
            self._changes.poke()

    def _run(self) -> None:
        self._changes = Changes(self._database)
        while not self._stopping:
            told = self._changes.watch()
            changed = self.step()
            if changed and not self._stopping:
                self._publish(Picture(self._marked(), self._health))
            self._wait(self._changes, told=told)
        self._close()
        self._changes.close()

    def _marked(self) -> Snapshot | None:
        """The snapshot with the agents marked of whose state the watcher is not sure."""
        snapshot, unsure = self._snapshot, self._unsure
        if snapshot is None or not unsure:
            return snapshot
        if self._shown is None or self._shown[:2] != (snapshot, unsure):
            tiles = tuple(replace(tile, unsure=tile.name in unsure and bool(tile.pane_uuid)) for tile in snapshot.tiles)
            self._shown = (snapshot, unsure, replace(snapshot, tiles=tiles))
        return self._shown[2]

    def _wait(self, changes: Changes, *, told: bool) -> None:
        """Until there may be something new. What changes all the time is read every ``POLL_S`` seconds at most."""
        limit_s = max(0.0, self._probed_at + PROBE_S - time.monotonic()) if told else POLL_S
        if self._fresh_snapshot:
            self._retry_s = 0.0
        if self._retry_s:
            limit_s = min(limit_s, self._retry_s)
            self._retry_s = 2 * self._retry_s if self._retry_s < PROBE_S else 0.0
        if changes.wait(limit_s, POLL_S if self._fresh_snapshot else 0.0):
            self._retry_s = FIRST_RETRY_S

    def step(self) -> bool:
        """One round; whether there is something new to publish."""
        due = time.monotonic() - self._probed_at >= PROBE_S
        problem = self._read()
        if problem is not None or due:
            self._check(problem)
        return due or problem is not None or self._fresh_snapshot

    _fresh_snapshot = False

    def _read(self) -> str | None:
        """Read again if the database changed; the problem's text if it cannot be read."""
        self._fresh_snapshot = False
        try:
            if self._reader is None:
                self._reader, self._version = Reader.open(self._database), -1
            version = self._reader.data_version()
            if version == self._version or self._may_wait(self._reader):
                return None
            self._read_at = time.monotonic()
            self._snapshot = read_snapshot(self._reader, self._clock(), self._stories)
        # Any failure of the database is shown and tried again: a crashed feed would leave an old picture looking alive.
        except Exception as error:
            self._close()
            return one_line(f"cannot read the database: {error}")
        self._version, self._fresh_snapshot = version, True
        return None

    def _may_wait(self, reader: Reader) -> bool:
        """Whether all that came is what comes because time passes: a fleet at work would be read all the time."""
        if self._snapshot is None or time.monotonic() - self._read_at >= BY_TIME_S:
            return False
        waits = reader.kinds_after(self._snapshot.seq) <= BY_TIME
        if waits:
            self._retry_s = 0.0  # the commit that was heard is this one; the next probe looks again
        return waits

    def _check(self, problem: str | None) -> None:
        if problem is None:
            problem = self._ask()
        self._probed_at = time.monotonic()
        if problem is None:
            self._health = Health(self._clock(), 0, "", self._status, self._others)
        else:
            before = self._health
            self._health = Health(before.fresh_ns, before.missed + 1, problem, before.status, before.others)

    _status: tuple[tuple[str, str], ...] = ()
    _others: tuple[Other, ...] = ()
    _unsure: frozenset[str] = frozenset()
    _shown: tuple[Snapshot, frozenset[str], Snapshot] | None = None

    def _ask(self) -> str | None:
        try:
            answer = self._probe()
        except FleetError as error:
            return one_line(f"{error.title}: {error.message}")
        told = (
            (one_line(str(k), 40), one_line(str(v), 80)) for k, v in answer.items() if k not in ("others", "unsure")
        )
        unsure = answer.get("unsure")
        self._unsure = (
            frozenset(name for name in unsure if isinstance(name, str)) if isinstance(unsure, list) else _NONE
        )
        self._status, self._others = tuple(sorted(told)), tuple(_others(answer.get("others")))
        return None

    def _close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def _others(told: object) -> Iterator[Other]:
    """Rooms as the watcher names them; what has another form is left out."""
    for one in told if isinstance(told, list) else ():
        if isinstance(one, dict):
            who, looks_at = one_line(str(one.get("who", "")), 60), one_line(str(one.get("looks_at", "")), 60)
            yield Other(who, looks_at, one.get("decides") is True)
