"""Style names to terminal styles, in five palettes; nothing else in these widgets knows a colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style

STYLE_NAMES = (
    "normal", "strong", "quiet", "stale", "heading", "focus", "cursor", "marked",
    "p1", "p1-ack", "p2", "p2-ack", "p3", "p3-ack", "shelved", "warn",
    "added", "removed", "hunk", "line-number", "added-number", "removed-number", "hint-key", "hint", "input",
)  # fmt: skip
"""Every name a Span may use; unknown names are drawn as ``normal``."""


@dataclass(frozen=True)
class Palette:
    """``name`` of the theme, a style for each of STYLE_NAMES (each with a background), and the ``ascii`` switch."""

    name: str
    styles: Mapping[str, Style]
    ascii: bool = False
    colour: bool = True
    """False: rich Styles in spans (pane colours) are reduced to bold, dim, underline and reverse."""

    def style(self, name: str) -> Style:
        """The style of ``name``; ``normal`` when the name is unknown."""
        raise NotImplementedError

    @property
    def box(self) -> Box:
        """Line drawing and bar characters."""
        raise NotImplementedError


@dataclass(frozen=True)
class Box:
    """Characters for boxes and bars, each one cell wide."""

    horizontal: str
    vertical: str
    double: str
    cross: str
    full: str
    empty: str
    focus: str
    ellipsis: str


PALETTES = ("grey", "light", "contrast", "ansi", "mono")


def palette(name: str, *, ascii: bool = False) -> Palette:  # noqa: A002
    """One of PALETTES by name; ValueError names the choices. ``ascii`` draws boxes with ``-|+`` and bars with ``#.``."""
    raise NotImplementedError
