"""The ``isolation`` section: what holds agents in, and what of this machine they get to see."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from fleet_tui.settings import fields as f
from fleet_tui.settings.section import Section


class IsolationSettings(Section):
    """How agents, and the branches' code that gates and set-up commands run, are kept apart from the fleet and you."""

    level: Literal["auto", "L0", "L1", "L2"] = Field(
        "auto",
        description="`L1`: a bubblewrap sandbox, and neither agent nor gate starts where that does not work; `L2`: "
        "that, and both run as `user`; `L0`: none; `auto`: the strongest that works here.",
    )
    user: Annotated[str, Strict(), Field(pattern=r"^([a-z_][a-z0-9_-]{0,31})?$")] = Field(
        "",
        description="The user of this machine as whom agents and gates run at L2; without one there is no L2. "
        "Only where root runs the fleet.",
    )
    processes: f.Number = Field(
        4096, ge=0, description="How many processes `user` may have at L2, all agents together; 0: no limit."
    )
    file_mb: f.Number = Field(
        8192, ge=0, description="How large a file an agent may write at L2, in megabytes; 0: no limit."
    )
    network: f.Network = Field(
        True,
        description="Whether a sandbox has the network, or to which hosts alone it may talk (`[api.anthropic.com, "
        '"*.github.com:443"]`; without a port 443 and 80), through a proxy outside; without any no vendor is reached.',
    )
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
