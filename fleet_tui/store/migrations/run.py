"""Brings a database to the schema of this version, one numbered step per transaction, with a copy before each."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.store.migrations import (
    m0001_initial,
    m0002_search,
    m0003_halt,
    m0004_risk,
    m0005_shelf,
    m0006_scope,
    m0007_spending,
    m0008_alarm_indexes,
    m0009_conditions,
    m0010_lens,
    m0011_quorum,
    m0012_gate_isolation,
    m0013_costs,
    m0014_context,
    m0015_accounts,
    m0016_held,
    m0017_memory,
    m0018_held_stops,
    m0019_parts,
    m0020_teams,
    m0021_repositories,
)

Step = Callable[[sqlite3.Connection], None]
STEPS: tuple[Step, ...] = (
    *(m0001_initial.up, m0002_search.up, m0003_halt.up),
    *(m0004_risk.up, m0005_shelf.up, m0006_scope.up, m0007_spending.up),
    *(m0008_alarm_indexes.up, m0009_conditions.up, m0010_lens.up, m0011_quorum.up),
    *(m0012_gate_isolation.up, m0013_costs.up, m0014_context.up, m0015_accounts.up),
    *(m0016_held.up, m0017_memory.up, m0018_held_stops.up, m0019_parts.up),
    m0020_teams.up,
    m0021_repositories.up,
)
"""Step ``n`` (from 1) leads from schema version ``n - 1`` to ``n``."""
VERSION = len(STEPS)


def version_of(connection: sqlite3.Connection) -> int:
    """The schema version of a database; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_newer(version: int, database: Path) -> None:
    """Raises :class:`FleetError` when a newer fleet has written the database."""
    if version > VERSION:
        raise FleetError(
            "the event log is newer than this program",
            f"{database} has schema version {version}, this fleet knows up to {VERSION}",
            "upgrade fleet; a log is never taken back to an older version",
        )


def migrate(connection: sqlite3.Connection, database: Path) -> list[int]:
    """Applies the missing steps; returns the versions reached. Only the log's one writer may call it."""
    version = version_of(connection)
    refuse_newer(version, database)
    existing = version > 0
    reached = []
    for number, step in enumerate(STEPS[version:], start=version + 1):
        if existing:
            back_up(connection, database.with_name(f"{database.name}.v{number - 1}.backup"))
        _apply(connection, step, number)
        reached.append(number)
    return reached


def back_up(connection: sqlite3.Connection, destination: Path) -> None:
    """A consistent copy through SQLite's own backup; replaces ``destination`` only when it is complete."""
    unfinished = destination.with_name(destination.name + ".partial")
    unfinished.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(unfinished)) as copy:
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    unfinished.chmod(0o600)
    unfinished.replace(destination)


def _apply(connection: sqlite3.Connection, step: Step, number: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        step(connection)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
