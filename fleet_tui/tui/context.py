"""What the room is given from outside: where things are, how it looks, which clock it reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_tui.readmodel.bell import Which
from fleet_tui.tui.clipboard import Way
from fleet_tui.tui.governor import Tier
from fleet_tui.tui.last_picture import LastPicture
from fleet_tui.tui.notices import Protocol
from fleet_tui.tui.replay import Replay
from fleet_tui.tui.theme import Look

if TYPE_CHECKING:
    from fleet_tui.settings.alarms import AlarmSettings


@dataclass(frozen=True, slots=True)
class RoomContext:
    """``clock`` is UTC nanoseconds. ``live`` is off where no tmux is wanted. ``start`` are the words of the shell line
    that starts the watcher."""

    database: Path
    operator_socket: Path
    tmux_socket_name: str
    look: Look
    repository: str = ""
    keymap: Mapping[str, str] = field(default_factory=dict)
    hold_s: int = 10
    live: bool = True
    link: Tier | None = None
    """What the way to the terminal is taken for; None: it is measured."""
    config_files: Callable[[], Mapping[str, Path]] = dict
    """The configuration files that a person may edit from the room now, by the names that problems call them."""
    start: tuple[str, ...] = ("fleet", "up")
    program: tuple[str, ...] = ("fleet",)
    """The words with which a shell line about this fleet begins, from any directory."""
    copy_to: tuple[Way, ...] = ()
    """The ways of what is copied."""
    saved: Path | None = None
    """The directory of what a person has the room write down; None: nothing is written."""
    alarms: Mapping[str, AlarmSettings] = field(default_factory=dict)
    """What each rule's alarms mean."""
    bell: Which = "urgent"
    """What rings the terminal's bell."""
    notify: Protocol = "off"
    """How notices go out of the terminal while nobody looks."""
    readonly: bool = False
    """Opened to look only: nothing can be done in it."""
    demo: bool = False
    """A demo's own room: when it is left, the demo ends, and all of it is removed."""
    remembered: Path | None = None
    """The file that keeps what a person set in the room for the next time."""
    last_picture: LastPicture | None = None
    """Where the wall is kept for the next start, and what is shown of it now."""
    replay: Replay | None = None
    """Set where the room shows a recording: then nothing can be done, and the clock is the recording's."""
    clock: Callable[[], int] = time.time_ns
