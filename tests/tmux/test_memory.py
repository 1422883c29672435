"""What a run takes of memory is measured over all its processes, what they share once; at its ceiling it is held."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fleet_tui.tmux import memory, proctable, runner_client, scope
from fleet_tui.tmux.memory import MB, Memory, used
from fleet_tui.tmux.proctable import Process
from tests.tmux.tmux_support import PtyRun, python, until

SIZE_MB = 120
TAKES = """
import os, sys, time
held = b'x' * (int(sys.argv[1]) * 1_000_000)
open(sys.argv[2], 'w').close()
while True: time.sleep(0.01)
"""
SHARES = """
import os, sys, time
held = b'x' * (int(sys.argv[1]) * 1_000_000)
for _ in range(3):
    if os.fork() == 0: break
print('ready', flush=True)
time.sleep(100)
"""


@pytest.fixture
def sharing() -> Iterator[list[Process]]:
    """Four processes that share what one of them made, by copy on write."""
    argv = [sys.executable, "-I", "-c", SHARES, str(SIZE_MB)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        for _ in range(4):
            assert first.stdout.readline() == b"ready\n"
        table = proctable.look()
        family = [table[first.pid], *proctable.descendants(table, [first.pid])]
        yield family
        for process in family:
            os.kill(process.pid, 9)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is shared")
def test_what_processes_share_counts_once(sharing: list[Process]) -> None:
    resident = sum(psutil.Process(process.pid).memory_info().rss for process in sharing)
    assert len(sharing) == 4
    assert resident > 4 * SIZE_MB * MB, "each of them has it"
    assert SIZE_MB * MB <= used(sharing) < 2 * SIZE_MB * MB


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is shared")
@pytest.mark.parametrize(
    ("error", "shares_count"), [(FileNotFoundError, False), (PermissionError, True)], ids=["old kernel", "it hides"]
)
def test_where_shares_are_not_told_what_is_shared_counts_for_those_who_hide(
    sharing: list[Process], monkeypatch: pytest.MonkeyPatch, error: type[OSError], shares_count: bool
) -> None:
    read = proctable.read

    def refused(path: str, most: int = 1024) -> bytes:
        if path.endswith("smaps_rollup"):
            raise error(path)
        return read(path, most)

    with mapped(SIZE_MB) as holder:
        monkeypatch.setattr(proctable, "read", refused)
        assert (used([holder]) > SIZE_MB * MB) == shares_count


@contextlib.contextmanager
def mapped(size_mb: int) -> Iterator[Process]:
    """A process with so much of shared memory."""
    code = f"import mmap, sys\nheld = mmap.mmap(-1, {size_mb * MB})\nheld.write(b'x' * {size_mb * MB})\n"
    argv = [sys.executable, "-I", "-c", code + "print('ready', flush=True)\nsys.stdin.read()"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield proctable.look()[process.pid]
        process.kill()


def test_a_look_that_takes_long_does_not_put_off_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet_tui.tmux.memory.time.monotonic", lambda: 60.0)
    limited = Memory(100)
    limited.look(list, 20.0)
    assert limited.due == 70.0


def test_who_has_ended_takes_nothing() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert used([Process(gone.pid, os.getpid(), "R", 0.0)]) == 0


def test_it_looks_at_most_once_a_second_and_never_without_a_ceiling() -> None:
    looks: list[int] = []

    def members() -> list[Process]:
        looks.append(1)
        return []

    free, limited = Memory(), Memory(100)
    assert (free.due, free.look(members, 10.0), looks) == (math.inf, False, [])
    assert not limited.look(members, 10.0)
    assert not limited.look(members, 10.5)
    assert len(looks) == 1
    limited.limit(50)
    limited.look(members, 10.6)
    assert len(looks) == 2, "another ceiling is looked at at once"


async def test_a_run_is_held_at_its_ceiling_and_goes_on_with_a_higher_one(pty_run: PtyRun) -> None:
    """Nobody has to be there: the runner does it while the watcher is dead."""
    marker = pty_run.dir / "taken"
    pty_run.start("sh", "-c", '"$@" & wait', "sh", *python(TAKES), str(SIZE_MB), str(marker), memory_mb=SIZE_MB // 2)
    await pty_run.up()

    async def full() -> bool:
        return (await runner_client.status(pty_run.dir)).full

    await until(full, 40)
    held = await runner_client.status(pty_run.dir)
    assert held.memory_mb is not None
    assert held.memory_mb > SIZE_MB // 2 == held.memory_limit_mb
    assert not held.frozen
    below = psutil.Process(pty_run.pid).children(recursive=True)
    assert len(below) == 2
    await until(lambda: all(process.status() == psutil.STATUS_STOPPED for process in below), 40)
    thawed = await runner_client.thaw(pty_run.dir)
    assert thawed.full, "to thaw it is not to give it more memory"
    less = await runner_client.limit_memory(pty_run.dir, SIZE_MB // 2 + 1)
    assert less.full, "still not enough"
    more = await runner_client.limit_memory(pty_run.dir, 4 * SIZE_MB)
    assert not more.full
    await until(lambda: all(process.status() != psutil.STATUS_STOPPED for process in below), 40)
    await until(marker.exists, 40)
    await runner_client.freeze(pty_run.dir)
    assert (await runner_client.limit_memory(pty_run.dir, None)).frozen, "a higher ceiling thaws nobody else's"
    await runner_client.thaw(pty_run.dir)
    assert (await runner_client.limit_memory(pty_run.dir, 16)).memory_limit_mb == 16
    await until(full, 40)
    assert await runner_client.stop(pty_run.dir, grace_s=2) is not None, "what is held can be ended"


def test_whom_the_kernel_killed_is_told_also_when_its_scope_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "app.slice" / "fleet-run-1.scope"
    place.mkdir(parents=True)
    (place / "memory.events").write_text("low 0\nhigh 0\nmax 31\noom 2\noom_kill 2\n")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    read = Path.read_text

    def in_the_scope(path: Path, *how: Any) -> str:
        return "9:name=systemd:/\n0::/app.slice/fleet-run-1.scope\n" if path.name == "cgroup" else read(path, *how)

    monkeypatch.setattr(Path, "read_text", in_the_scope)
    me = [Process(os.getpid(), 1, "R", 0.0)]
    other, mine = Memory(10_000, "fleet-run-2"), Memory(10_000, "fleet-run-1")
    for one in (other, mine):
        one.look(lambda: me, 1.0)
    assert (other.kills, mine.kills) == (0, 2)
    (place / "memory.events").write_text("oom_kill 3\n")
    mine.note_kills()
    (place / "memory.events").unlink()
    mine.note_kills()
    assert mine.kills == 3


# -- by the kernel too -------------------------------------------------------------------------------------------------

PRETENDS = """#!/bin/sh
echo "$@" >> "$0.said"
while [ "$1" != "--" ]; do shift; done
shift
exec "$@"
"""


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemd-run that starts what it is given and writes down how it was asked; returns where."""
    program = tmp_path / "systemd-run"
    program.write_text(PRETENDS)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "systemd-run.said"


