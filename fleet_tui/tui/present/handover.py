"""The note for the next shift, as Markdown that is also plain text. What others wrote in it is never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from fleet_tui.domain.events import Event
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import AlarmState
from fleet_tui.domain.text import clean, one_line
from fleet_tui.readmodel.gist import gist
from fleet_tui.readmodel.handover import Handover
from fleet_tui.readmodel.needs import command_for, words_of
from fleet_tui.readmodel.values import SIGNS, AgentTile, NeedItem
from fleet_tui.tui.present.budget_table import name_of
from fleet_tui.tui.present.budgets import amounts, lasts
from fleet_tui.tui.present.text import age, count, span, until

_MARKUP = re.compile(r"([\\`*\[\]<>|])")


def foreign(text: str, limit: int = 200) -> str:
    """Text of others on one line, with whatever Markdown or HTML would read escaped."""
    return _MARKUP.sub(r"\\\1", one_line(text, limit))


def handover_text(found: Handover, name: str) -> str:
    """The whole note; ``name`` is the fleet's."""
    now_ns, snapshot = found.snapshot.at_ns, found.snapshot
    parts = [
        f"# Handover: {foreign(name, 80)}",
        "",
        f"Written {_instant(now_ns)}; what happened is told since {_instant(found.since_ns)}"
        f" ({span(found.counts.seconds)}).",
        *_conditions(found),
        *_section(f"Needs a person: {len(snapshot.needs)}", (_need(item, now_ns) for item in snapshot.needs)),
        *_section("Held: lands by itself unless it is undone", _held(found, now_ns)),
        *_agents(found),
        *_section(f"Alarms that stand: {len(found.alarms)}", (_alarm(one, now_ns) for one in found.alarms)),
        *_section("Budgets to watch", (f"{foreign(name_of(b))}: {amounts(b)} {lasts(b)}" for b in found.budgets)),
        *_happened(found),
    ]
    return clean("\n".join(part.rstrip() for part in parts) + "\n")


def _instant(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"- {line}" for line in lines]
    return ["", f"## {title}", "", *(found or ["none"])]


def _conditions(found: Handover) -> Iterator[str]:
    fleet = found.snapshot.fleet
    if fleet.halted:
        yield f"**ALL STOP is in force**: {foreign(fleet.halted)}."
    if fleet.config_problems:
        yield f"**The configuration is rejected**, the last good one counts: {foreign(fleet.config_problems[0], 300)}."


def _need(item: NeedItem, now_ns: int) -> str:
    who = f"{foreign(item.who)}: " if item.who else ""
    do = f"; do: {foreign(item.response)}" if item.response else ""
    return f"**P{item.priority}** {age(item.since_ns, now_ns)} {who}{foreign(item.title)}{do} (`{_code(item)}`)"


def _code(item: NeedItem) -> str:
    return one_line(command_for(item)).replace("`", "")


def _held(found: Handover, now_ns: int) -> Iterator[str]:
    for card in found.held:
        by = foreign(card.approval.decided_by or "somebody", 40)
        left = until(card.approval.hold_until_ns or now_ns, now_ns)
        yield f"PR {card.approval.pr} {foreign(card.ticket_title)}, approved by {by}: in {left} s"


def _agents(found: Handover) -> list[str]:
    tiles, now_ns = found.snapshot.tiles, found.snapshot.at_ns
    rows = ["| agent | state | since | work | risk | budget |", "|---|---|---|---|---|---|"]
    rows += [_agent(tile, now_ns) for tile in tiles]
    return ["", f"## Who is at what: {count(len(tiles), 'agent')}", "", *(rows if tiles else ["none"])]


def _agent(tile: AgentTile, now_ns: int) -> str:
    ticket = f"ticket #{tile.ticket} {foreign(tile.ticket_title, 60)}" if tile.ticket is not None else ""
    change = f"PR {tile.pr}" if tile.pr is not None else ""
    last = f"last: ticket #{tile.last.ticket}" if tile.last is not None and tile.last.ticket is not None else ""
    work = ", ".join(filter(None, (ticket, change))) or last or foreign(tile.reason, 60)
    budget = amounts(tile.budget) if tile.budget is not None else "no limit"
    state = foreign(f"{SIGNS[tile.doing]} {tile.doing}")
    cells = (f"{foreign(tile.name)} ({foreign(tile.role)})", state, age(tile.since_ns, now_ns), work)
    return f"| {' | '.join(cells)} | {tile.risk} {tile.risk_band} | {foreign(budget)} |"


def _alarm(alarm: Alarm, now_ns: int) -> str:
    about, title = words_of(alarm.about), one_line(alarm.title)
    who = "" if title.startswith(about) else f"{foreign(about)}: "
    text = f"**P{alarm.priority}** {age(alarm.raised_ns, now_ns)} {who}{foreign(title)}"
    if alarm.state is AlarmState.SHELVED:
        left = span(((alarm.shelved_until_ns or now_ns) - now_ns) // 1_000_000_000)
        return f"{text}; on the shelf for {left} more: {foreign(alarm.shelved_reason)}"
    by = f"seen by {foreign(alarm.acknowledged_by, 40)}" if alarm.acknowledged_by else "nobody has acknowledged it"
    return f"{text}; {by}"


def _happened(found: Handover) -> list[str]:
    counts = found.counts
    told = (
        f"{counts.landed} landed, {counts.handed_over} handed over, {count(counts.alarms, 'alarm')}, "
        f"{count(counts.approvals, 'approval')} asked for, {count(counts.runs, 'run')} ended."
    )
    cut = [] if found.complete else ["(So much happened that only the newest part was counted.)"]
    return [
        "",
        f"## Since {_instant(found.since_ns)}",
        "",
        told,
        *cut,
        *_section("Landed", map(_event, found.landed)),
        *_section("Done by persons", map(_event, found.by_persons)),
    ]


def _event(event: Event) -> str:
    at = datetime.fromtimestamp(event.at_ns // 1_000_000_000, UTC).strftime("%m-%d %H:%M")
    about = foreign(words_of(event.subject))
    return f"{at} {foreign(event.kind, 40)} {about}: {foreign(gist(event))} ({foreign(event.actor, 40)})"
