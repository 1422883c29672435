"""All that waits for a decision, one after the other: the next opens by itself, but only after a person decided."""

from __future__ import annotations

import time

from fleet_tui.readmodel.values import ApprovalCard
from fleet_tui.tui.commands import Act, Outcome
from fleet_tui.tui.in_turn import InTurn, look_first, name_of, waiting
from fleet_tui.tui.outcome import OutcomePane
from fleet_tui.tui.screens.diff_keys import DiffKeys

_SHARE = 0.6
"""Of the screen that the outcome may take."""


class DecideInTurn(DiffKeys):
    """For the screen of the approvals. The strip of each is that of every decision: bound to what is shown."""

    _turn: InTurn | None = None
    _ended: InTurn | None = None
    """What the outcome tells of: what comes of it afterwards is told too."""
    _shown_since: tuple[str, float] = ("", 0.0)
    """The approval on screen, and since when (monotonic seconds)."""
    _by_itself: str = ""
    """The approval that came on screen without a key."""
    _decided: str = ""
    """The one that was decided here last."""

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

    def note_on_show(self, approval: str) -> None:
        """Which is on screen; "" for none."""
        if approval != self._shown_since[0]:
            self._shown_since = (approval, time.monotonic())

    def on_screen_suspend(self) -> None:
        self.note_on_show("")
        super().on_screen_suspend()

    def is_over(self, chosen: str | None) -> bool:
        """Whether ``chosen`` was decided here and is carried out: then the next opens. What others decided stays."""
        is_mine = chosen is not None and chosen == self._decided
        return is_mine and self.card() is None and self._turn is None and self.strip.request is None

    def came_by_itself(self, approval: str) -> None:
        """No key brought it: it is looked at first. "": what is on screen was asked for."""
        self._by_itself = approval

    def retell(self) -> None:
        """The outcome on show, as it is by now."""
        outcome = self.query_one(OutcomePane)
        if outcome.display and self._ended is not None:
            self._tell(self._ended, self._waiting())

    def _tell(self, turn: InTurn, ids: set[str]) -> None:
        most = max(4, int(self.size.height * _SHARE))
        self.query_one(OutcomePane).tell(turn.outcome(ids), self.size.width, most)

    def do_approval_in_turn(self) -> None:
        """Begin; or leave this one as it is, and go on to the next."""
        if self._turn is not None:
            self._onward()
            return
        card = self.card()
        chosen = card.id if card is not None else None
        since_s = self._shown_since[1] if chosen == self._shown_since[0] else None
        self._turn = InTurn.of(self.cards(), chosen, time.monotonic(), since_s)
        if self._turn is None:
            self.room.say("v: nothing waits for your decision", "quiet")
            return
        self.query_one(OutcomePane).display = False
        self.select(self._turn.current)

    def act_done(self, act: Act, outcome: Outcome) -> None:
        """On to the next, if the person is still where the decision was made."""
        turn, approval = self._turn, act.args.get("approval")
        if approval is None or not outcome.ok:
            return
        self._decided = "" if act.op == "undo" else approval
        for one in (turn, self._ended):
            if one is not None:
                one.decided(approval, act.op)
        if turn is None:
            return
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
        self._ended, ids = turn, self._waiting() - {decided}
        self._tell(turn, ids)
        self.room.say(turn.summary(ids), "normal")
        return True

    def too_early(self) -> str:
        """Why nothing is decided yet: what came on screen by itself is looked at first."""
        turn, card, now_s = self._turn, self.card(), time.monotonic()
        if card is None:
            return ""
        if turn is not None and card.id == turn.current:
            return turn.too_early(now_s)
        return look_first(name_of(card), self._shown_since[1], now_s) if card.id == self._by_itself else ""

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
