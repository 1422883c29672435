"""Keys one at a time: each is delivered when all that the one before it led to is done.

Textual hands a key to what has the focus at that moment and works on it while the next ones come in. Several that
arrive together (a paste, a bunched packet of a slow line) would so all go to where the first went: what is typed behind
`/` would be taken as commands.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual._time import get_time
from textual.app import App, ScreenStackError
from textual.message_pump import MessagePump

Typed = events.Key | events.Paste

_LOOK_AGAIN_S = 0.01
_OPENING_S = 1.0
"""How long a screen that gives the focus to its field (the palette) may take to have one."""
_ALIVE_S = 0.2
"""How often to see whether a widget that does not answer still lives."""


class Keyboard:
    """What was typed and waits for its turn. ``deliver`` hands an event on as Textual does."""

    def __init__(self, app: App[Any], deliver: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._deliver = deliver
        self._waiting: deque[Typed] = deque()
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether something typed still has its effect."""
        return self._busy

    async def take(self, event: Typed) -> None:
        """Deliver ``event`` at once when nothing is under way, else in its turn."""
        if self._busy:
            self._waiting.append(event)
            return
        self._busy = True
        target = await self._handed_over(event)
        self._app.run_worker(self._go_on(target), group="keyboard")

    def forget(self) -> None:
        """Drop what waits: it was meant for something else than what is on the screen now."""
        self._waiting.clear()

    async def _handed_over(self, event: Typed) -> MessagePump:
        target: MessagePump = self._app.focused or self._app.screen
        await self._deliver(event)
        return target

    async def _go_on(self, target: MessagePump) -> None:
        try:
            await self._settled(target)
            while self._waiting and self._app.is_running:
                await self._settled(await self._handed_over(self._waiting.popleft()))
        except ScreenStackError:
            self.forget()  # the room has ended
        finally:
            self._busy = False

    async def _settled(self, target: MessagePump) -> None:
        """Until the key has gone up from its target to the app, what was said about it has, and the focus has moved."""
        await _all_the_way_up(target)
        await _all_the_way_up(target)
        await _all_the_way_up(self._app.focused or self._app.screen)
        limit = get_time() + _OPENING_S
        while self._is_opening() and get_time() < limit:  # noqa: ASYNC110 - the focus has no event
            await asyncio.sleep(_LOOK_AGAIN_S)

    def _is_opening(self) -> bool:
        """Whether the screen on top gives the focus to a field of its own, and has not yet."""
        return self._app.is_running and bool(self._app.screen.AUTO_FOCUS) and self._app.focused is None


async def _all_the_way_up(node: MessagePump | None) -> None:
    """Wait until ``node`` and everything above it have worked on what they had been sent, one after the other."""
    while node is not None:
        done = asyncio.Event()
        waiting = node.call_later(done.set)
        while waiting and not done.is_set() and node.is_running:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), _ALIVE_S)
        node = node._parent
