"""Starting and ending watcher processes from outside: daemon, supervisor, stop."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from fleet_tui.bus import operator
from fleet_tui.domain.errors import FleetError, SetupError, UsageError, WatcherUnavailable
from fleet_tui.domain.text import clean
from fleet_tui.paths import FleetPaths
from fleet_tui.store.filesystem import refuse_full
from fleet_tui.tmux.runner_client import runner_alive
from fleet_tui.watcher.lock import WatcherLock, is_locked, living_holder, read_holder

log = logging.getLogger(__name__)
_START_S = 30.0
_LOOK_S = 0.05
_MOST_STARTS, _START_WINDOW_S = 5, 60.0
_FINAL = frozenset({0, UsageError.exit_code, SetupError.exit_code})
"""Exit codes of a watcher that was told to leave, or met what a repeat would meet again."""
_LOG_BYTES, _LOG_FILES = 2_000_000, 5


def configure_logging(paths: FleetPaths, *, foreground: bool) -> None:
    """Structured lines into the state directory, rotated; also to stderr in the foreground."""
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            paths.log_file, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8"
        )
    ]
    if foreground:
        handlers.append(logging.StreamHandler())
    form = "%(asctime)s.%(msecs)03dZ level=%(levelname)s logger=%(name)s pid=%(process)d msg=%(message)s"
    formatter = _OnlyText(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)


class _OnlyText(logging.Formatter):
    """What came from outside steers no terminal that shows the log, and begins no line of it."""

    def format(self, record: logging.LogRecord) -> str:
        return clean(super().format(record)).replace("\n", "\n    ")


def argv(paths: FleetPaths, *words: str) -> list[str]:
    """The command that runs this installation's watcher on this fleet's repository."""
    return [sys.executable, "-m", "fleet_tui", "watcher", "run", "--repo", str(paths.repository), *words]


def start(paths: FleetPaths, *, supervised: bool = True) -> bool:
    """Start the watcher in the background and wait until it answers; False when one was running already.

    Raises:
        FleetError: it did not come up; the message carries what it said.
    """
    paths.create()
    if is_running(paths):
        return False
    refuse_full(paths.state)
    errors = paths.state / "watcher.err"
    words = ["--supervised"] if supervised else []
    with errors.open("wb") as sink:
        process = subprocess.Popen(
            argv(paths, *words),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd="/",
            start_new_session=True,
            close_fds=True,
        )
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if answers(paths):
            return True
        if process.poll() is not None and not is_locked(paths.lock) and not is_locked(_supervisor_lock(paths)):
            break
        time.sleep(_LOOK_S)
    refuse_full(paths.state)  # then neither this file nor the log tells
    raise _not_started(errors.read_text(encoding="utf-8", errors="replace").strip()[-2000:], paths)


def _not_started(said: str, paths: FleetPaths) -> FleetError:
    """The error of a watcher that ended with these words, which are an error of ours or a traceback."""
    message, _, hint = said.removeprefix("fleet: ").partition("\n  try: ")
    return FleetError("the watcher did not start", message or "it said nothing", hint or f"see {paths.log_file}")


def is_running(paths: FleetPaths) -> bool:
    """Whether some process holds the fleet's lock."""
    return is_locked(paths.lock)


def answers(paths: FleetPaths) -> bool:
    """Whether the watcher serves its socket."""
    try:
        operator.call(paths.operator_socket, "status", {}, time_limit_s=2)
    except FleetError:
        return False
    return True


