"""The working trees of living runs: watched for changes, so that a look costs nothing while nothing changes.

Directories are watched one by one, those that were found without following links: a watch on a whole tree would follow
the links in it, and an agent could lead it through the file system. A notice says only *where* to look; one that was
lost costs time but no change, for now and then everything is looked at anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import watchfiles

from fleet_tui.git.worktree import Worktree

_SETTLE_MS, _STEP_MS = 600, 150
_CHECK_MS = 1_000
_MOST_DIRECTORIES = 5_000
"""Of a larger tree nothing is watched: it is looked at as a whole, the less often the longer that takes."""
_SHARE = 50
"""A look at everything may take one part of so many of the time."""
_SELDOM_S, _OFTEN_S = 300.0, 5.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Watched:
    """One working tree. ``stale`` are changed paths that were not looked at yet; None is everything."""

    tree: Worktree
    stale: set[str] | None = None
    looked_s: float = 0.0
    took_s: float = 0.0
    changed_ns: int = 0
    """When the last look found something changed (UTC)."""
    watching: asyncio.Task[None] | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    watched: tuple[Path, ...] = ()

    @property
    def is_due(self) -> bool:
        """Whether a look may find something."""
        rest_s = _SELDOM_S if self.watching is not None else max(_OFTEN_S, _SHARE * self.took_s)
        return self.stale is None or bool(self.stale) or time.monotonic() - self.looked_s > rest_s

    async def look(self, now_ns: int) -> bool:
        """Look at what may have changed; whether anything has."""
        paths, self.stale = self.stale, set()
        whole = paths is None or not paths
        started = time.monotonic()
        try:
            changed = await self.tree.look(None if whole else paths)
        except BaseException:
            self.stale = None  # what was not seen is looked for again
            raise
        self.looked_s = time.monotonic()
        if whole:
            self.took_s = self.looked_s - started
        if changed:
            self.changed_ns = now_ns
        return changed


class Lookout:
    """The working trees of living runs by the run's id. ``wake`` is called after a change; without it none is."""

    def __init__(self) -> None:
        self.wake: Callable[[], None] | None = None
        self._watched: dict[str, Watched] = {}

    def of(self, run: str, make: Callable[[], Worktree]) -> Watched:
        """The working tree of ``run``; ``make`` makes it when it is new here."""
        found = self._watched.get(run)
        if found is None:
            found = self._watched[run] = Watched(make())
        return found

    def changed_ns(self, run: str) -> int:
        """When a file of the run's working tree was last found changed (UTC); 0: not seen."""
        found = self._watched.get(run)
        return found.changed_ns if found is not None else 0

    async def keep_only(self, runs: Iterable[str]) -> None:
        """Forget every other run."""
        for run in set(self._watched) - set(runs):
            gone = self._watched.pop(run)
            await _unwatch(gone)
            await asyncio.to_thread(gone.tree.forget)

    async def watch(self, item: Watched) -> None:
        """Watch the directories that the last look found."""
        wanted = item.tree.directories
        alive = item.watching is not None and not item.watching.done()
        if self.wake is None or (alive and item.watched == wanted):
            return
        await _unwatch(item)
        if wanted and len(wanted) <= _MOST_DIRECTORIES:
            item.watched, item.stop = wanted, asyncio.Event()
            item.watching = asyncio.create_task(_follow(item, self.wake), name="worktree")
            item.stale = None  # what changed before the watch began was not noticed

    async def close(self) -> None:
        """End all watching."""
        for item in self._watched.values():
            await _unwatch(item)


async def _unwatch(item: Watched) -> None:
    task, item.watching = item.watching, None
    if task is not None:
        item.stop.set()
        task.cancel()
        await asyncio.wait([task])


async def _follow(item: Watched, wake: Callable[[], None]) -> None:
    """Note changed paths until stopped. When watching fails (no watches left), everything is looked at now and then."""
    try:
        async for batch in _changes(item):
            if item.stale is not None:
                item.stale |= {path for _, path in batch if "/.git/" not in f"{path}/"}
            wake()
    except (OSError, RuntimeError) as error:
        log.info("a working tree cannot be watched: %s", error)
    finally:
        if not item.stop.is_set():
            item.watching = None
            item.stale = None
            with contextlib.suppress(RuntimeError):
                wake()


def _changes(item: Watched) -> Any:
    return watchfiles.awatch(
        *item.watched,
        watch_filter=None,
        recursive=False,
        debounce=_SETTLE_MS,
        step=_STEP_MS,
        stop_event=item.stop,
        rust_timeout=_CHECK_MS,
        ignore_permission_denied=True,
    )
