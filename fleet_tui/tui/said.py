"""What a screen's message line says: it belongs to that screen and goes when it is no longer true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fleet_tui.domain.text import NOTHING, SafeText, one_line

Tell = Callable[[], str]
"""The text as it is now; empty when there is nothing to say any more."""

_LASTS_NS = {"quiet": 15_000_000_000, "normal": 60_000_000_000}
"""How long a text stands that nothing else ends; one of another style (a warning) until the screen is left."""


@dataclass(frozen=True, slots=True)
class Said:
    """``style`` is a palette name; after ``ends_ns`` (None: never) there is nothing to say."""

    tell: Tell
    style: str
    ends_ns: int | None

    def text(self, now_ns: int) -> SafeText:
        """What to show at ``now_ns``; empty when it is over."""
        if self.ends_ns is not None and now_ns > self.ends_ns:
            return NOTHING
        return one_line(self.tell(), 400)


def said(text: str | Tell, style: str, now_ns: int) -> Said:
    """A text that stands for its time, or one that is told anew each time it is drawn, as long as it is true."""
    if not isinstance(text, str):
        return Said(text, style, None)
    lasts_ns = _LASTS_NS.get(style)
    return Said(lambda: text, style, None if lasts_ns is None else now_ns + lasts_ns)
