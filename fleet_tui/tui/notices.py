"""Notices of the desktop while nobody looks at this terminal: as rare as the bell, never instead of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from fleet_tui.readmodel.bell import Bell
from fleet_tui.readmodel.values import NeedItem
from fleet_tui.tui.present.notices import notice, sequence

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp

Protocol = Literal["off", "osc9", "osc777"]
PAUSE_NS = 10_000_000_000
"""Between any two notices, whatever happens."""
_ASK_S = 2.0


class Notices:
    """What is due is the bell's matter; here it is said outside, if ``looking`` is not known to be true."""

    def __init__(self, room: RoomApp, protocol: Protocol) -> None:
        self._room = room
        self._protocol = protocol
        self.bell = Bell("off" if protocol == "off" else "all", room.started_ns)
        self.looking: bool | None = None
        """Whether this terminal has the focus; None: it has not told, which counts as not looking."""
        self._last_ns = 0

    def consider(self, needs: Sequence[NeedItem], now_ns: int, *, watcher_away: bool) -> None:
        """Asked with each picture and each second: what the person sees here is known, and is not said again."""
        is_due = self.bell.is_due(needs, now_ns, watcher_away=watcher_away)
        if is_due and not self.looking and not 0 <= now_ns - self._last_ns < PAUSE_NS:
            self._last_ns = now_ns
            text = notice(self._room.context.repository, needs, watcher_away=watcher_away)
            self._room.run_worker(self._send(text), group="notices", exit_on_error=False)

    async def test(self) -> str:
        """Send one now; what was done with it."""
        if self._protocol == "off":
            return "off: set ui.notify to osc9 or osc777"
        return await self._send(f"fleet {self._room.context.repository}: this is a test")

    async def _send(self, text: str) -> str:
        in_tmux = bool(os.environ.get("TMUX"))
        if in_tmux and not await passes_through(os.environ.get("TMUX_PANE", "")):
            return "not sent: tmux hands nothing on; tmux set -g allow-passthrough on"
        driver = self._room._driver
        if driver is None or self._room.handed_over:
            return "not sent: this terminal is an agent's now"
        driver.write(sequence(self._protocol, text, in_tmux=in_tmux))
        way = f"{self._protocol.upper()}{' through tmux' if in_tmux else ''}"
        return f"sent as {way}; nothing tells whether it was shown"


async def passes_through(pane: str) -> bool:
    """Whether the tmux around this room hands such sequences on; one that cannot say does not."""
    argv = ["tmux", "show-options", "-Apv", *(["-t", pane] if pane else []), "allow-passthrough"]
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_ASK_S):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    return out.strip() in (b"on", b"all")
