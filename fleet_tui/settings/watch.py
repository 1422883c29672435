"""Hot reload: the configuration loaded again after each change that has settled.

Directories are watched, not files: a file replaced by rename is a new file, and a watch on the old one goes deaf. What
is reported only wakes the loop; whether something changed is decided by comparing what is there, so a lost or early
wake-up costs time but no change.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path

import watchfiles
from watchfiles import Change

from fleet_tui import paths
from fleet_tui.settings.load import PROJECT_FILE, Loaded, load_settings

SETTLE_S = 0.3
SETTLE_AT_MOST_S = 5.0
RECHECK_MS = 1000
"""How long a wake-up that never came may delay a change."""

_BELOW = ("prompts", "agents", "teams", "detection", "layers", "layers/roles")
"""Directories below `.fleet` whose files the settings depend on."""

Fingerprint = frozenset[tuple[str, int, int, int, int, int]]

# It reports every batch of changes at INFO, for ever.
logging.getLogger("watchfiles").setLevel(logging.WARNING)


async def watch_settings(
    repository: Path,
    *,
    stop: asyncio.Event,
    user_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    since: Loaded | None = None,
) -> AsyncGenerator[Loaded]:
    """The settings after each settled change of the configuration, an agent's or team's file, or a prompt, until
    ``stop`` is set.

    They may have errors: the caller keeps the last good ones. ``since`` is what the caller loaded before: what has
    changed from then on counts, else what changes after the first step of the iteration. Compare ``sha`` to skip what
    makes no difference. Close it (``aclosing``) when leaving it early.
    """
    user = user_file if user_file is not None else paths.user_config_file()
    seen = fingerprint(repository, user)
    if since is not None:
        loaded = await asyncio.to_thread(load_settings, repository, user_file=user, environ=environ)
        if (loaded.sha, loaded.problems) != (since.sha, since.problems):
            yield loaded
    async with aclosing(_wakeups(repository, user, stop)) as wakeups:
        async for _ in wakeups:
            if fingerprint(repository, user) == seen:
                continue
            seen = await _settled(repository, user, stop)
            if stop.is_set():
                return
            yield await asyncio.to_thread(load_settings, repository, user_file=user, environ=environ)


def fingerprint(repository: Path, user: Path) -> Fingerprint:
    """What identifies the present content of every file that the settings depend on."""
    fleet = repository / ".fleet"
    folders = [*(fleet / name for name in _BELOW), _users_rules(user)]
    below = [entry for folder in folders for entry in (folder, *_entries(folder))]
    files = [user, repository / PROJECT_FILE, fleet, *below]
    return frozenset(entry for path in files if (entry := _identity(path)) is not None)


async def _settled(repository: Path, user: Path, stop: asyncio.Event) -> Fingerprint:
    """Wait until nothing has changed for a moment: writers truncate before they write. Not for ever, though."""
    present = fingerprint(repository, user)
    for _ in range(int(SETTLE_AT_MOST_S / SETTLE_S)):
        if await _stopped(stop, SETTLE_S):
            break
        before, present = present, fingerprint(repository, user)
        if before == present:
            break
    return present


async def _stopped(stop: asyncio.Event, time_limit_s: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), time_limit_s)
    except TimeoutError:
        return False
    return True


async def _wakeups(repository: Path, user: Path, stop: asyncio.Event) -> AsyncGenerator[None]:
    """One item after each reported change, and one a second without any; ends with ``stop``."""
    while not stop.is_set():
        watched = _directories(repository, user)
        try:
            async with aclosing(_changes(watched, _Relevant(repository, user), stop)) as changes:
                async for _ in changes:
                    yield
                    if _directories(repository, user) != watched:
                        break  # a directory came, went, or was replaced by another of its name
        except OSError:  # a directory vanished between the look and the watch
            await _stopped(stop, RECHECK_MS / 1000)
            yield


def _changes(watched: frozenset[tuple[str, int]], relevant: _Relevant, stop: asyncio.Event) -> AsyncGenerator[object]:
    if not watched:
        return _ticks(stop)
    return watchfiles.awatch(
        *(path for path, _ in watched),
        watch_filter=relevant,
        recursive=False,
        stop_event=_Linked(stop),
        rust_timeout=RECHECK_MS,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )


async def _ticks(stop: asyncio.Event) -> AsyncGenerator[None]:
    while not await _stopped(stop, RECHECK_MS / 1000):
        yield


class _Linked(asyncio.Event):
    """Set with ``other``; setting it leaves ``other`` alone. A cancelled ``awatch`` sets the event it was given."""

    def __init__(self, other: asyncio.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return super().is_set() or self._other.is_set()


def _directories(repository: Path, user: Path) -> frozenset[tuple[str, int]]:
    """The directories to watch with their inodes."""
    fleet = repository / ".fleet"
    found = set()
    for path in (repository, fleet, *(fleet / name for name in _BELOW), user.parent, _users_rules(user)):
        with suppress(OSError):
            info = path.stat()
            if stat.S_ISDIR(info.st_mode):
                found.add((str(path), info.st_ino))
    return frozenset(found)


class _Relevant:
    """Lets through changes of the configuration, agents and prompts only; a repository changes all the time."""

    def __init__(self, repository: Path, user: Path) -> None:
        root = repository.resolve()
        self.exact = {str(root / ".fleet"), str(root / PROJECT_FILE), str(user), str(user.resolve())}
        users = str(_users_rules(user.resolve()))
        self.below = (*(str(root / ".fleet" / name) for name in _BELOW), users)

    def __call__(self, _change: Change, path: str) -> bool:
        real = os.path.realpath(path)
        return (
            real in self.exact
            or path in self.exact
            or real in self.below
            or any(real.startswith(directory + os.sep) for directory in self.below)
        )


def _users_rules(user: Path) -> Path:
    """The directory of the person's own detection rules, beside the file ``user``."""
    return user.parent / "detection"


def _entries(directory: Path) -> Iterable[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return ()


def _identity(path: Path) -> tuple[str, int, int, int, int, int] | None:
    try:
        info = path.stat()
    except OSError:
        return None
    if stat.S_ISDIR(info.st_mode):  # only that it is there: its times change with every file made in it
        return (str(path), info.st_ino, info.st_mode, 0, 0, 0)
    return (str(path), info.st_ino, info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
