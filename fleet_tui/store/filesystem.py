"""Which file system a directory is on: SQLite's WAL needs shared memory and honest locks, so a local one."""

from __future__ import annotations

import ctypes
import os
import re
import sys
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
