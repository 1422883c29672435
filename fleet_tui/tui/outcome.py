"""What came of an act on several, over the body of a screen until Escape."""

from __future__ import annotations

from fleet_widgets.lines import Span
from fleet_widgets.text_pane import Section, TextPane
from fleet_widgets.words import wrap_words


class OutcomePane(TextPane, can_focus=False):
    """Hidden until there is something to tell. As high as its lines, at most ``most`` rows."""

    def tell(self, section: Section | None, width: int, most: int) -> None:
        """None: nothing."""
        self.display = section is not None
        if section is None:
            return
        rows = [row for line in section.lines for row in wrap_words(line, width)]
        kept = most - 3
        if len(rows) >= most:
            more = (Span(f" {len(rows) - kept - 1} more lines: those stay marked", "quiet"),)
            rows = [*rows[:kept], more, rows[-1]]
        self.set_sections((Section(section.title, tuple(rows)),))
        self.styles.height = 1 + len(rows)
