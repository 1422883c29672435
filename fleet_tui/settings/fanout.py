"""The ``fanout`` section: when a ticket is worth dividing, and what counts as evidence that it must not be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fleet_tui.settings import fields as f
from fleet_tui.settings.section import Section


class Fanout(Section):
    """When `fleet plan` advises to divide a ticket. Two agents in the same files cost more than one who does both."""

    commits: Annotated[f.Number, Field(ge=0, le=10_000)] = Field(
        500, description="How many commits of the history are read, the newest first; 0: none."
    )
    most_files: Annotated[f.Number, Field(ge=2, le=10_000)] = Field(
        30, description="A commit that changes more files says nothing about what belongs together."
    )
    coupled_times: Annotated[f.Number, Field(ge=1, le=10_000)] = Field(
        3, description="Two files belong together when so many commits changed both, and"
    )
    coupled_percent: Annotated[f.Number, Field(ge=1, le=100)] = Field(
        50, description="these are at least so many percent of the commits that changed the one that changes less."
    )
    small_lines: Annotated[f.Number, Field(ge=0, le=1_000_000)] = Field(
        200, description="Who reads all that the ticket names has read at most so many lines: one agent does it sooner."
    )
    most_parts: Annotated[f.Number, Field(ge=2, le=50)] = Field(
        6, description="Into more parts no ticket is divided: what is left over is put together."
    )
