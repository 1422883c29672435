"""What a notice outside the room says, and in which bytes. It names no titles: they could hold code or secrets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.values import NeedItem, NeedKind
from fleet_tui.tui.present.text import count

_MOST = 80
_PLAIN = re.compile(r"[^A-Za-z0-9 .,:#()-]")
"""Nothing that could end the sequence, or that a terminal reads as its next field."""


def notice(fleet: str, needs: Sequence[NeedItem], *, watcher_away: bool) -> str:
    """``fleet shop: alarm P1, dev-3 (3 need you)``; plain ASCII of at most 80 characters."""
    waiting = [item for item in needs if item.kind is not NeedKind.HELD]
    if watcher_away:
        what = "the watcher does not answer"
    elif waiting:
        first = waiting[0]
        kind = f"alarm P{first.priority}" if first.kind is NeedKind.ALARM else str(first.kind)
        what = f"{kind}, {first.agent or first.about or 'fleet'}"
    else:
        what = "nothing needs you"
    more = f" ({count(len(waiting), 'need')})" if len(waiting) > 1 else ""
    return plain(f"fleet {fleet}: {what}")[: _MOST - len(more)] + more


def plain(text: str) -> str:
    return _PLAIN.sub("_", one_line(text, 200))


def sequence(protocol: str, text: str, *, in_tmux: bool) -> str:
    """The bytes for the terminal; inside tmux in an envelope that it hands on to the terminal around it."""
    body = f"\x1b]777;notify;fleet;{plain(text)}\x07" if protocol == "osc777" else f"\x1b]9;{plain(text)}\x07"
    return through_tmux(body) if in_tmux else body


def through_tmux(sequence: str) -> str:
    """``sequence`` in the envelope that tmux hands on, where that is allowed."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
