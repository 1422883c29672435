"""The supervisor of a watcher that keeps dying: one at a time, it rests between starts, and it can be stopped then."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError, SetupError, UsageError
from fleet_tui.paths import FleetPaths
from fleet_tui.watcher import spawn
from fleet_tui.watcher.lock import is_locked, living_holder
from tests.watcher.watcher_support import configuration, make_repository

_SUPERVISE = """
import pathlib, sys
from fleet_tui.domain.errors import FleetError
from fleet_tui.watcher import spawn
spawn.argv = lambda paths, *words: ["sh", "-c", sys.argv[2]]
spawn._MOST_STARTS = int(sys.argv[3])
try:
    sys.exit(spawn.supervise(pathlib.Path(sys.argv[1])))
except FleetError as error:
    sys.exit(str(error))
"""
Supervise = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def paths(place: Path) -> FleetPaths:
    paths = FleetPaths.of(make_repository(place, configuration([])))
    paths.create()
    return paths


@pytest.fixture
def supervise(paths: FleetPaths) -> Iterator[Supervise]:
    """Starts supervisors whose watcher is a line of shell."""
    made: list[subprocess.Popen[str]] = []

    def start(line: str, most_starts: int = 5) -> subprocess.Popen[str]:
        argv = [sys.executable, "-c", _SUPERVISE, str(paths.repository), line, str(most_starts)]
        made.append(subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, start_new_session=True))
        return made[-1]

    yield start
    for process in made:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its watcher too
        process.communicate(timeout=60)


def test_stop_reaches_a_supervisor_at_rest(paths: FleetPaths, supervise: Supervise) -> None:
    process = supervise("kill -9 $$", most_starts=1_000)
    _wait(lambda: is_locked(paths.state / "supervisor.lock"))
    assert spawn.stop(paths)
    assert process.wait(60) in (0, -signal.SIGTERM)  # the latter when it came before the handlers
    assert not spawn.stop(paths), "nobody is left"


def test_there_is_one_supervisor(paths: FleetPaths, supervise: Supervise) -> None:
    first = supervise("sleep 60")
    _wait(lambda: is_locked(paths.state / "supervisor.lock"))
    second = supervise("true")
    assert second.wait(60) == 1
    assert second.stderr is not None
    assert f"pid {first.pid}" in second.stderr.read()


@pytest.mark.parametrize(("end", "how"), [("kill -9 $$", "died of signal 9"), ("exit 1", "ended with exit code 1")])
def test_it_stays_down_after_five_starts(supervise: Supervise, place: Path, end: str, how: str) -> None:
    process = supervise(f"echo >>{place}/starts; {end}")
    assert process.wait(60) == 1
    assert (place / "starts").read_text().count("\n") == 5
    assert process.stderr is not None
    *lines, last = process.stderr.read().splitlines()
    assert [line for line in lines if how not in line] == []
    assert "5 starts within a minute: staying down" in last


@pytest.mark.parametrize("code", [1, 3, 120])
def test_a_watcher_that_failed_is_started_again_and_the_log_says_so(
    supervise: Supervise, place: Path, code: int
) -> None:
    process = supervise(f"echo >>{place}/starts; test $(wc -l <{place}/starts) = 3 && exit 0; exit {code}")
    assert process.wait(60) == 0
    assert (place / "starts").read_text().count("\n") == 3
    assert process.stderr is not None
    first, second = process.stderr.read().splitlines()
    assert f"ended with exit code {code}" in first
    assert "again in 0.2 s" in first
    assert "again in 0.4 s" in second


def test_a_watcher_that_fails_while_it_is_asked_to_end_is_not_started_again(supervise: Supervise, place: Path) -> None:
    process = supervise(f"trap 'exit 1' TERM; echo >>{place}/starts; while :; do sleep 0.01; done")
    _wait(lambda: (place / "starts").exists())
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 1
    assert (place / "starts").read_text().count("\n") == 1


@pytest.mark.parametrize("code", [0, UsageError.exit_code, SetupError.exit_code])
def test_a_watcher_that_left_by_itself_is_not_started_again(supervise: Supervise, place: Path, code: int) -> None:
    process = supervise(f"echo >>{place}/starts; exit {code}")
    assert process.wait(60) == code
    assert (place / "starts").read_text().count("\n") == 1


def _wait(reached: Callable[[], bool], limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_start_that_fails_is_told_once_with_what_to_do(paths: FleetPaths) -> None:
    (paths.repository / ".fleet" / "config.yaml").write_text("version: 2\n")
    with pytest.raises(FleetError) as caught:
        spawn.start(paths)
    assert caught.value.title == "the watcher did not start"
    assert caught.value.message.startswith("the configuration has errors: ")
    assert caught.value.hint == "fleet config validate"


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the person's that has nothing to do with the fleet."""
    with subprocess.Popen(["sleep", "100"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("name", ["supervisor.lock", "watcher.lock"])
def test_nobody_is_signalled_for_a_number_that_an_earlier_holder_had(
    paths: FleetPaths, stranger: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The next holder has the lock, and comes to write itself down only once it was looked who that is."""
    lock = paths.state / name if name == "supervisor.lock" else paths.lock
    lock.write_text(json.dumps({"pid": stranger.pid, "identity": "boot:1", "host": "h", "since": "then"}))
    new = subprocess.Popen([sys.executable, "-c", _HOLD, str(lock)], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert new.stdout is not None
    assert new.stdin is not None
    new.stdout.readline()  # it has the lock

    def look(path: Path) -> int | None:
        found = living_holder(path)
        if path == lock:
            assert new.stdin is not None
            new.stdin.write(b"go on\n")
            new.stdin.flush()
            monkeypatch.undo()
        return found

    monkeypatch.setattr("fleet_tui.watcher.spawn.living_holder", look)
    try:
        assert spawn.stop(paths, time_limit_s=20)
        assert new.wait(10) == -signal.SIGTERM
    finally:
        new.kill()
        new.communicate()
    assert stranger.poll() is None


_HOLD = """
import fcntl, os, sys
from pathlib import Path
from fleet_tui.watcher import lock
holder, take = lock.WatcherLock(Path(sys.argv[1])), lock._lock_within
def taken(fd, patience_s):
    got = take(fd, patience_s)
    print("mine", flush=True)
    sys.stdin.readline()
    return got
lock._lock_within = taken
holder.acquire()
sys.stdin.readline()
"""


def test_who_leaves_before_the_signal_comes_is_no_error(paths: FleetPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    lock = paths.state / "supervisor.lock"
    lock.write_text(json.dumps({"pid": gone.pid}))
    looks = iter([True, True, True])  # it lets go of it as it ends
    monkeypatch.setattr("fleet_tui.watcher.lock.is_locked", lambda _path: next(looks, False))
    monkeypatch.setattr(spawn, "is_locked", lambda _path: next(looks, False))
    assert spawn._stop_supervisor(paths, 10)
