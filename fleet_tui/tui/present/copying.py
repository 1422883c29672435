"""What can be copied of what is selected, and the words about where it went. Pure.

The same letter is the same thing on every screen.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fleet_tui.domain.events import Event
from fleet_tui.domain.model import PullRequest, Run
from fleet_tui.domain.text import SafeText, clean, one_line, reveal_name
from fleet_tui.readmodel.gist import gist
from fleet_tui.tui.clipboard import MOST_BYTES, Ground, Route, Way, Went, why_not
from fleet_tui.tui.keys.key import Here
from fleet_tui.tui.present.budget_table import name_of
from fleet_tui.tui.present.budgets import amounts
from fleet_tui.tui.present.text import clock
from fleet_widgets.diff_view import DiffFile
from fleet_widgets.key_menu import Choice
from fleet_widgets.lines import Line, text_of

_ORDER = "yinubhptdajfcs"
_SHOWN = 24
"""Characters of a value in the menu."""


@dataclass(frozen=True, slots=True)
class Offer:
    """``key`` chooses it in the menu; ``text`` is what is copied."""

    key: str
    what: str
    text: SafeText


@dataclass(frozen=True, slots=True)
class About:
    """What is known of the selection besides itself. ``program`` are the words with which a shell line of the command
    line begins."""

    program: tuple[str, ...] = ("fleet",)
    run: Run | None = None
    pull_request: PullRequest | None = None


def offer(key: str, what: str, text: str) -> Offer:
    """What is copied is foreign text: it is cleaned here, once for every way out."""
    return Offer(key, what, clean(text))


def unique(found: Iterable[Offer]) -> tuple[Offer, ...]:
    """Those that hold anything, by their keys; of two with the same key the first."""
    kept: dict[str, Offer] = {}
    for one in found:
        if one.text.strip():
            kept.setdefault(one.key, one)
    return tuple(sorted(kept.values(), key=lambda one: (_ORDER.find(one.key) % len(_ORDER), one.key)))


def choices(found: Sequence[Offer]) -> tuple[Choice, ...]:
    """The rows of the menu; short values are shown."""
    return tuple(Choice(one.key, one.what, one.text if _is_short(one.text) else "") for one in found)


def _is_short(text: str) -> bool:
    return len(text) <= _SHOWN and "\n" not in text


def of_selection(here: Here, about: About) -> Iterator[Offer]:
    """Of what keys would act on; what is selected itself stands before the agent behind it."""
    yield from _of_card(here, about)
    yield from _of_alarm(here, about)
    yield from _of_ticket(here, about)
    yield from _of_budget(here, about)
    yield from _of_fault(here)
    yield from _of_agent(here, about)


def _of_card(here: Here, about: About) -> Iterator[Offer]:
    card = here.card
    if card is None:
        return
    approval, change = card.approval, card.pull_request
    yield offer("y", "line", one_line(f"PR {change.number} {card.ticket_title}, by {change.agent}, {change.risk_band}"))
    yield offer("i", "id", approval.id)
    yield offer("n", "number", f"PR {approval.pr}")
    yield offer("b", "branch", change.branch)
    yield offer("h", "commit", approval.head_sha)
    yield _command(about, "approval", "show", f"{approval.pr}")


def _of_alarm(here: Here, about: About) -> Iterator[Offer]:
    alarm, need = here.listed, here.alarm
    if alarm is None:
        told = f"P{need.priority} {need.who} {need.title}; do: {need.response}" if need is not None else ""
        yield offer("a", "alarm", one_line(told, 400))
        return
    yield offer("y", "line", one_line(f"P{alarm.priority} {alarm.about}: {alarm.title}"))
    yield offer("i", "id", alarm.id)
    told = f"P{alarm.priority} {one_line(alarm.title)}\nabout {one_line(alarm.about)}, rule {alarm.rule}"
    raised = f"raised at {clock(alarm.raised_ns)} UTC"
    yield offer("a", "alarm", f"{told}, {raised}\ndo: {one_line(alarm.response or 'look at it')}\n")
    yield _command(about, "alarm", "explain", alarm.id)


def _of_ticket(here: Here, about: About) -> Iterator[Offer]:
    card = here.ticket
    if card is None:
        return
    yield offer("y", "line", one_line(f"#{card.number} {card.title}: {card.stage}, {card.waits}"))
    yield offer("n", "number", f"#{card.number}")
    yield offer("t", "title", card.title)
    yield _command(about, "ticket", "show", str(card.number))


def _of_budget(here: Here, about: About) -> Iterator[Offer]:
    standing = here.standing
    if standing is not None:
        yield offer("y", "line", f"{name_of(standing)}: {amounts(standing)}")
        yield offer("i", "id", standing.subject)
        yield _command(about, "budget", "show")


def _of_fault(here: Here) -> Iterator[Offer]:
    fault = here.fault
    if fault is not None:
        yield offer("y", "line", f"{fault.place}: {fault.message}")
        yield offer("u", "place", fault.place)


def _of_agent(here: Here, about: About) -> Iterator[Offer]:
    tile, run, change = here.tile, about.run, about.pull_request
    if tile is None:
        return
    work = f" on #{tile.ticket} {tile.ticket_title}" if tile.ticket is not None else ""
    yield offer("y", "line", f"{tile.name} ({tile.role}): {tile.doing}{work}")
    yield offer("i", "id", tile.name)
    yield offer("b", "branch", tile.branch or (run.branch if run is not None else ""))
    yield offer("u", "path", run.workspace if run is not None else "")
    yield offer("h", "commit", change.head_sha if change is not None else "")
    yield offer("t", "title", tile.ticket_title)
    words = ("attach", tile.name) if tile.session else ("explain", tile.name)
    yield _command(about, "agent", *words)


def of_event(event: Event | None) -> Iterator[Offer]:
    """Of one event of the log."""
    if event is not None:
        yield offer("y", "line", one_line(f"{clock(event.at_ns)} {event.subject} {event.kind} {gist(event)}", 400))
        yield offer("i", "id", event.id)
        yield offer("j", "JSON", event_json(event))


def event_json(event: Event) -> str:
    """All of an event, in ASCII."""
    facts = {
        "seq": event.seq,
        "id": event.id,
        "at_ns": event.at_ns,
        "kind": event.kind,
        "subject": event.subject,
        "actor": event.actor,
        "cause": event.cause,
        "payload": dict(event.payload),
    }
    return json.dumps(facts, indent=2, default=str) + "\n"


def _command(about: About, *words: str) -> Offer:
    """A line for a shell, from any directory."""
    return offer("c", "command", " ".join((*about.program, *map(shlex.quote, words))))


def diff_text(files: Sequence[DiffFile]) -> str:
    """A diff as it was shown: hidden characters in it are visible, so it is to be read, not applied."""
    parts: list[str] = []
    for file in files:
        parts.append(f"=== {reveal_name(file.path)} ({file.status})")
        parts += [file.note] if file.note else []
        for hunk in file.hunks:
            parts.append(hunk.header)
            parts += [f"{line.kind}{line.text}" for line in hunk.lines]
    return "\n".join(parts) + "\n" if parts else ""


def lines_text(lines: Iterable[Line]) -> str:
    """Lines of a widget as text, without what is blank at their ends."""
    rows = [text_of(line).rstrip() for line in lines]
    return "\n".join(rows).rstrip() + "\n" if any(rows) else ""


# -- where it went -----------------------------------------------------------------------------------------------------


def told(what: str, text: str, went: Sequence[Went], width: int) -> tuple[str, str]:
    """The line about a copy and its style: where it is, and of each way what is proved of it. In few words where there
    is little room."""
    subject = f"{what} {one_line(text, 40)}" if _is_short(text) else f"{what}, {_size(text)}"
    if not went:
        return f"{subject}: not copied: ui.copy_to names no way that there is here", "warn"
    good = [one for one in went if one.ok]
    order = [*good, *(one for one in went if not one.ok)]
    style = "normal" if good else "warn"
    for line in (
        f"{subject}: {'; '.join(one.text for one in order)}",
        f"{what}: {'; '.join(one.text for one in order)}",
    ):
        if len(line) <= width:
            return line, style
    return f"{what}: {', '.join(one.short for one in order)}", style


def _size(text: str) -> str:
    lines, size = text.count("\n"), len(text.encode())
    return f"{lines} lines" if lines > 1 else f"{size} bytes"


def diagnosis(ways: Sequence[str], ground: Ground | None, file: str) -> tuple[str, ...]:
    """One line for each way that is set: whether it works here, and what cannot be known."""
    if not ways:
        return ("off: ui.copy_to is empty",)
    if ground is None:
        return ("not looked at yet",)
    lines = {
        Way.TERMINAL: f"terminal: {_terminal(ground)}",
        Way.TMUX: f"tmux: {_tmux(ground)}",
        Way.FILE: f"file: {file or 'none here'}",
    }
    return tuple(lines[Way(way)] for way in ways)


def _terminal(ground: Ground) -> str:
    if ground.route is Route.NONE:
        hint = f"; in tmux.conf: set -as terminal-features '{ground.client}:clipboard'" if ground.client else ""
        return f"nothing is sent: {why_not(ground)}{hint}"
    most = f"up to {MOST_BYTES // 1000} kB, not verifiable"
    inside = ""
    if ground.route is Route.PLAIN and ground.term.startswith(("tmux", "screen")):
        inside = "; a tmux in between must have set-clipboard on"
    return f"sent by {ground.route}, {most}{inside}"


def _tmux(ground: Ground) -> str:
    if not ground.in_tmux:
        return "the room runs in none"
    if ground.trouble:
        return ground.trouble
    return f"{ground.version or '?'}, on {ground.client or 'no terminal'}; {ground.prefix or 'prefix'} ] pastes"
