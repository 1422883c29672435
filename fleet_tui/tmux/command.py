"""One tmux command as a subprocess: clean environment, time limit, safe arguments."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from fleet_tui.domain.errors import FleetError, SetupError

OLDEST = (3, 2)
"""The oldest tmux whose hooks, pane options and control-mode flags the fleet can work with."""
LIMIT_S = 5.0

# Every pane's first process inherits the server's environment and an agent can read it there: no secret may be in it.
_KEPT = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TMUX_TMPDIR", "TZ", "USER", "XDG_RUNTIME_DIR")
_GONE = re.compile(r"no server running|error connecting|lost server|server exited|no such file or directory", re.I)


@dataclass(frozen=True, slots=True)
class Result:
    """What one tmux command said: exit code, standard output as bytes, standard error as text."""

    code: int
    out: bytes
    err: str

    @property
    def unreachable(self) -> bool:
        """Whether the failure means that no server listens on the socket."""
        return self.code != 0 and _GONE.search(self.err) is not None


def environment() -> dict[str, str]:
    """The environment of every tmux process of ours: no ``TMUX``, no credentials, no agent sockets."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    kept.update({name: value for name, value in os.environ.items() if name.startswith("LC_")})
    kept.setdefault("PATH", os.defpath)
    return kept


def locate() -> str:
    """The absolute path of the tmux program.

    Raises:
        SetupError: there is none; the hint names the install command of this system.
    """
    found = shutil.which("tmux")
    if found is None:
        raise SetupError("tmux is missing", "no `tmux` on PATH", install_hint())
    return found


def install_hint() -> str:
    """How to install or update tmux on this system, as one line for a person."""
    if sys.platform == "darwin":
        return "brew install tmux"
    managers = (
        ("apt-get", "sudo apt-get install tmux"),
        ("dnf", "sudo dnf install tmux"),
        ("pacman", "sudo pacman -S tmux"),
        ("apk", "sudo apk add tmux"),
        ("zypper", "sudo zypper install tmux"),
        ("brew", "brew install tmux"),
    )
    for program, line in managers:
        if shutil.which(program):
            return line
    return "install tmux 3.2 or newer with your system's package manager"


def parse_version(text: str) -> tuple[int, int] | None:
    """``tmux 3.3a`` → ``(3, 3)``; None for builds without a number (``tmux master``), which are taken as new enough."""
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def literal(argument: str) -> str:
    """``argument`` such that tmux takes it as it is: a final ``;`` would start a new tmux command.

    Raises:
        ValueError: it holds a NUL, which no argument can carry.
    """
    if "\0" in argument:
        raise ValueError("an argument cannot hold NUL")
    return f"{argument[:-1]}\\;" if argument.endswith(";") else argument


async def run(argv: Sequence[str], *, stdin: bytes | None = None, limit_s: float = LIMIT_S) -> Result:
    """Run ``argv`` to its end.

    Raises:
        FleetError: it took longer than ``limit_s`` seconds; the process is killed.
    """
    loop = asyncio.get_running_loop()
    pipe = asyncio.subprocess.PIPE
    transport, output = await loop.subprocess_exec(
        _Output,
        *argv,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else pipe,
        stdout=pipe,
        stderr=pipe,
        env=environment(),
        start_new_session=True,
    )
    if stdin is not None and isinstance(into := transport.get_pipe_transport(0), asyncio.WriteTransport):
        into.write(stdin)
        into.close()
    try:
        async with asyncio.timeout(limit_s):
            await output.ended
    except TimeoutError:
        raise FleetError(
            "tmux does not answer",
            f"no reply within {limit_s:g} s",
            "the agents' tmux server may be stopped or overloaded; see `fleet doctor`",
        ) from None
    finally:
        # Killing the client is not enough: tmux passes our pipes on to its server, and a stuck server keeps them open.
        transport.close()
    out, err = bytes(output.data[1]), bytes(output.data[2])
    return Result(transport.get_returncode() or 0, out, err.decode("utf-8", "replace").strip())


class _Output(asyncio.SubprocessProtocol):
    """Collects what a process writes; ``ended`` is set when it has exited and nothing more can come."""

    def __init__(self) -> None:
        self.data: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.data[fd] += data

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self.ended.done():
            self.ended.set_result(None)
