"""The parts of an agent's screen: pane, facts, timeline and diff; which are on show, and which has the keys."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from fleet_tui.readmodel.values import AgentDetail
from fleet_tui.tui.diff_side import DiffSide
from fleet_tui.tui.present import agent as present
from fleet_tui.tui.present.frame import MEDIUM
from fleet_tui.tui.present.text import rule
from fleet_tui.tui.screens.acts import AgentActs
from fleet_tui.tui.screens.search import Searches, search_field
from fleet_widgets.diff_view import DiffView
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.list_view import LineList
from fleet_widgets.pane_view import PaneView
from fleet_widgets.text_pane import TextPane


class AgentParts(Searches, AgentActs):
    """Subclasses bring the agent: they set ``_detail``."""

    def __init__(self) -> None:
        super().__init__()
        self._detail: AgentDetail | None = None
        self._at = "pane"
        """The part that has the keys: one of `present.PARTS`. Where there is room for one only, it is on show."""
        self._zoomed = False

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        yield Vertical(
            FrameLine(palette=palette, id="headline"),
            FrameLine(palette=palette, id="summary"),
            Horizontal(
                Vertical(PaneView(palette=palette, id="pane"), DiffSide(palette, id="diff-side"), id="left"),
                Vertical(
                    TextPane(palette=palette, id="facts", tells_more=True),
                    Vertical(
                        FrameLine(palette=palette, id="timeline-rule"),
                        LineList(palette=palette, id="timeline"),
                        id="happened",
                    ),
                    id="right",
                ),
                id="panes",
            ),
            search_field(),
        )

    def main_widget(self) -> Widget:
        return self._part(self._at)

    def _part(self, name: str) -> PaneView | TextPane | LineList | DiffView:
        parts: dict[str, type[PaneView | TextPane | LineList | DiffView]] = {
            "pane": PaneView,
            "facts": TextPane,
            "timeline": LineList,
            "diff": DiffView,
        }
        return self.query_one(f"#{name}", parts[name])

    def searched(self) -> PaneView | TextPane | LineList | DiffView:
        return self._part(self._at)

    def _show_diff(self) -> None:
        """Of the work that it published: what it has not handed over is in its own clone, where the watcher does not
        look."""
        change = self._detail.pull_request if self._detail else None
        wanted = change is not None and (self.has_class("-diff") or self._at == "diff")
        key = (change.number, change.head_sha, change.base_sha) if change is not None and wanted else None
        self.query_one(DiffSide).bring(key)

    def _show_parts(self) -> None:
        """Which parts are on the screen, and which has the keys."""
        self.set_class(self._zoomed or self.size.width < MEDIUM, "-one")
        for name in present.PARTS:
            self.set_class(name == self._at, f"-at-{name}")
        box = self.room.context.look.palette.box
        if self._detail is not None:
            self.set_line("summary", present.summary(self._detail, self._at, box))
        title = f"timeline, newest first{'; Enter: in the log' if self._at == 'timeline' else ''}"
        self.set_line("timeline-rule", rule(title, has_focus=self.query_one(LineList).has_focus))
        self.query_one(DiffSide).show_rule()

    def show_focus(self) -> None:
        """A click may have given the keys to another part."""
        part = next((name for name in present.PARTS if self._part(name).has_focus), self._at)
        if part != self._at:
            self._at = part
        self._show_parts()

    def _turn_to(self, part: str) -> None:
        """Show a part, and give it the keys."""
        self._at = part
        if part in ("diff", "pane"):
            self.set_class(part == "diff" or (self.has_class("-diff") and self.has_class("-l")), "-diff")
            self._show_diff()
        self._show_parts()
        self.set_focus(self._part(part))  # now: a strip that opens next keeps the keys
        self.room.live.wanted_changed()

    # -- keys --------------------------------------------------------------------------------------------------------

    async def do_room_back(self) -> None:
        """First ends the search, then the zoom, then goes up."""
        if self.end_search():
            return
        if self._zoomed:
            self.do_agent_zoom()
            return
        await self.dismiss()

    def do_pane_next(self) -> None:
        self._walk_parts(1)

    def do_agent_next_part(self) -> None:
        self._walk_parts(1)

    def do_agent_previous_part(self) -> None:
        self._walk_parts(-1)

    def _walk_parts(self, step: int) -> None:
        """Where there is room for one part only, it is the one on show; else the focus moves."""
        parts = [part for part in present.PARTS if part != "diff" or self.has_class("-diff")]
        parts = list(present.PARTS) if self.has_class("-one") and self._has_diff() else parts
        self._turn_to(parts[(parts.index(self._at) + step) % len(parts)])

    def _has_diff(self) -> bool:
        return self._detail is not None and self._detail.pull_request is not None

    def do_agent_diff(self) -> None:
        """The diff of its work; again: the pane."""
        if not self._has_diff():
            self.room.say("d: it has handed over nothing yet: a pull request shows its diff here", "quiet")
        else:
            was_there = self._at == "diff"
            self._turn_to("pane" if was_there else "diff")
            self.set_class(not was_there, "-diff")

    def do_agent_zoom(self) -> None:
        if self.size.width < MEDIUM:
            self.room.say("z: one part is on show here already; [ ] go through them", "quiet")
            return
        self._zoomed = not self._zoomed
        self._show_parts()
        self._part(self._at).focus()
