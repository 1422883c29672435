"""What stands in the input line of an agent's screen: a pasted text that was not submitted, or nothing. Pure."""

from __future__ import annotations

import re

from fleet_tui.domain.text import clean

_LINES = 12
"""Non-empty lines from the bottom among which the input line is."""
_INPUT = re.compile(r"^[\s│|]*[❯›>](?:\s(?P<text>.*?))?[\s│|]*$")
_FOLDED = re.compile(r"^\[Pasted text(?: #\d+)? \+(?P<lines>\d+) lines\]$")
_ENOUGH = 24
"""So many characters at the start of a longer text tell it from another one."""


def holds(screen: str, text: str) -> bool:
    """Whether ``text`` provably stands in the input line: its beginning, or a fold with exactly its number of lines."""
    written = _written(screen)
    if not written:
        return False
    body = clean(text).replace("\r", "\n")
    folded = _FOLDED.match(written)
    if folded is not None:
        return int(folded["lines"]) == body.count("\n")
    flat = " ".join(body.split())
    shown = " ".join(written.split())
    return flat == shown or (len(shown) >= _ENOUGH and flat.startswith(shown))


def is_empty(screen: str) -> bool:
    """Whether there is an input line with nothing in it."""
    return _written(screen) == ""


def _written(screen: str) -> str | None:
    """The text in the lowest input line; None when the screen shows none."""
    lines = [line for line in screen.splitlines() if line.strip()][-_LINES:]
    found = (_INPUT.match(line) for line in reversed(lines))
    match = next((match for match in found if match is not None), None)
    return None if match is None else (match["text"] or "").strip()
