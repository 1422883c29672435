"""The ``risk`` section: what counts how much, and from which score on something is done about it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from fleet_tui.settings import fields as f
from fleet_tui.settings.section import Section

MOST = 100
"""The highest score."""

Points = Annotated[f.Number, Field(ge=0, le=MOST)]
Count = Annotated[f.Number, Field(ge=0, le=1_000_000)]


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise f.problem(f"not a regular expression: {error}", "see Python's `re`") from error
    return text


Regex = Annotated[f.Filled, AfterValidator(_regex)]


class Factor(Section):
    """How many points one kind of evidence gives: ``points`` for each ``per`` beyond ``free``, at most ``cap``."""

    points: Points = Field(0, description="Points for each; 0 switches the factor off.")
    cap: Points = Field(MOST, description="Most points that it gives.")
    free: Count = Field(0, description="How many are free.")
    per: Annotated[f.Number, Field(ge=1, le=1_000_000)] = Field(1, description="How many make one.")


class Factors(Section):
    """What counts. A factor without points is off."""

    sensitive: Factor = Field(default_factory=Factor, description="Changed paths that match `paths.sensitive`.")
    pipeline: Factor = Field(default_factory=Factor, description="Changed paths that match `paths.pipeline`.")
    size: Factor = Field(default_factory=Factor, description="Lines added or deleted.")
    tests: Factor = Field(
        default_factory=Factor, description="Test files deleted, assertions removed, tests switched off."
    )
    secrets: Factor = Field(default_factory=Factor, description="Added text that has the shape of a credential.")
    likely_secrets: Factor = Field(default_factory=Factor, description="Added text that reads like a password.")
    dependencies: Factor = Field(default_factory=Factor, description="New entries in manifests of dependencies.")
    opaque: Factor = Field(
        default_factory=Factor, description="Files that nobody can read: binary, generated, or too large."
    )
    unread: Factor = Field(
        default_factory=Factor, description="Files too large to be searched for credentials to their end."
    )
    scope: Factor = Field(default_factory=Factor, description="Changed paths outside the ticket's `scope`.")
    denied: Factor = Field(default_factory=Factor, description="Acts that policy refused; they fade.")
    failures: Factor = Field(default_factory=Factor, description="Gates that failed; they fade.")
    loops: Factor = Field(default_factory=Factor, description="The same said or tried again and again; it fades.")
    restarts: Factor = Field(default_factory=Factor, description="New starts after a crash; they fade.")
    rejections: Factor = Field(default_factory=Factor, description="Reviewers who asked for changes; they fade.")
    silence: Factor = Field(default_factory=Factor, description="Seconds without a sign of life while it works.")
    spend: Factor = Field(default_factory=Factor, description="Percent of the agent's budget spent in the last hour.")


class RiskPaths(Section):
    """Which files are which. Patterns are those of .gitignore; case does not matter."""

    sensitive: tuple[f.Glob, ...] = Field((), description="Where a mistake costs much.")
    pipeline: tuple[f.Glob, ...] = Field((), description="What decides what builds, hooks and agents do.")
    tests: tuple[f.Glob, ...] = Field((), description="Tests.")
    test_settings: tuple[f.Glob, ...] = Field((), description="Files that say which tests run.")
    generated: tuple[f.Glob, ...] = Field((), description="Files that programs write.")


class RiskTests(Section):
    """What a weakened test looks like: regular expressions, searched in each line of a test file."""

    assertions: tuple[Regex, ...] = Field((), description="A line that checks something.")
    trivial: tuple[Regex, ...] = Field((), description="A line that checks nothing, whatever else it looks like.")
    skips: tuple[Regex, ...] = Field((), description="A line that switches tests off.")
    left_out: tuple[Regex, ...] = Field((), description="A line of `paths.test_settings` that leaves tests out.")


class Bands(Section):
    """From which score on a band holds; what is under ``medium`` is low."""

    medium: Annotated[f.Number, Field(ge=1, le=MOST)] = Field(30, description="A person is told.")
    high: Annotated[f.Number, Field(ge=1, le=MOST)] = Field(
        50, description="A person must approve the merge, and the agent gets one run at a time."
    )
    critical: Annotated[f.Number, Field(ge=1, le=MOST + 1)] = Field(
        80, description="The agent is quarantined; 101: never."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Bands:
        if not self.medium < self.high < self.critical:
            raise f.problem("the bands are not in order", "medium < high < critical")
        return self


class Risk(Section):
    """How risky a run or pull request is, from 0 to 100, and what follows from it."""

    bands: Bands = Field(default_factory=Bands, description="From which score on what is done.")
    hysteresis: Annotated[f.Number, Field(ge=0, le=50)] = Field(
        5, description="A band is left only when the score is this far below it."
    )
    half_life_s: Annotated[f.Number, Field(ge=60, le=30 * 86_400)] = Field(
        3600, description="Seconds after which what fades counts half."
    )
    factors: Factors = Field(default_factory=Factors, description="What counts how much.")
    paths: RiskPaths = Field(default_factory=RiskPaths, description="Which files are which.")
    tests: RiskTests = Field(default_factory=RiskTests, description="What a weakened test looks like.")
