"""The fleet as plain lines, for terminals that cannot show a room, for screen readers and for scripts."""

from __future__ import annotations

from fleet_tui.readmodel.values import SIGNS, Snapshot
from fleet_tui.tui.present.text import age, badge, count


def status_text(snapshot: Snapshot, now_ns: int) -> str:
    """Counts, then what needs a person, then every agent; one fact to a line, no escape sequences."""
    needs = len(snapshot.needs)
    wanted = "nothing needs you" if not needs else f"{count(needs, 'thing')} {'needs' if needs == 1 else 'need'} you"
    lines = [f"{count(snapshot.summary.agents, 'agent')}, {wanted}"]
    for item in snapshot.needs:
        mark = badge(item.priority, True).text
        who = f"{item.who}: " if item.who else ""
        lines.append(f"{mark} {who}{item.title} (for {age(item.since_ns, now_ns)})")
    for tile in snapshot.tiles:
        work = f" on #{tile.ticket} {tile.ticket_title}" if tile.ticket is not None else ""
        lines.append(f"{SIGNS[tile.doing]} {tile.name} ({tile.role}): {tile.doing} {age(tile.since_ns, now_ns)}{work}")
    return "\n".join(lines) + "\n"
