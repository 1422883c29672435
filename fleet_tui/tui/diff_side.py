"""The diff of one pull request: fetched from the watcher, kept, and shown under a rule that says where one is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from fleet_tui.domain.errors import FleetError, WatcherUnavailable
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.values import Health
from fleet_tui.tui.present.approvals import diff_files
from fleet_tui.tui.present.text import rule, short
from fleet_widgets.diff_view import DiffFile, DiffView
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.palette import Palette

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp

DiffKey = tuple[int, str, str]
"""Pull request, head and base: what these differ in never changes."""
_KEPT = 8


class DiffSide(Vertical):
    """Call :meth:`bring` again and again: it fetches what is not here when that has a chance."""

    class SeenChanged(Message):
        """Another file was on screen."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._palette = palette
        self.shown: DiffKey | None = None
        """Whose diff is on screen, or comes there when it is here."""
        self._diffs: dict[DiffKey, tuple[DiffFile, ...]] = {}
        """The diffs that were fetched last."""
        self._loading: DiffKey | None = None
        self._trouble = ""
        """Why the diff is not here."""
        self._away: Health | None = None
        """How the watcher was when it did not answer: as soon as it is well again, the diff is fetched by itself."""
        self.position = ""

    def compose(self) -> ComposeResult:
        yield FrameLine(palette=self._palette, id="diff-rule")
        yield DiffView(palette=self._palette, id="diff")

    @property
    def room(self) -> RoomApp:
        return cast("RoomApp", self.app)

    @property
    def view(self) -> DiffView:
        return self.query_one(DiffView)

    @property
    def files(self) -> tuple[DiffFile, ...]:
        """The files on screen; none while the diff is not here."""
        return self._diffs.get(self.shown, ()) if self.shown is not None else ()

    def seen_paths(self) -> frozenset[str]:
        """Files on screen whose end was on screen at this head, or that the person marked."""
        head = self.shown[1] if self.shown else ""
        return self.room.seen.get(head, frozenset()) & {file.path for file in self.files}

    def bring(self, wanted: DiffKey | None) -> None:
        """Show the diff that is here, also while the watcher is away; fetch the one that is not."""
        if wanted != self.shown:
            self._trouble = ""
            self._show(wanted)
        if wanted is None or wanted in self._diffs or self._loading == wanted:
            return
        health = self.room.picture.health
        is_back = self._away is not None and health is not self._away and health.missed == 0
        if not self._trouble or is_back:
            self._load(wanted)

    def try_again(self) -> None:
        """Forget why the diff is not here. One that is here stays."""
        self._trouble = ""

    @work(group="diff", exclusive=True, exit_on_error=False)
    async def _load(self, wanted: DiffKey) -> None:
        self._loading, self._trouble, self._away = wanted, "", None
        pull_request, head, base = wanted
        args = {"pr": pull_request, "head": head, "base": base}
        try:
            answer = await self.room.errands.ask(f"the diff of PR {pull_request}", "diff", args)
            files = diff_files(answer)
        except (FleetError, ValueError, TypeError, AttributeError) as error:
            self._trouble = str(error)
            self._away = self.room.picture.health if isinstance(error, WatcherUnavailable) else None
        else:
            self._diffs = dict([*self._diffs.items(), (wanted, files)][-_KEPT:])
            if self.shown == wanted and self.is_attached:
                self._show(wanted)
        finally:
            if self._loading == wanted:
                self._loading = None
        if self.is_attached:
            self.show_rule()

    def _show(self, shown: DiffKey | None) -> None:
        self.shown, self.position = shown, ""
        seen = self.room.seen.get(shown[1], frozenset()) if shown else frozenset()
        self.view.set_files(self.files, seen=seen, key=":".join(map(str, shown or ())))

    def state(self) -> str:
        """Where in the diff the view is, or why there is none."""
        if self.files or self.shown in self._diffs:
            return self.position
        if self._loading is not None:
            return "loading"
        if self._away is not None:
            return "comes when the watcher is back"
        return f"not here, r tries again: {self._trouble}" if self._trouble else ""

    def show_rule(self) -> None:
        """The rule above the diff, with the mark of the focus."""
        where = f"{short(self.shown[1])} on {short(self.shown[2])}" if self.shown else ""
        tally = f"seen {len(self.seen_paths())}/{len(self.files)}" if self.files else ""
        title = one_line(f"diff {where}  {self.state()}", 160)
        self.query_one(FrameLine).set_line(rule(title, tally, has_focus=self.view.has_focus))

    @on(DiffView.Seen)
    def _seen(self, message: DiffView.Seen) -> None:
        if self.shown is not None:
            head = self.shown[1]
            self.room.seen[head] = self.room.seen.get(head, frozenset()) | {message.path}
            self.show_rule()
            self.post_message(self.SeenChanged())

    @on(DiffView.Moved)
    def _moved(self, message: DiffView.Moved) -> None:
        self.position = f"file {message.file}/{message.files}  hunk {message.hunk}/{message.hunks}"
        self.show_rule()
