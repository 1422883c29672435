"""Opening the room: environment before Textual is imported, signals, and terminals that cannot show one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, TextIO

from fleet_tui.domain.errors import FleetError

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp
    from fleet_tui.tui.context import RoomContext

_PARENT_CHECK_S = 1.0
EXIT_HUNG_UP = 129


def prepare_environment(environ: MutableMapping[str, str]) -> None:
    """Textual reads these once, when it is imported."""
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    environ.setdefault("TEXTUAL_FPS", "15" if over_ssh(environ) else "30")
    environ.setdefault("ESCDELAY", "50")


def over_ssh(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def can_show_a_room(environ: Mapping[str, str]) -> bool:
    """Whether this is a terminal with a cursor that can be moved. Textual draws on standard error."""
    return environ.get("TERM", "dumb") not in {"", "dumb", "unknown"} and all(
        stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    )


def terminal() -> TextIO | None:
    """What the room is drawn on; None where there can be none."""
    return sys.__stderr__ if can_show_a_room(os.environ) else None


def status(context: RoomContext) -> str:
    """What a room would show, as plain lines."""
    from fleet_tui.readmodel.queries import read_snapshot
    from fleet_tui.store.reader import Reader
    from fleet_tui.tui.present.status import status_text

    reader = Reader.open(context.database)
    try:
        return status_text(read_snapshot(reader, context.clock()), context.clock())
    finally:
        reader.close()


def run(context: RoomContext) -> int:
    """Show the room until the person leaves; the exit code.

    Raises:
        FleetError: the keymap is unusable.
    """
    from fleet_tui.tui.app import RoomApp
    from fleet_tui.tui.keys.keymap import problems

    found = problems(context.keymap)
    if found:
        raise FleetError("unusable key bindings", "; ".join(found[:5]), "mend ui.keymap in the configuration")
    app = RoomApp(context)
    with signals_end(app), watching_terminal(app):
        try:
            return app.run(mouse=not over_ssh(os.environ)) or 0
        except OSError:
            if not terminal_is_gone():
                raise
            return EXIT_HUNG_UP  # it was being drawn on


@contextlib.contextmanager
def signals_end(app: RoomApp) -> Iterator[None]:
    """HUP and TERM leave in an orderly way: Textual's defaults die without restoring the terminal."""

    def leave(number: int, frame: object) -> None:  # noqa: ARG001
        app.call_later(app.exit, 128 + number)

    previous = {number: signal.signal(number, leave) for number in (signal.SIGHUP, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def watching_terminal(app: RoomApp) -> Iterator[None]:
    """End when the terminal is gone even if SIGHUP never came (nohup, some shells): an orphan would spin for ever."""
    done = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(done, lambda: app.call_later(app.exit, EXIT_HUNG_UP)), name="terminal", daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        done.set()


def _watch(done: threading.Event, leave: Callable[[], object]) -> None:
    while not done.wait(_PARENT_CHECK_S):
        if terminal_is_gone():
            leave()
            # The driver can hang on writing to a dead terminal; nothing of ours is lost by leaving hard.
            if not done.wait(_PARENT_CHECK_S):
                os._exit(EXIT_HUNG_UP)


def terminal_is_gone() -> bool:
    """Whether standard input has lost its terminal."""
    try:
        os.tcgetpgrp(sys.__stdin__.fileno() if sys.__stdin__ else 0)
    except OSError:
        return True
    return os.getppid() == 1 and not os.isatty(0)


__all__ = ["can_show_a_room", "prepare_environment", "run", "status"]
