"""What the message line says of something that takes a while, and of an act whose answer never came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_tui.domain.events import Event
from fleet_tui.domain.text import SafeText, one_line
from fleet_tui.readmodel.gist import gist
from fleet_tui.tui.present.text import clock

if TYPE_CHECKING:
    from fleet_tui.tui.commands import Act


def working(words: str, took_s: float) -> SafeText:
    """``approve PR 812: working 0.4 s …``; from ten seconds on without tenths."""
    took = f"{took_s:.1f}" if took_s < 10 else f"{took_s:.0f}"
    return one_line(f"{words}: working {took} s …", 200)


def doubtful(act: Act) -> SafeText:
    """Nobody knows, and the log does not say."""
    return one_line(
        f"{act.verb} {act.target}: no answer, and nothing of it in the log so far: UNKNOWN whether it will be done; "
        "look before you ask again",
        300,
    )


def found(act: Act, event: Event) -> SafeText:
    """No answer came, but it was done."""
    what = f"{event.kind} {clock(event.at_ns)} {gist(event, 100)}"
    return one_line(f"{act.verb} {act.target}: DONE though no answer came; the log has it: {what}", 300)


def lost(act: Act) -> SafeText:
    """The watcher that was asked is gone, and had recorded nothing."""
    return one_line(
        f"{act.verb} {act.target}: NOT done: the watcher that was asked has ended, nothing is in the log", 300
    )
