"""What was lost with the tmux server or the host: who is asked before it starts again, and in which order. Pure.

The order gets most finished first: a decision or verdict is all that a pull request still waits for, and takes minutes;
an answer to a verdict comes next; work whose pull request is still to be made comes last, since what it makes has all
of that before it. Within that, the oldest pull request, and tickets as they are given out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fleet_tui.domain.model import Run
from fleet_tui.settings.limits import Limits

_RELEASE, _REVIEW, _REWORK, _TICKET, _OTHER = range(5)
_LAST = 1 << 62


@dataclass(frozen=True, slots=True)
class Work:
    """A run that is to begin in the place of a lost one. ``family`` of its role, ``priority`` of its ticket (low goes
    first)."""

    run: Run
    family: str
    priority: int = _LAST

    @property
    def why(self) -> str:
        """Why it has its place in the order."""
        run = self.run
        return {
            _RELEASE: f"decides on PR {run.pr}, which waits for nothing else",
            _REVIEW: f"reviews PR {run.pr}, whose work is done",
            _REWORK: f"answers what was asked of PR {run.pr}",
            _TICKET: f"works on ticket #{run.ticket}, which has no pull request to be finished yet",
            _OTHER: "nothing waits for it",
        }[_stage(self)]


def must_ask(limits: Limits, lost: int, *, waiting: bool) -> bool:
    """Whether a person is asked before ``lost`` runs, which were lost at once, begin again; ``waiting``: others wait
    for a person already."""
    return limits.restore == "ask" and (waiting or lost > limits.restore_unasked)


def in_order(works: Iterable[Work]) -> list[Work]:
    """As they are to begin."""
    return sorted(works, key=_place)


def _place(work: Work) -> tuple[int, int, int, int, str]:
    run = work.run
    return _stage(work), run.pr or _LAST, work.priority, run.ticket or _LAST, run.id


def _stage(work: Work) -> int:
    if work.run.pr is not None:
        return {"release": _RELEASE, "reviewer": _REVIEW, "author": _REWORK}.get(work.family, _OTHER)
    return _TICKET if work.family == "author" and work.run.ticket is not None else _OTHER
