"""What the watcher told of templates and of an agent that could be made, as values that may be drawn. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet_tui.domain.text import SafeText, clean, one_line


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template in short. ``cost`` is high, medium or low; ``used``: so many agents were made from it."""

    id: SafeText
    category: SafeText
    name: SafeText
    title: SafeText
    purpose: SafeText
    role: SafeText
    cost: SafeText
    budget: SafeText
    risk: SafeText
    source: SafeText
    used: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """Every template that can be used, and what is wrong with the others."""

    rows: tuple[TemplateRow, ...]
    problems: tuple[SafeText, ...] = ()

    def row(self, identity: str | None) -> TemplateRow | None:
        return next((row for row in self.rows if row.id == identity), None)


@dataclass(frozen=True, slots=True)
class Fill:
    """A mark of the prompt, what stands there unless it is changed, and where that was seen."""

    name: SafeText
    ask: SafeText
    value: SafeText
    seen: SafeText


@dataclass(frozen=True, slots=True)
class TemplateDetail:
    """A template in full, and what a form begins with."""

    row: TemplateRow
    owns: tuple[SafeText, ...]
    never: tuple[SafeText, ...]
    inputs: tuple[SafeText, ...]
    outputs: tuple[SafeText, ...]
    done: tuple[SafeText, ...]
    examples: tuple[SafeText, ...]
    tier: SafeText
    tier_reason: SafeText
    risk_reason: SafeText
    family: SafeText
    publishes: tuple[SafeText, ...]
    starts_on: tuple[SafeText, ...]
    name: SafeText
    vendor: SafeText
    vendors: tuple[SafeText, ...]
    takes_tickets: bool
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class Check:
    ok: bool
    text: SafeText


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of the prompt."""

    origin: SafeText
    text: SafeText

    @property
    def tokens(self) -> int:
        """Roughly."""
        return len(self.text) // 4


@dataclass(frozen=True, slots=True)
class Preview:
    """An agent as it would be made; ``sha`` names exactly this one."""

    sha: str
    name: SafeText
    template: SafeText
    file: SafeText
    text: SafeText
    prompt_file: SafeText
    launch: SafeText
    environment: tuple[SafeText, ...]
    layers: tuple[Layer, ...]
    role: SafeText
    family: SafeText
    publishes: tuple[SafeText, ...]
    starts_on: tuple[SafeText, ...]
    budget: SafeText
    vendor: SafeText
    model: SafeText
    isolation: SafeText
    base: SafeText
    ticket: int | None
    ticket_title: SafeText
    is_draft: bool
    """Whether its ticket is not ready yet."""
    checks: tuple[Check, ...]


def offer(answer: Mapping[str, Any]) -> Offer:
    """The answer to ``templates``."""
    rows = tuple(_row(one) for one in _maps(answer, "templates"))
    return Offer(rows, _texts(answer, "problems", 400))


def detail(answer: Mapping[str, Any]) -> TemplateDetail:
    """The answer to ``template``."""
    form, model, risk = _map(answer, "form"), _map(answer, "model"), _map(answer, "risk")
    return TemplateDetail(
        row=_row({**answer, "risk": risk.get("profile")}),
        owns=_texts(answer, "owns"),
        never=_texts(answer, "never"),
        inputs=_texts(answer, "inputs"),
        outputs=_texts(answer, "outputs"),
        done=_texts(answer, "done"),
        examples=_texts(answer, "examples"),
        tier=_text(model, "tier"),
        tier_reason=_text(model, "reason"),
        risk_reason=_text(risk, "reason"),
        family=_text(answer, "family"),
        publishes=_texts(answer, "capabilities"),
        starts_on=_texts(answer, "subscriptions"),
        name=_text(form, "name"),
        vendor=_text(form, "vendor"),
        vendors=_texts(form, "vendors"),
        takes_tickets=form.get("takes_tickets") is True,
        fills=tuple(
            Fill(*(_text(one, key) for key in ("name", "ask", "value", "seen"))) for one in _maps(form, "fills")
        ),
    )


def preview(answer: Mapping[str, Any]) -> Preview:
    """The answer to ``preview_agent``."""
    ticket = _map(answer, "ticket")
    file = next(iter(_maps(answer, "files")), {})
    number = ticket.get("number")
    return Preview(
        sha=str(answer.get("sha", "")),
        name=_text(answer, "agent"),
        template=_text(answer, "template"),
        file=_text(file, "path"),
        text=clean(str(file.get("text", "")), 4000),
        prompt_file=_text(answer, "prompt_file"),
        launch=_text(answer, "launch", 2000),
        environment=_texts(answer, "environment", 100),
        layers=tuple(
            Layer(_text(one, "origin"), clean(str(one.get("text", "")), 60_000)) for one in _maps(answer, "parts")
        ),
        role=_text(answer, "role"),
        family=_text(answer, "family"),
        publishes=_texts(answer, "publishes"),
        starts_on=_texts(answer, "starts_on"),
        budget=_text(answer, "budget"),
        vendor=_text(answer, "vendor"),
        model=_text(answer, "model"),
        isolation=_text(answer, "isolation"),
        base=_text(answer, "base"),
        ticket=number if isinstance(number, int) else None,
        ticket_title=_text(ticket, "title"),
        is_draft=ticket.get("state") == "draft",
        checks=tuple(Check(one.get("ok") is True, _text(one, "text")) for one in _maps(answer, "checks")),
    )


def _row(found: Mapping[str, Any]) -> TemplateRow:
    used = found.get("used")
    return TemplateRow(
        id=_text(found, "id"),
        category=_text(found, "category"),
        name=_text(found, "name"),
        title=_text(found, "title"),
        purpose=_text(found, "purpose"),
        role=_text(found, "role"),
        cost=_text(found, "cost"),
        budget=_text(found, "budget"),
        risk=_text(found, "risk"),
        source=_text(found, "source"),
        used=used if isinstance(used, int) else 0,
    )


def _map(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def _maps(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = found.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(found: Mapping[str, Any], name: str, limit: int = 400) -> SafeText:
    value = found.get(name)
    return one_line("" if value is None else str(value), limit)


def _texts(found: Mapping[str, Any], name: str, limit: int = 400) -> tuple[SafeText, ...]:
    value = found.get(name)
    return tuple(one_line(str(one), limit) for one in value) if isinstance(value, list) else ()
