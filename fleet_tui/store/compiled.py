"""Queries as SQL text and arguments, each shape translated once.

The same few questions are asked many times a second, and peewee makes the text of each anew, which takes longer than
SQLite takes to answer. Two queries of one shape differ in their arguments only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from peewee import Expression, Field, Model, Ordering

_MOST = 1_000
"""Lists of arguments are part of a shape by their length: so many shapes are kept."""
_known: dict[Any, str | None] = {}
"""Shape → its text; None for one whose arguments are not taken over as they are."""


def compiled(
    row: type[Model], where: Sequence[Expression], order: Sequence[Any], limit: int | None
) -> tuple[str, Sequence[Any]]:
    """SQL that selects all columns of ``row``, and its arguments."""
    arguments: list[Any] = []
    shape = (row, *(_shape(one, arguments) for one in (*where, *order)), len(where), limit is None)
    if limit is not None:
        arguments.append(limit)
    text = _known.get(shape)
    if text is not None:
        return text, arguments
    query = row.select().order_by(*order).limit(limit)
    sql, translated = (query.where(*where) if where else query).sql()
    if shape not in _known:
        if len(_known) >= _MOST:
            _known.clear()
        _known[shape] = sql if list(translated) == arguments else None
    return sql, translated


def _shape(node: Any, arguments: list[Any]) -> Any:
    """What of ``node`` decides about the text; what does not goes to ``arguments``, in the order of the text."""
    if isinstance(node, Expression):
        return node.op, node.flat, _shape(node.lhs, arguments), _shape(node.rhs, arguments)
    if isinstance(node, Field):
        return node.model, node.name  # fields themselves make an expression of any comparison
    if isinstance(node, Ordering):
        return node.direction, _shape(node.node, arguments)
    if isinstance(node, list | tuple):
        arguments.extend(node)
        return len(node)
    if node is None:
        return None
    arguments.append(node)
    return "?"
