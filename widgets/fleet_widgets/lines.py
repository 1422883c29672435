"""Lines of styled text that keep columns: the only form in which text reaches these widgets.

A ``Line`` is a tuple of ``Span``. Text in a span is shown literally: it is never markup, and control, bidirectional and
joining characters become one visible cell each, so no text can steer the terminal or move a neighbour's column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from textual.strip import Strip

from fleet_widgets.palette import Palette


@dataclass(frozen=True, slots=True)
class Span:
    """Text in one style. ``style`` is a name of the palette, or a rich ``Style`` for colours that came from a terminal.

    A ``fill`` span stretches: its text repeats over the cells that the other spans leave free (at most one per line).
    When the line is too long the part before the fill is cut first, so what stands on the right stays readable.
    """

    text: str
    style: str | Style = "normal"
    fill: bool = False


Line = tuple[Span, ...]


def line(*parts: Span | str | tuple[str, str]) -> Line:
    """A line from spans, plain strings (style ``normal``) and ``(text, style)`` pairs."""
    raise NotImplementedError


def fill(text: str = " ", style: str = "normal") -> Span:
    """A span that stretches over the free cells of its line."""
    return Span(text, style, fill=True)


def plain(text: str) -> str:
    """``text`` with tabs expanded and everything that has no cell of its own (or steers a terminal) made visible or dropped."""
    raise NotImplementedError


def text_of(value: Line) -> str:
    """The text of a line without styles."""
    raise NotImplementedError


def width_of(value: Line | str) -> int:
    """Width in terminal cells after :func:`plain`."""
    raise NotImplementedError


def cut(value: Line, width: int, *, start: int = 0) -> Line:
    """Cells ``start`` to ``start + width`` of a line, at most ``width`` cells; half of a wide character becomes a space."""
    raise NotImplementedError


def fit(value: Line, width: int, style: str = "normal") -> Line:
    """The line in exactly ``width`` cells: fill stretched, cut or padded with spaces of ``style``."""
    raise NotImplementedError


def wrap(value: Line, width: int) -> list[Line]:
    """The line folded into lines of at most ``width`` cells (at least one line; nothing lost)."""
    raise NotImplementedError


def to_strip(value: Line, width: int, palette: Palette, *, base: str = "normal", dim: bool = False) -> Strip:
    """The line as a Strip of exactly ``width`` cells, every segment with a background (cached).

    ``base`` names the style under all spans (a focused or marked row); ``dim`` shows everything in ``stale``.
    """
    raise NotImplementedError


def lines_of(texts: Sequence[str], style: str = "normal") -> tuple[Line, ...]:
    """One line per text, all in one style."""
    return tuple((Span(text, style),) for text in texts)
