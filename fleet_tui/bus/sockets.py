"""Listening unix sockets that nobody else can have prepared."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from fleet_tui.domain.errors import FleetError

_MAX_PATH = 103  # macOS has 104 bytes with the terminating zero, Linux 108
_BACKLOG = 128


def listening_socket(path: Path) -> socket.socket:
    """A non-blocking listening socket at ``path``: mode 0600 in a directory of ours with mode 0700.

    A socket that a dead process left behind is replaced.

    Raises:
        FleetError: the directory is a link, foreign or open to others; the path is too long or in use.
    """
    if len(os.fsencode(path)) > _MAX_PATH:
        raise FleetError(
            "socket path too long", f"{path} (at most {_MAX_PATH} bytes)", "set FLEET_RUNTIME_DIR to a short path"
        )
    _private_directory(path.parent)
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        path.chmod(0o600)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise FleetError("cannot listen", f"{path}: {error.strerror}") from error
    return sock


def _private_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = directory.lstat()
    except OSError as error:
        raise FleetError("cannot create the socket's directory", f"{directory}: {error.strerror}") from error
    if not stat.S_ISDIR(info.st_mode):
        raise FleetError("unsafe socket directory", f"{directory} is not a directory", "remove it and try again")
    if info.st_uid != os.getuid():
        raise FleetError(
            "unsafe socket directory", f"{directory} belongs to uid {info.st_uid}", "remove it or choose another"
        )
    if info.st_mode & 0o077:
        raise FleetError("unsafe socket directory", f"{directory} is open to group or others", f"chmod 700 {directory}")


def _clear(path: Path) -> None:
    try:
        info = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(info.st_mode) or info.st_uid != os.getuid():
        raise FleetError("unsafe socket path", f"{path} exists and is not a socket of ours", "remove it and try again")
    if _answers(path):
        raise FleetError("socket in use", f"another process listens on {path}", "stop it first: fleet watcher stop")
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            # A full backlog or a slow listener is a listener.
            return path.exists()
    return True
