"""The terminal in other hands for a while: a pager, an editor, an agent's tmux; and back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp


async def lend(room: RoomApp, use: Coroutine[Any, Any, str]) -> None:
    """Wait for ``use``, which takes the terminal and gives it back, and say how it went.

    Meanwhile no live panes are asked for, and what was typed for the other program is no key of the room.
    """
    room.handed_over = True
    room.live.wanted_changed()
    try:
        room.say(await use, "quiet")
    except FleetError as error:
        room.say(one_line(f"{error.title}: {error.message} {error.hint}", 300), "warn")
    finally:
        room.handed_over = False
        room.keyboard.forget()
        room.live.wanted_changed()
        room.feed.poke()


async def run_in_terminal(app: App[Any], argv: Sequence[str], what: str, mend: str) -> None:
    """Run ``argv``, no shell between, with the terminal for itself. ``what`` it is and what ``mend``s are for errors.

    Raises:
        FleetError: it does not start, it failed, or this terminal cannot be handed over.
    """
    try:
        with app.suspend():
            process = await asyncio.create_subprocess_exec(*argv)
            code = await process.wait()
    except SuspendNotSupported as error:
        raise FleetError("this terminal cannot be handed over", f"{what} {Path(argv[0]).name}", mend) from error
    except OSError as error:
        raise FleetError(f"{what} does not start", f"{argv[0]}: {error.strerror}", mend) from error
    if code:
        raise FleetError(f"{what} failed", f"{argv[0]} ended with {code}", mend)
