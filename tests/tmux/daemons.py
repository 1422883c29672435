"""Processes that leave their run's session behind."""

from __future__ import annotations

from pathlib import Path

from tests.tmux.tmux_support import python, until

DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
open(sys.argv[1] + '.tmp', 'w').write(str(os.getpid())); os.rename(sys.argv[1] + '.tmp', sys.argv[1])
n = 0
while True:
    n += 1
    open(sys.argv[1] + '.n', 'w').write(str(n))
    time.sleep(0.005)
"""


def with_daemon(path: Path, then: str = "sleep 100") -> tuple[str, ...]:
    """A child that leaves a double-forked process in a session of its own, which writes its pid to ``path``."""
    return ("sh", "-c", f'"$@"; {then}', "sh", *python(DAEMON), str(path))


async def daemon_pid(path: Path) -> int:
    await until(path.exists)
    return int(path.read_text())


def contains(path: Path, text: str) -> bool:
    return path.exists() and text in path.read_text()
