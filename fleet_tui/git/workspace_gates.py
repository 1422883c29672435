"""Which workspaces take something in: held ones are read-only and shut, and all gates may be shut at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection

from fleet_tui.git import holding
from fleet_tui.git.gate_repo import admit
from fleet_tui.git.homes import Homes
from fleet_tui.git.values import WorkspacePaths

_SHUT = ".gates-shut"


class WorkspaceGates:
    """The gates of all workspaces, and what is held behind them."""

    def __init__(self, homes: Homes) -> None:
        self._homes = homes
        self._shut_mark = homes.root / _SHUT

    def shut(self, ticket: int) -> bool:
        """Close the gate of a workspace, again each time, for it may lie where an agent can write; whether its files
        are still to be made read-only (:meth:`hold`)."""
        paths = self._homes.find(ticket)
        if paths is None:
            return False
        admit(paths.gate, None)
        return not self._is_held(ticket)

    async def hold(self, ticket: int) -> bool:
        """Close the gate of a workspace and make its files read-only; whether anything had to be done.

        The second takes as long as there are files.
        """
        paths = self._homes.find(ticket)
        if paths is None or not self.shut(ticket):
            return False
        await asyncio.to_thread(holding.hold, self._homes.of(ticket), paths.path)
        return True

    def held(self) -> set[int]:
        """Tickets whose workspaces are held."""
        return holding.held(self._homes.root) if self._homes.root.is_dir() else set()

    async def let_go(self, ticket: int) -> bool:
        """Undo :meth:`hold`; whether anything had to be done."""
        home, paths = self._homes.of(ticket), self._homes.find(ticket)
        if paths is None:
            holding.record_of(home).unlink(missing_ok=True)
            return False
        if not self._is_held(ticket):
            return False
        await asyncio.to_thread(holding.let_go, home, paths.path)
        if not self._are_shut:
            admit(paths.gate, paths.branch)
        return True

    def shut_all(self, but: Collection[int]) -> None:
        """Until :meth:`open_all` no gate takes anything in, except those of the tickets in ``but``. Idempotent."""
        if self._homes.root.is_dir():
            self._shut_mark.touch()
            for ticket, paths in self._homes.all():
                self._admit(ticket, paths, ticket in but)

    def open_all(self) -> None:
        """Undo :meth:`shut_all`; the gates of held workspaces stay closed."""
        if self._are_shut:
            for ticket, paths in self._homes.all():
                self._admit(ticket, paths, True)
            self._shut_mark.unlink(missing_ok=True)

    def open(self, ticket: int) -> None:
        """Like :meth:`open_all` for one, until the next :meth:`shut_all`."""
        paths = self._homes.find(ticket) if self._are_shut else None
        if paths is not None:
            self._admit(ticket, paths, True)

    def _admit(self, ticket: int, paths: WorkspacePaths, wanted: bool) -> None:
        # A gate that its agent spoilt, in whose directory nothing can be written, keeps no other one open.
        with contextlib.suppress(OSError):
            admit(paths.gate, paths.branch if wanted and not self._is_held(ticket) else None)

    def _is_held(self, ticket: int) -> bool:
        return holding.is_held(self._homes.of(ticket))

    @property
    def _are_shut(self) -> bool:
        return self._shut_mark.exists()
