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
    return tuple(_theme(palette(name)) for name in ("grey", "light", "contrast"))


def _theme(known: Palette) -> Theme:
    ground, raised = _colour(known, "normal", ground=True), _colour(known, "cursor", ground=True)
    text = _colour(known, "normal")
    return Theme(
        name=f"fleet-{known.name}",
        primary=text,
        secondary=text,
        accent=text,
        warning=_colour(known, "p2-ack"),
        error=_colour(known, "p1-ack"),
        success=text,
        foreground=text,
        background=ground,
        surface=raised,
        panel=raised,
        dark=known.name != "light",
    )


def _colour(known: Palette, name: str, *, ground: bool = False) -> str:
    style = known.style(name)
    colour = style.bgcolor if ground else style.color
    assert colour is not None, "a truecolor palette has both"
    return colour.name
