"""A limit of the kernel's on what a run takes: a scope of systemd's with ``memory.max``, where that can be had.

A program moves into a scope by asking systemd for it and then becoming what it is to start: same process, same parent.
The limit lies above the ceiling at which the run is frozen, since the kernel does not wait for anybody: it kills.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

_LIMIT_S = 5.0
_BUS = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
_SPARE_SHARE, _SPARE_MB = 4, 64
_TRIAL_MB = 64


def unit_of(run: str) -> str:
    """The name of the scope of a run, without its ending."""
    return f"fleet-{run}"


def kernel_mb(ceiling_mb: int) -> int:
    """Where the kernel steps in: what grows so fast that nobody froze it in time gets no further than that."""
    return ceiling_mb + max(_SPARE_MB, ceiling_mb // _SPARE_SHARE)


def problem() -> str:
    """Why no scope can be had here; empty when one can: it is tried. Blocks for some seconds at most."""
    if shutil.which("systemd-run") is None:
        return "there is no systemd-run"
    try:
        done = subprocess.run(
            [*_command(f"fleet-trial-{os.getpid()}", _TRIAL_MB), "cat", "/proc/self/cgroup"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"systemd-run: {type(error).__name__}"
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        return f"systemd-run: {said[-1] if said else f'exit code {done.returncode}'}"
    # With an old hierarchy systemd answers, and its limit is none of cgroup v2.
    return (
        "" if any(line.startswith("0::") and ".scope" in line for line in done.stdout.splitlines()) else "no cgroup v2"
    )


def wrapped(
    argv: Sequence[str], unit: str, ceiling_mb: int, env: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """``argv`` in a scope named ``unit``, and what it needs in its environment to get there, which it does not keep."""
    lent = {name: os.environ[name] for name in _BUS if name in os.environ and name not in env}
    forget = [word for name in lent for word in ("-u", name)]
    return (*_command(unit, kernel_mb(ceiling_mb)), "env", *forget, *argv), lent


def move(unit: str, ceiling_mb: int | None) -> bool:
    """Give a living scope another limit (None: no limit); whether systemd took it. Blocks for some seconds at most."""
    size = "infinity" if ceiling_mb is None else f"{kernel_mb(ceiling_mb)}M"
    words = ["systemctl", *_whose(), "set-property", "--runtime", f"{unit}.scope", f"MemoryMax={size}"]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _command(unit: str, limit_mb: int) -> list[str]:
    limits = ["-p", f"MemoryMax={limit_mb}M", "-p", "MemorySwapMax=0"]
    return ["systemd-run", *_whose(), "--scope", "--quiet", "--collect", f"--unit={unit}", *limits, "--"]


def _whose() -> list[str]:
    """The person's own manager; root's is that of the machine."""
    return [] if os.getuid() == 0 else ["--user"]
