"""The board of the pipeline: cards, columns, and the lines about its flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.flow import SECOND_NS, Stage
from fleet_tui.readmodel.pipeline import Board, Column, TicketCard
from fleet_tui.readmodel.values import SIGNS
from fleet_tui.tui.present.text import age, duration, rule, seconds_short, short_clock
from fleet_widgets.board_view import BoardCard, BoardColumn
from fleet_widgets.lines import Line, Span, giving

_MIDDLE = (Stage.DEV, Stage.REVIEW, Stage.GATES, Stage.APPROVAL)


Parts = Mapping[int, int]
"""Of which tickets it is known that they are work for several agents, and how many."""


def columns(board: Board, now_ns: int, parts: Parts = MappingProxyType({})) -> tuple[BoardColumn, ...]:
    return tuple(_column(column, now_ns, parts) for column in board.columns)


def _column(column: Column, now_ns: int, parts: Parts) -> BoardColumn:
    title, oldest = column_title(column), _oldest(column, now_ns)
    head: tuple[Line, ...] = (rule(title), (Span(oldest, "quiet"),))
    return BoardColumn(head, rule(title, oldest), tuple(_card(card, now_ns, parts) for card in column.cards))


def column_title(column: Column) -> str:
    """``DEV 2/4``: tickets in the stage and how many runs may work there at a time; drafts apart."""
    drafts = len(column.cards) - column.count
    more = f" +{drafts} draft" if drafts else ""
    return f"{column.stage} {column.count}{f'/{column.limit}' if column.limit else ''}{more}"


def _oldest(column: Column, now_ns: int) -> str:
    instants = [card.since_ns for card in column.cards if not card.draft]
    if column.stage is Stage.DONE:
        return "last 24 h"
    return f"oldest {age(min(instants), now_ns)}" if instants else ""


def _card(card: TicketCard, now_ns: int, parts: Parts) -> BoardCard:
    second = (Span(f" {card.title}", "quiet"),)
    third = (Span(f" {_in_parts(card, parts) or _work(card)}", "quiet"),)
    return BoardCard(str(card.number), (_first(card, now_ns), second, third))


def _first(card: TicketCard, now_ns: int) -> Line:
    """``#3 *dev-1 12m !``; of what nobody has in hand its title; of what has landed when."""
    number = Span(f"#{card.number} ")
    if card.stage is Stage.DONE:
        return (number, Span(f"{short_clock(card.since_ns, now_ns)} ", "quiet"), Span(card.title, "quiet"))
    if card.stage is Stage.READY:
        # No age here: how long something waits to be taken is said once, of the oldest.
        return (number, Span(f"{'draft ' if card.draft else ''}{card.title}", "quiet"))
    sign = SIGNS[card.doing] if card.doing else " "
    return (
        number,
        Span(sign, "quiet"),
        giving(one_line(card.agent or "-", 60), "quiet"),
        Span(f" {age(card.since_ns, now_ns)}", "warn" if card.old else "normal"),
        Span(" !" if card.old else "", "warn"),
        Span(" YOU" if card.you else "", "strong"),
    )


def _in_parts(card: TicketCard, parts: Parts) -> str:
    """That it decomposes; empty when it does not, or nobody knows."""
    return f"{parts[card.number]} parts: f" if card.number in parts else ""


def _work(card: TicketCard) -> str:
    parts = [f"PR {card.pr}" if card.pr is not None else "", f"risk {card.risk}" if card.risk else ""]
    parts.append(f"round {card.round}" if card.round > 1 else "")
    return "  ".join(part for part in parts if part)


def flow_lines(board: Board, now_ns: int) -> tuple[Line, ...]:
    """What was shipped and how long it took, what is slowest and who has to move, what came back."""
    flow = board.flow
    times = [f"{stage} {_took(flow.medians_s[stage])}" for stage in _MIDDLE if stage in flow.medians_s]
    decided = f" ({_took(flow.decision_s)} waiting for you)" if flow.decision_s is not None else ""
    lead = f"   lead {_took(flow.lead_s)}" if flow.lead_s is not None else ""
    back = ", ".join(f"{number} from {stage}" for stage, number in flow.sent_back.items())
    first = f"shipped {flow.shipped} in 24 h{lead}" + (f"   sent back: {back}" if back else "")
    medians = f"median  {'  '.join(times)}{decided}" if times else "median times: nothing has left a stage in 24 h"
    return (
        _slowest(board, now_ns),
        (Span(first, "quiet"),),
        (Span(medians, "quiet"),),
    )


def _slowest(board: Board, now_ns: int) -> Line:
    card = board.slowest
    if card is None:
        return (Span("nothing is under way", "quiet"),)
    usual = board.column(card.stage).usual_s
    took = seconds_short(max(0, now_ns - card.since_ns) // SECOND_NS)
    usually = f" (usual {_took(usual)})" if usual is not None else ""
    head: tuple[Span, ...] = (
        Span("slowest: ", "quiet"),
        Span(f"#{card.number} in {card.stage} {took}{usually} ", "strong" if card.old else "normal"),
    )
    return (*head, Span(card.waits, "strong" if card.you else "normal"))


def _took(seconds: int | None) -> str:
    if seconds == 0:
        return "<1s"
    return "-" if seconds is None else seconds_short(seconds) if seconds < 60 else duration(seconds * 1000)


def selected_line(card: TicketCard | None, now_ns: int, parts: Parts = MappingProxyType({})) -> Line:
    """Everything about the card under the cursor in one line."""
    if card is None:
        return (Span("nothing is selected", "quiet"),)
    agent = (Span("  "), giving(one_line(card.agent, 60), "quiet")) if card.agent else ()
    word = f" {card.doing}" if card.doing else ""
    work = _work(card)
    return (
        Span(f"#{card.number} ", "strong"),
        giving(card.title),
        Span(f"  {card.stage} {age(card.since_ns, now_ns)}", "quiet"),
        *agent,
        Span(f"{word}{'  ' + work if work else ''}  ", "quiet"),
        giving(card.waits, "strong" if card.you else "normal"),
        Span(f"  in {parts[card.number]} parts: f shows" if card.number in parts else "", "quiet"),
    )


def empty_lines() -> Sequence[Line]:
    texts = (
        "",
        "No tickets yet.",
        "",
        '  fleet ticket new "..." --ready   writes one and lets an agent take it',
        "  fleet ticket list                shows what is there",
    )
    return tuple((Span(f"    {text}"),) for text in texts)
