"""Running the commands that a person wrote into the configuration, with time and output limits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import clean

_CHUNK = 65_536
_LOOK_S, _LAST_WORDS_S = 0.02, 2.0


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
    command: str | Sequence[str], cwd: Path, *, time_limit_s: float, output_limit: int, env: Mapping[str, str]
) -> Outcome:
    """Run one command in a session of its own; its whole process group is killed at a limit or when cancelled."""
    started = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv_of(command),
            cwd=cwd,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
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
        _kill_group(process)  # also after success: a command may leave children behind in its group
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await _drain(process)
                await process.wait()
    duration_ms = round((time.monotonic() - started) * 1000)
    return Outcome(None if problem else process.returncode, duration_ms, bytes(output), problem)


async def _follow(process: asyncio.subprocess.Process, output: bytearray, limit: int) -> str:
    """Until the command ends or has said too much; children that hold its output open are not waited for."""
    reading = asyncio.create_task(_collect(process, output, limit))
    try:
        while process.returncode is None and not (reading.done() and reading.result()):
            await (asyncio.sleep(_LOOK_S) if reading.done() else asyncio.wait([reading], timeout=_LOOK_S))
        if not reading.done():
            _kill_group(process)
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


def _kill_group(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _collect(process: asyncio.subprocess.Process, output: bytearray, limit: int) -> str:
    assert process.stdout is not None
    while chunk := await process.stdout.read(_CHUNK):
        output += chunk
        if len(output) > limit:
            del output[limit:]
            return f"output limit of {limit // 1024} KiB"
    return ""


async def run_lines(commands: Sequence[str | Sequence[str]], cwd: Path, time_limit_s: float, *, what: str) -> None:
    """Run set-up or teardown commands one after the other.

    Raises:
        FleetError: one failed; its command and the end of its output are in the message.
    """
    for command in commands:
        outcome = await run_command(
            command, cwd, time_limit_s=time_limit_s, output_limit=1_000_000, env=command_environment()
        )
        if not outcome.passed:
            why = outcome.problem or f"exit code {outcome.exit_code}"
            raise FleetError(
                f"{what} failed", f"{command}: {why}\n{outcome.tail(8)}", "mend workspace.setup in the configuration"
            )


def command_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The user's environment without credentials for forges and agents, and without git's own variables."""
    hidden = ("GIT_", "FLEET_", "GH_", "GITHUB_", "SSH_AUTH_SOCK", "TMUX", "ANTHROPIC_", "OPENAI_", "GEMINI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return kept | {"CI": "true"} | dict(extra or {})
