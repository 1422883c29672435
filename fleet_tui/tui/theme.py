"""Which colours: decided before the App exists, because Textual fixes its colour filters when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.theme import Theme

from fleet_tui.domain.errors import UsageError
from fleet_widgets.palette import PALETTES, Palette, palette


@dataclass(frozen=True, slots=True)
class Look:
    """A palette for our widgets, and the Textual theme for what is Textual's own (inputs, palette)."""

    palette: Palette
    theme: str
    ansi: bool
    """Use the terminal's own sixteen colours."""


def choose(wanted: str | None, environ: Mapping[str, str], *, ascii_boxes: bool = False) -> Look:
    """``wanted`` (None or ``auto``: the terminal decides): NO_COLOR → mono, sixteen colours → ansi, else grey.

    Raises:
        UsageError: no such theme.
    """
    name = _automatic(environ) if wanted in {None, "", "auto"} else str(wanted)
    if name not in PALETTES:
        raise UsageError("no such theme", name, "choose one of auto, " + ", ".join(PALETTES))
    boxes = ascii_boxes or _only_ascii(environ)
    ansi = name in {"ansi", "mono"}
    return Look(palette(name, ascii=boxes), "ansi-dark" if ansi else f"fleet-{name}", ansi)


def _automatic(environ: Mapping[str, str]) -> str:
    if environ.get("NO_COLOR"):
        return "mono"
    if environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return "grey"
    return "grey" if "256color" in environ.get("TERM", "") or "direct" in environ.get("TERM", "") else "ansi"


def _only_ascii(environ: Mapping[str, str]) -> bool:
    """Whether the locale says that box drawing will not arrive whole."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return locale in {"C", "POSIX"}


def themes() -> tuple[Theme, ...]:
    """Textual's themes in the palettes' colours."""
    return (
        _theme("grey", "#1e2124", "#c4c8cc", "#2b2f33", dark=True),
        _theme("light", "#c8c8c8", "#16181a", "#b8b8b8", dark=False),
        _theme("contrast", "#000000", "#ffffff", "#1c1c1c", dark=True),
    )


def _theme(name: str, ground: str, text: str, raised: str, *, dark: bool) -> Theme:
    return Theme(
        name=f"fleet-{name}",
        primary=text,
        secondary=text,
        accent=text,
        warning="#ffd75f" if dark else "#6b5200",
        error="#ff5f4f" if dark else "#9c1006",
        success=text,
        foreground=text,
        background=ground,
        surface=raised,
        panel=raised,
        dark=dark,
    )