def test_in_a_scope_it_is_the_same_process_and_keeps_nothing_of_the_way_there(
    systemd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    show = "echo $$; env | sort"
    own = {"PATH": os.environ["PATH"], "MINE": "1"}
    argv, lent = scope.wrapped(("sh", "-c", show), "fleet-run-1", 200, own)
    assert lent == {"XDG_RUNTIME_DIR": "/run/user/1"}
    with subprocess.Popen(argv, env=own | lent, stdout=subprocess.PIPE, text=True) as started:
        said, _ = started.communicate(timeout=30)
    lines = said.splitlines()
    assert int(lines[0]) == started.pid
    assert "MINE=1" in lines
    assert not [line for line in lines if line.startswith("XDG_RUNTIME_DIR")]
    asked = systemd.read_text()
    assert "--scope" in asked
    assert "--unit=fleet-run-1 -p MemoryMax=264M -p MemorySwapMax=0" in asked


def test_a_trial_tells_why_the_kernel_does_not_hold_them(systemd: Path) -> None:
    assert scope.problem() == "no cgroup v2", "it answered, but its trial stood in no scope"
    systemd.with_suffix("").write_text("#!/bin/sh\necho No bus here >&2; exit 1\n")
    assert scope.problem() == "systemd-run: No bus here"


@pytest.mark.parametrize(("ceiling", "kernel"), [(100, 164), (200, 264), (1000, 1250)])
def test_the_kernel_steps_in_above_the_ceiling(ceiling: int, kernel: int) -> None:
    assert scope.kernel_mb(ceiling) == kernel
