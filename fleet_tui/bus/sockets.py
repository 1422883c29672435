"""Listening unix sockets that nobody else can have prepared."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.users import AgentUser

_MAX_PATH = 103  # macOS has 104 bytes with the terminating zero, Linux 108
_BACKLOG = 128
_LET_THROUGH = 0o710


def listening_socket(path: Path, guest: AgentUser | None = None) -> socket.socket:
    """A non-blocking listening socket at ``path``: mode 0600 in a directory of ours with mode 0700.

    A socket that a dead process left behind is replaced. With ``guest`` the socket is that user's, and the directory,
    which stays ours, lets its group through: whoever serves it must ask the kernel who calls.

    Raises:
        FleetError: the directory is a link, foreign or open to others; the path is too long or in use.
    """
    if len(os.fsencode(path)) > _MAX_PATH:
        raise FleetError(
            "socket path too long", f"{path} (at most {_MAX_PATH} bytes)", "set FLEET_RUNTIME_DIR to a short path"
        )
    _private_directory(path.parent, guest)
    _clear(path, guest)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        path.chmod(0o600)
        if guest is not None:
            os.chown(path, guest.uid, guest.gid)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise FleetError("cannot listen", f"{path}: {error.strerror}") from error
    return sock


def _private_directory(directory: Path, guest: AgentUser | None) -> None:
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
    let_through = stat.S_IMODE(info.st_mode) == _LET_THROUGH and info.st_gid == (guest.gid if guest is not None else -1)
    if info.st_mode & 0o077 and not let_through:
        raise FleetError("unsafe socket directory", f"{directory} is open to group or others", f"chmod 700 {directory}")
    if guest is not None and not let_through:
        os.chown(directory, -1, guest.gid)
        directory.chmod(_LET_THROUGH)


def _clear(path: Path, guest: AgentUser | None) -> None:
    try:
        info = path.lstat()
    except FileNotFoundError:
        return
    owners = {os.getuid()} if guest is None else {os.getuid(), guest.uid}
    if not stat.S_ISSOCK(info.st_mode) or info.st_uid not in owners:
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
