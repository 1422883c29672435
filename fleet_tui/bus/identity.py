"""Who is at the other end of a unix socket: the kernel's word, never the caller's."""

from __future__ import annotations

import errno
import os
import pwd
import select
import socket
import struct
import sys
from asyncio.trsock import TransportSocket
from dataclasses import dataclass

from fleet_tui.bus.protocol import request_key

_SO_PEERPIDFD = 77  # Linux 6.5; the socket module has no name for it
_SOL_LOCAL, _LOCAL_PEERCRED, _LOCAL_PEERPID = 0, 1, 2  # macOS

AnySocket = socket.socket | TransportSocket


@dataclass(frozen=True, slots=True)
class Peer:
    """The process that called ``connect``."""

    uid: int
    pid: int


@dataclass(frozen=True, slots=True)
class Origin:
    """What a process belongs to that is not the operator's: a run, or else something that the watcher started.

    ``name`` is for people; ``subject`` is what a refused act of it is recorded about.
    """

    name: str
    subject: str = "fleet"
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal of the bus. Without an origin it is the operator."""

    origin: Origin | None
    uid: int
    pid: int
    user: str

    @property
    def run(self) -> str | None:
        """The run it belongs to."""
        return self.origin.run if self.origin is not None else None

    @property
    def principal(self) -> str:
        """``operator``, ``run:<id>``, or ``command`` for what belongs to no run and is not the operator's."""
        if self.origin is None:
            return "operator"
        return f"run:{self.run}" if self.run is not None else "command"

    def key(self, request_id: str) -> str:
        """The idempotency key of a request of this caller.

        The principal is part of it: else one caller could use up the key of another's act, or of the watcher's own.
        """
        return request_key(self.principal, request_id)


def peer_of(sock: AnySocket) -> Peer:
    """Credentials of the peer at the time it connected.

    Raises:
        OSError: the platform does not tell.
    """
    if sys.platform == "darwin":
        credentials = sock.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 76)
        (uid,) = struct.unpack_from("=I", credentials, 4)
        return Peer(uid, sock.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID))
    pid, uid, _gid = struct.unpack("=3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Peer(uid, pid)


def is_alive(sock: AnySocket, peer: Peer) -> bool:
    """Whether the process that connected still runs.

    Asked after its ancestry was looked up: a pid that was free in between could have belonged to anybody.
    """
    if sys.platform != "darwin":
        try:
            pidfd = sock.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
        except OSError as error:
            if error.errno != errno.ENOPROTOOPT:  # only an older kernel does not know the option
                return False
        else:
            return _runs(pidfd)
    return _runs_by_pid(peer.pid)


def _runs(pidfd: int) -> bool:
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return not poll.poll(0)
    finally:
        os.close(pidfd)


def _runs_by_pid(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def user_name(uid: int) -> str:
    """Login name of ``uid``, or its number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
