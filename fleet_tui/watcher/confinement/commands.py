"""The commands that the watcher runs: gates, set-up and teardown of workspaces. Each is known by its mark."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleet_tui.bus.identity import Origin
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.states import Isolation
from fleet_tui.tmux import runner_client, sandbox
from fleet_tui.tmux.records import MARKER
from fleet_tui.watcher.confinement import outlets
from fleet_tui.watcher.confinement.outlets import Outlet
from fleet_tui.watcher.confinement.shell import Outcome, argv_of, run_command
from fleet_tui.watcher.runs.environment import command_environment

COMMAND_MARKER = "FLEET_COMMAND"
"""The environment variable that tells which fleet's watcher a command belongs to."""
_OUTPUT_LIMIT = 1_000_000
_MOST_HOSTS = 10
Command = str | Sequence[str]
"""A line for ``sh``, or a list of arguments."""


@dataclass(frozen=True, slots=True)
class CommandPlace:
    """The directory that a command runs in, and the sandbox around it; at L0 there is none, and it runs as we do."""

    tree: Path
    level: Isolation = Isolation.L0
    home: Path | None = None
    program: str = ""
    view: sandbox.View | None = None
    outlet: Outlet = field(default_factory=Outlet)
    log: Path | None = None
    """Where the proxy of ``outlet`` writes down whom it refused."""

    def argv(self, command: Command) -> list[str]:
        """What to start for ``command``."""
        argv = argv_of(command)
        return argv if self.view is None else list(sandbox.wrap(self.program, self.view, argv))

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Its whole environment."""
        user = self.view.user if self.view is not None else None
        return command_environment({**self.outlet.environment, **extra}, self.home, user)

    def refused(self) -> bytes:
        """What is to be said at the end of a command's output of hosts that it was refused."""
        hosts = outlets.refused(self.log) if self.log is not None else ()
        if not hosts:
            return b""
        more = f"\nfleet: and {len(hosts) - _MOST_HOSTS} more" if len(hosts) > _MOST_HOSTS else ""
        return "\n".join(["", *(f"fleet: no network: {host}" for host in hosts[:_MOST_HOSTS])]).encode() + more.encode()


class Commands:
    """Runs commands under a mark each. ``fleet`` names the fleet in their environment: its state directory."""

    def __init__(self, fleet: Path) -> None:
        self.fleet = str(fleet)
        self._running: dict[str, Origin] = {}

    def origin(self, mark: str) -> Origin | None:
        """What the running command with this mark is."""
        return self._running.get(mark)

    async def run(
        self,
        command: Command,
        place: CommandPlace,
        origin: Origin,
        *,
        mark: str,
        time_limit_s: float,
        output_limit: int,
        env: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run one command in its place; when it is over nothing that carries its ``mark`` is left."""
        self._running[mark] = origin
        marked = place.environment(env or {}) | {COMMAND_MARKER: self.fleet, MARKER: mark}
        argv = place.argv(command)
        try:
            outcome = await run_command(
                argv,
                place.tree,
                time_limit_s=time_limit_s,
                output_limit=output_limit,
                env=marked,
                proxy=place.outlet.proxy,
            )
            return replace(outcome, output=outcome.output + place.refused())
        finally:
            # What got away from its sub-reaper, by killing it, is found by its mark.
            await asyncio.to_thread(runner_client.kill_marked, mark)
            del self._running[mark]

    async def run_lines(
        self, commands: Sequence[Command], place: CommandPlace, origin: Origin, time_limit_s: float
    ) -> None:
        """Run commands of the configuration one after the other.

        Raises:
            FleetError: one failed; its command and the end of its output are in the message.
        """
        for command in commands:
            outcome = await self.run(
                command, place, origin, mark=new_id("command"), time_limit_s=time_limit_s, output_limit=_OUTPUT_LIMIT
            )
            if not outcome.passed:
                why = outcome.problem or f"exit code {outcome.exit_code}"
                raise FleetError(
                    f"{origin.name} failed",
                    f"{command}: {why}\n{outcome.tail(8)}",
                    "mend workspace.setup or workspace.teardown in the configuration",
                )
