"""Templates, the form of a new agent, and what would run: rows of text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from fleet_tui.domain.search import search
from fleet_tui.domain.text import SafeText, one_line
from fleet_tui.readmodel.catalogue import Offer, Preview, TemplateDetail, TemplateRow
from fleet_tui.tui.present.dry_run import starts_on
from fleet_tui.tui.present.text import fact
from fleet_widgets.form import Field
from fleet_widgets.lines import Line, Span, column, width_of
from fleet_widgets.list_view import Item
from fleet_widgets.strip import StripRequest
from fleet_widgets.text_pane import Section

CREATE, DRY_RUN, CANCEL = "Create", "Dry run", "Cancel"
BUTTONS = (CREATE, DRY_RUN, CANCEL)
_WIDE = 58
"""Cells of the list from which words stand in full."""
_NAME = 30
"""Cells that the longest name takes."""
_TICKET = re.compile(r"(?:#|T-)?(\d{1,9})\Z", re.IGNORECASE)
_FILL = "fill:"


@dataclass(frozen=True, slots=True)
class Sketch:
    """What the person has said so far: what is not in ``typed`` is the template's, or found out."""

    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def ticket(self) -> int | None:
        """None while none is said, or what is said is no number."""
        match = _TICKET.match(self.typed.get("ticket", "").strip())
        return int(match.group(1)) if match else None

    def args(self, detail: TemplateDetail) -> dict[str, Any]:
        """What the watcher is asked."""
        typed = self.typed
        starts = [word for word in re.split(r"[,\s]+", typed.get("starts", "")) if word]
        return {
            "template": detail.row.id,
            "agent": typed.get("name", detail.name).strip(),
            "vendor": typed.get("vendor") or detail.vendor,
            "model": typed.get("model", "").strip() or None,
            "budget": typed.get("budget", detail.row.budget).strip() or "none",
            "ticket": self.ticket if detail.takes_tickets else None,
            "subscribes": starts or None,
            "make_ready": True,
            "fills": {
                fill.name: value for fill in detail.fills if (value := typed.get(_FILL + fill.name, fill.value)).strip()
            },
        }


# -- the list ----------------------------------------------------------------------------------------------------------


def found(offer: Offer, words: str) -> tuple[TemplateRow, ...]:
    """The templates in which every one of ``words`` occurs, by category: those first that are called so."""
    rows = search(offer.rows, words, lambda row: f"{row.name} {row.title}", _searched)
    categories = list(dict.fromkeys(row.category for row in rows))
    return tuple(sorted(rows, key=lambda row: categories.index(row.category)))


def _searched(row: TemplateRow) -> str:
    return f"{row.id} {row.title} {row.role} {row.purpose}"


def items(offer: Offer, words: str, width: int) -> list[Item]:
    """The templates by category; then what cannot be used, and why."""
    shown: list[Item] = []
    for category, rows in groupby(found(offer, words), key=lambda row: row.category):
        shown.append(Item(f"category:{category}", ((Span(f"{category}", "heading"),),), selectable=False))
        shown += [Item(row.id, (_row(row, width),)) for row in rows]
    if not shown:
        shown.append(Item("none", ((Span(f" no template says {one_line(words, 40)!r}; / Enter shows all"),),), False))
    if offer.problems and not words:
        title = f"cannot be used {len(offer.problems)}"
        shown.append(Item("problems", ((Span(title, "warn"),),), selectable=False))
        told = enumerate(offer.problems)
        shown += [
            Item(f"problem:{at}", ((Span(f"  x {problem}", "quiet"),),), selectable=False) for at, problem in told
        ]
    return shown


def _row(row: TemplateRow, width: int) -> Line:
    in_full = width >= _WIDE
    cost = f" cost {column(row.cost, 6)}  {column(row.budget, 12)}"
    if not in_full:
        cost = f" {column(row.cost, 6)} {column(row.budget.replace(' a ', '/'), 9)}"
    used = f" {'used ' if in_full else ''}{row.used}x" if row.used else ""
    room = max(12, min(_NAME, width - 2 - width_of(cost) - (9 if in_full else 4)))
    return (Span(f"  {column(row.name, room)}"), Span(cost, "quiet"), Span(used, "quiet"))


def list_title(offer: Offer | None, words: str, trouble: str) -> str:
    if offer is None:
        return "templates: " + (trouble or "asking the watcher")
    shown = found(offer, words)
    return f"templates {len(shown)} of {len(offer.rows)}: {one_line(words, 30)}" if words else f"templates {len(shown)}"


# -- one template ------------------------------------------------------------------------------------------------------


def detail_sections(detail: TemplateDetail | None, row: TemplateRow | None) -> tuple[Section, ...]:
    """What it will do, what it never does, what it costs."""
    if row is None:
        return (Section("", ((Span("no template is selected", "quiet"),),)),)
    head = Section(row.title, ((Span(row.purpose),), (), *_facts(detail, row)))
    if detail is None:
        return (head,)
    lists = (
        ("it answers for", detail.owns), ("it never", detail.never), ("its work is done when", detail.done),
        ("tasks like", detail.examples), ("it works from", detail.inputs), ("it leaves", detail.outputs),
    )  # fmt: skip
    return (head, *(Section(title, _bullets(lines)) for title, lines in lists))


