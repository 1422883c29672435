"""How to get the watcher back, below the body of a screen and not over it: what is old can still be read whole."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_tui.readmodel.values import Picture
from fleet_tui.tui.present.frame import frozen_notice
from fleet_widgets.text_pane import Section, TextPane


class FrozenNotice(TextPane, can_focus=False):
    """Hidden until the picture is frozen. As high as its lines."""

    def tell(self, picture: Picture, start: Sequence[str], width: int, *, is_frozen: bool) -> None:
        """``start`` are the words of the shell line that starts the watcher."""
        self.display = is_frozen
        if is_frozen:
            lines = frozen_notice(picture, start, width)
            self.set_sections((Section("the watcher is away", lines),))
            self.styles.height = 1 + len(lines)
