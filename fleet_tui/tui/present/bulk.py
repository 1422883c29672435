"""An act on several: what the strip asks, and what came of each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from fleet_tui.readmodel.alarms import AlarmRow
from fleet_tui.tui.bulk import FREELY, Bulk, Result, by_reason
from fleet_tui.tui.commands import done_word
from fleet_tui.tui.present import strips
from fleet_tui.tui.present.errands import working
from fleet_widgets.lines import Line, Span
from fleet_widgets.strip import StripRequest
from fleet_widgets.text_pane import Section

MESSAGE = "message to"
"""The verb of what is sent, not done."""


def strip(
    bulk: Bulk, title: str, about: Sequence[str], lines: Iterable[str], key: str, *, typed: bool = False
) -> StripRequest:
    """``about`` says what it does, ``lines`` who they are, one each. For more than a few, or where it is ``typed``,
    their number is what confirms."""
    number, left_out = len(bulk.acts), len(bulk.left_out)
    more = f"{left_out} of the {number + left_out} marked left out, named at the end." if left_out else ""
    by_number = typed or number > FREELY
    return StripRequest(
        title=title,
        lines=(
            *((Span(f" {text}"),) for text in (*about, more) if text),
            *((Span(f"  {text}"),) for text in lines),
            *((Span(f"  left out ({why}): {who}", "quiet"),) for who, why in by_reason(bulk.left_out)),
        ),
        confirm="text" if by_number else "y",
        expected=str(number) if by_number else "",
        opening_key=key,
        verb="send" if bulk.verb == MESSAGE else bulk.verb,
        id=f"{bulk.verb}:{','.join(bulk.acts)}",
    )


def shelve(bulk: Bulk, rows: Sequence[AlarmRow]) -> StripRequest:
    """The time and the reason are those of all; Enter behind them confirms a few, more by their number."""
    asked = strip(bulk, f"SHELVE {bulk.target.upper()}", strips.SHELVES, [strips.alarm(row) for row in rows], "s")
    alarms = [row.alarm for row in rows]
    return replace(
        asked,
        confirm="text" if asked.word else "reason",
        reason="required",
        label="time and reason",
        reads=lambda text: strips.shelf(alarms, text),
    )


def progress(bulk: Bulk, results: Sequence[Result], took_s: float) -> str:
    """While it lasts: steps done of steps known."""
    failed = sum(not result.ok for result in results)
    asked = f"{len(results)} of {len(bulk.acts)} asked{f', {failed} not done' if failed else ''}"
    return f"{working(f'{bulk.verb} {bulk.target}: {asked}', took_s)} Esc asks no more"


def summary(bulk: Bulk, results: Sequence[Result]) -> tuple[str, str]:
    """One line about all of them, and its style."""
    word = done_word(next(iter(bulk.acts.values())).op)
    failed = sum(not result.ok for result in results)
    if not failed:
        return f"{bulk.verb} {bulk.target}: {word}", "normal"
    done = len(results) - failed
    told = f"; {done} {word}" if done else ""
    return f"{bulk.verb} {bulk.target}: {failed} not done, still marked{told}", "warn"


def outcome(bulk: Bulk, results: Sequence[Result]) -> Section | None:
    """What was not done first, and why. None where all was done, and nobody was left out."""
    done = [result.target for result in results if result.ok]
    total = len(results) + len(bulk.left_out)
    if len(done) == total:
        return None
    return Section(f"{bulk.verb.removesuffix(' to')}: {len(done)} of {total} done", tuple(_lines(bulk, results, done)))


def _lines(bulk: Bulk, results: Sequence[Result], done: Sequence[str]) -> Iterator[Line]:
    """Those with the same reason share a line."""
    for who, why in by_reason(results):
        yield (Span(" not done  ", "warn"), Span(f"{who}: ", "strong"), Span(why))
    for who, why in by_reason(bulk.left_out):
        yield (Span(" left out  ", "quiet"), Span(f"{who}: "), Span(why, "quiet"))
    if done:
        yield (Span(" done      ", "quiet"), Span(", ".join(done)))
    yield (Span(" Esc closes this", "hint"),)
