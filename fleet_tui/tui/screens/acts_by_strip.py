"""Acts go through the strip: what is confirmed is what was asked, and only while it is as it was."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on

from fleet_tui.tui.bulk import Bulk, Result
from fleet_tui.tui.commands import Act, Outcome, because
from fleet_tui.tui.screens.copies import Copies
from fleet_tui.tui.screens.replay_keys import ReplayKeys
from fleet_widgets.strip import ConfirmStrip, StripRequest


class ActsByStrip(Copies, ReplayKeys):
    """One strip a screen, and one act that it is about."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: Act | Bulk | None = None

    def show_message(self) -> None:
        """Draw the message line anew."""
        raise NotImplementedError

    def show_hints(self) -> None:
        """Draw the keys of the last line anew."""
        raise NotImplementedError

    @property
    def strip(self) -> ConfirmStrip:
        return self.query_one("#strip", ConfirmStrip)

    def ask(self, request: StripRequest, act: Act | Bulk) -> None:
        """Open the strip; ``act`` is captured now and sent only when it is confirmed."""
        self._asked = act
        self.said = None
        self.show_message()
        self.strip.ask(request)
        self.show_hints()

    def check_strip(self) -> None:
        """Turn an open strip void when what it is bound to has changed."""
        if self.strip.request is not None and self._asked is not None:
            changed = self._changed(self._asked)
            if changed:
                self.strip.invalidate(changed)

    def _changed(self, asked: Act | Bulk) -> str:
        """Of several acts those go on whose object is as it was; of the others is told afterwards."""
        if isinstance(asked, Act):
            return self.what_changed(asked)
        reasons = [self.what_changed(act) for act in asked.acts.values()]
        return f"none of them is as it was: {reasons[0]}" if all(reasons) else ""

    def what_changed(self, act: Act) -> str:  # noqa: ARG002
        """What differs from when the strip was opened; empty when nothing does."""
        return ""

    @on(ConfirmStrip.Confirmed)
    def _confirmed(self, message: ConfirmStrip.Confirmed) -> None:
        message.stop()
        self.show_hints()
        act, self._asked = self._asked, None
        if act is None:
            return
        why = self.room.why_off
        if why:
            self.room.say(f"{act.verb} {act.target}: {why}", "warn")
            return
        if isinstance(act, Bulk):
            self.room.act_on_each(act.because(message.reason), self)
        else:
            self.room.act(because(act, message.reason), self)

    def act_done(self, act: Act, outcome: Outcome) -> None:
        """What came of an act that was asked for here."""

    def each_done(self, bulk: Bulk, results: Sequence[Result]) -> None:
        """What came of an act on several that was asked for here."""

    @on(ConfirmStrip.Cancelled)
    def _cancelled(self, message: ConfirmStrip.Cancelled) -> None:
        message.stop()
        self.show_hints()
        # A strip that was replaced belongs to an act that the newer strip has taken over.
        if message.why != "replaced":
            self._asked = None
            self.room.say(f"cancelled, nothing was done: {message.request.title}", "quiet")
