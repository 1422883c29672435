"""Decisions one after the other: which there are, which is on show since when, and what came of each. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from fleet_tui.domain.states import ApprovalState
from fleet_tui.domain.text import SafeText, one_line
from fleet_tui.readmodel.values import ApprovalCard
from fleet_tui.tui.present.text import count
from fleet_widgets.lines import Line, Span
from fleet_widgets.text_pane import Section

LOOK_S = 2.0
"""A decision counts only after its pull request was on screen for so long: nothing is decided in passing."""
SKIPPED, LOOKED, AHEAD = "skipped, it waits still", "looked at, it waits still", "not reached, it waits still"
GONE = "decided elsewhere, or void"
_WAIT = (SKIPPED, LOOKED, AHEAD)
_DONE = {
    "approve": "approved",
    "reject": "rejected",
    "request_changes": "sent back",
    "undo": "undone, it waits again",
}


def waiting(cards: Sequence[ApprovalCard]) -> tuple[ApprovalCard, ...]:
    """Those that are to be decided."""
    return tuple(card for card in cards if card.approval.state is ApprovalState.REQUESTED)


def name_of(card: ApprovalCard) -> SafeText:
    """``PR 2 Rotate the keys``."""
    return one_line(f"PR {card.approval.pr} {card.ticket_title}", 100)


def look_first(name: str, since_s: float, now_s: float) -> str:
    """Why nothing can be decided about what came on screen by itself at ``since_s``; empty when it can."""
    return f"look first: {name} came on screen just now" if since_s + LOOK_S > now_s else ""


@dataclass(slots=True)
class InTurn:
    """``names`` of the approvals by id, in their turn: what comes later is not among them. ``since_s`` is when
    ``current`` came on screen; ``came`` holds what came of those before it."""

    names: dict[str, SafeText]
    current: str
    since_s: float
    came: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, cards: Sequence[ApprovalCard], chosen: str | None, now_s: float, since_s: float | None = None
    ) -> InTurn | None:
        """All that wait, beginning with the chosen one, on screen since ``since_s``; None when nothing does."""
        names = {card.id: name_of(card) for card in waiting(cards)}
        order = list(names)
        if not order:
            return None
        at = order.index(chosen) if chosen in names else 0
        seen_s = since_s if since_s is not None and order[at] == chosen else now_s
        return cls({one: names[one] for one in (*order[at:], *order[:at])}, order[at], seen_s)

    def decided(self, approval: str, op: str) -> None:
        """A person decided it here, or undid that, and the watcher agreed."""
        if approval in self.names and op in _DONE:
            self.came[approval] = _DONE[op]

    def onward(self, ids: Collection[str], now_s: float) -> str | None:
        """The next that waits (its id is in ``ids``); None when there is none. What is left without a decision was
        skipped."""
        self.came.setdefault(self.current, SKIPPED if self.current in ids else GONE)
        for one in self.names:
            if one not in self.came and one in ids:
                self.current, self.since_s = one, now_s
                return one
            self.came.setdefault(one, GONE)
        return None

    def too_early(self, now_s: float) -> str:
        """Why nothing can be decided yet; empty when it can."""
        return look_first(self.names[self.current], self.since_s, now_s)

    def words(self) -> str:
        """``2 of 5 in turn``."""
        return f"{list(self.names).index(self.current) + 1} of {len(self.names)} in turn"

    def summary(self, ids: Collection[str]) -> str:
        """One line about all of them, and how many came meanwhile, which begin another turn."""
        came = list(self._came(ids).values())
        told = [f"{came.count(one)} {one.partition(',')[0]}" for one in dict.fromkeys(came)]
        later = len(set(ids) - set(self.names))
        more = f"; {later} more came meanwhile: v goes through what waits" if later else ""
        return f"{count(len(came), 'decision')} in turn: {', '.join(told)}{more}"

    def outcome(self, ids: Collection[str]) -> Section:
        """What came of each."""
        return Section("decisions in turn", tuple(self._lines(ids)))

    def _came(self, ids: Collection[str]) -> dict[str, str]:
        came = {one: self.came.get(one, LOOKED if one == self.current else AHEAD) for one in self.names}
        return {one: told if one in ids or told not in _WAIT else GONE for one, told in came.items()}

    def _lines(self, ids: Collection[str]) -> Iterator[Line]:
        for one, came in self._came(ids).items():
            style = "quiet" if came in _WAIT else "normal"
            yield (Span(f" {self.names[one]}: ", "strong"), Span(came, style))
        yield (Span(" Esc closes this", "hint"),)
