"""Where a trial's fleet lives, and its end: in order, by a signal, or by whoever finds it when its trial was killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import psutil

from fleet_tui.paths import FleetPaths
from fleet_tui.tmux import proctree

_PLACES = Path("/tmp")
_PREFIX, _MARKER = "flk-", "trial.json"
_PASSES = 20
ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextlib.contextmanager
def opened() -> Iterator[Path]:
    """A new place, marked as this process's. Its processes are ended at last; :func:`keep` keeps its files."""
    place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_PLACES)).resolve()
    (place / _MARKER).write_text(json.dumps({"pid": os.getpid(), "identity": proctree.identity(os.getpid())}))
    try:
        yield place
    finally:
        _clear(place)


def keep(place: Path) -> None:
    """Leave the files there for people to look at."""
    (place / _MARKER).unlink(missing_ok=True)


def clear_abandoned() -> list[Path]:
    """End the fleets of trials that were killed, and remove what they left; which places that were.

    Only what a trial marked as its own, and only when that trial is dead.
    """
    found = [path.parent for path in _PLACES.glob(f"{_PREFIX}*/{_MARKER}") if _is_ours(path)]
    abandoned = [place for place in found if not _is_in_use(place)]
    for place in abandoned:
        _clear(place)
    return abandoned


def end_on_signals() -> None:
    """From now on a request to end this process unwinds it, so that what it opened is cleaned up."""

    def end(number: int, _frame: FrameType | None) -> None:
        for other in ENDS:
            signal.signal(other, signal.SIG_IGN)  # once is enough
        raise SystemExit(128 + number)

    for number in ENDS:
        signal.signal(number, end)


def belonging(place: Path) -> list[psutil.Process]:
    """Living processes of the fleet there, by what they were started with; never this one and its parent."""
    wanted = str(place)
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid in (os.getpid(), os.getppid()) or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if any(wanted in word for word in (*process.cmdline(), *process.environ().values())):
                found.append(process)
    return found


def _is_ours(marker: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):  # its trial ends just now
        return marker.stat().st_uid == os.getuid()
    return False


def _is_in_use(place: Path) -> bool:
    try:
        owner = json.loads((place / _MARKER).read_text())
        return bool(proctree.identity(owner["pid"]) == owner["identity"])
    except (OSError, ValueError, KeyError, TypeError):
        return True  # just being made, or just being removed


def _clear(place: Path) -> None:
    # A tmux server shows nothing of the place it belongs to, but its socket's name does.
    socket = FleetPaths.of(place / "textkit").tmux_socket_name
    for _ in range(_PASSES):  # a supervisor may start another watcher between the look and the kill
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["tmux", "-L", socket, "kill-server"], capture_output=True, timeout=60, check=False)
        left = belonging(place)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if not left:
            break
        psutil.wait_procs(left, timeout=2)
    if (place / _MARKER).exists():
        shutil.rmtree(place, ignore_errors=True)
