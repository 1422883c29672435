"""Style names to terminal styles, in five palettes; nothing else in these widgets knows a colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from rich.color import Color, ColorSystem
from rich.style import Style

Depth = Literal["full", "16", "none"]

STYLE_NAMES = (
    "normal", "strong", "quiet", "stale", "heading", "focus", "cursor", "marked",
    "p1", "p1-ack", "p2", "p2-ack", "p3", "p3-ack", "shelved", "warn",
    "added", "removed", "hunk", "line-number", "hint", "hint-key", "input",
)  # fmt: skip
"""Every name a Span may use; unknown names are drawn as ``normal``."""


@dataclass(frozen=True)
class Box:
    """Characters for boxes and bars, each one cell wide."""

    horizontal: str = "─"
    vertical: str = "│"
    double: str = "═"
    cross: str = "┼"
    full: str = "█"
    empty: str = "░"
    focus: str = "▌"
    mark: str = "+"
    both: str = "╋"
    pointer: str = ">"
    wrapped: str = "·"


LINE_BOX = Box()
ASCII_BOX = Box("-", "|", "=", "+", "#", ".", ">", "+", "X", ">", ".")


@dataclass(frozen=True, eq=False)
class Palette:
    """``name`` of the theme, a style for each of STYLE_NAMES (each with a background), and how pane colours are
    treated.

    ``depth``: `full` keeps the colours that came from a terminal, `16` reduces them to the terminal's own sixteen,
    `none` leaves only bold, dim, italic, underline, reverse and strike. Compared by identity: :func:`palette` returns
    one object per name, so strips can be cached by it.
    """

    name: str
    styles: Mapping[str, Style]
    depth: Depth = "full"
    ascii: bool = False

    def style(self, name: str | Style) -> Style:
        """The style of ``name`` (``normal`` when unknown), or a rich style over ``normal`` with colours reduced to
        ``depth``."""
        if isinstance(name, str):
            return self.styles.get(name) or self.styles["normal"]
        return _over(self.styles["normal"], name, self.depth)

    @property
    def box(self) -> Box:
        """Line drawing and bar characters."""
        return ASCII_BOX if self.ascii else LINE_BOX


@lru_cache(maxsize=4096)
def _over(ground: Style, style: Style, depth: Depth) -> Style:
    """``style`` without links, with its colours reduced to ``depth``, over ``ground``."""
    return ground + Style(
        color=_reduce(style.color, depth),
        bgcolor=_reduce(style.bgcolor, depth),
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        reverse=style.reverse,
        strike=style.strike,
    )


def _reduce(colour: Color | None, depth: Depth) -> Color | None:
    if colour is None or depth == "none" or colour.is_default:
        return None
    return colour.downgrade(ColorSystem.STANDARD) if depth == "16" else colour


def _true(
    ground: str, text: str, quiet: str, stale: str, strong: str, hues: Mapping[str, str], on_hue: str, raised: str
) -> dict[str, Style]:
    """The styles of a truecolor theme. ``hues`` has p1 p2 p3 added removed; ``on_hue`` is text on a filled badge."""
    on_ground = {name: Style(color=colour, bgcolor=ground) for name, colour in hues.items()}
    bold = Style(bold=True)
    return {
        "normal": Style(color=text, bgcolor=ground),
        "strong": Style(color=strong, bgcolor=ground, bold=True),
        "quiet": Style(color=quiet, bgcolor=ground),
        "stale": Style(color=stale, bgcolor=ground),
        "heading": Style(color=quiet, bgcolor=ground),
        "focus": Style(color=strong, bgcolor=ground, bold=True),
        "cursor": Style(color=text, bgcolor=raised),
        "marked": Style(color=text, bgcolor=raised),
        "p1": Style(color=on_hue, bgcolor=hues["p1"], bold=True),
        "p1-ack": on_ground["p1"] + bold,
        "p2": Style(color=on_hue, bgcolor=hues["p2"]),
        "p2-ack": on_ground["p2"],
        "p3": on_ground["p3"] + Style(underline=True),
        "p3-ack": on_ground["p3"],
        "shelved": Style(color=quiet, bgcolor=ground),  # put aside: its sign says so, and it asks for nobody
        "warn": on_ground["p2"],
        "added": on_ground["added"],
        "removed": on_ground["removed"],
        "hunk": Style(color=quiet, bgcolor=ground),
        "line-number": Style(color=quiet, bgcolor=ground),
        "hint": Style(color=quiet, bgcolor=ground),
        "hint-key": Style(color=text, bgcolor=ground, bold=True),
        "input": Style(color=strong, bgcolor=raised),
    }


def _sixteen(*, colour: bool) -> dict[str, Style]:
    """The styles on the terminal's own colours; without ``colour`` only attributes carry the meaning."""
    default = Style(color="default", bgcolor="default")

    def paint(
        name: str, *, bold: bool = False, dim: bool = False, underline: bool = False, reverse: bool = False
    ) -> Style:
        attributes = Style(bold=bold or None, dim=dim or None, underline=underline or None, reverse=reverse or None)
        return default + attributes + Style(color=name if colour else None)

    return {
        "normal": default,
        "strong": default + Style(bold=True),
        "quiet": default + Style(dim=True),
        "stale": default + Style(dim=True),
        "heading": default + Style(dim=True),
        "focus": paint("bright_white", bold=True),
        "cursor": default + Style(bold=True),
        "marked": default + Style(underline=True),
        "p1": paint("bright_red", bold=True, reverse=True),
        "p1-ack": paint("bright_red", bold=True),
        "p2": paint("bright_yellow", reverse=True),
        "p2-ack": paint("bright_yellow"),
        "p3": paint("bright_cyan", underline=True),
        "p3-ack": paint("bright_cyan"),
        "shelved": default,
        "warn": paint("bright_yellow", bold=not colour),
        "added": paint("bright_cyan", bold=not colour),
        "removed": paint("yellow", dim=not colour),
        "hunk": default + Style(dim=True),
        "line-number": default + Style(dim=True),
        "hint": default + Style(dim=True),
        "hint-key": default + Style(bold=True),
        "input": default + Style(reverse=True),
    }


