"""Answers remembered until the next event: the tables change only with the log, in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from fleet_tui.store.reader import Reader
from fleet_tui.store.store import Store

_MOST = 2_000


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

    def __getattr__(self, name: str) -> Callable[..., Any]:
        query = getattr(self._reader, name)

        def ask(*args: Any, **options: Any) -> Any:
            seq = self._store.seq
            if seq != self._seq or len(self._answers) > _MOST:
                self._answers.clear()
                self._seq = seq
            key = (name, args, tuple(sorted(options.items())))
            if key not in self._answers:
                self._answers[key] = query(*args, **options)
            return self._answers[key]

        return ask


def remembering(store: Store) -> Reader:
    """The reader of ``store`` for one that asks the same again and again, as a reconcile loop does."""
    return cast(Reader, _Memo(store))
