"""What the wall says before any agent has run: what to do next, and what has been checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fleet_tui.readmodel.system import SystemReport
from fleet_tui.readmodel.values import Snapshot
from fleet_tui.tui.present.text import count
from fleet_widgets.lines import Line, Span, width_of

_HALF = 40
_CHECKED = ("tmux", "git", "store", "isolation", "watcher")


def never_ran(snapshot: Snapshot) -> bool:
    """Whether no agent has ever had a run."""
    return not any(tile.run or tile.last for tile in snapshot.tiles)


def first_lines(
    snapshot: Snapshot, report: SystemReport | None, terminal: str, keys: Mapping[str, str], width: int
) -> tuple[Line, ...]:
    """``keys`` are those that the lines name, by id, as people write them."""
    steps = _next_steps(snapshot, keys)
    return (
        *((Span(f"  {text}", "strong" if at == 0 else "normal"),) for at, text in enumerate(steps)),
        (),
        (Span("  Checked just now:", "quiet"),),
        *_in_pairs(_checks(report, terminal, keys), width),
        (Span(f"  {keys['need.next']} goes to what needs you. Small letters look, CAPITALS act and ask.", "quiet"),),
        (Span("  fleet itself sends nothing anywhere; what agents send, their programs decide.", "quiet"),),
    )


def _next_steps(snapshot: Snapshot, keys: Mapping[str, str]) -> tuple[str, ...]:
    """Each in one row of the smallest screen, but for the line of a shell that is long itself."""
    tickets = dict(snapshot.summary.tickets)
    agents, ready, drafts = len(snapshot.tiles), tickets.get("ready", 0), tickets.get("draft", 0)
    if not agents:
        return (
            "No agents yet. To begin, in a shell of this repository:",
            *_steps(
                ("fleet init", "writes a configuration, with your agents"),
                (keys["screen.new"], "makes one from a template"),
                ("fleet demo", "shows a small fleet: no network, no cost"),
                (keys["screen.system"], "shows the configuration; e edits it"),
            ),
        )
    said = f"{count(agents, 'agent')}, none has run yet."
    if snapshot.fleet.halted:
        return (said, f"  Everything is stopped: {keys['fleet.halt']} lifts that.")
    if all(tile.paused or tile.quarantined for tile in snapshot.tiles):
        return (said, f"  All of them are held: {keys['agent.pause']} lets the selected one go on.")
    if ready:
        told = f"{said} {count(ready, 'ticket')} ready: an agent takes the first within seconds."
        return (told, *_steps((keys["screen.pipeline"], "shows what each ticket waits for")))
    if drafts:
        told = f"{said} {count(drafts, 'ticket')} written, none is ready."
        how = f"{keys['screen.pipeline']} then {keys['ticket.hold']}"
        return (told, *_steps((how, "makes the selected ticket ready")))
    return (
        f"{said} There is no ticket to work on.",
        *_steps(
            ('fleet ticket new "..." --ready', "writes one and hands it over"),
            ("fleet demo", "shows a small fleet: no network, no cost"),
        ),
    )


def _steps(*steps: tuple[str, str]) -> Iterator[str]:
    """What to type, and beside it what that does."""
    widest = max(len(typed) for typed, _ in steps)
    return (f"  {typed:<{widest}}  {told}" for typed, told in steps)


def _checks(report: SystemReport | None, terminal: str, keys: Mapping[str, str]) -> tuple[Line, ...]:
    if report is None:
        return ((Span("    asking the watcher", "quiet"),),)
    good = "configuration found" if not report.errors else f"configuration: {count(report.errors, 'error')}"
    system = f" ({keys['screen.system']})"
    lines = [_check(f"terminal {terminal}", is_good=True)]
    lines.append(_check(good + (system if report.errors else ""), is_good=not report.errors))
    parts = {part.name: part for part in report.parts}
    for name in _CHECKED:
        part = parts[name]
        text = part.trouble + system if part.trouble else part.text
        lines.append(_check(f"{name} {text}", is_good=not part.trouble))
    return tuple(lines)


def _in_pairs(lines: Sequence[Line], width: int) -> Iterator[Line]:
    """Two short lines in a row, where they are neighbours and there is room for both."""
    at = 0
    while at < len(lines):
        pair = lines[at : at + 2]
        if len(pair) == 2 and width >= 2 * _HALF and all(width_of(line) <= _HALF for line in pair):
            yield (*pair[0], Span(" " * (_HALF - width_of(pair[0]))), *pair[1])
            at += 2
        else:
            yield pair[0]
            at += 1


def _check(text: str, *, is_good: bool) -> Line:
    return (Span(f"    {'+' if is_good else '-'} ", "quiet" if is_good else "strong"), Span(text, "normal"))
