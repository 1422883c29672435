"""First process of a run's pane: starts the agent, meters, freezes and ends its whole tree, and says how it ended.

Run as ``python -I runner.py RUN_DIR`` (or ``-m fleet_tui.tmux.runner``). It uses the standard library and psutil only
and must outlive everything else: no thread, no blocking call, one ``select``.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

if not __package__:
    # Run by path from a checkout or an installation: an isolated interpreter does not look beside the script.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from fleet_tui.tmux import child, proctree, records, scope
from fleet_tui.tmux.control import ControlSocket
from fleet_tui.tmux.egress import Egress
from fleet_tui.tmux.memory import Memory
from fleet_tui.tmux.meter import Meter
from fleet_tui.tmux.taken_in import wait_until_taken_in

METER_EVERY_S = 5.0
REFREEZE_EVERY_S = 1.0
SWEEP_EVERY_S = 0.05
LEFTOVER_GRACE_S = 2.0
"""How long processes that outlive the child have between TERM and KILL, at most."""
UNKILLABLE_AFTER_S = 5.0

_OF_TERMINALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_REASONS = {signal.SIGHUP: "hangup", signal.SIGTERM: "terminated"}
_DEFAULTED = (*_OF_TERMINALS, *_REASONS)
_IGNORED = (*_OF_TERMINALS, signal.SIGPIPE)


class Runner:
    """One run's processes, from start to the last one's end. States: running, stopping, draining (child gone)."""

    def __init__(self, run_dir: Path, spec: records.RunSpec) -> None:
        self._dir = run_dir
        self._spec = spec
        self._meter = Meter()
        self._selector = selectors.DefaultSelector()
        self._egress = Egress(spec.proxy, {records.MARKER: spec.run})
        self._tree = proctree.Tree(os.getpid(), adopts=proctree.become_subreaper())
        self._child: int | None = None
        self._ended: int | None = None  # the child's wait status
        self._reason = ""
        self._state = "running"
        self._frozen = False
        self._spent = False  # stopped by itself at the limit of its run time
        self._memory = Memory(spec.memory_mb, scope.unit_of(spec.run))
        self._full = False  # stopped by itself at the ceiling of its memory
        self._kill_at = 0.0
        self._next_meter = 0.0
        self._next_freeze = 0.0

    def run(self) -> int:
        """Start the child and stay until nothing of it is left; the exit code to end with."""
        self._catch_signals()
        control = ControlSocket(self._dir / records.SOCKET, self._selector, self._handle)
        self._record()
        failure = self._start()
        if failure is None:
            self._record()
            survivors = self._loop()
            code = self._finish(survivors)
        else:
            code, reason = failure
            _write_exit(self._dir, records.ExitRecord(code, None, 0, reason, time.time_ns()))
        wait_until_taken_in()
        control.close()
        return code

    # -- start ---------------------------------------------------------------------------------------------------------

    def _catch_signals(self) -> None:
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        self._wake = (reader, writer)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        # The handlers do nothing: the wake-up bytes tell which signals came, outside of any half-done work.
        for number in (signal.SIGCHLD, proctree.HOLD_STILL, *_REASONS):
            signal.signal(number, lambda *_: None)
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._signalled(reader))

    def _signalled(self, reader: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in reader.recv(4096):
                if number in _REASONS:
                    self._stop(_REASONS[signal.Signals(number)])
                elif number == proctree.HOLD_STILL:
                    self._freeze()

    def _record(self) -> None:
        me = psutil.Process()
        record = {
            "pid": me.pid,
            "create_time": me.create_time(),
            "child_pid": self._child,
            "started_ns": time.time_ns(),
            "identity": proctree.identity(me.pid) or "",
        }
        records.write_json(self._dir / records.RUNNER, record)

    def _start(self) -> tuple[int, str] | None:
        env = {name: value for name, value in self._spec.env.items() if name not in {"TMUX", "TMUX_PANE"}}
        env |= {records.MARKER: self._spec.run} | self._egress.environment
        env.setdefault("TERM", os.environ.get("TERM", "dumb"))
        try:
            with contextlib.ExitStack() as files:
                stdin = files.enter_context(Path(self._spec.stdin_file).open("rb")) if self._spec.stdin_file else None
                self._meter.limit_ms = self._spec.limit_ms
                self._meter.resume()
                process = subprocess.Popen(
                    self._spec.argv,
                    stdin=stdin,
                    cwd=self._spec.cwd,
                    env=env,
                    pass_fds=self._egress.handles,
                    preexec_fn=child.prepare(os.getpid(), _DEFAULTED),  # this process has no threads
                )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            code = 127 if isinstance(error, FileNotFoundError) else 126
            print(f"fleet: cannot start {self._spec.argv[:1]}: {error}", file=sys.stderr)  # noqa: T201
            return code, f"start failed: {error}"
        self._child = process.pid
        process.returncode = 0  # reaped below with waitpid(-1), together with adopted orphans
        self._egress.watch(self._selector)
        return None

    # -- the loop ------------------------------------------------------------------------------------------------------

    def _loop(self) -> int:
        while True:
            for key, _ in self._selector.select(self._wait_s()):
                key.data()
            self._reap()
            now = time.monotonic()
            if self._state == "running" and now >= self._next_meter:
                self._persist_meter(now)
                self._wake_sandboxed()
            if self._state == "running" and not self._held and self._meter.at_limit:
                self._spent = True
                self._hold()
            if self._state == "running" and not self._held and self._memory.look(self._of_the_agent, now):
                self._full = True
                self._hold()
            if self._held and now >= self._next_freeze:
                self._tree.freeze()  # somebody outside may have continued one of them
                self._next_freeze = now + REFREEZE_EVERY_S
            if self._state != "running":
                survivors = self._advance_end(now)
                if survivors is not None:
                    return survivors

    def _of_the_agent(self) -> list[proctree.Process]:
        return [process for process in self._tree.members() if process.pid != self._egress.pid]

    def _wait_s(self) -> float:
        if self._state != "running":
            return SWEEP_EVERY_S
        due = min(self._next_meter, self._next_freeze if self._held else self._memory.due)
        wait_s = max(0.0, due - time.monotonic())
        left_s = self._meter.left_s()
        return wait_s if left_s is None else min(wait_s, left_s)

    @property
    def _held(self) -> bool:
        return self._frozen or self._spent or self._full

    def _persist_meter(self, now: float) -> None:
        self._next_meter = now + METER_EVERY_S
        if not self._tree.adopts:
            self._tree.members()  # remember them while their parents live
        if self._meter.idle and _spooled(self._dir):
            self._meter.idle = False  # it says something and nobody is there to hear it: it works
        with contextlib.suppress(OSError):
            data = {"active_ms": self._meter.active_ms, "at_ns": time.time_ns(), "frozen": self._frozen}
            records.write_json(self._dir / records.METER, data, durable=False)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid != self._child:
                self._egress.reaped(pid, status)
            elif os.WIFSTOPPED(status):
                self._child_stopped()
            else:
                self._child_ended(status)

    def _child_stopped(self) -> None:
        # Nobody but us could ever continue it: a Ctrl-Z typed into the pane must not leave the run wedged.
        if not self._held and self._child is not None:
            child.take_terminal(self._child)
            with contextlib.suppress(OSError):
                os.killpg(self._child, signal.SIGCONT)

    def _child_ended(self, status: int) -> None:
        self._meter.pause()
        self._memory.note_kills()
        self._ended = status
        self._egress.end()
        if self._state == "running":
            self._go_on()
            self._state = "draining"
            self._kill_at = time.monotonic() + min(self._spec.grace_s, LEFTOVER_GRACE_S)
            self._tree.signal(signal.SIGTERM)

    def _advance_end(self, now: float) -> int | None:
        # None: not over yet; otherwise how many processes remain that nothing can end.
        members = self._tree.members()
        if not members and self._ended is not None:
            self._reap()  # what a sandbox leaves behind: nobody shall see the run's end and still find it
            return 0
        if now >= self._kill_at:
            self._egress.end()
            proctree.send(members, signal.SIGKILL)
        return len(members) if now >= self._kill_at + UNKILLABLE_AFTER_S else None

    # -- control -------------------------------------------------------------------------------------------------------

    def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        op = request.get("op")
        if op == "status":
            return self._status()
        if op == "freeze":
            return self._freeze()
        if op == "thaw":
            was_frozen, self._frozen = self._frozen, False
            if was_frozen:
                self._release()
            return self._status()
        if op in ("meter", "memory"):
            return self._set_limits(request)
        if op == "stop":
            grace = request.get("grace_s", self._spec.grace_s)
            self._stop("stopped", float(grace) if isinstance(grace, int | float) else self._spec.grace_s)
            return self._status()
        return {"error": f"unknown op {op!r}"}

    def _status(self, reached: proctree.Sweep | None = None) -> dict[str, Any]:
        told = {
            "state": self._state,
            "active_ms": self._meter.active_ms,
            "frozen": self._frozen,
            "spent": self._spent,
            "idle": self._meter.idle,
            "limit_ms": self._meter.limit_ms,
            "child_pid": self._child,
            "full": self._full,
            "memory_mb": self._memory.used_mb,
            "memory_limit_mb": self._memory.limit_mb,
            "kills": self._memory.kills,
        }
        if reached is not None:
            return {**told, "processes": reached.processes, "complete": reached.complete}
        members = self._tree.members()
        return {**told, "processes": len(members), "cpu_s": proctree.cpu_s(members)}

    def _freeze(self) -> dict[str, Any]:
        if self._state != "running":
            return {"error": f"the run is {self._state}"}
        self._frozen = True
        return self._status(self._hold())

    def _hold(self) -> proctree.Sweep:
        self._meter.pause()
        reached = self._tree.freeze()
        self._next_freeze = time.monotonic() + REFREEZE_EVERY_S
        return reached

    def _release(self) -> None:
        if not self._held:
            self._tree.signal(signal.SIGCONT)
            if self._ended is None:
                self._meter.resume()

    def _go_on(self) -> None:
        """Whatever holds it: it is about to end."""
        if self._held:
            self._frozen = self._spent = self._full = False
            self._release()

    def _set_limits(self, request: dict[str, Any]) -> dict[str, Any]:
        """``limit_ms``, ``memory_mb``: there it stops by itself; ``idle``: it waits for a person, not counted."""
        if request["op"] == "memory":
            ceiling = request.get("memory_mb")
            self._memory.limit(ceiling if isinstance(ceiling, int) else None)
        else:
            limit = request.get("limit_ms")
            self._meter.limit_ms = limit if isinstance(limit, int) else None
            self._meter.idle = request.get("idle") is True
        was_held = self._held
        self._spent = self._spent and self._meter.at_limit
        self._full = self._full and self._memory.is_over
        if was_held:
            self._release()
        return self._status()

    def _stop(self, reason: str, grace_s: float | None = None) -> None:
        deadline = time.monotonic() + (self._spec.grace_s if grace_s is None else max(0.0, grace_s))
        if self._state == "running":
            self._reason = reason
            self._state = "stopping"
            self._kill_at = deadline
            self._ask_to_end()
            self._go_on()
            self._tree.signal(signal.SIGCONT)  # whoever stopped itself would sleep through the request
        else:
            self._kill_at = min(self._kill_at, deadline)

    def _ask_to_end(self) -> None:
        # The end of a sandbox's own processes would be the end of everything inside, without a word of warning.
        members = self._of_the_agent()
        inside = proctree.inside(members, self._child) if self._spec.sandboxed else members
        proctree.send(inside or members, signal.SIGTERM)

    def _wake_sandboxed(self) -> None:
        # Inside a sandbox nobody is told that the agent stopped itself; its own stopped jobs are its own business.
        if self._spec.sandboxed and not self._held and self._child is not None:
            members = self._tree.members()
            first = {process.pid for process in members if process.parent == self._child}
            proctree.wake(process for process in members if process.parent in first)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _finish(self, survivors: int) -> int:
        self._meter.pause()
        status = self._ended if self._ended is not None else signal.SIGKILL
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        code = None if number is not None else os.WEXITSTATUS(status)
        by_kernel = number == signal.SIGKILL and self._memory.kills > 0
        told = "killed by the kernel above the ceiling of its memory" if by_kernel else "signalled"
        reason = self._reason or ("exited" if number is None else told)
        _write_exit(
            self._dir, records.ExitRecord(code, number, self._meter.active_ms, reason, time.time_ns(), survivors)
        )
        return 128 + number if number is not None else (code or 0)


def _write_exit(run_dir: Path, record: records.ExitRecord) -> None:
    try:
        records.write_exit(run_dir, record)
    except OSError as error:
        print(f"fleet: cannot write {records.EXIT}: {error}", file=sys.stderr)  # noqa: T201


def _spooled(run_dir: Path) -> bool:
    with contextlib.suppress(OSError):
        return any((run_dir / "spool" / "new").iterdir())
    return False


def main(arguments: list[str]) -> int:
    """Run what ``RUN_DIR/spec.json`` says; the exit code is the child's, 128 + n for signal n, 64 for wrong use."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: runner.py RUN_DIR", file=sys.stderr)  # noqa: T201
        return 64
    run_dir = Path(arguments[0])
    try:
        return Runner(run_dir, records.read_spec(run_dir)).run()
    except Exception as error:  # whatever it is, the watcher must learn of it and nothing may stay behind
        print(f"fleet: the runner failed: {error!r}", file=sys.stderr)  # noqa: T201
        proctree.Tree(os.getpid(), adopts=True).signal(signal.SIGKILL)
        with contextlib.suppress(OSError):
            failed = records.ExitRecord(70, None, 0, f"start failed: {error}", time.time_ns())
            records.write_exit(run_dir, failed)
        return 70


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
