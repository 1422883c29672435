"""Where on a terminal's screen an agent's program takes input: a frame, two rules or blank rows around a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

_PROMPTS = (">", "❯", "›")
_TOPS, _BOTTOMS = ("╭", "┌"), ("╰", "└")
_SIDES = "│┃ "
_RULE = "────────"  # at least; some programs write a name at its end
_FOOT_ROWS = 3  # hints below the box
_LEAST_INDENT = 20  # of a hint at the right edge
_LOOKED_AT = _FOOT_ROWS + 7


def top_of_input_box(rows_from_below: Iterable[str]) -> int:
    """How many rows from below the input box with its hints takes; 0 when there is none.

    The lowest row has text. A list of choices with a sign at one of them is none: other choices stand beside it.
    """
    drawn = [row.rstrip() for row in islice(rows_from_below, _LOOKED_AT)]
    top = _top([row.strip() for row in drawn])
    return top + (0 < top < len(drawn) and _is_on_the_right(drawn[top]))


def _is_on_the_right(row: str) -> bool:
    """Whether a row holds nothing but a hint at the right edge."""
    return len(row) - len(row.lstrip()) > max(_LEAST_INDENT, len(row) // 2)


def _top(rows: Sequence[str]) -> int:
    for foot in range(_FOOT_ROWS + 1):
        if _at(rows, foot).startswith(_BOTTOMS) and _at(rows, foot + 2).startswith(_TOPS):
            return foot + 3
    at = next((at for at, row in enumerate(rows) if row.lstrip(_SIDES).startswith(_PROMPTS)), None)
    if at is None or at > _FOOT_ROWS + 1 or not (_is_edge(rows, at - 1) and _is_edge(rows, at + 1)):
        return 0
    return _with_rule(rows, at) + 1


def _at(rows: Sequence[str], at: int) -> str:
    return rows[at] if 0 <= at < len(rows) else ""


def _is_edge(rows: Sequence[str], at: int) -> bool:
    """Whether the row parts the input from the rest: blank, a rule, a frame, or the end of the text."""
    row = _at(rows, at)
    return not row or row.startswith((_RULE, *_TOPS, *_BOTTOMS))


def _with_rule(rows: Sequence[str], at: int) -> int:
    """The row of the rule or frame above the prompt at ``at``, over blank rows and one row of hints; else ``at``."""
    hints = 0
    for above in range(at + 1, min(len(rows), at + 4)):
        if rows[above].startswith((_RULE, *_TOPS)):
            return above
        hints += bool(rows[above])
        if hints > 1:
            break
    return at
