"""Scrollable static lines with section headings: evidence, details, help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_widgets.base import LineWidget
from fleet_widgets.lines import Line


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (a rule with the title; none when empty) and its lines."""

    title: str
    lines: tuple[Line, ...]


class TextPane(LineWidget, can_focus=True):
    """Bindings (ids ``text.*``): j k arrows, pageup pagedown, g G. Long lines wrap unless ``wrap=False``."""

    def set_sections(self, sections: Sequence[Section]) -> None:
        """Replace the text; the scroll position stays when it still exists."""

    def show(self, title: str) -> None:
        """Scroll to a section."""
