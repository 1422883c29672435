"""What a runner's child does between its fork and its program: process group, terminal, its end with its parent."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable

from fleet_tui.tmux import proctree


def prepare(runner: int, defaulted: Iterable[signal.Signals]) -> Callable[[], None]:
    """For ``preexec_fn`` of a process without threads; ``defaulted`` are signals that the program has as usual."""

    def run() -> None:
        os.setpgid(0, 0)
        take_terminal(os.getpid())
        for number in defaulted:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        proctree.die_with_parent()
        if os.getppid() != runner:
            os._exit(1)  # it died before the kernel knew of our wish

    return run


def take_terminal(group: int) -> None:
    """Make ``group`` the one that the terminal belongs to. SIGTTOU must be ignored."""
    with contextlib.suppress(OSError):  # without a controlling terminal there is nothing to take
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
        try:
            os.tcsetpgrp(terminal, group)
        finally:
            os.close(terminal)
