"""What the watcher says of how tickets could be divided: asked once for each text, one ticket at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from fleet_tui.domain.errors import FleetError, WatcherUnavailable
from fleet_tui.domain.text import NOTHING, SafeText, one_line
from fleet_tui.readmodel import fanout
from fleet_tui.readmodel.fanout import Plan
from fleet_tui.readmodel.pipeline import TicketCard
from fleet_tui.tui import commands

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp

_MOST = 20
"""Of more tickets that wait nobody asks by themselves: the one under the cursor is asked about all the same."""
_Key = tuple[int, str]


class Plans:
    """Call :meth:`want` again and again: it asks for what is not here. ``changed`` is called when an answer came."""

    def __init__(self, room: RoomApp, changed: Callable[[], None]) -> None:
        self._room = room
        self._changed = changed
        self._known: dict[_Key, Plan | SafeText] = {}
        """A plan, or why there is none."""
        self._asking = False
        self.drafts: dict[int, str] = {}
        """What a person wrote in an editor that were no parts, by ticket: it is not lost."""

    def of(self, card: TicketCard | None) -> Plan | None:
        found = self._known.get(_key(card)) if card is not None else None
        return found if isinstance(found, Plan) else None

    def trouble(self, card: TicketCard) -> SafeText:
        """Why nothing can be said of it."""
        found = self._known.get(_key(card))
        return found if found is not None and not isinstance(found, Plan) else NOTHING

    def parts(self, cards: Sequence[TicketCard]) -> Mapping[int, int]:
        """Of which tickets it is known that they decompose, and into how many."""
        plans = [(card.number, self.of(card)) for card in cards if card.may_be_divided]
        return {number: len(plan.parts) for number, plan in plans if plan is not None and plan.parts}

    def take(self, card: TicketCard, plan: Plan | None) -> None:
        """A person has made another one of it; None: it is asked for anew."""
        self._known.pop(_key(card), None)
        if plan is not None:
            self._known[_key(card)] = plan

    def want(self, cards: Sequence[TicketCard], chosen: TicketCard | None) -> None:
        """Ask about the ticket under the cursor, then about the others that nobody has begun."""
        if self._asking or self._room.why_off:
            return
        asked = [*([chosen] if chosen is not None else []), *cards[:_MOST]]
        card = next((one for one in asked if one.may_be_divided and _key(one) not in self._known), None)
        if card is not None:
            self._asking = True
            self._room.run_worker(self._ask(card), group="plans", exit_on_error=False)

    async def _ask(self, card: TicketCard) -> None:
        try:
            answer = await commands.ask(self._room.context.operator_socket, "plan", {"ticket": card.number})
            self._known[_key(card)] = fanout.plan(answer)
        except WatcherUnavailable:
            return  # asked again when it is back
        except FleetError as error:
            self._known[_key(card)] = one_line(f"{error.title}: {error.message}", 400)
        finally:
            self._asking = False
        self._changed()


def _key(card: TicketCard) -> _Key:
    return card.number, card.body_sha