def _facts(detail: TemplateDetail | None, row: TemplateRow) -> Iterator[Line]:
    yield fact("role", f"{row.role} ({detail.family})" if detail else row.role)
    yield fact("cost", f"{row.cost}: a {detail.tier} model. {detail.tier_reason}" if detail else row.cost)
    yield fact("budget", row.budget)
    yield fact("risk", f"{row.risk}: {detail.risk_reason}" if detail else row.risk)
    if detail is not None:
        yield fact("starts on", ", ".join(detail.starts_on))
        yield fact("publishes", ", ".join(detail.publishes))
    if row.source != "shipped":
        yield fact("from", row.source)


def _bullets(lines: Sequence[SafeText]) -> tuple[Line, ...]:
    return tuple((Span("- ", "quiet"), Span(text)) for text in lines)


# -- the form ----------------------------------------------------------------------------------------------------------


def fields(offer: Offer, detail: TemplateDetail, sketch: Sketch, ticket_title: str) -> tuple[Field, ...]:
    """The form's lines: what was typed, else what is known, with where that comes from."""
    typed = sketch.typed
    rows = [
        Field("template", "Template", detail.row.id, "left and right", tuple(row.id for row in offer.rows)),
        Field("name", "Name", typed.get("name", detail.name)),
        Field("vendor", "Vendor", typed.get("vendor", detail.vendor), "left and right", detail.vendors),
        Field("model", "Model", typed.get("model", ""), f"empty: the vendor's own; a {detail.tier} one is meant"),
        Field("budget", "Budget", typed.get("budget", detail.row.budget), "2h a day, $6.00 a week, none"),
        Field("starts", "Starts on", typed.get("starts", ", ".join(detail.starts_on)), "events"),
    ]
    if detail.takes_tickets:
        rows.insert(0, _ticket_field(sketch, ticket_title))
    return (*rows, *(_fill_field(detail, sketch, at) for at in range(len(detail.fills))))


def _ticket_field(sketch: Sketch, title: str) -> Field:
    text = sketch.typed.get("ticket", "")
    wrong = "a number, such as 12" if text.strip() and sketch.ticket is None else ""
    return Field("ticket", "Ticket", text, title if sketch.ticket else "empty: any that is ready", problem=wrong)


def _fill_field(detail: TemplateDetail, sketch: Sketch, at: int) -> Field:
    fill = detail.fills[at]
    value = sketch.typed.get(_FILL + fill.name, fill.value)
    seen = f"{fill.ask}; {fill.seen}" if fill.seen and value == fill.value else fill.ask
    must = f"must be said: {fill.ask}" if not value.strip() else ""
    return Field(_FILL + fill.name, fill.name.replace("_", " ").capitalize(), value, seen, problem=must)


# -- making it ---------------------------------------------------------------------------------------------------------


def command_line(preview: Preview, detail: TemplateDetail, sketch: Sketch, program: Sequence[str]) -> str:
    """What makes the same agent in a shell; the words of ``program`` are quoted for one already."""
    words = ["agent", "create", preview.name, "--template", preview.template]
    options = (("--vendor", "vendor"), ("--model", "model"), ("--budget", "budget"))
    words += [word for option, key in options if sketch.typed.get(key) for word in (option, sketch.typed[key])]
    words += ["--ticket", str(preview.ticket), *(["--ready"] if preview.is_draft else [])] if preview.ticket else []
    said = ((fill.name, sketch.typed.get(_FILL + fill.name)) for fill in detail.fills)
    words += [word for name, value in said if value for word in ("--set", f"{name}={value}")]
    starts = re.split(r"[,\s]+", sketch.typed.get("starts", ""))
    words += [word for kind in starts if kind for word in ("--on", kind)]
    return " ".join((*program, *map(shlex.quote, words)))


def create_strip(preview: Preview) -> StripRequest:
    model = f", model {one_line(preview.model)}" if preview.model else ""
    lines = [
        f"From {preview.template}: {preview.role} ({preview.family}). Runs {preview.vendor}{model}, {preview.budget}.",
        f"Starts on {starts_on(preview)}." + (" The draft is made ready." if preview.is_draft else ""),
        f"Writes {preview.file} and its prompt; nothing that exists is changed.",
        *(f"- {check.text}" for check in preview.checks if not check.ok and not preview.is_draft),
    ]
    return StripRequest(
        title=f"CREATE AGENT {preview.name}",
        lines=tuple((Span(f" {text}"),) for text in lines),
        confirm="y",
        opening_key="C",
        verb="create",
        id=f"create_agent:{preview.name}",
    )


def nothing_lines(trouble: str) -> tuple[Line, ...]:
    """Where no template is known: what can be done."""
    told = trouble or "the watcher is asked for its templates"
    return (
        (Span(told, "warn" if trouble else "quiet"),),
        (),
        (Span("r asks again. In a shell of this repository, also without a watcher:"),),
        (Span("  fleet template list"),),
        (Span("  fleet agent create NAME --template TEMPLATE --dry-run"),),
    )
