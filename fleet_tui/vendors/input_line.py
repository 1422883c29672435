"""Whether a text that was pasted stands in the input of an agent's screen, as its program shows it. Pure."""

from __future__ import annotations

import re

from fleet_tui.domain.text import clean

_NUMBER = re.compile(r"\d+")
_ENOUGH = 24
"""So many characters at the start of a longer text tell it from another one."""


def asks(prompt: str, text: str) -> bool:
    """Whether ``prompt``, as a program recorded it, is ``text``: all of it, perhaps with words of ours or of the
    program's around a longer one."""
    flat, said = " ".join(clean(text).split()), " ".join(clean(prompt).split())
    return flat == said or (len(flat) >= _ENOUGH and flat in said)


def holds(typed: str | None, text: str, folded: re.Pattern[str] | None = None) -> bool:
    """Whether what is ``typed`` provably is ``text``: its beginning, or a fold with exactly its number of lines.

    ``folded``: how the program shows a long paste; the last number in it counts the line ends.
    """
    if not typed:
        return False
    body = clean(text).replace("\r", "\n")
    if folded is not None and folded.search(typed):
        return int(_NUMBER.findall(typed)[-1]) == body.count("\n")
    flat = " ".join(body.split())
    shown = " ".join(typed.split())
    return flat == shown or (len(shown) >= _ENOUGH and flat.startswith(shown))
