"""A repository that work lands in: the person's own, and what the fleet keeps of it. The first is the fleet's home."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleet_tui.domain.repositories import HOME
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.user import UserRepository
from fleet_tui.git.workspace import Workspaces
from fleet_tui.settings.repositories import GateSettings

if TYPE_CHECKING:
    from fleet_tui.watcher.upstream.state import Upstream


@dataclass(frozen=True, slots=True)
class MergeView:
    """The merge result of one (base, head): the tree that gates judge, the commit that would land, or the conflict."""

    tree: str
    commit: str
    conflict: tuple[str, ...]
    paths: tuple[str, ...]
    """What the pull request changes against its merge base."""


@dataclass(slots=True)
class Repository:
    """Where tickets of it are worked on, judged and landed. Its name is that of `repos`; the home's is empty.

    All share one directory of workspaces: a ticket has the same number whichever repository it is of.
    """

    control: ControlRepository
    user: UserRepository
    workspaces: Workspaces
    name: str = ""
    trouble: str = ""
    """Why nothing of it begins, is judged or lands now. The home's failures are those of the passes themselves."""
    opened: bool = False
    """Whether the control repository was found, or made, since the watcher started; nobody asks that of the home."""
    upstream: Upstream | None = None
    """What it is on the forge; None: its work lands on this machine alone."""
    tip: str = ""
    """The target's commit in the control repository, which only this process moves; empty: look."""
    looked_at_target_ns: int = 0
    merge_results: dict[tuple[str, str], MergeView] = field(default_factory=dict)
    gates_at: dict[str, tuple[GateSettings, ...]] = field(default_factory=dict)
    """The gates of base commits seen: a commit never changes, so it is read once."""

    @property
    def about(self) -> str:
        """The subject of alarms and events that concern it as a whole."""
        return f"repo:{self.name}" if self.name else "fleet"

    @property
    def called(self) -> str:
        """As people name it."""
        return self.name or HOME

    @property
    def is_open(self) -> bool:
        """Whether it can be fetched into."""
        return self.opened or not self.name

    async def base(self) -> str:
        """The target's commit that work lands on.

        Raises:
            FleetError: the control repository is damaged, or was not made yet.
        """
        if not self.tip:
            self.tip = await self.control.target_sha()
        return self.tip
