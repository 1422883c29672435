"""The ``evidence`` section: how long it is kept what runs showed, gates said, and quarantine found."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fleet_tui.settings import fields as f
from fleet_tui.settings.section import Section


class EvidenceSettings(Section):
    """What is kept beside the log. That of agents in quarantine, live runs and open pull requests is never removed."""

    keep_days: Annotated[f.Number, Field(ge=1, le=36_500)] = Field(30, description="Days after which it is removed.")
    keep_mib: Annotated[f.Number, Field(ge=1, le=10_000_000)] = Field(
        1024, description="MiB of it in all; beyond, the oldest is removed first."
    )
