"""Rows and details of the event log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleet_tui.domain.events import Event
from fleet_tui.domain.text import clean, one_line
from fleet_tui.readmodel.gist import gist, to_read
from fleet_tui.readmodel.values import LastRun
from fleet_tui.tui.present.text import age, clock, fact, short_clock
from fleet_widgets.lines import Line, Span, column
from fleet_widgets.text_pane import Section

_LOUD = frozenset({"agent_quarantined", "policy_denied", "run_crashed", "gate_failed", "merge_failed", "alarm_raised"})


def event_line(event: Event, *, compact: bool = False) -> Line:
    """``14:02:24 run:… gate_started      unit @77ac0d1``."""
    kind = Span(f"{column(one_line(event.kind, 60), 24)} ", "strong" if event.kind in _LOUD else "normal")
    if compact:
        return (Span(f"{clock(event.at_ns)} ", "quiet"), kind, Span(gist(event), "quiet"))
    subject = Span(f"{column(_subject(event.subject), 14)} ", "quiet")
    return (Span(f" {clock(event.at_ns)} ", "quiet"), subject, kind, Span(gist(event)))


def told(events: Iterable[Event], now_ns: int) -> tuple[Line, ...]:
    """``14:02 gate_started unit @77ac0d1``: events where it is clear what they are about."""
    return tuple(
        (
            Span(f"{short_clock(event.at_ns, now_ns)} ", "quiet"),
            Span(f"{one_line(event.kind, 40)} ", "strong" if event.kind in _LOUD else "normal"),
            Span(gist(event), "quiet"),
        )
        for event in events
    )


def last_run_line(last: LastRun, now_ns: int, *, narrow: bool = False) -> Line:
    """``last run: finished 5m ago, ticket #3 / PR 2``; narrow, for a tile: ``last run: finished 5m ago  #3 PR 2``."""
    ticket, pull_request = ("#", "PR ") if narrow else ("ticket #", "PR ")
    parts = [f"{ticket}{last.ticket}" if last.ticket is not None else ""]
    parts.append(f"{pull_request}{last.pr}" if last.pr is not None else "")
    work = (" " if narrow else " / ").join(filter(None, parts))
    comma = "  " if narrow else ", "
    ended = f"{one_line(last.state.replace('_', ' '), 20)} {age(last.ended_ns, now_ns)} ago"
    return (Span("last run: ", "quiet"), Span(ended), Span(f"{comma}{work}" if work else "", "quiet"))


def _subject(subject: str) -> str:
    """Runs have long ids of which only the end tells them apart."""
    safe = one_line(subject, 60)
    if safe.startswith("run:") and len(safe) > 14:
        return f"run:..{safe[-8:]}"
    return safe


def event_sections(event: Event, cause: Event | None, effects: Sequence[Event], newest: int) -> tuple[Section, ...]:
    """Everything about one event: what, by whom, why, what followed, its place in the chain."""
    facts = (
        fact("event", f"{event.kind}  {event.id}  number {event.seq}"),
        fact("at", f"{clock(event.at_ns)} UTC on {event.host}"),
        fact("about", event.subject),
        fact("by", event.actor),
        fact("caused by", gist_of(cause) if cause else event.cause or "nothing recorded"),
        *(fact("caused" if index == 0 else "", gist_of(effect)) for index, effect in enumerate(effects[:8])),
        *(fact("output", command) for command in _to_read(event)),
        fact("chain", f"hash {event.hash[:16]} after {event.previous[:16]}; {newest - event.seq} newer"),
    )
    return (Section("detail", facts), Section("payload", _payload(event)))


def _to_read(event: Event) -> tuple[str, ...]:
    """The command that prints what the event holds only the end of."""
    facts = event.payload
    if event.kind not in ("gate_failed", "gate_passed") or not facts.get("log"):
        return ()
    return (to_read(facts.get("pr", 0), str(facts.get("name")), str(facts.get("tree"))),)


def gist_of(event: Event) -> str:
    return f"{clock(event.at_ns)} {event.kind}  {gist(event)}"


def _payload(event: Event) -> tuple[Line, ...]:
    lines: list[Line] = []
    for name, value in event.payload.items():
        parts = clean(str(value), 4000).splitlines() or [""]
        lines.append((Span(f"{one_line(name, 40):<14} ", "quiet"), Span(parts[0])))
        lines += [(Span(" " * 15), Span(part)) for part in parts[1:40]]
    return tuple(lines)
