"""Running one program to its end: an argument list, a time limit, a bounded output, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_ERROR_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
_PIPES_S = 2.0
"""How long the pipes of a killed command may take to end."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: exit code (negative: signal) and what it said; ``truncated`` when ``max_bytes`` stopped it."""

    code: int
    out: bytes
    err: bytes
    truncated: bool = False


async def run(
    argv: Sequence[str],
    *,
    cwd: Path | None,
    env: Mapping[str, str],
    given: bytes | BinaryIO | None = None,
    time_limit_s: float,
    max_bytes: int | None = None,
    last_bytes: int | None = None,
) -> Ended:
    """Run ``argv`` with exactly ``env``; ``given`` is its standard input. It leads a process group of its own.

    Output beyond ``max_bytes`` stops it; with ``last_bytes`` all is read, and only that end of it kept. Stopped by a
    limit or cancelled, its whole group has been killed.

    Raises:
        OSError: it cannot be started.
        TimeoutError: the time limit passed.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=cwd,
        env=dict(env),
        stdin=_stdin(given),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(time_limit_s):
            return await _communicate(process, given if isinstance(given, bytes) else None, max_bytes, last_bytes)
    finally:
        await _kill(process)


def _stdin(given: bytes | BinaryIO | None) -> int | BinaryIO:
    if given is None:
        return asyncio.subprocess.DEVNULL
    return asyncio.subprocess.PIPE if isinstance(given, bytes) else given


async def _communicate(
    process: asyncio.subprocess.Process, given: bytes | None, max_bytes: int | None, last_bytes: int | None
) -> Ended:
    assert process.stdout is not None
    assert process.stderr is not None
    feeding = asyncio.create_task(_feed(process, given))
    errors = asyncio.create_task(_drain(process.stderr, _ERROR_BYTES))
    try:
        if last_bytes is None:
            out, truncated = await _read(process.stdout, max_bytes)
        else:
            out, truncated = await _read_end(process.stdout, last_bytes), False
        if truncated:
            _signal_group(process)
            await _drain(process.stdout, 0)
        code = await process.wait()
        err = await errors
    finally:
        feeding.cancel()
        errors.cancel()
        await asyncio.gather(feeding, errors, return_exceptions=True)
    return Ended(code, out, err, truncated)


async def _feed(process: asyncio.subprocess.Process, given: bytes | None) -> None:
    if process.stdin is None or given is None:
        return
    # A command that ends without reading everything is judged by its exit code, not by our broken pipe.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()


async def _read(stream: asyncio.StreamReader, max_bytes: int | None) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    size = 0
    while chunk := await stream.read(_CHUNK_BYTES):
        parts.append(chunk)
        size += len(chunk)
        if max_bytes is not None and size > max_bytes:
            return b"".join(parts)[:max_bytes], True
    return b"".join(parts), False


async def _read_end(stream: asyncio.StreamReader, last_bytes: int) -> bytes:
    end = b""
    while chunk := await stream.read(_CHUNK_BYTES):
        end = (end + chunk)[-last_bytes:]
    return end


async def _drain(stream: asyncio.StreamReader, keep: int) -> bytes:
    """The first ``keep`` bytes; the rest is read and dropped so that the command does not stall."""
    kept = b""
    while chunk := await stream.read(_CHUNK_BYTES):
        kept += chunk[: keep - len(kept)]
    return kept


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End the command. Who left its group may hold its pipes open: they are closed, not waited for."""
    if process.returncode is None:
        _signal_group(process)
        # asyncio tells of the end of a process only when its pipes have ended, and reads none whose buffer is full.
        pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PIPES_S):
                await asyncio.gather(*(_drain(pipe, 0) for pipe in pipes))
                await process.wait()
    process._transport.close()  # type: ignore[attr-defined]  # no public way


def _signal_group(process: asyncio.subprocess.Process) -> None:
    # The command leads a group of its own, so its helpers (git's index-pack and upload-pack) go with it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
