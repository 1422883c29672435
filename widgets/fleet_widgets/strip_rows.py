"""A confirmation strip as lines: what will be done, what must be typed, and which key does what. Pure."""

from __future__ import annotations

from fleet_widgets.cells import cells, part, plain
from fleet_widgets.lines import Line, Span, fill, giving
from fleet_widgets.palette import Box
from fleet_widgets.strip_state import ARM_S, StripRequest, StripState
from fleet_widgets.words import wrap_words


def title_row(state: StripState, box: Box, more: str = "", *, armed: bool = False) -> Line:
    """``═ TITLE (armed in 0.3 s) ═════``; once ``armed``, ``═ TITLE ═════``."""
    rule = box.double
    if state.field == "changed":
        return (Span(f"{rule} ", "warn"), Span("NOTHING WAS DONE", "warn"), Span(" ", "warn"), fill(rule, "warn"))
    wait = "" if armed else f"armed in {ARM_S} s"
    aside = f" ({more or wait}) " if more or wait else " "
    return (
        Span(f"{rule} ", "strong"),
        giving(state.request.title, "strong"),
        Span(aside, "quiet"),
        fill(rule, "quiet"),
    )


def body_rows(state: StripState, width: int) -> list[Line]:
    """What the act is and does, wrapped."""
    if state.field == "changed":
        return wrap_words((Span(" CHANGED while you looked: ", "warn"), Span(state.note)), width)
    return [row for value in state.request.lines for row in wrap_words(value, width)]


def foot_rows(state: StripState, width: int) -> list[Line]:
    """The fields and the keys."""
    if state.field == "changed":
        return [_changed_hint(state)]
    rows: list[Line] = []
    if state.request.reason != "none":
        rows += _presets(state, width)
        label = f" {state.request.label} ({state.request.reason}): "
        rows += _input(label, state.reason, state.field == "reason", width)
    if state.request.reads is not None:
        rows.append(_reading(state))
    if state.request.word:
        rows += _input(f" type {state.request.word} to confirm: ", state.typed, state.field == "typed", width)
    rows += wrap_words((Span(f" {state.note}", "warn"),) if state.note else _hint(state), width)
    return rows


def _reading(state: StripState) -> Line:
    reading = state.reading
    return (Span(f" {reading.text}", "normal" if reading.ok else "warn"),) if reading else ()


def _presets(state: StripState, width: int) -> list[Line]:
    """One preset per line, while the box is empty: afterwards digits are text."""
    if not state.request.presets or state.reason:
        return []
    numbered = enumerate(state.request.presets[:5], start=1)
    return [row for n, text in numbered for row in wrap_words((Span(f" {n} ", "hint-key"), Span(text, "hint")), width)]


def _input(label: str, text: str, active: bool, width: int) -> list[Line]:
    """A labelled field that shows the end of its text; below the label where that leaves it no room."""
    style = "normal" if active else "quiet"
    beside = cells(plain(label)) + _LEAST_FIELD <= width
    before = Span(label if beside else "   ", style)
    room = max(4, width - cells(plain(before.text)) - 3)
    shown = plain(text)
    shown = part(shown, max(0, cells(shown) - room), room)
    field = (
        before,
        Span("[", "quiet"),
        Span(shown + ("_" if active else ""), "input" if active else "quiet"),
        Span("]", "quiet"),
    )
    return [field] if beside else [*wrap_words((Span(label, style),), width), field]


_LEAST_FIELD = 16
"""Cells that a field needs to be of use."""


def _hint(state: StripState) -> Line:
    """What confirms, where a reason goes that may stay away, and what cancels."""
    request = state.request
    match state.field:
        case "act":
            also = " or Enter" if state.reason.strip() else ""
            confirms = (Span(" y", "hint-key"), Span(f"{also} = {request.verb}", "hint"))
            return (*confirms, *_to_reason(request), Span("     Esc or any other key cancels", "hint"))
        case "typed":
            confirms = (Span(" Enter", "hint-key"), Span(f" = {request.verb} once typed", "hint"))
            return (*confirms, *_to_reason(request), Span("     Esc or empty Enter cancels", "hint"))
        case _ if request.confirm == "reason":
            keys = f" = {request.verb}     Esc or empty Enter cancels"
            return (Span(" Enter", "hint-key"), Span(keys, "hint"))
        case _:
            return (
                Span(" Tab", "hint-key"),
                Span(f" goes on, then {request.how} = {request.verb}     Esc cancels", "hint"),
            )


def _to_reason(request: StripRequest) -> Line:
    return (Span("   Tab", "hint-key"), Span(f" = {request.label}", "hint")) if request.reason == "optional" else ()


def _changed_hint(state: StripState) -> Line:
    passes = ", ".join(state.request.passes)
    stays = f" ({passes} still work)" if passes else ""
    return (Span(" any key", "hint-key"), Span(f" closes{stays}", "hint"))
