"""The reading side: frozen values from the tables, events from the log. Cannot write."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, TypeVar

from peewee import Expression, Model, PeeweeException, SqliteDatabase

from fleet_tui.domain import model
from fleet_tui.domain.costs import CostCell
from fleet_tui.domain.events import Event
from fleet_tui.domain.repositories import Target
from fleet_tui.domain.spending import HOUR_NS, Cells, Spending, window_start_ns
from fleet_tui.domain.states import (
    OPEN_PULL_REQUESTS,
    AlarmState,
    ApprovalState,
    EffectState,
    GateState,
    MessageState,
    PullRequestState,
    RunState,
    TicketState,
)
from fleet_tui.store import events, models, queries
from fleet_tui.store.compiled import compiled
from fleet_tui.store.connection import open_reader, raw
from fleet_tui.store.errors import storage_error
from fleet_tui.store.filters import EventFilter
from fleet_tui.store.projections import fleet as fleet_projection
from fleet_tui.store.projections.spending import KEPT
from fleet_tui.store.rows import values

T = TypeVar("T")
__all__ = ["EventFilter", "Reader"]

_AGENTS_BEHIND = {
    "run": "SELECT id, agent FROM run WHERE id IN (SELECT value FROM json_each(?))",
    "pr": "SELECT number, agent FROM pull_request WHERE number IN (SELECT value FROM json_each(?))",
    "ticket": "SELECT number, agent FROM ticket WHERE number IN (SELECT value FROM json_each(?)) AND agent IS NOT NULL",
}
"""What a subject may be → who is behind it, for all of them at once."""


class Reader:
    """Thread-safe: one connection, one query at a time. Every query raises :class:`FleetError` when the disk fails."""

    def __init__(self, db: SqliteDatabase, database: Path) -> None:
        """Use :meth:`open`."""
        self._db = db
        self._database = database
        self._lock = threading.RLock()
        self._depth = 0

    @classmethod
    def open(cls, database: Path) -> Reader:
        """Opens an existing log for reading.

        Raises:
            FleetError: missing, not an event log, or written by a newer fleet.
        """
        return cls(open_reader(database), database)

    def close(self) -> None:
        """Closes the connection; may be called twice."""
        with self._lock:
            self._db.close()

    def data_version(self) -> int:
        """A number that differs whenever another connection has committed since; costs microseconds."""
        with self._guard():
            return int(raw(self._db).execute("PRAGMA data_version").fetchone()[0])

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """All queries inside see the same state. Keep it short: an open snapshot keeps the WAL from being reused."""
        with self._guard():
            if self._depth == 0:
                raw(self._db).execute("BEGIN DEFERRED")
            self._depth += 1
            try:
                yield self
            finally:
                self._depth -= 1
                if self._depth == 0:
                    raw(self._db).execute("COMMIT")

    # -- tables ------------------------------------------------------------------------------------------------------

    def fleet(self) -> model.FleetRow:
        """The fleet's own row; a blank one before the first configuration."""
        found = self._rows(models.Fleet, [])
        return values(model.FleetRow, found or [fleet_projection.BLANK])[0]

    def repositories(self) -> list[Target]:
        """Where the target branches of the further repositories stand, by name."""
        return self._all(Target, models.Repository, [], models.Repository.name)

    def agents(self) -> list[model.Agent]:
        """All agents by name, also those that are no longer configured."""
        return self._all(model.Agent, models.Agent, [], models.Agent.name)

    def agent(self, name: str) -> model.Agent | None:
        return self._one(model.Agent, models.Agent, models.Agent.name == name)

    def tickets(self, *states: TicketState) -> list[model.Ticket]:
        """Tickets by number; of the given states, or all."""
        return self._all(model.Ticket, models.Ticket, _among(models.Ticket.state, states), models.Ticket.number)

    def ticket(self, number: int) -> model.Ticket | None:
        return self._one(model.Ticket, models.Ticket, models.Ticket.number == number)

    def runs(
        self,
        *states: RunState,
        agent: str | None = None,
        ticket: int | None = None,
        pr: int | None = None,
        limit: int | None = None,
    ) -> list[model.Run]:
        """Runs, newest first."""
        row = models.Run
        where = _among(row.state, states) + _equal((row.agent, agent), (row.ticket, ticket), (row.pr, pr))
        return self._all(model.Run, row, where, row.queued_seq.desc(), limit=limit)

    def run(self, run: str) -> model.Run | None:
        return self._one(model.Run, models.Run, models.Run.id == run)

    def pull_requests(self, *states: PullRequestState) -> list[model.PullRequest]:
        """Pull requests by number; of the given states, or all."""
        row = models.PullRequest
        return self._all(model.PullRequest, row, _among(row.state, states), row.number)

    def pull_request(self, number: int) -> model.PullRequest | None:
        return self._one(model.PullRequest, models.PullRequest, models.PullRequest.number == number)

    def open_pull_request(self, ticket: int) -> model.PullRequest | None:
        """The newest pull request of ``ticket`` that is neither merged nor closed."""
        row = models.PullRequest
        where = [row.ticket == ticket, *_among(row.state, tuple(OPEN_PULL_REQUESTS))]
        found = self._all(model.PullRequest, row, where, row.number.desc(), limit=1)
        return found[0] if found else None

    def next_pull_request_number(self) -> int:
        with self._guard():
            highest = raw(self._db).execute("SELECT max(number) FROM pull_request").fetchone()[0]
        return int(highest or 0) + 1

    def reviews(self, pr: int) -> list[model.Review]:
        """Every reviewer's latest verdict on each head, oldest first."""
        row = models.Review
        return self._all(model.Review, row, [row.pr == pr], row.at_ns, row.agent)

    def gates(self, *states: GateState, pr: int | None = None, tree: str | None = None) -> list[model.Gate]:
        """Gate results, oldest first."""
        row = models.Gate
        where = _among(row.state, states) + _equal((row.pr, pr), (row.tree, tree))
        return self._all(model.Gate, row, where, row.started_ns, row.id)

    def release(self, pr: int) -> model.Release | None:
        return self._one(model.Release, models.Release, models.Release.pr == pr)

    def approvals(self, *states: ApprovalState, pr: int | None = None) -> list[model.Approval]:
        """Approvals, oldest request first."""
        row = models.Approval
        where = _among(row.state, states) + _equal((row.pr, pr))
        return self._all(model.Approval, row, where, row.requested_ns, row.id)

    def approval(self, approval: str) -> model.Approval | None:
        return self._one(model.Approval, models.Approval, models.Approval.id == approval)

    def questions(self, open_only: bool = True) -> list[model.Question]:
        """Questions, oldest first."""
        row = models.Question
        where = [row.answer.is_null()] if open_only else []
        return self._all(model.Question, row, where, row.asked_ns, row.id)

    def question(self, question: str) -> model.Question | None:
        return self._one(model.Question, models.Question, models.Question.id == question)

    def messages(self, *states: MessageState, run: str | None = None) -> list[model.Message]:
        """Messages to panes, oldest first."""
        row = models.Message
        where = _among(row.state, states) + _equal((row.run, run))
        return self._all(model.Message, row, where, row.sent_ns, row.id)

    def message(self, message: str) -> model.Message | None:
        return self._one(model.Message, models.Message, models.Message.id == message)

    def mail(self, agent: str, after_seq: int = 0, limit: int = 100) -> list[model.Mail]:
        """The agent's inbox after event ``after_seq``, oldest first."""
        sql = f"{events.SELECT} JOIN mail m ON m.seq = e.seq WHERE m.agent = ? AND m.seq > ? ORDER BY m.seq LIMIT ?"
        return [_letter(agent, event) for event in self._events(sql, agent, after_seq, limit)]

    def alarms(
        self, *states: AlarmState, rule: str | None = None, about: str | None = None, since_ns: int | None = None
    ) -> list[model.Alarm]:
        """Alarms, the most urgent first, then the oldest; with ``since_ns`` those raised or cleared since."""
        row = models.Alarm
        where = _among(row.state, states) + _equal((row.rule, rule), (row.about, about))
        if since_ns is not None:
            where.append((row.raised_ns >= since_ns) | (row.cleared_ns >= since_ns))
        return self._all(model.Alarm, row, where, row.priority, row.raised_ns, row.id)

    def alarm(self, alarm: str) -> model.Alarm | None:
        return self._one(model.Alarm, models.Alarm, models.Alarm.id == alarm)

    def times_raised(self, rule: str, about: str) -> int:
        """How often this rule raised an alarm about this subject, ever."""
        sql = "SELECT count(*) FROM alarm WHERE rule = ? AND about = ?"
        with self._guard():
            return int(raw(self._db).execute(sql, (rule, about)).fetchone()[0])

    def agents_behind(self, subjects: Iterable[str]) -> dict[str, str]:
        """Subject (``run:<id>``, ``pr:2``, ``ticket:3``, ``agent:dev``) → the agent behind it, where there is one."""
        wanted = set(subjects)
        found = {subject: subject[6:] for subject in wanted if subject.startswith("agent:") and subject[6:]}
        for noun, sql in _AGENTS_BEHIND.items():
            names = sorted(subject.partition(":")[2] for subject in wanted if subject.startswith(f"{noun}:"))
            with self._guard():
                rows = raw(self._db).execute(sql, (json.dumps(names),)).fetchall() if names else ()
            found |= {f"{noun}:{name}": agent for name, agent in rows}
        return found

    def effects(self, *states: EffectState, name: str | None = None) -> list[model.Effect]:
        """Planned acts on the world, oldest first."""
        row = models.Effect
        where = _among(row.state, states) + _equal((row.name, name))
        return self._all(model.Effect, row, where, row.planned_ns, row.id)

    def effect(self, effect: str) -> model.Effect | None:
        return self._one(model.Effect, models.Effect, models.Effect.id == effect)

    def workspaces(self, include_removed: bool = False) -> list[model.Workspace]:
        """Workspaces by ticket."""
        row = models.Workspace
        where = [] if include_removed else [row.removed == False]  # noqa: E712 - a query, not a comparison
        return self._all(model.Workspace, row, where, row.ticket)

    def workspace(self, ticket: int) -> model.Workspace | None:
        return self._one(model.Workspace, models.Workspace, models.Workspace.ticket == ticket)

    def spending(self, now_ns: int, runs: tuple[model.Run, ...] = ()) -> Cells:
        """What was spent in the windows around ``now_ns``, also in the hour before.

        Of every agent, role and the fleet; of tickets and runs only those of ``runs``.
        """
        row = models.Spending
        tickets = sorted({str(run.ticket) for run in runs if run.ticket is not None})
        narrow = ((row.scope == "run") & row.name.in_(sorted(run.id for run in runs))) | (
            (row.scope == "ticket") & row.name.in_(tickets)
        )
        return self._cells(now_ns, row.scope.in_(["agent", "role", "fleet"]) | narrow)

    def spending_of(self, now_ns: int, subjects: Collection[tuple[str, str]]) -> Cells:
        """:meth:`spending` of these subjects (scope, name) only."""
        row = models.Spending
        return self._cells(now_ns, reduce(or_, [(row.scope == scope) & (row.name == name) for scope, name in subjects]))

    def _cells(self, now_ns: int, wanted: Expression) -> Cells:
        row = models.Spending
        hour_ns = window_start_ns("hour", now_ns)
        starts = [(window, window_start_ns(window, now_ns)) for window in KEPT] + [("hour", hour_ns - HOUR_NS)]
        open_now = reduce(or_, [(row.window == window) & (row.start_ns == start) for window, start in starts])
        found = values(Spending, self._rows(row, [open_now, wanted]))
        return {(cell.scope, cell.name, cell.window, cell.start_ns): cell for cell in found}

    def costs(self, since_ns: int = 0, *, run: str | None = None) -> list[CostCell]:
        """What requests cost, from the hour on in which ``since_ns`` lies."""
        row = models.Cost
        where = [row.hour_ns >= window_start_ns("hour", since_ns), *_equal((row.run, run))]
        return self._all(CostCell, row, where, row.hour_ns, row.run, row.model, row.source)

    def models_of(self, run: str) -> frozenset[str]:
        """The models that a run said it asked, as far as they are told apart."""
        with self._guard():
            found = raw(self._db).execute("SELECT DISTINCT model FROM cost WHERE run = ?", (run,)).fetchall()
        return frozenset(name for (name,) in found)

    def accounts(self) -> list[model.Account]:
        """Accounts whose usage limit was met, by name."""
        return self._all(model.Account, models.Account, [], models.Account.id)

    # -- log ---------------------------------------------------------------------------------------------------------

    def events(
        self,
        wanted: EventFilter = EventFilter(),  # noqa: B008 - frozen
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 200,
    ) -> list[Event]:
        """Matching events, ascending: the first ``limit`` after seq ``after``, else the newest (before ``before``)."""
        with self._guard():
            return queries.page(raw(self._db), wanted, before, after, limit)

    def event(self, seq_or_id: int | str) -> Event | None:
        column = "seq" if isinstance(seq_or_id, int) else "eid"
        found = self._events(f"{events.SELECT} WHERE e.{column} = ?", seq_or_id)
        return found[0] if found else None

    def event_with_key(self, key: str) -> Event | None:
        """The event with this idempotency key."""
        found = self._events(f"{events.SELECT} WHERE e.key = ?", key)
        return found[0] if found else None

    def has_key(self, key: str) -> bool:
        """Whether an event with this idempotency key is recorded."""
        return self.event_with_key(key) is not None

    def last_seq(self) -> int:
        """Number of the newest event; 0 in an empty log."""
        with self._guard():
            row = raw(self._db).execute("SELECT seq FROM head WHERE id = 1").fetchone()
        return int(row[0]) if row else 0

    def kinds_after(self, seq: int) -> frozenset[str]:
        """The kinds of all events after number ``seq``."""
        with self._guard():
            rows = raw(self._db).execute("SELECT kind FROM event WHERE seq > ? ORDER BY seq", (seq,)).fetchall()
        return frozenset(row[0] for row in rows)

    def effects_of(self, event_id: str) -> list[Event]:
        """The events that ``event_id`` led to, oldest first."""
        return self._events(f"{events.SELECT} WHERE e.cause = ? ORDER BY e.seq", event_id)

    # -- plumbing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """One query at a time, and SQLite's errors in words."""
        with self._lock:
            try:
                yield
            except Exception as error:
                if _is_storage_error(error):
                    raise storage_error(error, self._database) from error
                raise

    def _events(self, sql: str, *arguments: Any) -> list[Event]:
        with self._guard():
            return events.events(raw(self._db).execute(sql, arguments).fetchall())

    def _rows(
        self, row: type[Model], where: list[Expression], *order: Any, limit: int | None = None
    ) -> list[dict[str, Any]]:
        sql, arguments = compiled(row, where, order, limit)
        # By the driver itself: the values of :mod:`model` know what their fields hold, and peewee's own rows, which
        # convert each field, took twice the time of all the rest.
        with self._guard():
            cursor = raw(self._db).execute(sql, arguments)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, found, strict=True)) for found in cursor.fetchall()]

    def _all(
        self, kind: type[T], row: type[Model], where: list[Expression], *order: Any, limit: int | None = None
    ) -> list[T]:
        return values(kind, self._rows(row, where, *order, limit=limit))

    def _one(self, kind: type[T], row: type[Model], where: Expression) -> T | None:
        found = self._all(kind, row, [where], limit=1)
        return found[0] if found else None


def _among(column: Any, states: tuple[str, ...]) -> list[Any]:
    return [column.in_([str(state) for state in states])] if states else []


def _equal(*conditions: tuple[Any, object]) -> list[Any]:
    return [column == value for column, value in conditions if value is not None]


def _letter(agent: str, event: Event) -> model.Mail:
    summary = event.payload.get("summary")
    text = summary if isinstance(summary, str) else event.kind
    return model.Mail(event.seq, agent, event.kind, event.actor, text, event.payload, event.at_ns)


def _is_storage_error(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error | PeeweeException)
