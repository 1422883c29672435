"""The player's terminal: raw mode, the alternate screen, painting of changed rows, and waiting for keys."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from fleet_tui.domain.errors import UsageError
from fleet_tui.vendors.drawing import Line, Picture, rows_of
from fleet_tui.vendors.keys import InputBox, Key, KeyDecoder

_ENTER = "\x1b[?1049h\x1b[?2004h\x1b[2J\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?2004l\x1b[?1049l"
_HISTORY = 400
"""Paragraphs of the transcript that are kept."""
_ESCAPE_S = 0.05


class Interrupted(Exception):
    """The person at the pane stopped the turn."""


class Terminal:
    """The screen and the keyboard. ``messages`` are texts submitted and not yet taken."""

    def __init__(self, title: str) -> None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError("no terminal", "the player plays in a terminal only", "run it in a tmux pane")
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._title = title
        self._transcript: deque[Line] = deque(maxlen=_HISTORY)
        self._box = InputBox()
        self._decoder = KeyDecoder()
        self._painted: list[str] = []
        self._escaped = False
        self._leave_asked = False
        self.messages: deque[str] = deque()
        self.status = ""
        self.footer = ""

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Take over the terminal; it is given back whatever happens."""
        before = termios.tcgetattr(self._in)
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        self._wake = wake_read
        try:
            tty.setraw(self._in)
            # A signal must end a wait, so that a new size is drawn at once.
            signal.set_wakeup_fd(wake_write)
            signal.signal(signal.SIGWINCH, lambda *_: self._painted.clear())
            self.write(_ENTER)
            self.paint()
            yield
        finally:
            signal.set_wakeup_fd(-1)
            self.write(_LEAVE)
            termios.tcsetattr(self._in, termios.TCSADRAIN, before)
            os.close(wake_read)
            os.close(wake_write)

    def write(self, text: str) -> None:
        """Bytes for the terminal as they are."""
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(self._out, data) :]

    def add(self, text: str, style: str = "plain") -> None:
        """A paragraph at the end of the transcript."""
        self._transcript.append(Line(text, style))
        self.paint()

    def amend(self, text: str, style: str = "plain") -> None:
        """Put ``text`` in place of the last paragraph."""
        self._transcript.pop()
        self.add(text, style)

    def forget_screen(self) -> None:
        """Something else has written to the terminal: paint all of it again."""
        self._painted.clear()
        self.paint()

    def paint(self) -> None:
        """Write the rows that differ from what is on the screen."""
        width, height = os.get_terminal_size(self._out)
        picture = Picture(self._title, self._transcript, self.status, self._box.shown, self.footer)
        rows = rows_of(picture, max(12, width), max(6, height))
        if len(rows) != len(self._painted):
            self.write("\x1b[2J")
            self._painted = ["\0"] * len(rows)
        changed = [(number, row) for number, row in enumerate(rows) if row != self._painted[number]]
        self._painted = rows
        self.write("".join([f"\x1b[{number + 1};1H{row}\x1b[K" for number, row in changed]))

    def pump(self, wait_s: float, others: Sequence[int] = ()) -> list[int]:
        """Wait for keys or for one of the descriptors ``others``, handle the keys, and return the ready ones.

        Raises:
            Interrupted: Escape was pressed.
            SystemExit: Ctrl-C twice, or the terminal is gone.
        """
        ready, _, _ = select.select([self._in, self._wake, *others], [], [], wait_s)
        if self._wake in ready:
            os.read(self._wake, 512)
            self.paint()
        if self._in in ready:
            self._read_keys()
        if self._escaped:
            self._escaped = False
            raise Interrupted
        return [descriptor for descriptor in ready if descriptor in others]

    def until(self, done: Callable[[], bool], footer: str) -> None:
        """Handle keys until ``done()``; ``footer`` tells the person what is waited for."""
        before, self.footer = self.footer, footer
        self.paint()
        try:
            while not done():
                self.pump(60)
        finally:
            self.footer = before
            self.paint()

    def _read_keys(self) -> None:
        data = os.read(self._in, 65536)
        if not data:
            raise SystemExit(129)
        keys = self._decoder.feed(data)
        if data.endswith(b"\x1b") and not select.select([self._in], [], [], _ESCAPE_S)[0]:
            keys += self._decoder.flush()
        for key in keys:
            self._press(key)
        self.paint()

    def _press(self, key: Key) -> None:
        if key.name == "interrupt":
            if self._leave_asked:
                raise SystemExit(0)
            self.add("Press Ctrl-C again to exit", "dim")
        self._leave_asked = key.name == "interrupt"
        if key.name == "escape":
            self._escaped = True
            return
        submitted = self._box.press(key)
        if submitted is not None:
            self.messages.append(submitted)
