"""An agent that a person is sketching: what was said, what the watcher is asked about it, what it answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fleet_tui.domain.text import NOTHING, SafeText, one_line
from fleet_tui.readmodel.catalogue import Preview, TemplateDetail
from fleet_tui.tui.offers import Offers
from fleet_tui.tui.present import new_agent as present
from fleet_tui.tui.present.new_agent import Sketch
from fleet_widgets.form import Field

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp


class AgentDraft:
    """``changed`` is called when an answer came. A draft stays until an agent is made of it, or it is cleared."""

    def __init__(self, room: RoomApp, changed: Callable[[], None]) -> None:
        self._room = room
        self.offers = Offers(room, changed)
        self.template: str | None = None
        self.typed: dict[str, str] = {}
        self.said = Sketch()
        """What the watcher is asked about: what was said when a field was left last."""

    def commit(self) -> None:
        """A field was left: what stands in the form is meant."""
        self.said = Sketch(dict(self.typed))

    def clear(self) -> None:
        """Begin anew."""
        self.typed.clear()
        self.commit()

    def want(self) -> None:
        """Ask for what is missing."""
        self.offers.want(self.template, self.said.ticket, self.args())

    def detail(self) -> TemplateDetail | None:
        return self.offers.detail(self.template, self.said.ticket)

    def fields(self) -> tuple[Field, ...]:
        """The form; empty while the template is not known."""
        detail, offer = self.detail(), self.offers.offer
        if detail is None or offer is None:
            return ()
        return present.fields(offer, detail, Sketch(dict(self.typed)), self._ticket_title())

    def args(self) -> dict[str, Any] | None:
        """What the watcher is asked about the agent; None while something must be said first."""
        detail = self.detail()
        if detail is None or self._missing() is not None:
            return None
        return self.said.args(detail)

    def preview(self) -> Preview | None:
        """What it would be; None while that is not known, or it cannot be."""
        return self.offers.preview(self.args())

    def refusal(self) -> SafeText:
        """Why it cannot be; empty when nothing is known against it."""
        missing = self._missing()
        if missing is not None:
            return one_line(f"{missing.label}: {missing.problem}")
        return self.offers.refusal(self.args())

    def why_unmade(self) -> str:
        """Why no agent can be made now; empty when one can."""
        if self.preview() is not None and self.said == Sketch(self.typed):
            return ""
        return self.refusal() or "what it would be is not known yet"

    def _missing(self) -> Field | None:
        return next((field for field in self.fields() if field.problem), None)

    def _ticket_title(self) -> SafeText:
        reader, number = self._room.reader(), Sketch(self.typed).ticket
        ticket = reader.ticket(number) if reader is not None and number is not None else None
        if ticket is not None:
            return one_line(f"{ticket.title} ({ticket.state})", 80)
        return one_line("there is no such ticket") if number is not None else NOTHING
