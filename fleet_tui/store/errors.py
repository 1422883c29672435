"""What can go wrong with the log, in words for a person."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from fleet_tui.domain.errors import Conflict, FleetError


class Fenced(Conflict):
    """Another writer has taken over this log; this one must stop."""


class Rejected(FleetError):
    """An event that cannot be recorded: its payload is malformed, too large or not canonical."""


class Corrupt(FleetError):
    """The database does not hold what was written into it."""


def storage_error(error: BaseException, database: Path) -> FleetError:
    """The :class:`FleetError` that tells a person what SQLite's ``error`` means for ``database``."""
    cause = _root(error)
    if isinstance(cause, FleetError):
        return cause
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    title, hint = _EXPLANATIONS.get(code, ("the event log failed", "run: fleet doctor"))
    return FleetError(title, f"{database}: {cause}; nothing was recorded", hint)


_EXPLANATIONS = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space; recording resumes by itself"),
    sqlite3.SQLITE_IOERR: ("the disk failed or is full", "free some space and look at the system log for disk errors"),
    sqlite3.SQLITE_READONLY: ("the event log is read-only", "make the state directory writable for this user"),
    sqlite3.SQLITE_CANTOPEN: ("the event log cannot be opened", "check owner and mode of the state directory"),
    sqlite3.SQLITE_BUSY: ("the event log is locked by another process", "find it with: fuser -v DATABASE, and end it"),
    sqlite3.SQLITE_CORRUPT: ("the event log is damaged", "run: fleet audit verify, then restore a backup"),
    sqlite3.SQLITE_NOTADB: ("not an event log", "move the file away, or restore a backup"),
    sqlite3.SQLITE_PERM: ("the event log may not be opened", "check owner and mode of the state directory"),
}


def _root(error: BaseException) -> BaseException:
    """The first error of a chain: a failed rollback hides the failure that made it necessary."""
    while (
        error.__context__ is not None and not isinstance(error, FleetError) and not hasattr(error, "sqlite_errorcode")
    ):
        error = error.__context__
    return error
