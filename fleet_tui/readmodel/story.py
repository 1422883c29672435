"""What one run did, without the plumbing: for a tile or a pane that has no process to show."""

from __future__ import annotations

from fleet_tui.domain.events import Event
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
_LOOKED_AT = 100


def read_story(reader: Reader, agent: str, run: str, limit: int = 30) -> tuple[Event, ...]:
    """The newest events about ``run`` and by ``agent`` in it, oldest first, at most ``limit``."""
    about = reader.events(EventFilter(subjects=(f"run:{run}",)), limit=_LOOKED_AT)
    by = reader.events(EventFilter(actors=(f"agent:{agent}/{run}",)), limit=_LOOKED_AT)
    told = {event.seq: event for event in (*about, *by) if event.kind not in PLUMBING}
    return tuple(told[seq] for seq in sorted(told)[-limit:])
