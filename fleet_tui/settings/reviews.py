"""The ``reviews`` section: who must have approved, through which lenses, by how risky the work is."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from fleet_tui.domain.states import RiskBand
from fleet_tui.settings import fields as f
from fleet_tui.settings.section import Section


class Lens(Section):
    """What a reviewer looks for."""

    roles: tuple[f.Filled, ...] = Field(
        (), description="Globs on the roles of reviewers that look through it; an exact name goes before a glob."
    )
    asks: f.LongText = Field("", description="What it is to look for; goes into the reviewer's prompt.")
    adversarial: f.Flag = Field(
        False, description="Whether it is to refute the change, and to reject what it is not certain of."
    )


class BandRules(Section):
    """What a pull request of this risk needs."""

    required: f.Required | None = Field(
        None, description="`all` reviewers, or how many of them; empty: as `reviews.required`."
    )
    lenses: tuple[f.SafeName, ...] = Field((), description="Lenses; through each of them somebody must have approved.")
    roles: tuple[f.Filled, ...] = Field((), description="Globs on roles; of each of them somebody must have approved.")


class Bands(Section):
    """What pull requests of each band of risk need, from the reviewers."""

    low: BandRules = Field(default_factory=BandRules, description="Of low risk.")
    medium: BandRules = Field(default_factory=BandRules, description="Of medium risk.")
    high: BandRules = Field(default_factory=BandRules, description="Of high risk.")
    critical: BandRules = Field(default_factory=BandRules, description="Of critical risk.")

    def of(self, band: RiskBand) -> BandRules:
        rules: BandRules = getattr(self, band.value)
        return rules


class Reviews(Section):
    """How many agents must approve a pull request, through which lenses, and how often it may go back."""

    required: f.Required = Field("all", description="`all` reviewers, or how many of them; 0: none.")
    max_rounds: Annotated[f.Number, Field(ge=1, le=20)] = Field(
        3, description="Rounds of changes until a person decides."
    )
    gates_first: f.Flag = Field(
        True, description="Gates run on the merge result before reviewers are asked: no review is spent on a red build."
    )
    lenses: dict[f.SafeName, Lens] = Field(
        default_factory=dict, description="What reviewers look for, by name: maps of `roles`, `asks`, `adversarial`."
    )
    bands: Bands = Field(default_factory=Bands, description="What is needed in addition, by band of risk.")

    def lens_of(self, role: str) -> str:
        """The lens of a reviewer of ``role``: an exact name first, then the first glob, last ``*``; else none."""
        role = role.lower()
        fits = [
            (pattern.lower(), name)
            for name, lens in self.lenses.items()
            for pattern in lens.roles
            if fnmatchcase(role, pattern.lower())
        ]
        exact = next((name for pattern, name in fits if pattern == role), None)
        return exact or next((name for pattern, name in sorted(fits, key=lambda fit: fit[0] == "*")), "")
