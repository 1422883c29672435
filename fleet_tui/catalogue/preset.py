"""Presets: whole fleets made of templates, as files, and the one that fits a repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, Strict

from fleet_tui import paths
from fleet_tui.catalogue.check import read_section
from fleet_tui.catalogue.signs import Look, Sight
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.ids import is_safe_id
from fleet_tui.settings import fields as f
from fleet_tui.settings.files import read_text
from fleet_tui.settings.messages import suggest
from fleet_tui.settings.problems import ERROR, Problem
from fleet_tui.settings.section import Section

FALLBACK = "minimal"
_ENOUGH = 3
"""Points of a preset's signs from which on it is proposed."""


class Sign(Sight):
    """What speaks for a preset, and how much."""

    points: Annotated[f.Number, Field(ge=1, le=10)] = Field(description="How much it says.")


class Instead(Sight):
    """Another template, where something is seen."""

    template: f.Filled = Field(description="The template.")


class Member(Section):
    """One agent of a preset, or several of a kind."""

    name: f.AgentName = Field(description="Its name; with `count` what stands before the number.")
    template: f.Filled = Field(description="What it is made from.")
    count: Annotated[int, Strict(), Field(ge=1, le=50)] | None = Field(
        None, description="How many; `--developers` says another number. One member of a preset has it: its authors."
    )
    instead: tuple[Instead, ...] = Field((), description="Other templates; the first whose sign is seen counts.")


class Preset(Section):
    """A fleet that can be begun with."""

    title: f.Filled = Field(description="What it is called in lists.")
    purpose: f.Filled = Field(description="Who is in it, and for what.")
    signs: tuple[Sign, ...] = Field((), description="What speaks for it in a repository.")
    agents: Annotated[tuple[Member, ...], Field(min_length=1)] = Field(description="Its agents.")
    fills: dict[Annotated[str, Strict()], f.Filled] = Field(
        default_factory=dict, description="What stands for a mark of which nothing is known."
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """A preset, how much of a repository speaks for it, and what."""

    name: str
    preset: Preset
    points: int
    seen: tuple[str, ...]
    source: str


def read_presets() -> tuple[dict[str, tuple[Preset, str]], tuple[Problem, ...]]:
    """The shipped presets and the person's own (`presets/` beside their configuration), and what is wrong with others.

    One of the person's counts instead of a shipped one of the same name.
    """
    found: dict[str, tuple[Preset, str]] = {}
    problems: list[Problem] = []
    own = paths.user_config_file().parent / "presets"
    for directory, shown in ((paths.shipped_config() / "presets", "config/presets"), (own, str(own))):
        for path in sorted(directory.glob("*.yaml")):
            name, source = path.stem, f"{shown}/{path.name}"
            read = read_text(path, source)
            if not is_safe_id(name):
                problems.append(Problem(ERROR, source, 0, 0, "", "not a usable name", "lower-case letters and `-`"))
            elif read.problem is not None:
                problems.append(read.problem)
            else:
                _, preset, wrong = read_section(read.text, source, Preset)
                problems += wrong
                if preset is not None:
                    found[name] = (preset, source)
    return found, tuple(problems)


def weigh(look: Look) -> tuple[Proposal, ...]:
    """Every preset with what speaks for it; first the one that is proposed.

    Of several with as many points the first by name; of none with enough the minimal one.
    """
    presets, _ = read_presets()
    weighed = [_weighed(name, preset, source, look) for name, (preset, source) in sorted(presets.items())]
    return tuple(sorted(weighed, key=_order))


def _weighed(name: str, preset: Preset, source: str, look: Look) -> Proposal:
    seen = [(sign.points, look.why(sign)) for sign in preset.signs]
    points = sum(points for points, why in seen if why)
    return Proposal(name, preset, points, tuple(dict.fromkeys(why for _, why in seen if why)), source)


def _order(proposal: Proposal) -> tuple[bool, bool, int]:
    enough = proposal.points >= _ENOUGH
    return (not enough, proposal.name != FALLBACK and not enough, -proposal.points)


def choose(weighed: Sequence[Proposal], name: str | None) -> Proposal:
    """The preset called ``name``; without one the proposed one.

    Raises:
        UsageError: there is none of that name.
    """
    if name is None:
        return weighed[0]
    found = next((proposal for proposal in weighed if proposal.name == name), None)
    if found is None:
        names = [proposal.name for proposal in weighed]
        raise UsageError("no such preset", name, suggest(name, names) or "fleet init --list-presets")
    return found


def reason(proposal: Proposal) -> str:
    """Why it fits, in words."""
    return "; ".join(proposal.seen) if proposal.seen else "nothing in the files speaks for another one"
