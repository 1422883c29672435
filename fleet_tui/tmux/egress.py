"""The proxy process of a sandbox without a network of its own: the only way out of it.

The sandbox makes the proxy's listening socket in its own network namespace, before anything else runs in it, and hands
it out: nobody else can reach the proxy, and the sandbox reaches nothing else. A runner imports this: standard library.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence

from fleet_tui.tmux import proctree

HANDLE = "FLEET_NETWORK_FD"
"""Tells a sandbox, in its environment, where to hand its listening socket out; gone before the command runs."""
_MOST_STARTS = 10
_LIMIT_S = 10.0


class Egress:
    """One sandbox's proxy: ``argv`` and behind it the number of the listening socket; without ``argv`` there is none.

    The sandbox is started with :attr:`environment` and :attr:`handles`; then :meth:`take`, or :meth:`watch` to have
    that done by a selector. Whoever uses this has no threads, and reaps the proxy with its other children.
    """

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        self._argv = argv
        self._own_environment = environment
        self._starts = 0
        self._listener: int | None = None
        self.pid: int | None = None
        if argv:
            self._ours, self._theirs = socket.socketpair()
            self._ours.settimeout(_LIMIT_S)

    @property
    def handles(self) -> tuple[int, ...]:
        """The file descriptors that the sandbox's first process gets."""
        return (self._theirs.fileno(),) if self._argv else ()

    @property
    def environment(self) -> dict[str, str]:
        """What it is told about them."""
        return {HANDLE: str(self._theirs.fileno())} if self._argv else {}

    def watch(self, selector: selectors.BaseSelector) -> None:
        """The sandbox has been started: take over what it hands out as soon as it does."""
        if self._argv:
            self._theirs.close()
            selector.register(self._ours, selectors.EVENT_READ, lambda: self._taken(selector))

    def _taken(self, selector: selectors.BaseSelector) -> None:
        selector.unregister(self._ours)
        self._take()

    def take(self) -> None:
        """The sandbox has been started: wait for what it hands out. Nothing comes when it ended before."""
        if self._argv:
            self._theirs.close()
            self._take()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            _, handles, _, _ = socket.recv_fds(self._ours, 1, 1)
            for handle in handles:
                os.set_inheritable(handle, False)
                self._listener = handle
        self._ours.close()
        self._start()

    def reaped(self, pid: int, status: int) -> None:
        """This was said of a child. Has the proxy ended, another takes its place; who connects meanwhile waits."""
        if pid == self.pid and not os.WIFSTOPPED(status):
            self.pid = None
            self._start()

    def _start(self) -> None:
        if self._listener is None or self._starts >= _MOST_STARTS:
            return
        self._starts += 1
        me = os.getpid()
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            process = subprocess.Popen(
                [*self._argv, str(self._listener)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.defpath, **self._own_environment},
                pass_fds=(self._listener,),
                start_new_session=True,  # a Ctrl-C is not for it
                preexec_fn=lambda: _prepare(me),
            )
            self.pid = process.pid
            process.returncode = 0

    def end(self) -> None:
        """End it for good."""
        if self._listener is not None:
            os.close(self._listener)
            self._listener = None
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _prepare(parent: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    proctree.die_with_parent()
    if os.getppid() != parent:
        os._exit(1)  # it died before the kernel knew of our wish
