"""What is run on a repository's branches, and the ``repos`` section: further repositories that the fleet works on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from pydantic import Field

from fleet_tui.settings import fields as f
from fleet_tui.settings.fields import argv_of
from fleet_tui.settings.forge import Address, OnGitHub, address_of
from fleet_tui.settings.limits import DAY_S
from fleet_tui.settings.section import Section


class GateSettings(Section):
    """A deterministic check that fleet itself runs on the merge result; from L1 on in a sandbox, with an empty home."""

    name: f.SafeName = Field(description="Unique name.")
    run: f.Command = Field(description="A line for `sh -c`, or a list of arguments.")
    time_limit_s: Annotated[f.Number, Field(ge=1, le=DAY_S)] = Field(600, description="Seconds until it fails.")
    output_limit_kb: Annotated[f.Number, Field(ge=1, le=1_048_576)] = Field(1024, description="Output kept, in KiB.")
    env: f.Environment = Field(default_factory=dict, description="Environment variables for it.")

    @property
    def argv(self) -> tuple[str, ...]:
        return argv_of(self.run)

    @property
    def command(self) -> str:
        """The command as a person would type it."""
        return self.run if isinstance(self.run, str) else shlex.join(self.run)


class WorkspaceSettings(Section):
    """Commands run in a fresh workspace, and before one is removed; from L1 on in a sandbox, with an empty home."""

    setup: tuple[f.Command, ...] = Field((), description="Commands after it is made, such as installing dependencies.")
    teardown: tuple[f.Command, ...] = Field((), description="Commands before it is removed.")
    time_limit_s: Annotated[f.Number, Field(ge=1, le=DAY_S)] = Field(600, description="Seconds for each command.")


class RepositorySettings(Section):
    """A further repository: its tickets are in the fleet's own, its work lands in it."""

    path: f.Filled = Field(description="Where it is: from `/`, from `~/`, or relative to the fleet's repository.")
    target_branch: f.Filled | None = Field(
        None, description="Branch that work lands on; empty: the branch checked out when the fleet first sees it."
    )
    gates: tuple[GateSettings, ...] | None = Field(
        None,
        max_length=100,
        description="Checks before a merge there; empty: those of its own `.fleet/config.yaml` at the base commit, "
        "else the fleet's.",
    )
    setup: tuple[f.Command, ...] | None = Field(None, description="Instead of `workspace.setup`.")
    teardown: tuple[f.Command, ...] | None = Field(None, description="Instead of `workspace.teardown`.")
    github: OnGitHub = Field(
        "",
        description="With `forge: {kind: github}`: the repository there, as `owner/name`, in which its pull requests "
        "are opened and merged; empty: its work lands here alone. Counts when the watcher starts.",
    )
    remote: Address = Field(
        "",
        description="Of `github`: where the watcher pushes branches to and fetches the target from; empty: "
        "`https://github.com/<github>.git`.",
    )
    poll_s: Annotated[f.Number, Field(ge=5, le=3600)] | None = Field(
        None, description="Of `github`: seconds between two looks at its pull requests; empty: `forge.poll_s`."
    )

    @property
    def address(self) -> str:
        """Where it is fetched from and pushed to on GitHub; empty when it is not there."""
        return address_of(self.github, self.remote)

    def place(self, home: Path) -> Path:
        """Where it is, seen from the fleet's own repository at ``home``."""
        return (home / Path(self.path).expanduser()).resolve()
