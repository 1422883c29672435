"""Waiting until tmux has read what was written to a pane: what it has not read when the pane's process ends is lost.

Standard library only: the runner imports it.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import time
import tty

LIMIT_S = 1.0
# A terminal answers in the order in which it reads: with the answer, everything before the question has been read.
_ASK, _ANSWER = b"\x1b[5n", b"\x1b[0n"


def wait_until_taken_in(limit_s: float = LIMIT_S) -> bool:
    """Whether the terminal of this process said within the limit that it has read everything.

    What waits to be read from the terminal is thrown away, so it must be nobody's any more. SIGTTOU has to be ignored.
    """
    if not os.environ.get("TMUX"):
        return False  # another terminal keeps what it was sent, and may not know the question
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.tcsetpgrp(terminal, os.getpgrp())
        tty.setraw(terminal, termios.TCSAFLUSH)
        return _asked(terminal, time.monotonic() + limit_s)
    except (OSError, termios.error):
        return False
    finally:
        os.close(terminal)


def _asked(terminal: int, deadline: float) -> bool:
    ask, said = _ASK, b""
    while (left_s := deadline - time.monotonic()) > 0:
        readable, writable, _ = select.select([terminal], [terminal] if ask else [], [], left_s)
        with contextlib.suppress(BlockingIOError):
            if writable:
                ask = ask[os.write(terminal, ask) :]
        if readable:
            part = os.read(terminal, 4096)
            said = said[-len(_ANSWER) :] + part
            if _ANSWER in said or not part:
                return bool(part)
    return False
