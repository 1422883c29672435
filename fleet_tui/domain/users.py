"""Another user of the machine, as whom agents run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AgentUser:
    """The user of agents at isolation level L2. Without its name where only the kernel's numbers are known."""

    uid: int
    gid: int
    name: str = ""
