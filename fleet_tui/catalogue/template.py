"""What a template says about an agent before there is one. The prompt stands beside it, in Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from fleet_tui.settings import fields as f
from fleet_tui.settings.budgets import OwnBudget
from fleet_tui.settings.section import Section
from fleet_tui.settings.texts import NAME

Tier = Literal["strong", "balanced", "light"]
COST: dict[Tier, str] = {"strong": "high", "balanced": "medium", "light": "low"}
"""What runs of a model class cost, compared with each other."""
Lines = Annotated[tuple[f.Filled, ...], Field(min_length=1, max_length=12)]


def _mark_name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise f.problem("not the name of a mark: lower-case letters, digits and `_`", "call it like `test_command`")
    return text


class ModelAdvice(Section):
    """Which class of model the work needs."""

    tier: Tier = Field(description="The strongest model that you have, a balanced one, or a light one.")
    reason: f.Filled = Field(description="Why.")


class RiskProfile(Section):
    """How much harm its work can do."""

    profile: Literal["low", "medium", "high"] = Field(description="How risky the work usually is.")
    reason: f.Filled = Field(description="What makes it so.")


class FillIn(Section):
    """A mark ``{{name}}`` of the prompt that is filled in when an agent is made."""

    ask: f.Filled = Field(description="What the person is asked for.")
    detect: f.SafeName | None = Field(None, description="What of the project it is, where fleet can find that out.")
    default: f.Text | None = Field(None, description="What stands there when nothing is known; empty: it must be said.")


class Template(Section):
    """One kind of agent."""

    title: f.Filled = Field(description="What it is called in lists.")
    purpose: f.Filled = Field(description="What it is for, in one or two sentences.")
    owns: Lines = Field(description="What it answers for.")
    never: Lines = Field(description="What it never does.")
    role: f.RoleName = Field(description="The role of agents made from it.")
    capabilities: Annotated[tuple[f.EventName, ...], Field(min_length=1)] = Field(
        description="Event kinds that the work makes it publish; its role must allow them."
    )
    lens: f.SafeName | None = Field(None, description="Of a reviewer: the lens it looks through.")
    model: ModelAdvice
    budget: OwnBudget = Field(description="What an agent may spend, unless the person says otherwise.")
    risk: RiskProfile
    subscriptions: Annotated[tuple[f.EventName, ...], Field(min_length=1)] = Field(description="What starts it.")
    inputs: Lines = Field(description="What it works from.")
    outputs: Lines = Field(description="What it leaves behind.")
    done: Lines = Field(description="When its work is done.")
    examples: Annotated[tuple[f.Filled, ...], Field(min_length=4, max_length=4)] = Field(
        description="Four tasks as one would give it."
    )
    fill_ins: dict[Annotated[f.Text, AfterValidator(_mark_name)], FillIn] = Field(
        default_factory=dict, description="The marks of its prompt."
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A template of the catalogue. ``source`` is the file it came from, or ``shipped``."""

    category: str
    name: str
    template: Template
    prompt: str
    source: str

    @property
    def id(self) -> str:
        return f"{self.category}/{self.name}"

    @property
    def words(self) -> str:
        """What a search looks through."""
        told = self.template
        return " ".join((self.id, told.title, told.purpose, told.role, *told.owns, *told.examples)).casefold()
