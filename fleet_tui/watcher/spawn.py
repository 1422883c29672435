"""Starting and ending watcher processes from outside: daemon, supervisor, stop."""

from __future__ import annotations

import logging
import logging.handlers
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from fleet_tui.bus import operator
from fleet_tui.domain.errors import FleetError, WatcherUnavailable
from fleet_tui.paths import FleetPaths
from fleet_tui.watcher.lock import is_locked, read_holder

_START_S = 30.0
_LOOK_S = 0.05
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
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)


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
        if process.poll() is not None and not is_locked(paths.lock):
            break
        time.sleep(_LOOK_S)
    said = errors.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
    raise FleetError("the watcher did not start", said or "it said nothing", f"see {paths.log_file}")


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
    if not is_running(paths):
        return False
    try:
        operator.call(paths.operator_socket, "shutdown", {"with_agents": with_agents})
    except WatcherUnavailable:
        pid = read_holder(paths.lock).get("pid")
        if isinstance(pid, int) and is_running(paths):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + time_limit_s
    while is_running(paths):
        if time.monotonic() > deadline:
            raise FleetError(
                "the watcher does not stop", f"pid {read_holder(paths.lock).get('pid')}", f"see {paths.log_file}"
            )
        time.sleep(_LOOK_S)
    return True


def supervise(repository: Path) -> int:
    """Run the watcher as a child and start it again when it dies: with back-off, at most 5 times a minute."""
    paths = FleetPaths.of(repository)
    log = logging.getLogger(__name__)
    starts: list[float] = []
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _frame: object) -> None:
        if child is not None:
            child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    while True:
        starts = [moment for moment in starts if moment > time.monotonic() - 60] + [time.monotonic()]
        child = subprocess.Popen(argv(paths))
        code = child.wait()
        if code >= 0:
            return code  # it left by itself: done, or a problem that a repeat would not mend
        log.error("watcher died of signal %d", -code)
        if len(starts) >= 5:
            log.error("5 starts within a minute: staying down")
            return 1
        time.sleep(min(2.0 ** (len(starts) - 1) * 0.2, 10))
