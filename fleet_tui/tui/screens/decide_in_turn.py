"""All that waits for a decision, one after the other: the next opens by itself, but only after a person decided."""

from __future__ import annotations

import time

from fleet_tui.readmodel.values import ApprovalCard
from fleet_tui.tui.commands import Act, Outcome
from fleet_tui.tui.in_turn import InTurn, waiting
from fleet_tui.tui.outcome import OutcomePane
from fleet_tui.tui.screens.diff_keys import DiffKeys

_SHARE = 0.6
"""Of the screen that the outcome may take."""


class DecideInTurn(DiffKeys):
    """For the screen of the approvals. The strip of each is that of every decision: bound to what is shown."""

    _turn: InTurn | None = None

    def cards(self) -> tuple[ApprovalCard, ...]:
        """All on show."""
        raise NotImplementedError

    def card(self) -> ApprovalCard | None:
        """The one that is selected."""
        raise NotImplementedError

    def select(self, approval: str) -> None:
        """Select it."""
        raise NotImplementedError

    def _waiting(self) -> set[str]:
        return {card.id for card in waiting(self.cards())}

    def do_approval_in_turn(self) -> None:
        """Begin; or leave this one as it is, and go on to the next."""
        if self._turn is not None:
            self._onward()
            return
        card = self.card()
        self._turn = InTurn.of(self.cards(), card.id if card is not None else None, time.monotonic())
        if self._turn is None:
            self.room.say("v: nothing waits for your decision", "quiet")
            return
        self.query_one(OutcomePane).display = False
        self.select(self._turn.current)

    def act_done(self, act: Act, outcome: Outcome) -> None:
        """On to the next, if the person is still where the decision was made."""
        turn = self._turn
        approval = act.args.get("approval")
        if turn is None or approval is None or not outcome.ok:
            return
        turn.decided(approval, act.op)
        card = self.card()
        is_here = self.room.room_screen is self and (card is None or card.id == approval)
        if act.op != "undo" and turn.current == approval and is_here and self.strip.request is None:
            self._onward(decided=approval)

    def _onward(self, decided: str = "") -> None:
        turn = self._turn
        assert turn is not None
        following = turn.onward(self._waiting() - {decided}, time.monotonic())
        if following is None:
            self.end_turn(decided)
        else:
            self.select(following)

    def end_turn(self, decided: str = "") -> bool:
        """Tell what came of each; whether they were gone through."""
        turn, self._turn = self._turn, None
        if turn is None:
            return False
        ids = self._waiting() - {decided}
        most = max(4, int(self.size.height * _SHARE))
        self.query_one(OutcomePane).tell(turn.outcome(ids), self.size.width, most)
        self.room.say(turn.summary(ids), "normal")
        return True

    def too_early(self) -> str:
        """Why nothing is decided yet: what came on screen by itself is looked at first."""
        turn, card = self._turn, self.card()
        return turn.too_early(time.monotonic()) if turn is not None and card and card.id == turn.current else ""

    def marks_in_words(self) -> str:
        return self._turn.words() if self._turn is not None else ""

    def turn_in_words(self) -> str:
        """What the keys do; empty while nothing is gone through."""
        return "v skips it, Esc ends" if self._turn is not None else ""

    async def do_room_back(self) -> None:
        outcome = self.query_one(OutcomePane)
        if self.end_turn():
            return
        if outcome.display:
            outcome.display = False
            return
        await super().do_room_back()
