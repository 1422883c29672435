"""Which control rooms are open, what each looks at, and whether it is about to decide: told with each question for the
status, forgotten when a room asks no more. It decides nothing and is not recorded: a room says it of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fleet_tui.domain.text import one_line
from fleet_tui.watcher.desks.arguments import Args

GONE_NS = 5_000_000_000
"""A room asks each second; one that has not for so long is not here any more."""
_MOST = 50


@dataclass(frozen=True, slots=True)
class _Room:
    who: str
    looks_at: str
    decides: bool
    at_ns: int


class Presence:
    """Rooms by the id that each has chosen."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._rooms: dict[str, _Room] = {}

    def heard(self, args: Args, user: str) -> list[dict[str, Any]]:
        """Note the room that asks, if it says which it is; the others that are open, who came first at the front."""
        now_ns, room = self._now_ns(), _text(args, "room")
        self._rooms = {name: one for name, one in self._rooms.items() if 0 <= now_ns - one.at_ns < GONE_NS}
        if room and (room in self._rooms or len(self._rooms) < _MOST):
            place = _text(args, "place")
            who = f"{user} ({place})" if place else user
            self._rooms[room] = _Room(who, _text(args, "looks_at"), args.get("decides") is True, now_ns)
        others = (one for name, one in self._rooms.items() if name != room)
        return [{"who": one.who, "looks_at": one.looks_at, "decides": one.decides} for one in others]


def _text(args: Args, name: str) -> str:
    value = args.get(name)
    return one_line(value, 60) if isinstance(value, str) else ""
