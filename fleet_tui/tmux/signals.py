"""How the wall learns that panes changed: pushed by tmux's activity flag, or by polling where that cannot be had.

The flag is a one-shot latch of the window; whoever captures clears it first. Since several control rooms may look at
one server, each has a hook of its own that notes the window in a list of its own and wakes a channel of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
from typing import Protocol

import psutil

from fleet_tui.tmux.link import Command, Link, LinkClosed, Reply

_HOOKS = ("alert-activity", "pane-died", "client-attached", "client-detached")
_OURS = re.compile(r"\A([a-z-]+\[\d+\]) .*wait-for -S (fleet-room-(\d+)-[0-9a-f]{8})\b")


class Signal(Protocol):
    """Where changes are learnt from. ``name`` is what the header says is in force."""

    name: str

    async def dirty(self) -> frozenset[str] | None:
        """Ids of the windows that changed since the last call; None: any may have."""
        ...

    async def arm(self) -> bool:
        """Make sure that :meth:`wait` hears of what comes; True: only just done, so look once more before waiting."""
        ...

    async def wait(self) -> None:
        """Return when something may have changed."""
        ...

    async def tidy(self) -> bool:
        """Occasional upkeep; whether others look at the same server, so that they may take a change before us."""
        ...

    async def close(self) -> None:
        """Leave nothing behind in the server."""
        ...


class PushSignal:
    """The activity flag of every window, pushed over ``wait-for``: costs nothing while nothing changes."""

    name = "push"

    def __init__(self, commands: Link, waiting: Link) -> None:
        self._commands = commands
        self._waiting = waiting
        self._room = f"fleet-room-{os.getpid()}-{secrets.token_hex(4)}"
        self._wake: asyncio.Future[Reply] | None = None

    async def open(self) -> bool:
        """Install our hooks; False when the server does not watch activity (not started with our configuration)."""
        monitor = await self._commands.command("show-options", "-gv", "monitor-activity")
        if monitor != [b"on"]:
            return False
        await self.tidy()
        # Once each: a room that is stopped reads nothing, while others make the same windows tell of themselves again.
        known = f"#{{m:* #{{window_id}} *,#{{{self._option}}} }}"
        note = (
            f"if-shell -F '{known}' '' \"set-option -gFa {self._option} ' #{{window_id}}'\" ; wait-for -S {self._room}"
        )
        replies = await self._commands.batch([Command(("set-hook", "-ga", hook, note)) for hook in _HOOKS])
        return all(reply.ok for reply in replies)

    async def dirty(self) -> frozenset[str]:
        # Both run in one go inside the server: nothing can be noted between the look and the clearing.
        look = Command(("display-message", "-p", f"#{{{self._option}}}"))
        noted, _ = await self._commands.batch([look, Command(("set-option", "-g", self._option, ""))])
        return frozenset(noted.text.split())

    async def arm(self) -> bool:
        # In tmux a second signal that finds nobody waiting takes the first one back, so one may never look first and
        # wait afterwards. `wait-for` answers when it is in place; the command after it answers with the wake-up.
        if self._wake is not None and not self._wake.done():
            return False
        wait = Command(("wait-for", self._room))
        in_place, self._wake = self._waiting.send([wait, Command(("display-message", "-p", "woken"))])
        await in_place
        return True

    async def wait(self) -> None:
        if self._wake is not None:
            await asyncio.shield(self._wake)

    async def tidy(self) -> bool:
        """Remove the hooks of rooms that died without doing so: they would note changes for ever."""
        others = [found for found in await self._installed() if found[1] != self._room]
        for index, room, pid in others:
            if not psutil.pid_exists(pid):
                await self._remove(index, room)
        return any(psutil.pid_exists(pid) for _, _, pid in others)

    async def close(self) -> None:
        with contextlib.suppress(LinkClosed):
            for index, room, _ in await self._installed():
                if room == self._room:
                    await self._remove(index, room)

    @property
    def _option(self) -> str:
        return f"@{self._room}"

    async def _installed(self) -> list[tuple[str, str, int]]:
        replies = await self._commands.batch([Command(("show-hooks", "-g", hook)) for hook in _HOOKS])
        lines = [line for reply in replies for line in reply.text.splitlines()]
        found = [match for line in lines if (match := _OURS.match(line))]
        return [(match[1], match[2], int(match[3])) for match in found]

    async def _remove(self, index: str, room: str) -> None:
        hook = Command(("set-hook", "-gu", index))
        await self._commands.batch([hook, Command(("set-option", "-gu", f"@{room}"))])


class PollSignal:
    """Says at a steady pace that anything may have changed; the comparison of captures finds what did."""

    def __init__(self, every_s: float = 0.2, why: str = "") -> None:
        self.name = f"poll ({why})" if why else "poll"
        self._every_s = every_s

    async def dirty(self) -> None:
        return None

    async def arm(self) -> bool:
        return False

    async def wait(self) -> None:
        await asyncio.sleep(self._every_s)

    async def tidy(self) -> bool:
        """Nothing to keep up, and nothing that others could take."""
        return False

    async def close(self) -> None:
        """Nothing was left in the server."""
