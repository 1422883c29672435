"""The ``isolation`` section: what holds agents in, and what of this machine they get to see."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fleet_tui.settings import fields as f
from fleet_tui.settings.section import Section


class IsolationSettings(Section):
    """How agents are kept apart from the fleet, from each other and from you."""

    level: Literal["auto", "L0", "L1"] = Field(
        "auto",
        description="`L1`: a bubblewrap sandbox, and no agent starts where that does not work; `L0`: none; "
        "`auto`: the strongest that works here.",
    )
    network: f.Flag = Field(True, description="Whether a sandbox has the network; without it no vendor is reached.")
    read_only: tuple[f.HostPath, ...] = Field(
        (), max_length=100, description="What a sandbox shows of this machine; the program of the vendor comes on top."
    )
    hidden: tuple[f.HostPath, ...] = Field(
        (), max_length=100, description="What of that it hides; globs are filled in when an agent starts."
    )
    home: tuple[f.RepositoryPath, ...] = Field(
        (),
        max_length=100,
        description="Names in your home directory that agents get in theirs, and may change: a login, a cache.",
    )
