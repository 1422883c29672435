"""The lock: one holder, freed by the kernel, whatever stands in the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fleet_tui.watcher.lock import AlreadyRunning, WatcherLock, is_locked, read_holder

CONTENDER = """
import sys
from pathlib import Path
from fleet_tui.watcher.lock import AlreadyRunning, WatcherLock
sys.stdin.readline()
try:
    WatcherLock(Path(sys.argv[1])).acquire()
    print("won", flush=True)
except AlreadyRunning as error:
    print("lost " + error.message, flush=True)
sys.stdin.readline()
"""


def contender(path: Path) -> subprocess.Popen[str]:
    """A process that takes the lock at the first line it reads and ends at the second."""
    return subprocess.Popen(
        [sys.executable, "-c", CONTENDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_of_twenty_processes_one_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "watcher.lock"
    processes = [contender(path) for _ in range(20)]
    for process in processes:
        say(process)
    said = [heard(process) for process in processes]
    winners = [process for process, word in zip(processes, said, strict=True) if word == "won"]
    assert len(winners) == 1
    assert {word for word in said if word != "won"} <= {
        f"lost pid {winners[0].pid} on {read_holder(path)['host']} since {read_holder(path)['since']}",
        "lost pid ? on ? since ?",
    }
    for process in processes:
        process.communicate("\n", timeout=60)
    assert not is_locked(path)


def test_kill_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "watcher.lock"
    holder = contender(path)
    say(holder)
    assert heard(holder) == "won"
    assert is_locked(path)
    holder.kill()
    holder.communicate()
    assert not is_locked(path)
    assert read_holder(path)["pid"] == holder.pid
    with WatcherLock(path):
        assert read_holder(path)["pid"] == os.getpid()
        assert is_locked(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(json.dumps({"pid": os.getpid()}), id="a living pid"),
        json.dumps({"pid": 1, "host": "elsewhere", "since": "never"}),
        "[1, 2]",
        "\0\1\2",
        "",
        "x" * 100_000,
    ],
)
def test_content_means_nothing_while_it_is_free(tmp_path: Path, content: str) -> None:
    path = tmp_path / "watcher.lock"
    path.write_text(content)
    assert not is_locked(path)
    with WatcherLock(path):
        assert read_holder(path)["pid"] == os.getpid()
    assert path.stat().st_size < 200


def test_children_do_not_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "watcher.lock"
    lock = WatcherLock(path)
    lock.acquire()
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    lock.release()
    lock.release()
    try:
        assert not is_locked(path)
    finally:
        child.kill()
        child.wait()


def test_file_is_private_and_no_link_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "watcher.lock"
    with WatcherLock(path):
        assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="symbolic"):
        WatcherLock(tmp_path / "link").acquire()


def test_looking_at_it_does_not_take_it_from_anybody(tmp_path: Path) -> None:
    path = tmp_path / "watcher.lock"
    path.touch()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            is_locked(path)

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(60):
            with WatcherLock(path):
                pass
    finally:
        over.set()
        for looker in lookers:
            looker.join()


def test_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "watcher.lock"
    with WatcherLock(path), pytest.raises(AlreadyRunning) as refused:
        WatcherLock(path).acquire()
    assert f"pid {os.getpid()}" in refused.value.message
    assert "fleet watcher stop" in refused.value.hint


def test_missing_file_is_not_locked(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "none")
    assert read_holder(tmp_path / "none") == {}
