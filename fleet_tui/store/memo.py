"""Answers remembered until the next event: the tables change only with the log, in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from fleet_tui.domain.events import RunMetered
from fleet_tui.store.filters import EventFilter
from fleet_tui.store.reader import Reader
from fleet_tui.store.store import Store

_MOST = 2_000
_APART_FROM_CHARGES = frozenset(
    {
        "alarms", "alarm", "times_raised", "tickets", "ticket", "pull_requests", "pull_request", "open_pull_request",
        "reviews", "gates", "release", "approvals", "approval", "questions", "question", "messages", "message",
        "effects", "effect", "workspaces", "workspace", "repositories",
    }
)  # fmt: skip
"""Queries of tables that charged run time changes nothing of. Charges are most of what happens in a fleet at work."""


class _Memo:
    """Passes every query on once per state of the log. What it returns is shared: callers must not change lists."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reader = store.reader
        self._seq = -1
        self._answers: dict[tuple[Any, ...], Any] = {}

    def last_seq(self) -> int:
        return self._store.seq

    def snapshot(self) -> Any:
        return self._reader.snapshot()

    def close(self) -> None:
        self._reader.close()

    def _forget(self, seq: int) -> None:
        """Forget what may be another answer as of event ``seq``."""
        charges_only = 0 <= self._seq < seq and self._reader.kinds_after(self._seq) == {RunMetered.kind}
        kept = charges_only and len(self._answers) <= _MOST
        self._answers = {key: found for key, found in self._answers.items() if _is_apart(*key)} if kept else {}
        self._seq = seq

    def __getattr__(self, name: str) -> Callable[..., Any]:
        query = getattr(self._reader, name)

        def ask(*args: Any, **options: Any) -> Any:
            seq = self._store.seq
            if seq != self._seq or len(self._answers) > _MOST:
                self._forget(seq)
            key, answers = (name, args, tuple(sorted(options.items()))), self._answers
            if key not in answers:
                # Asked in a thread, it may be an answer of before when it comes: it goes where those are forgotten.
                answers[key] = query(*args, **options)
            return answers[key]

        return ask


def _is_apart(name: str, arguments: tuple[Any, ...], _options: object) -> bool:
    """Whether a query has the same answer after a charge."""
    wanted = arguments[0] if name == "events" and arguments else None
    if isinstance(wanted, EventFilter) and wanted.kinds:
        return RunMetered.kind not in wanted.kinds
    return name in _APART_FROM_CHARGES


def remembering(store: Store) -> Reader:
    """The reader of ``store`` for one that asks the same again and again, as a reconcile loop does."""
    return cast(Reader, _Memo(store))