def stop(paths: FleetPaths, *, with_agents: bool = False, time_limit_s: float = 90.0) -> bool:
    """End the watcher in order and wait for it; False when none was running.

    Raises:
        FleetError: it is still there after the time limit.
    """
    if not is_running(paths) and not (with_agents and _comes_back(paths)):
        return _stop_supervisor(paths, time_limit_s)
    is_asked = True
    try:
        operator.call(paths.operator_socket, "shutdown", {"with_agents": with_agents})
    except WatcherUnavailable:
        is_asked = False
    deadline = time.monotonic() + time_limit_s
    # The supervisor leaves after its watcher; a start that follows at once must not meet it.
    while is_running(paths) or is_locked(_supervisor_lock(paths)):
        # For a watcher that does not answer: its supervisor passes the signal on, and does not start it again.
        is_asked = is_asked or _ask_to_end(_supervisor_lock(paths)) or _ask_to_end(paths.lock)
        if time.monotonic() > deadline:
            raise FleetError(
                "the watcher does not stop", f"pid {read_holder(paths.lock).get('pid')}", f"see {paths.log_file}"
            )
        time.sleep(_LOOK_S)
    return True


def living_runs(paths: FleetPaths) -> list[str]:
    """The runs whose runner lives, whether or not a watcher looks after them."""
    runs = paths.run_dir("x").parent
    return sorted(one.name for one in runs.iterdir() if runner_alive(one)) if runs.is_dir() else []


def _ask_to_end(lock: Path) -> bool:
    """Signal who holds ``lock``; False when nobody is known to, such as before it has written itself down."""
    pid = living_holder(lock)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):  # it has just left
        os.kill(pid, signal.SIGTERM)
    return True


def _supervisor_lock(paths: FleetPaths) -> Path:
    return paths.state / "supervisor.lock"


def _comes_back(paths: FleetPaths) -> bool:
    """Wait for a watcher that its supervisor is about to start again: only a watcher can end agents in order."""
    deadline = time.monotonic() + _START_S
    while is_locked(_supervisor_lock(paths)) and time.monotonic() < deadline:
        if answers(paths):
            return True
        time.sleep(_LOOK_S)
    return False


def _stop_supervisor(paths: FleetPaths, time_limit_s: float) -> bool:
    """End a supervisor that is resting between two starts of a watcher that keeps dying; False when there is none."""
    lock = _supervisor_lock(paths)
    if not is_locked(lock):
        return False
    deadline, is_asked = time.monotonic() + time_limit_s, False
    while is_locked(lock):
        is_asked = is_asked or _ask_to_end(lock)
        if time.monotonic() > deadline:
            told = f"pid {read_holder(lock).get('pid')}"
            raise FleetError("the supervisor does not stop", told, f"see {paths.log_file}")
        time.sleep(_LOOK_S)
    return True


def supervise(repository: Path) -> int:
    """Run the watcher as a child and start it again when it dies or fails: with back-off, 5 starts a minute at most.

    Returns the exit code of the last one; 1 when it stays down.

    Raises:
        AlreadyRunning: it has a supervisor.
    """
    paths = FleetPaths.of(repository)
    with WatcherLock(_supervisor_lock(paths)):
        return _Supervisor(argv(paths)).run()


class _Supervisor:
    """Starts, waits, rests. TERM and INT go on to the watcher; in a rest they end the supervisor itself."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._asked_to_end = threading.Event()

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        starts: list[float] = []
        while not self._asked_to_end.is_set():
            now = time.monotonic()
            starts = [moment for moment in starts if moment > now - _START_WINDOW_S] + [now]
            self._child = subprocess.Popen(self._command)
            if self._asked_to_end.is_set():
                self._child.terminate()  # the signal came before we knew whom to pass it on to
            code = self._child.wait()
            if code in _FINAL or self._asked_to_end.is_set():
                return max(0, code)
            if len(starts) >= _MOST_STARTS:
                log.error("watcher %s; %d starts within a minute: staying down", _how_it_ended(code), _MOST_STARTS)
                return 1
            rest_s = min(2.0 ** (len(starts) - 1) * 0.2, 10)
            log.error("watcher %s; it is started again in %.1f s", _how_it_ended(code), rest_s)
            self._asked_to_end.wait(rest_s)
        return 0

    def _signalled(self, number: int, _frame: object) -> None:
        self._asked_to_end.set()
        if self._child is not None:
            self._child.send_signal(number)


def _how_it_ended(code: int) -> str:
    return f"died of signal {-code}" if code < 0 else f"ended with exit code {code}"
