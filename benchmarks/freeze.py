"""How long it takes from quarantine to a whole process tree frozen, as a ratio to a plain loop in the same run.

``python benchmarks/freeze.py [ROUNDS]``: trees of 5, 50 and 500 processes below a real runner, every fifth of them
daemonised. Quarantine is what the watcher does: the event durably in the log, then the runner asked, which finds the
tree, stops it and looks again until nothing runs. The plain loop is told every pid, sends SIGSTOP to each and waits for
the kernel to say so; it would miss whatever is forked meanwhile. (The runner's own child comes on top: the runner lets
it go on when somebody else stops it.)
"""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fleet_tui.domain.events import AgentQuarantined, draft
from fleet_tui.store.store import Store
from fleet_tui.tmux import runner_client
from fleet_tui.tmux.records import RunSpec, write_spec

SIZES = (5, 50, 500)
TREE = """
import os, signal, sys
size, ready = int(sys.argv[1]), sys.argv[2]
reading, writing = os.pipe()
for number in range(size):
    if os.fork() == 0:
        if number % 5 == 0:  # leaves its parent and its session
            os.setsid()
            if os.fork():
                os._exit(0)
        os.write(writing, b"%d\\n" % os.getpid())
        while True:
            signal.pause()
lines = os.fdopen(reading)
pids = [int(lines.readline()) for _ in range(size)]
with open(ready + ".tmp", "w") as file:
    file.write(" ".join(map(str, pids)))
os.rename(ready + ".tmp", ready)
while True:
    signal.pause()
"""


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def until(done: Callable[[], bool], limit_s: float = 60.0) -> None:
    end_s = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > end_s:
            raise TimeoutError("the tree is not there, or does not stop")
        time.sleep(0.0005)


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


async def took_ms(act: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await act()
    return (time.perf_counter() - started) * 1e3


async def measure(place: Path, store: Store, size: int, rounds: int) -> tuple[float, float, float, int]:
    """Medians in milliseconds: quarantine, the freeze in it, the plain loop on the same tree; and how often the runner
    had to be asked again because it could not be sure within its second."""
    again = 0
    run_dir, ready = place / f"run-{size}", place / f"ready-{size}"
    run_dir.mkdir()
    argv = (sys.executable, "-I", "-S", "-c", TREE, str(size), str(ready))
    write_spec(run_dir, RunSpec(f"run-{size}", argv, str(place), {"PATH": os.environ["PATH"]}))
    screen, terminal = pty.openpty()
    runner = await asyncio.create_subprocess_exec(
        *runner_client.runner_argv(run_dir), stdin=terminal, stdout=terminal, stderr=terminal
    )
    try:
        until(ready.exists)
        pids = [int(word) for word in ready.read_text().split()]

        async def quarantine() -> None:
            contained = draft(AgentQuarantined("dev", "a benchmark", "operator", 1, None), "agent:dev")
            await store.record(contained)
            times[2].append(await took_ms(freeze))

        async def freeze() -> None:
            nonlocal again
            while not (await runner_client.freeze(run_dir)).complete:
                again += 1  # as the watcher's passes do
            assert all(map(is_stopped, pids)), "the kernel does not agree"

        async def plain_loop() -> None:
            signal_all(pids, signal.SIGSTOP)
            until(lambda: all(map(is_stopped, pids)))

        times: tuple[list[float], list[float], list[float]] = ([], [], [])
        for _ in range(rounds):
            times[0].append(await took_ms(quarantine))
            await runner_client.thaw(run_dir)
            until(lambda: not any(map(is_stopped, pids)))
            times[1].append(await took_ms(plain_loop))
            signal_all(pids, signal.SIGCONT)
            until(lambda: not any(map(is_stopped, pids)))
        whole, plain, freezing = map(statistics.median, times)
        return whole, freezing, plain, again
    finally:
        await runner_client.stop(run_dir, grace_s=0)
        await runner.wait()
        os.close(screen)
        os.close(terminal)


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="fl") as name:
        place = Path(name)
        store = Store.open(place / "fleet.db", host="h", blobs=place)
        try:
            for size in SIZES:
                whole, freezing, plain, again = await measure(place, store, size, rounds)
                print(
                    f"{size:4} processes: frozen after {whole:7.1f} ms ({whole / plain:5.1f} x the plain loop), "
                    f"the freeze alone {freezing:7.1f} ms ({freezing / plain:5.1f} x), plain loop {plain:6.1f} ms, "
                    f"asked again {again} times"
                )
        finally:
            store.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