# Of each theme: every text has a contrast of 4.5 or more on its ground, and whoever cannot tell some colours apart
# still tells these (tests/widgets/test_palette.py). Red is crimson where the ground is light: dark red and brown are
# one colour to many.
_GREY = {
    "p1": "#ff6a5a",
    "p2": "#ffd75f",
    "p3": "#5fb8ff",
    "added": "#6fb7ff",
    "removed": "#f0a35e",
}
_LIGHT = {
    "p1": "#a3175c",
    "p2": "#5e4300",
    "p3": "#1249a8",
    "added": "#1249a8",
    "removed": "#703800",
}
_CONTRAST = {
    "p1": "#ff7a6b",
    "p2": "#ffe066",
    "p3": "#7cc8ff",
    "added": "#8cc8ff",
    "removed": "#ffb870",
}

PALETTES = ("grey", "light", "contrast", "ansi", "mono")


@lru_cache(maxsize=16)
def palette(name: str, *, ascii: bool = False) -> Palette:  # noqa: A002
    """One of PALETTES by name; ValueError names the choices. ``ascii`` draws boxes with ``-|+``, bars with ``#.``."""
    if name not in PALETTES:
        raise ValueError(f"unknown palette {name!r}: choose one of {', '.join(PALETTES)}")
    depths: dict[str, Depth] = {"ansi": "16", "mono": "none"}
    return Palette(name, MappingProxyType(_styles(name)), depths.get(name, "full"), ascii)


def _styles(name: str) -> dict[str, Style]:
    match name:
        case "grey":
            return _true("#1e2124", "#c4c8cc", "#9399a0", "#6f757b", "#ffffff", _GREY, "#000000", "#2b3035")
        case "light":
            return _true("#dcdcdc", "#141618", "#43474b", "#6c7074", "#000000", _LIGHT, "#ffffff", "#eeeeee")
        case "contrast":
            return _true("#000000", "#ffffff", "#c0c4c8", "#8a8e92", "#ffffff", _CONTRAST, "#000000", "#26282a")
        case "ansi":
            return _sixteen(colour=True)
        case _:
            return _sixteen(colour=False)


GREY = palette("grey")
