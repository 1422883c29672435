"""The ``approval`` section: which merges need a person, how many of them, and for how long their word holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fleet_tui.settings import fields as f
from fleet_tui.settings.section import Section

Act = Literal["merge", "dependency", "migration", "release"]
"""What a landing can be: always a merge; the others by the paths that it changes."""
Hours = Annotated[f.Number, Field(ge=1, le=720)]


class ActPaths(Section):
    """Which changed paths make a merge more than a merge."""

    dependency: tuple[f.Glob, ...] = Field((), description="Globs of paths that say what the project depends on.")
    migration: tuple[f.Glob, ...] = Field((), description="Globs of paths that change stored data or its shape.")
    release: tuple[f.Glob, ...] = Field((), description="Globs of paths whose change makes or describes a release.")


class ApprovalRule(Section):
    """A merge that all of `acts`, `paths` and `bands` fit needs persons; of several rules the strictest counts."""

    name: f.SafeName = Field(description="Unique name; told as the reason.")
    acts: tuple[Act, ...] = Field(
        (), description="Acts: `merge`, `dependency`, `migration`, `release` (see `approval.acts`); empty: any."
    )
    paths: tuple[f.Glob, ...] = Field((), description="Globs, of which a changed path must match one; empty: any.")
    bands: tuple[Literal["low", "medium", "high", "critical"], ...] = Field(
        (), description="Bands of risk; empty: any."
    )
    quorum: Annotated[f.Number, Field(ge=1, le=10)] = Field(1, description="How many different persons must approve.")
    expires_h: Hours | None = Field(None, description="Hours until a request expires; empty: `approval.expires_h`.")


class ApprovalPolicy(Section):
    """When a person must approve a merge."""

    when: Literal["always", "sensitive"] = Field(
        "always", description="`always`, or only when a sensitive path is touched or a rule asks for it."
    )
    sensitive_paths: tuple[f.Glob, ...] = Field(
        (), description="Globs of paths that need a person. A list of your own replaces the shipped one."
    )
    expires_h: Hours = Field(24, description="Hours until a request expires.")
    hold_s: Annotated[f.Number, Field(ge=0, le=3600)] = Field(
        10, description="Seconds between approval and merge, in which it can be undone."
    )
    acts: ActPaths = Field(default_factory=ActPaths)
    rules: tuple[ApprovalRule, ...] = Field((), max_length=100, description="Which merges need how many persons.")
