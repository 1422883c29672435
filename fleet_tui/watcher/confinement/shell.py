"""Running the commands that a person wrote into the configuration, with time and output limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet_tui.domain.text import clean
from fleet_tui.watcher.confinement import subreaper

_CHUNK = 65_536
_LOOK_S, _LAST_WORDS_S = 0.02, 2.0
_SWEEP_S = 6.0
"""How long the sub-reaper has to end everything: a little longer than it tries."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. ``problem`` is empty, or says which limit was hit or why it could not start."""

    exit_code: int | None
    duration_ms: int
    output: bytes
    problem: str

    @property
    def passed(self) -> bool:
        return self.exit_code == 0 and not self.problem

    def tail(self, lines: int = 30) -> str:
        """The last lines of the output, clean for a screen."""
        return "\n".join(clean(self.output[-20_000:].decode("utf-8", "replace")).splitlines()[-lines:])


def argv_of(command: str | Sequence[str]) -> list[str]:
    """A configured command as argv: a list is taken as it is, a text is a line for ``sh``."""
    return ["sh", "-c", command] if isinstance(command, str) else list(command)


async def run_command(
    command: str | Sequence[str],
    cwd: Path,
    *,
    time_limit_s: float,
    output_limit: int,
    env: Mapping[str, str],
    proxy: Sequence[str] = (),
) -> Outcome:
    """Run one command below a sub-reaper of its own: at its end, at a limit or when cancelled, all it started ends.

    With ``proxy``, of an :class:`~fleet_tui.watcher.confinement.outlets.Outlet`, the command is a sandbox's.
    """
    started = time.monotonic()
    link, theirs = socket.socketpair()
    with link:
        link.setblocking(False)
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *subreaper.argv(proxy),
                    *argv_of(command),
                    cwd=cwd,
                    env=dict(env),
                    stdin=theirs.fileno(),
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            return Outcome(None, 0, b"", f"cannot start: {error.strerror}")
        output = bytearray()
        problem = ""
        try:
            async with asyncio.timeout(time_limit_s):
                problem = await _follow(process, output, output_limit)
        except TimeoutError:
            problem = f"time limit of {time_limit_s:g} s"
        finally:
            await _end(process, link)
        exit_code, told = _how_it_ended(link)
    duration_ms = round((time.monotonic() - started) * 1000)
    problem = problem or told
    return Outcome(None if problem else exit_code, duration_ms, bytes(output), problem)


async def _end(process: asyncio.subprocess.Process, link: socket.socket) -> None:
    """Have the sub-reaper end everything; one that does not (stopped, say) is killed, and its child with it."""
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_WR)
    for limit_s in (_SWEEP_S, _LAST_WORDS_S):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await _drain(process)
                await process.wait()
                return
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def _how_it_ended(link: socket.socket) -> tuple[int | None, str]:
    """Exit code (negative for a signal) and problem, as the sub-reaper tells them."""
    try:
        told = json.loads(link.recv(4096))
    except (OSError, ValueError):
        return None, "its first process was killed"
    return told.get("code"), f"cannot start: {told['error']}" if "error" in told else ""


async def _follow(process: asyncio.subprocess.Process, output: bytearray, limit: int) -> str:
    """Until the command ends or has said too much; whoever holds its output open after that is not waited for."""
    reading = asyncio.create_task(_collect(process, output, limit))
    try:
        while process.returncode is None and not (reading.done() and reading.result()):
            await (asyncio.sleep(_LOOK_S) if reading.done() else asyncio.wait([reading], timeout=_LOOK_S))
        if not reading.done():
            await asyncio.wait([reading], timeout=_LAST_WORDS_S)
        return reading.result() if reading.done() else ""
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Read what nobody wants any more: only at its end is the pipe closed."""
    assert process.stdout is not None
    while await process.stdout.read(_CHUNK):
        pass


async def _collect(process: asyncio.subprocess.Process, output: bytearray, limit: int) -> str:
    assert process.stdout is not None
    while chunk := await process.stdout.read(_CHUNK):
        output += chunk
        if len(output) > limit:
            del output[limit:]
            return f"output limit of {limit // 1024} KiB"
    return ""
