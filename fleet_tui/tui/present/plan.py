"""How a ticket could be divided: rows of text, and the strip that has its parts made."""

from __future__ import annotations

from collections.abc import Iterator

from fleet_tui.domain.text import SafeText
from fleet_tui.readmodel.fanout import Plan, PlannedPart
from fleet_tui.readmodel.pipeline import TicketCard
from fleet_tui.tui.present.text import fact, paragraph
from fleet_widgets.lines import Line, Span
from fleet_widgets.strip import StripRequest
from fleet_widgets.text_pane import Section

_MOST_SHOWN = 8


def sections(card: TicketCard, plan: Plan | None, trouble: SafeText) -> tuple[Section, ...]:
    """The verdict, by what it was decided, and each part."""
    if card.parts:
        made = ", ".join(f"#{number}" for number in card.parts)
        return (Section("", ((Span(f"#{card.number} is divided: {made}"),),)),)
    if plan is None:
        told = Span(f"x {trouble}", "warn") if trouble else Span("the watcher looks at files and history", "quiet")
        return (Section("", ((told,),)),)
    reasons = tuple((Span("- ", "quiet"), Span(reason)) for reason in plan.reasons)
    verdict = plan.verdict or SafeText("nothing is known of it")
    then = "F makes them tickets, e changes them first" if plan.parts else f"#{card.number} stays one ticket"
    head = Section("", ((Span(verdict, "strong"),), *reasons, (), (Span(then, "quiet"),)))
    return (head, *(Section(_title(at, part), tuple(_part(part))) for at, part in enumerate(plan.parts, 1)))


def _title(at: int, part: PlannedPart) -> str:
    return f"{at}. {part.repo}: {part.title}" if part.repo else f"{at}. {part.title}"


def _part(part: PlannedPart) -> Iterator[Line]:
    if part.scope or not part.repo:
        yield fact("scope", ", ".join(part.scope))
    if part.after:
        yield fact("after", ", ".join(f"part {number}" for number in part.after))
    yield ()
    yield from paragraph(part.told)


def strip(card: TicketCard, plan: Plan) -> StripRequest:
    """What is made, of which nothing is undone by a key."""
    parts = [_in_short(at, part) for at, part in enumerate(plan.parts[:_MOST_SHOWN], 1)]
    more = len(plan.parts) - len(parts)
    lines = (
        f"#{card.number} {card.title}",
        *parts,
        *([f"and {more} more"] if more else ()),
        f"Nobody takes #{card.number} itself any more; it has shipped when all its parts have.",
        "They are drafts, as it is: make them ready with P." if card.draft else "Agents may take them at once.",
    )
    return StripRequest(
        title=f"DIVIDE TICKET #{card.number} INTO {len(plan.parts)} TICKETS",
        lines=tuple((Span(f" {text}"),) for text in lines),
        confirm="y",
        opening_key="F",
        verb="divide",
        id=f"split:{card.number}",
    )


def _in_short(at: int, part: PlannedPart) -> str:
    after = f", after {', '.join(map(str, part.after))}" if part.after else ""
    where = ", ".join(filter(None, (part.repo, *part.scope)))
    return f"{at}. {part.title} (in {where or 'no scope'}{after})"
