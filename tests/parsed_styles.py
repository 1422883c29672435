"""Style sheets are parsed once in a test run, not once for each room: Textual's own memory lasts as long as a sheet."""

from __future__ import annotations

from typing import Any

from textual.css.stylesheet import Stylesheet

_PARSED: dict[tuple[Any, ...], Any] = {}


def parse_once() -> None:
    """From now on sheets with the same text, place and variables share their rules, which nobody changes."""
    if not hasattr(Stylesheet._parse_rules, "at_most_once"):
        Stylesheet._parse_rules = _remembering(Stylesheet._parse_rules)  # type: ignore[method-assign]


def _remembering(parse: Any) -> Any:
    def parsed(self: Stylesheet, css: str, *place: Any, **options: Any) -> Any:
        key = (css, place, tuple(options.items()), frozenset(self._variables.items()))
        if key not in _PARSED:
            _PARSED[key] = parse(self, css, *place, **options)
        return _PARSED[key]

    parsed.at_most_once = True  # type: ignore[attr-defined]
    return parsed
