"""An agent made from a template: its file and its prompt as they would be written. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from fleet_tui.catalogue.amount import amount_in_words, read_budget
from fleet_tui.catalogue.conventions import Found
from fleet_tui.catalogue.marks import fill
from fleet_tui.catalogue.template import Entry, Template
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.ids import slugify
from fleet_tui.domain.text import one_line
from fleet_tui.settings.schema import Settings

_NAME = 40


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person says; what is None or missing is taken from the template or found out."""

    name: str
    vendor: str | None = None
    model: str | None = None
    budget: str | None = None
    """In words."""
    tickets: tuple[int, ...] = ()
    subscribes: tuple[str, ...] | None = None
    fills: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewAgent:
    """What would be written: the agent's file and its prompt."""

    name: str
    template: str
    text: str
    prompt: str

    @property
    def sha(self) -> str:
        """Of both: what was shown is what is written."""
        return hashlib.sha256(f"{self.name}\0{self.text}\0{self.prompt}".encode()).hexdigest()


def defaults(template: Template, known: Mapping[str, Found]) -> dict[str, Found]:
    """What fills each mark unless the person says otherwise; an empty value has to be said."""
    return {name: _default(entry.detect, entry.default, known) for name, entry in template.fill_ins.items()}


def _default(detect: str | None, default: str | None, known: Mapping[str, Found]) -> Found:
    found = known.get(detect) if detect is not None else None
    return found or Found(default or "", "the template" if default else "")


def usual_vendor(settings: Settings, role: str) -> str:
    """What the role says, else what its agents run, else what most agents run, else what fleet takes by default."""
    family = settings.roles.get(settings.family(role).name)
    if family is not None and family.vendor is not None:
        return family.vendor
    same = [agent.vendor for agent in settings.agents if agent.role == role]
    all_ = same or [agent.vendor for agent in settings.agents]
    return max(all_, key=all_.count) if all_ else "claude-code"


def free_name(base: str, taken: Collection[str]) -> str:
    """``base`` as an agent's name, with a number behind it where that is taken."""
    name = slugify(base, _NAME)
    numbered = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(one for one in numbered if one not in taken)


def compose(entry: Entry, wanted: Wanted, settings: Settings, known: Mapping[str, Found]) -> NewAgent:
    """The agent's file and prompt.

    Raises:
        UsageError: a mark that the template has not, one that nothing fills, or a budget that says nothing.
    """
    template = entry.template
    unknown = sorted(set(wanted.fills) - set(template.fill_ins))
    if unknown:
        marks = ", ".join(template.fill_ins) or "none"
        raise UsageError("nothing to fill in", f"{entry.id} has no {', '.join(unknown)}", f"it has: {marks}")
    values = {name: found.value for name, found in defaults(template, known).items()} | dict(wanted.fills)
    empty = [name for name, value in values.items() if not one_line(value)]
    if empty:
        asked = "; ".join(f"{name}: {template.fill_ins[name].ask}" for name in empty)
        raise UsageError("something must be filled in", asked, f"--set {empty[0]}=…")
    text = "\n".join(_lines(entry, wanted, settings)) + "\n"
    return NewAgent(wanted.name, entry.id, text, _prompt(template, fill(entry.prompt, values)))


def _lines(entry: Entry, wanted: Wanted, settings: Settings) -> Iterator[str]:
    """The file; JSON texts are YAML texts, so that whatever was typed survives the quoting."""
    template = entry.template
    yield f"# Made from the template {entry.id}; yours to change. Its prompt is in .fleet/prompts."
    yield f"role: {template.role}"
    yield f"vendor: {json.dumps(wanted.vendor or usual_vendor(settings, template.role))}"
    yield f"template: {entry.id}"
    if wanted.model:
        yield f"model: {json.dumps(wanted.model)}"
    if wanted.tickets:
        yield f"tickets: [{', '.join(map(str, wanted.tickets))}]"
    subscribes = template.subscriptions if wanted.subscribes is None else wanted.subscribes
    if subscribes != settings.family(template.role).subscribes_to:
        yield f"subscribes_to: [{', '.join(map(json.dumps, subscribes))}]"
    if template.lens is not None:
        yield f"lens: {template.lens}"
    budget = template.budget if wanted.budget is None else read_budget(wanted.budget)
    if budget is not None:
        yield "budgets:"
        yield f"  - {{unit: {budget.unit}, ceiling: {json.dumps(amount_in_words(budget))}, window: {budget.window}}}"


def _prompt(template: Template, body: str) -> str:
    """The prompt's own text, then what the template says: one source for the list, the room and the agent."""
    parts = (
        ("You answer for", template.owns),
        ("What this role never does", template.never),
        ("Your work is done when", template.done),
    )
    lists = (f"## {title}\n\n" + "\n".join(f"- {one}" for one in told) for title, told in parts)
    return "\n\n".join((body.strip(), *lists)) + "\n"
