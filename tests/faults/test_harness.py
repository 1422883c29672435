"""The harness leaves no fleet behind, however it is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults import places

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
AT_WORK = 4
"""Supervisor, watcher, a runner and its agent."""


def until(condition: Callable[[], object], limit_s: float = 90.0) -> None:
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, f"not within {limit_s} s"
        time.sleep(0.05)


def place_of(pid: int) -> Path | None:
    for marker in Path("/tmp").glob("flk-*/trial.json"):
        try:
            if json.loads(marker.read_text())["pid"] == pid:
                return marker.parent
        except (OSError, ValueError):
            continue
    return None


@pytest.fixture
def trial() -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A trial whose fleet is at work, and its place."""
    argv = [sys.executable, "-m", "tests.faults.trial", "none", "--speed", "1"]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: place_of(process.pid))
        place = place_of(process.pid)
        assert place is not None
        until(lambda: len(places.belonging(place)) >= AT_WORK)
        yield process, place
    finally:
        process.kill()
        process.wait()
        places.clear_abandoned()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_trial_that_is_asked_to_end_takes_its_fleet_along(
    trial: tuple[subprocess.Popen[bytes], Path], number: signal.Signals
) -> None:
    process, place = trial
    process.send_signal(number)
    assert process.wait(90) == 128 + number
    assert places.belonging(place) == []
    assert not place.exists()


def test_the_fleet_of_a_killed_trial_is_found_and_that_of_a_living_one_left_alone(
    trial: tuple[subprocess.Popen[bytes], Path],
) -> None:
    process, place = trial
    assert place not in places.clear_abandoned()
    assert place.exists()
    process.kill()
    process.wait()
    places.clear_abandoned()
    # Another worker's tests clear up too, and may have been first.
    until(lambda: not place.exists())
    assert places.belonging(place) == []


def test_a_series_that_is_asked_to_end_ends_its_trial_in_order() -> None:
    argv = [sys.executable, "-m", "tests.faults", "--victim", "agent", "--trials", "1", "--speed", "1"]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: any(place_of(child.pid) for child in psutil.Process(process.pid).children()))
        place = next(filter(None, (place_of(child.pid) for child in psutil.Process(process.pid).children())))
        until(lambda: len(places.belonging(place)) >= AT_WORK)
        process.terminate()
        assert process.wait(90) == 128 + signal.SIGTERM
        assert places.belonging(place) == []
        assert not place.exists()
    finally:
        process.kill()
        process.wait()


def test_only_what_a_trial_marked_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_PLACES", tmp_path)
    kept, dead = tmp_path / "flk-kept", tmp_path / "flk-dead"
    for place in (kept, dead):
        place.mkdir()
    (dead / "trial.json").write_text(json.dumps({"pid": os.getpid(), "identity": "another life"}))
    assert places.clear_abandoned() == [dead]
    assert (kept.exists(), dead.exists()) == (True, False)
