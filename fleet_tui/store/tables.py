"""The state tables as the projections see them: rows by key, in SQLite or in memory.

The same pure projections run incrementally on :class:`SqlTables` and from the beginning of the log on
:class:`MemoryTables`; that both give the same rows is what ``audit`` verifies.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peewee import CompositeKey
from peewee import Model as PeeweeModel

from fleet_tui.store import models

Row = dict[str, Any]
"""Column name to a SQLite value: text, int, bool, None. Lists and maps are canonical JSON text."""
Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A state table: its SQL name, columns in order, and the columns of its primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def key_of(self, row: Row) -> Key:
        return tuple(row[column] for column in self.key)

    @property
    def select(self) -> str:
        return f'SELECT {_quoted(self.columns)} FROM "{self.name}"'  # noqa: S608 - names of our models

    @property
    def select_one(self) -> str:
        return f"{self.select} WHERE " + " AND ".join(f'"{column}" = ?' for column in self.key)

    @property
    def upsert(self) -> str:
        rest = [column for column in self.columns if column not in self.key]
        action = "UPDATE SET " + ", ".join(f'"{c}" = excluded."{c}"' for c in rest) if rest else "NOTHING"
        marks = ", ".join("?" * len(self.columns))
        return (
            f'INSERT INTO "{self.name}" ({_quoted(self.columns)}) VALUES ({marks}) '  # noqa: S608
            f"ON CONFLICT ({_quoted(self.key)}) DO {action}"
        )


def _quoted(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _table(model: type[PeeweeModel]) -> Table:
    meta = model._meta
    primary: Any = meta.primary_key
    key = primary.field_names if isinstance(primary, CompositeKey) else (primary.name,)
    return Table(meta.table_name, tuple(meta.sorted_field_names), tuple(key))


AGENT = _table(models.Agent)
TICKET = _table(models.Ticket)
RUN = _table(models.Run)
PULL_REQUEST = _table(models.PullRequest)
REVIEW = _table(models.Review)
GATE = _table(models.Gate)
RELEASE = _table(models.Release)
APPROVAL = _table(models.Approval)
QUESTION = _table(models.Question)
MESSAGE = _table(models.Message)
MAIL = _table(models.Mail)
ALARM = _table(models.Alarm)
EFFECT = _table(models.Effect)
WORKSPACE = _table(models.Workspace)
FLEET = _table(models.Fleet)
REPOSITORY = _table(models.Repository)
SPENDING = _table(models.Spending)
COST = _table(models.Cost)
ACCOUNT = _table(models.Account)
ALL = (
    *(AGENT, TICKET, RUN, PULL_REQUEST, REVIEW, GATE, RELEASE, APPROVAL),
    *(QUESTION, MESSAGE, MAIL, ALARM, EFFECT, WORKSPACE, FLEET, REPOSITORY, SPENDING, COST, ACCOUNT),
)
"""Every table that the log determines."""


class Tables(ABC):
    """Rows by table and key. Rows handed out must not be changed in place."""

    @abstractmethod
    def get(self, table: Table, *key: str | int) -> Row | None:
        """The row, or None."""

    @abstractmethod
    def put(self, table: Table, row: Row) -> None:
        """Inserts or replaces the row with the same key."""

    @abstractmethod
    def rows(self, table: Table) -> list[Row]:
        """All rows of a small table, in no particular order."""

    def change(self, table: Table, *key: str | int, **changes: Any) -> bool:
        """Changes columns of one row; False when there is no such row."""
        row = self.get(table, *key)
        if row is None:
            return False
        self.put(table, {**row, **changes})
        return True


class MemoryTables(Tables):
    """Tables in dictionaries: what folding the log gives."""

    def __init__(self) -> None:
        self.content: dict[str, dict[Key, Row]] = {table.name: {} for table in ALL}

    def get(self, table: Table, *key: str | int) -> Row | None:
        return self.content[table.name].get(key)

    def put(self, table: Table, row: Row) -> None:
        self.content[table.name][table.key_of(row)] = row

    def rows(self, table: Table) -> list[Row]:
        return list(self.content[table.name].values())


class SqlTables(Tables):
    """Tables in a database, for the length of one transaction: changed rows are written by :meth:`flush`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cache: dict[str, dict[Key, Row | None]] = {table.name: {} for table in ALL}
        self._dirty: dict[Table, dict[Key, Row]] = {}

    def get(self, table: Table, *key: str | int) -> Row | None:
        cache = self._cache[table.name]
        if key not in cache:
            found = self._connection.execute(_SELECT_ONE[table], key).fetchone()
            cache[key] = None if found is None else dict(zip(table.columns, found, strict=True))
        return cache[key]

    def put(self, table: Table, row: Row) -> None:
        key = table.key_of(row)
        self._cache[table.name][key] = row
        self._dirty.setdefault(table, {})[key] = row

    def rows(self, table: Table) -> list[Row]:
        self.flush()
        return load(self._connection, table)

    def flush(self) -> None:
        """Writes the changed rows; the caller commits."""
        for table, rows in self._dirty.items():
            store(self._connection, table, rows.values())
        self._dirty.clear()


_SELECT_ONE = {table: table.select_one for table in ALL}
_UPSERT = {table: table.upsert for table in ALL}


def load(connection: sqlite3.Connection, table: Table) -> list[Row]:
    """All rows of ``table``."""
    return [dict(zip(table.columns, row, strict=True)) for row in connection.execute(table.select).fetchall()]


def store(connection: sqlite3.Connection, table: Table, rows: Iterable[Row]) -> None:
    """Inserts or replaces ``rows``."""
    columns = table.columns
    connection.executemany(_UPSERT[table], ([row[column] for column in columns] for row in rows))
