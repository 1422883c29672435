"""Which file system a directory is on, and what fits there: SQLite's WAL needs a local disk that is not full."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from fleet_tui.domain.errors import FleetError

NETWORK = frozenset(
    "9p acfs afpfs afs beegfs ceph cifs coda davfs fuse.glusterfs fuse.rclone fuse.s3fs fuse.smbnetfs fuse.sshfs gfs2 "  # noqa: SIM905
    "glusterfs gpfs lustre macfuse_sshfs ncpfs nfs nfs4 ocfs2 prl_fs smb3 smbfs sshfs vboxsf vmhgfs webdav".split()
)
_MOUNTINFO = Path("/proc/self/mountinfo")
_DARWIN_NAME = slice(72, 88)
"""Where ``f_fstypename`` is in Darwin's ``struct statfs`` with 64-bit inodes."""


def refuse_network(directory: Path, mountinfo: Path = _MOUNTINFO) -> None:
    """Raises :class:`FleetError` when ``directory`` is missing or on a network file system."""
    if not directory.is_dir():
        raise FleetError("no state directory", f"{directory} is not a directory", "run: fleet init")
    kind = filesystem_type(directory, mountinfo)
    if kind in NETWORK:
        raise FleetError(
            "the state directory is on a network file system",
            f"{directory} is on {kind}, where SQLite cannot keep its promises",
            "set FLEET_STATE_HOME to a directory on a local disk",
        )


LEAST_BYTES = 20_000_000
LEAST_FILES = 1_000
"""Below these a fleet does not start: its log would stop in the middle of the work."""


@dataclass(frozen=True, slots=True)
class Space:
    """What this user may still write: bytes, and files (None where they are not counted)."""

    free_bytes: int
    free_files: int | None

    def __str__(self) -> str:
        size = f"{self.free_bytes / 1e9:.1f} GB" if self.free_bytes >= 1e9 else f"{self.free_bytes / 1e6:.1f} MB"
        few = self.free_files is not None and self.free_files < 10 * LEAST_FILES
        return f"{size} free" + (f", room for {self.free_files} files" if few else "")


def space(directory: Path) -> Space:
    """What is left where ``directory`` is."""
    found = os.statvfs(directory)
    return Space(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def refuse_full(directory: Path) -> None:
    """Raises :class:`FleetError` when there is too little space for a fleet."""
    left = space(directory)
    if left.free_bytes >= LEAST_BYTES and (left.free_files is None or left.free_files >= LEAST_FILES):
        return
    raise FleetError(
        "the disk is full",
        f"{directory}: {left}; a fleet needs {LEAST_BYTES // 1_000_000} MB and {LEAST_FILES} files",
        "free some space, or set FLEET_STATE_HOME to a directory on another disk",
    )


def filesystem_type(directory: Path, mountinfo: Path = _MOUNTINFO) -> str | None:
    """The type's name (``ext4``, ``nfs4``, ``apfs``); None when the system does not tell."""
    if sys.platform == "darwin":
        return _darwin_type(directory)
    try:
        lines = mountinfo.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    best = (-1, "")
    for line in lines:
        mount, kind = _mount(line)
        if len(mount.parts) >= best[0] and directory.resolve().is_relative_to(mount):
            best = (len(mount.parts), kind)
    return best[1] or None


def _mount(line: str) -> tuple[Path, str]:
    """Mount point and type of a line; the type is the first field after the separator ``-``."""
    fields = line.split(" ")
    point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), fields[4])
    return Path(point), fields[fields.index("-", 6) + 1]


def _darwin_type(directory: Path) -> str | None:
    buffer = ctypes.create_string_buffer(4096)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.statfs(os.fsencode(directory), buffer) != 0:
        return None
    return buffer.raw[_DARWIN_NAME].split(b"\0", 1)[0].decode("ascii", "replace")
