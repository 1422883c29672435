"""A file of detection rules: what an agent's screen says, as data. ``config/detection/`` has those that ship."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from fleet_tui.settings import fields as f
from fleet_tui.settings import messages
from fleet_tui.settings.section import Section

Region = Literal["title", "screen", "bottom", "above-input", "input", "below-input"]
State = Literal["working", "idle", "asking", "dialog"]
Dialog = Literal["trust", "login", "update", "resume", "permission", "choice", "limit"]


class RuleSettings(Section):
    """One rule: what stands in a region of the screen, and what that means."""

    priority: Annotated[f.Number, Field(ge=0, le=1000)] = Field(description="The highest one that matches counts.")
    region: Region = Field("bottom", description="Where the pattern is looked for, line by line.")
    pattern: f.Filled = Field(description="A regular expression that never goes back, in any case of letters.")
    also: str = Field("", description="A second one that must match a line of the region too.")
    state: State = Field(description="What the agent does when it matches.")
    dialog: Dialog | None = Field(None, description="Of `state: dialog`, what it asks.")
    disabled: f.Flag = Field(False, description="The rule does not count.")


class InputSettings(Section):
    """The place where a person types."""

    mark: f.Filled = Field(description="What the line begins with, up to what was typed.")
    never: str = Field("", description="What was typed never looks like this: such a line is something else.")
    within: Annotated[f.Number, Field(ge=1, le=60)] = Field(
        60, description="How many lines from the bottom it may begin."
    )
    above: str = Field("", description="What the line above it must match.")
    below: str = Field("", description="What the line below all that was typed matches; empty: it is one line.")
    folded: str = Field(
        "", description="How a long paste is shown instead of its text; the last number counts line ends."
    )
    placeholder: str = Field("", description="What stands in it although nobody typed it.")


class DetectionSettings(Section):
    """The rules of one vendor."""

    lines: Annotated[f.Number, Field(ge=3, le=60)] = Field(
        description="How many lines from the bottom count, empty ones left out."
    )
    input: InputSettings = Field(description="Where a person types.")
    rules: dict[f.SafeName, RuleSettings] = Field(max_length=200, description="The rules by their names.")


def validated(value: dict[str, Any]) -> tuple[DetectionSettings | None, tuple[messages.Finding, ...]]:
    """The rules that ``value`` describes; None, and what is wrong with it."""
    try:
        return DetectionSettings.model_validate(value), ()
    except ValidationError as error:
        details = error.errors(include_url=False)[:20]
        return None, tuple(messages.translate(detail, value, DetectionSettings) for detail in details)
