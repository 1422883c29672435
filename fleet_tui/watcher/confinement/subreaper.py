"""The first process of a command that the watcher runs (``python -I subreaper.py PROXY ARGV...``): sub-reaper of its
tree. PROXY is a JSON list: the command of the sandbox's proxy (see ``fleet_tui.tmux.egress``), empty without one.

A test suite is the code of a branch. Whatever it starts stays below this process, however it detaches it, and this
process stays below the watcher until nothing of it is left: so nothing outlives the command, and nothing of it can pass
for somebody else. Standard input is a socket to the watcher: how the command ended goes there as JSON, and its end
means to end the command at once. It uses the standard library and psutil only, and no thread.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if not __package__:
    # Run by path from a checkout or an installation: an isolated interpreter does not look beside the script.
    sys.path.append(str(Path(__file__).resolve().parents[3]))

from fleet_tui.tmux import proctree, records
from fleet_tui.tmux.egress import Egress

_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_SWEEP_S, _REMEMBER_S, _UNKILLABLE_AFTER_S = 0.02, 0.5, 5.0


def argv(proxy: Sequence[str] = ()) -> list[str]:
    """The words before a command that put it below a sub-reaper: this interpreter, isolated, on this file."""
    return [sys.executable, "-I", str(Path(__file__)), json.dumps(proxy)]


def main(proxy: Sequence[str], command: list[str]) -> int:
    """Run ``command`` to its end and that of everything it left behind; 0 when the watcher was told how it ended."""
    link = socket.socket(fileno=os.dup(0))  # the copy is closed in every program that is started
    tree = proctree.Tree(os.getpid(), adopts=proctree.become_subreaper())
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    woken = _wake_on_children()
    try:
        egress = Egress(proxy, {records.MARKER: os.environ.get(records.MARKER, "")})
        child = _start(command, egress)
    except OSError as error:
        return _tell(link, {"error": error.strerror})
    try:
        egress.take()
        status = _await(child, tree, link, woken, egress)
    finally:
        egress.end()
        _sweep(tree)
    return 1 if status is None else _tell(link, {"code": os.waitstatus_to_exitcode(status)})


def _wake_on_children() -> socket.socket:
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def _start(command: list[str], egress: Egress) -> int:
    me = os.getpid()

    def prepare() -> None:
        for number in _IGNORED:
            signal.signal(number, signal.SIG_DFL)
        proctree.die_with_parent()
        if os.getppid() != me:
            os._exit(1)  # it died before the kernel knew of our wish

    # In a session of its own: what a command sends to its own process group is not for us.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **egress.environment},
        pass_fds=egress.handles,
        start_new_session=True,
        preexec_fn=prepare,  # this process has no threads
    )
    process.returncode = 0  # reaped below, together with the adopted
    return process.pid


def _await(child: int, tree: proctree.Tree, link: socket.socket, woken: socket.socket, egress: Egress) -> int | None:
    """The child's wait status; None when the watcher wants it ended, or is gone."""
    while (status := _reap(child, egress)) is None:
        if not tree.adopts:
            tree.members()  # remember them while their parents live
        ready, _, _ = select.select([link, woken], [], [], None if tree.adopts else _REMEMBER_S)
        if link in ready:
            return None
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                woken.recv(4096)
    return status


def _reap(child: int, egress: Egress | None = None) -> int | None:
    """Take note of everybody who has ended; the wait status of ``child`` if it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == child:
                found = status
            elif egress is not None:
                egress.reaped(pid, status)
    return found


def _sweep(tree: proctree.Tree) -> None:
    """End all that is left."""
    deadline = time.monotonic() + _UNKILLABLE_AFTER_S
    while True:
        proctree.send(tree.members(), signal.SIGKILL)
        _reap(0)
        # A list of processes can miss one that forks meanwhile. That nobody is our child any more cannot be wrong.
        if (_is_childless() and (tree.adopts or not tree.members())) or time.monotonic() > deadline:
            return
        time.sleep(_SWEEP_S)


def _is_childless() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def _tell(link: socket.socket, outcome: dict[str, object]) -> int:
    try:
        link.sendall(json.dumps(outcome).encode())
    except OSError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
