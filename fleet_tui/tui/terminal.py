"""The driver of the room's terminal: what Textual writes, squeezed, each frame in one piece, and how long it takes.

Where the terminal answers questions, a frame is followed by one (whether it can update in sync, which it has said
before) and has arrived when the answer has: queues on the way cannot hide how slow it is. Elsewhere the time counts
for which writing blocks.
"""

from __future__ import annotations

import os
import select
import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import IO

from textual.app import App
from textual.driver import Driver
from textual.message import Message

from fleet_tui.tui.squeeze import erases_in_colour, squeezed

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_ASK = "\x1b[?2026$p"
_AS_FOUND = "\x1b[0m\x1b[r\x1b[?6l\x1b[?1l\x1b>\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[=0u"
"""No colours, margins, origin mode, application keys, mouse reports, kitty keys: Textual sets what it wants itself."""
_PATIENCE_S = 5.0
_SMALL = 600
_LAST_WORD_S = 0.3
"""Wait so long for an open answer before the terminal is given back: a shell would take it for typing."""

Taken = Callable[[int, float], None]
"""Bytes, and for how many seconds they kept the way busy. Called from the writer's thread or the loop's."""


class Way:
    """What is known of the way to the terminal."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self.answers = False
        """Whether the terminal has answered a question."""
        self.wants_answer = False
        """Ask with the next frame."""
        self._asked: tuple[float, int] | None = None
        self._least_s = _PATIENCE_S
        self._small: deque[float] = deque(maxlen=8)
        self._missed = 0

    @property
    def is_open(self) -> bool:
        """Whether a frame is under way that has not arrived."""
        if self._asked is not None and time.monotonic() - self._asked[0] > _PATIENCE_S:
            self._missed += 1
            self.answers = self._missed < 3
            self._arrived(_PATIENCE_S)
        return self._asked is not None

    def question(self, size: int) -> str:
        """What to send behind a frame of ``size`` bytes."""
        if not (self.answers and self.wants_answer) or self._asked is not None:
            return ""
        self.wants_answer, self._asked = False, (time.monotonic(), size)
        return _ASK

    def answered(self, at_s: float) -> None:
        """An answer came, at this time of the monotonic clock."""
        self.answers = True
        if self._asked is not None:
            self._missed = 0
            self._arrived(at_s - self._asked[0])

    def _arrived(self, took_s: float) -> None:
        assert self._asked is not None
        # What a frame of hardly any bytes takes is the way itself, there and back, or a busy machine; what is longer
        # than that, the bytes took.
        size, self._asked = self._asked[1], None
        self._least_s = min(self._least_s, took_s)
        if size <= _SMALL:
            self._small.append(took_s)
        way_s = statistics.median(self._small) if len(self._small) >= 3 else self._least_s
        self._taken(size, max(0.0, took_s - way_s))

    def blocked(self, size: int, took_s: float) -> None:
        """Writing ``size`` bytes took so long."""
        if not self.answers:
            self._taken(size, took_s)


class TimedFile:
    """A text file whose writing is timed, piece by piece."""

    _PIECE = 4096

    def __init__(self, file: IO[str], way: Way) -> None:
        self._file, self._way = file, way
        self._held: list[str] = []

    def write(self, text: str) -> None:
        self._held.append(text)

    def flush(self) -> None:
        text, self._held = "".join(self._held), []
        for at in range(0, len(text), self._PIECE):
            started_s, piece = time.monotonic(), text[at : at + self._PIECE]
            self._file.write(piece)
            self._file.flush()
            self._way.blocked(len(piece.encode()), time.monotonic() - started_s)

    def fileno(self) -> int:
        return self._file.fileno()


def room_driver(base: type[Driver], way: Way) -> type[Driver]:
    """``base`` with the room's way of writing."""

    class RoomDriver(base):  # type: ignore[misc,valid-type]
        """A frame (between the marks of a synchronised update) is one write, so that it is never half on its way."""

        _held: list[str] | None = None
        _erase = erases_in_colour(os.environ)

        def start_application_mode(self) -> None:
            file = getattr(self, "_file", None)
            if file is not None and not isinstance(file, TimedFile):
                self._file = TimedFile(file, way)
            elif file is not None:  # back from another program, whatever it left behind
                file.write(_AS_FOUND)
                file.flush()
            super().start_application_mode()

        def stop_application_mode(self) -> None:
            way.wants_answer = False
            if way.is_open:
                select.select([self.fileno], [], [], _LAST_WORD_S)
            super().stop_application_mode()

        def write(self, data: str) -> None:
            if data == _BEGIN:
                self._held = [data]
                return
            if "\x1b[0" in data:
                data = squeezed(data, erase=self._erase)
            if self._held is None:
                super().write(data)
                return
            self._held.append(data)
            if data == _END:
                whole, self._held = "".join(self._held), None
                super().write(whole + way.question(len(whole.encode())))

    return RoomDriver


class TerminalApp(App[int]):
    """An app that writes through :func:`room_driver` and tells ``way`` of answers."""

    way: Way

    def get_driver_class(self) -> type[Driver]:
        return room_driver(super().get_driver_class(), self.way)

    def send(self, sequence: str) -> None:
        """Write one whole escape sequence, between frames."""
        if self._driver is not None:
            self._driver.write(sequence)

    def on_terminal_supports_synchronized_output(self, message: Message) -> None:
        """What the answer says is Textual's matter."""
        self.way.answered(message.time)
