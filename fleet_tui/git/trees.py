"""Directory trees that somebody else wrote: removed and measured without following links."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from fleet_tui.domain.errors import FleetError

_REMOVE_LIMIT_S = 300.0


async def remove_tree(path: Path) -> None:
    """Delete ``path`` and everything under it; a link is removed, not followed; absent is fine.

    It vanishes in one step (a rename) before the slow part. Trees of any depth and directories of mode 000 go too.

    Raises:
        FleetError: something could not be deleted.
    """
    if not os.path.lexists(path):
        return
    doomed = path.with_name(f".trash-{secrets.token_hex(6)}")
    path.rename(doomed)
    # rm and chmod -R neither follow links nor recurse on a stack of ours; mode 000 needs the second round.
    if await _run("rm", "-rf", "--", str(doomed)) and not doomed.is_symlink():
        await _run("chmod", "-R", "u+rwx", "--", str(doomed))
        await _run("rm", "-rf", "--", str(doomed))
    if os.path.lexists(doomed):
        raise FleetError("cannot delete", str(doomed), "look at its owner and permissions, and delete it by hand")


async def _run(*argv: str) -> int:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        return await asyncio.wait_for(process.wait(), _REMOVE_LIMIT_S)
    finally:
        if process.returncode is None:
            process.kill()


async def directory_bytes(path: Path) -> int:
    """Bytes on disk under ``path``, each file once; what vanishes meanwhile counts nothing."""
    return await asyncio.to_thread(_measure, path)


def _measure(path: Path) -> int:
    seen: set[tuple[int, int]] = set()
    total = 0
    for info in _stats(path):
        if info.st_nlink > 1:
            if (info.st_dev, info.st_ino) in seen:
                continue
            seen.add((info.st_dev, info.st_ino))
        total += info.st_blocks * 512
    return total


def _stats(path: Path) -> Iterator[os.stat_result]:
    pending = [os.fspath(path)]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
