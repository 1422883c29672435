"""What one call of the agents' client costs, as a ratio to a bare interpreter in the same run.

``python benchmarks/bus_client.py [CALLS]``: prints best and median times and ratios; hooks pay this all the time.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fleet_tui.bus.identity import Caller, Origin
from fleet_tui.bus.server import BusServer
from fleet_tui.bus.shim import client_argv


async def answer(_caller: Caller, _op: str, _args: dict[str, object], _id: str) -> dict[str, object]:
    return {"seq": 1}


def measure(argv: list[str], environment: dict[str, str], calls: int) -> list[float]:
    times_ms = []
    for _ in range(calls):
        started_s = time.perf_counter()
        subprocess.run(argv, env=environment, capture_output=True, check=True)
        times_ms.append((time.perf_counter() - started_s) * 1000)
        time.sleep(0.06)  # stays below the server's 20 requests a second
    return times_ms


async def main(calls: int) -> None:
    with tempfile.TemporaryDirectory(prefix="fl", dir="/tmp") as home:
        environment = {"FLEET_SOCKET": f"{home}/r/bus.sock", "FLEET_TOKEN": "t", "FLEET_SPOOL": f"{home}/spool"}
        bus = BusServer(answer, lambda _pid: Origin("run run-1", "run:run-1", "run-1"))
        await bus.listen_run("run-1", Path(environment["FLEET_SOCKET"]), lambda _token: True)
        say = [*client_argv(), "publish", "note", "--summary", "x", "--payload", '{"a": 1}']
        cases = [
            ("bare interpreter (-I -S)", [sys.executable, "-I", "-S", "-c", "pass"], environment),
            ("bare interpreter", [sys.executable, "-c", "pass"], environment),
            ("publish over the socket", say, environment),
            ("publish into the spool", say, environment | {"FLEET_SOCKET": f"{home}/none"}),
        ]
        base = 0.0
        for name, argv, variables in cases:
            times_ms = await asyncio.to_thread(measure, argv, variables, calls)
            base = base or min(times_ms)
            best, median = min(times_ms), statistics.median(times_ms)
            print(f"{name:28} best {best:6.1f} ms  median {median:6.1f} ms  {best / base:5.2f} x bare")
        await bus.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
