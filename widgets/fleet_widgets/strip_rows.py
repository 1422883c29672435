"""A confirmation strip as lines: what will be done, what must be typed, and which key does what. Pure."""

from __future__ import annotations

from fleet_widgets.cells import cells, part, plain
from fleet_widgets.lines import Line, Span, fill
from fleet_widgets.palette import Box
from fleet_widgets.strip_state import ARM_S, StripState
from fleet_widgets.words import wrap_words


def title_row(state: StripState, box: Box, more: str = "", *, armed: bool = False) -> Line:
    """``═ TITLE (armed in 0.3 s) ═════``; once ``armed``, ``═ TITLE ═════``."""
    rule = box.double
    if state.field == "changed":
        return (Span(f"{rule} ", "warn"), Span("NOTHING WAS DONE", "warn"), Span(" ", "warn"), fill(rule, "warn"))
    wait = "" if armed else f"armed in {ARM_S} s"
    aside = f" ({more or wait}) " if more or wait else " "
    return (Span(f"{rule} ", "strong"), Span(state.request.title, "strong"), Span(aside, "quiet"), fill(rule, "quiet"))


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
        rows.append(_input(label, state.reason, state.field == "reason", width))
    if state.request.reads is not None:
        rows.append(_reading(state))
    if state.request.word:
        rows.append(_input(f" type {state.request.word} to confirm: ", state.typed, state.field == "typed", width))
    rows.append((Span(f" {state.note}", "warn"),) if state.note else _hint(state))
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


def _input(label: str, text: str, active: bool, width: int) -> Line:
    """A labelled field that shows the end of its text."""
    room = max(4, width - cells(plain(label)) - 3)
    shown = plain(text)
    shown = part(shown, max(0, cells(shown) - room), room)
    return (
        Span(label, "normal" if active else "quiet"),
        Span("[", "quiet"),
        Span(shown + ("_" if active else ""), "input" if active else "quiet"),
        Span("]", "quiet"),
    )


def _hint(state: StripState) -> Line:
    verb = state.request.verb
    match state.field:
        case "act":
            also = " or Enter" if state.reason.strip() else ""
            return (Span(" y", "hint-key"), Span(f"{also} = {verb}     Esc or any other key cancels", "hint"))
        case "typed":
            keys = f" = {verb} once typed     Esc or empty Enter cancels"
            return (Span(" Enter", "hint-key"), Span(keys, "hint"))
        case _ if state.request.confirm == "reason":
            keys = f" = {state.request.verb}     Esc or empty Enter cancels"
            return (Span(" Enter", "hint-key"), Span(keys, "hint"))
        case _:
            return (
                Span(" Tab", "hint-key"),
                Span(f" goes on, then {state.request.how} = {verb}     Esc cancels", "hint"),
            )


def _changed_hint(state: StripState) -> Line:
    passes = ", ".join(state.request.passes)
    stays = f" ({passes} still work)" if passes else ""
    return (Span(" any key", "hint-key"), Span(f" closes{stays}", "hint"))
