"""What a new picture is told for besides being shown: a time away, what became of approvals, the bell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_tui.domain.states import ApprovalState
from fleet_tui.readmodel.away import Away, missed
from fleet_tui.tui.present.approvals import fate_text
from fleet_tui.tui.present.frame import away_text

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp


class Arrivals:
    """Reads the room's picture when one has arrived."""

    def __init__(self, room: RoomApp) -> None:
        self._room = room
        self._away = Away()

    def note_return(self) -> None:
        """After a time without a trusted picture: what happened meanwhile, in one line instead of all its alarms."""
        room = self._room
        returned, reader = self._away.returned(room.picture), room.reader()
        if returned is not None and reader is not None:
            seconds, seq = returned
            room.say(away_text(missed(reader, seq, seconds)), "strong")

    def tell(self) -> None:
        self._tell_fates()
        self._room.errands.look()
        self.ring()

    def ring(self) -> None:
        """The bell and nothing else: no text goes with it. An agent's own screen is left alone."""
        room = self._room
        needs = room.picture.snapshot.needs if room.picture.snapshot else ()
        if not room.handed_over and room.ringer.is_due(needs, room.now_ns, watcher_away=bool(room.why_frozen)):
            room.bell()
        room.notices.consider(needs, room.now_ns, watcher_away=bool(room.why_frozen))

    def _tell_fates(self) -> None:
        """What became of granted approvals: somebody counts on them."""
        room = self._room
        snapshot, reader = room.picture.snapshot, room.reader()
        if snapshot is None or reader is None:
            return
        room.granted |= {card.id for card in snapshot.approvals if card.approval.state is ApprovalState.HELD}
        for identity in [identity for identity in room.granted if snapshot.card(identity) is None]:
            room.granted.discard(identity)
            fate = reader.approval(identity)
            if fate is not None and (text := fate_text(fate)):
                room.say(text, "warn" if fate.state is ApprovalState.VOIDED else "normal")
