"""Keys as people write them, and those of the widgets themselves, which no row of the table names."""

from __future__ import annotations

from collections.abc import Mapping

from fleet_tui.tui.keys.key import AGENT, EVENTS, NEW, PIPELINE, SYSTEM, WALL

MOVES: tuple[tuple[str, str], ...] = (
    ("h j k l", "move; arrows too"),
    ("g G", "first, last"),
    ("PgUp PgDn", "a page up, down"),
    ("Enter", "open; never confirms an act"),
)
OWN_MOVES: Mapping[str, tuple[tuple[str, str], ...]] = {
    WALL: (("+ -", "larger, smaller tiles"),),
    AGENT: (("f", "follow the bottom of the pane"), ("h l", "pan the pane"), ("{ }", "in the diff: hunks")),
    EVENTS: (("f G", "follow the newest"),),
    NEW: (
        ("Enter", "in the list: on to the form; in a field: the next one; on a button: presses it"),
        ("Tab Shift-Tab", "the next and the last field or part; PgDn goes to the buttons"),
        ("Left Right", "in a field: through its text, or its choices, to which a letter jumps; Del empties it"),
    ),
    SYSTEM: (("Enter", "the place in the file"),),
    PIPELINE: (("h l", "the stage before, after"), ("Enter", "the decision, or the agent that has it in hand")),
}
"""Keys of the widgets themselves: they belong to what has the focus, and stand in the help only."""

SHOWN = {
    "question_mark": "?", "exclamation_mark": "!", "colon": ":", "grave_accent": "`", "slash": "/", "tab": "Tab",
    "space": "Space", "escape": "Esc", "backspace": "Backspace", "left_square_bracket": "[",
    "right_square_bracket": "]", "left_curly_bracket": "{", "right_curly_bracket": "}",
    "asterisk": "*", "comma": ",", "full_stop": ".", "less_than_sign": "<", "greater_than_sign": ">",
    "left_parenthesis": "(", "right_parenthesis": ")",
    "ctrl+l": "^L", "ctrl+q": "^Q", "ctrl+p": "^P",
}  # fmt: skip


def shown(key: str) -> str:
    """A key as people write it."""
    return SHOWN.get(key, key)
