"""What is wrong with the configuration, and the parts of the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fleet_tui.domain.text import in_brief
from fleet_tui.readmodel.system import Fault, Part, SystemReport
from fleet_tui.settings.problems import running_on
from fleet_tui.tui.present.text import count, paragraph
from fleet_tui.tui.present.vendors import of_all
from fleet_widgets.lines import Line, Span
from fleet_widgets.list_view import Item
from fleet_widgets.text_pane import Section

_NAMED = ("TERM", "COLORTERM", "NO_COLOR")


def list_title(report: SystemReport | None, *, recorded: bool = False) -> str:
    """``recorded``: there is nobody to ask, only the log of a recording."""
    if report is None:
        return "configuration: not in a recording" if recorded else "configuration: known when the watcher has answered"
    warnings = len(report.faults) - report.errors
    if not report.faults:
        return f"configuration: no errors ({report.version[:8]})"
    return f"configuration: {count(report.errors, 'error')}, {count(warnings, 'warning')}"


def fault_item(fault: Fault) -> Item:
    """Where and what; then what counts instead, and one way to mend it."""
    mark = Span("x " if fault.severe else "w ", "p2" if fault.severe else "quiet")
    read = f'read "{fault.read}": ' if fault.read else ""
    first: Line = (mark, Span(f"{fault.place}  ", "strong"), Span(f"{read}{fault.message}"))
    in_force = f"in force: {fault.in_force}   " if fault.in_force and fault.severe else ""
    hint = f"try: {fault.hint}" if fault.hint else ""
    second: Line = (Span(f"  {in_force}{hint}", "quiet"),)
    return Item(fault.key, (first, second) if in_force or hint else (first,))


def sections(
    report: SystemReport | None,
    chosen: Fault | None,
    status: Mapping[str, str],
    terminal: Sequence[tuple[str, str]],
    now_ns: int,
    *,
    recorded: bool = False,
) -> tuple[Section, ...]:
    """The place in the file, the parts, the person's own terminal."""
    return (
        *_place(report, chosen, now_ns),
        _parts(report, status, now_ns, recorded=recorded),
        *of_all(report.vendors if report is not None else ()),
        Section("your terminal", _facts(terminal)),
    )


def _place(report: SystemReport | None, chosen: Fault | None, now_ns: int) -> tuple[Section, ...]:
    if report is None or chosen is None:
        return ()
    lines = paragraph(chosen.shown) or ((Span("it has no place in a file", "quiet"),),)
    good = ((Span(running_on(report.since_ns, report.version, now_ns), "warn"),),) if report.rejected else ()
    return (Section(f"file {chosen.file}", (*lines, *good)),)


def _parts(report: SystemReport | None, status: Mapping[str, str], now_ns: int, *, recorded: bool) -> Section:
    if report is None:
        told = "not in a recording" if recorded else "not known before the watcher answers"
        return Section("parts", ((Span(told, "quiet"),),))
    lines = tuple(_part(part, status, now_ns) for part in report.parts)
    return Section("parts", lines)


def _part(part: Part, status: Mapping[str, str], now_ns: int) -> Line:
    ages = status.get("round_age_s", "")
    last = f", last round {ages}s ago" if part.name == "watcher" and ages.isdecimal() else ""
    if part.name == "forge":
        wait_s = -(-(part.due_ns - now_ns) // 1_000_000_000)
        last = f", next look in {wait_s}s" if wait_s > 0 else ", looking now"
    if part.trouble:
        return (Span(f"{part.name:<10} ", "quiet"), Span("x ", "warn"), Span(f"{part.trouble}  {part.text}{last}"))
    return (Span(f"{part.name:<10} ", "quiet"), Span(f"{part.text}{last}"))


def _facts(facts: Sequence[tuple[str, str]]) -> tuple[Line, ...]:
    return tuple((Span(f"{name:<10} ", "quiet"), Span(value)) for name, value in facts)


def terminal_facts(
    size: tuple[int, int], colours: str, signal: str, link: str, keymap: Mapping[str, str], environ: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """What the room found where it runs. A variable that is not set is shown as ``-``."""
    named = "  ".join(f"{name} {in_brief(environ.get(name) or '-', 40)}" for name in _NAMED)
    keys = ", ".join(f"{name}={in_brief(key, 40)}" for name, key in sorted(keymap.items()))
    return (
        ("terminal", f"{size[0]}x{size[1]}  {colours}  {named}"),
        ("inside", "tmux" if environ.get("TMUX") else "ssh" if environ.get("SSH_TTY") else "nothing"),
        ("panes", f"changes noticed by {signal}" if signal else "not watched"),
        ("link", link or "fast: pictures at once"),
        ("keys", f"as you set them: {keys}" if keys else "as shipped"),
    )
