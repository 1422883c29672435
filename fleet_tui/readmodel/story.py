"""What one run did, without the plumbing: for a tile or a pane that has no process to show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fleet_tui.domain.events import Event
from fleet_tui.readmodel.values import AgentTile, LastRun
from fleet_tui.store.reader import EventFilter, Reader

PLUMBING = frozenset(
    {
        "effect_attempted",
        "effect_done",
        "effect_planned",
        "message_delivered",
        "message_sent",
        "run_metered",
        "run_state_changed",
    }
)
_LOOKED_AT = 60


def read_story(reader: Reader, agent: str, run: str, limit: int = 30) -> tuple[Event, ...]:
    """The newest events about ``run`` and by ``agent`` in it, oldest first, at most ``limit``."""
    about = reader.events(EventFilter(subjects=(f"run:{run}",)), limit=_LOOKED_AT)
    by = reader.events(EventFilter(actors=(f"agent:{agent}/{run}",)), limit=_LOOKED_AT)
    told = {event.seq: event for event in (*about, *by) if event.kind not in PLUMBING}
    return tuple(told[seq] for seq in sorted(told)[-limit:])


class Stories:
    """The stories of the runs that the tiles show as their last ones. Each is read once: a run that has ended does
    nothing more."""

    def __init__(self) -> None:
        self._known: dict[LastRun, LastRun] = {}

    def tell(self, reader: Reader, tiles: Iterable[AgentTile]) -> tuple[AgentTile, ...]:
        """The tiles, the last runs with their stories."""
        told = {tile.last: self._told(reader, tile.name, tile.last) for tile in tiles if tile.last is not None}
        self._known = told
        return tuple(replace(tile, last=told[tile.last]) if tile.last is not None else tile for tile in tiles)

    def _told(self, reader: Reader, agent: str, last: LastRun) -> LastRun:
        return self._known.get(last) or replace(last, story=read_story(reader, agent, last.id))
