"""Queries that are translated once for each shape: the same text and arguments as peewee's own, whatever is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from peewee import ModelSelect

from fleet_tui.store import compiled, models

RUN, ALARM, QUESTION, WORKSPACE = models.Run, models.Alarm, models.Question, models.Workspace
Where = Callable[[Any], list[Any]]


@pytest.mark.parametrize(
    ("row", "where", "order", "limit", "values"),
    [
        (RUN, lambda _: [], [], None, [0]),
        (RUN, lambda v: [RUN.id == v], [], 1, ["run-1", "run-2"]),
        (RUN, lambda v: [RUN.agent == v], [RUN.queued_seq.desc()], 3, ["a", "b"]),
        (RUN, lambda v: [RUN.agent == v], [RUN.queued_seq], 3, ["a", "b"]),
        (RUN, lambda v: [RUN.agent == v], [RUN.queued_seq], None, ["a", "b"]),
        (RUN, lambda v: [RUN.state.in_(v), RUN.pr == 3], [], None, [["x"], ["y"], ["x", "y"], [], ["z", "a"]]),
        (QUESTION, lambda _: [QUESTION.answer.is_null()], [QUESTION.id], None, [0, 0]),
        (QUESTION, lambda v: [QUESTION.answer == v], [QUESTION.id], None, ["yes", "no"]),
        (WORKSPACE, lambda v: [WORKSPACE.removed == v], [], None, [False, True]),
        (ALARM, lambda v: [(ALARM.raised_ns >= v) | (ALARM.cleared_ns >= v + 1)], [ALARM.id], 7, [1, 2]),
        (ALARM, lambda v: [(ALARM.raised_ns >= v) & (ALARM.cleared_ns >= v + 1)], [ALARM.id], 7, [1, 2]),
        # What peewee converts on its way cannot be taken over, the second time neither.
        (RUN, lambda v: [RUN.agent == v], [], None, [1, 2]),
    ],
)
def test_it_is_what_peewee_says(row: Any, where: Where, order: Sequence[Any], limit: int | None, values: Any) -> None:
    for value in (*values, *values):
        query: ModelSelect = row.select().order_by(*order).limit(limit)
        conditions = where(value)
        sql, arguments = (query.where(*conditions) if conditions else query).sql()
        assert compiled.compiled(row, conditions, order, limit) == (sql, arguments)


def test_a_shape_is_translated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_known", {})
    compiled.compiled(RUN, [RUN.id == "one"], [], 1)
    monkeypatch.setattr(RUN, "select", None)
    assert compiled.compiled(RUN, [RUN.id == "two"], [], 1)[1] == ["two", 1]


def test_not_more_shapes_are_kept_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_known", {})
    monkeypatch.setattr(compiled, "_MOST", 3)
    for size in range(10):
        compiled.compiled(RUN, [RUN.id.in_(["x"] * size)], [], None)
        assert len(compiled._known) <= 3
