"""The watcher's side of the bus: one socket per principal, each caller known by its socket and the kernel's word.

The operator's socket admits processes of the fleet's owner that belong to no run and were not started by the watcher; a
run's socket admits processes under that run's runner that carry its token. Whoever comes from elsewhere is refused, and
the handler is told.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet_tui.bus import protocol
from fleet_tui.bus.identity import Caller, Origin, Peer, is_alive, peer_of, user_name
from fleet_tui.bus.protocol import BadFrame, Request, SlowDown
from fleet_tui.bus.ratelimit import TokenBucket
from fleet_tui.bus.sockets import listening_socket
from fleet_tui.domain.errors import FleetError, Refused
from fleet_tui.domain.users import AgentUser

Handler = Callable[[Caller, str, dict[str, Any], str], Awaitable[dict[str, Any]]]
"""``(caller, op, args, request id) -> fields of the answer``; raises FleetError to refuse."""
Classify = Callable[[int], Origin | None]
"""What the process with this pid belongs to; None when it is the operator's."""
TokenCheck = Callable[[str], bool]

MAX_CONNECTIONS = 64
"""Open connections per principal and socket."""
MAX_STRANGERS = 4
"""Open connections per principal on a socket that is not its own."""
RATE_PER_S, BURST = 20.0, 100
_DENIED_RATE_PER_S, _DENIED_BURST = 1.0, 10
_IDLE_S = 30.0
"""How long a connection may wait between two requests."""
_SLOW_DOWN_PAUSE_S = 0.1

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Listener:
    run: str | None
    path: Path
    check: TokenCheck | None
    guest: AgentUser | None = None
    inode: int = 0
    open: Counter[str] = field(default_factory=Counter)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    connects: TokenBucket = field(default_factory=lambda: TokenBucket(RATE_PER_S, BURST))
    server: asyncio.Server | None = None
    closed: bool = False

    @property
    def principal(self) -> str:
        return f"run:{self.run}" if self.run is not None else "operator"

    def is_there(self) -> bool:
        """Whether the path is still the socket that was bound, and not removed or replaced."""
        try:
            return self.path.lstat().st_ino == self.inode
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class _Link:
    """One connection and what is known about its other end."""

    listener: _Listener
    caller: Caller
    refusal: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class BusServer:
    """Serves the operator's and the runs' sockets; every admitted request reaches ``handler``.

    A refused identity reaches it as ``denied`` with ``{"act": <the op tried>, "reason": ...}``; the answer is unused.
    The id that the handler gets is the caller's: ``caller.key(id)`` is its idempotency key.
    """

    def __init__(self, handler: Handler, classify: Classify) -> None:
        self._handler = handler
        self._classify = classify
        self._listeners: dict[str, _Listener] = {}
        self._buckets: dict[str, TokenBucket] = {}
        self._denied: dict[str, TokenBucket] = {}
        self._changing = asyncio.Lock()

    async def listen_operator(self, path: Path) -> None:
        """Serve the operator at ``path``.

        Raises:
            FleetError: the path is unsafe or in use.
        """
        await self._listen(_Listener(None, path, None))

    async def listen_run(self, run: str, path: Path, check: TokenCheck, guest: AgentUser | None = None) -> None:
        """Serve ``run`` at ``path``; ``check`` says whether a token is its own and still valid.

        A run whose processes have another user is ``guest``'s: then nobody else is heard, its own watcher included.
        A repeat puts the new ``check`` in place and keeps connections.

        Raises:
            FleetError: the path is unsafe or in use.
        """
        await self._listen(_Listener(run, path, check, guest))

    async def close_run(self, run: str) -> None:
        """Stop serving ``run`` and cut its connections; nothing happens when it is not served."""
        async with self._changing:
            await self._close(f"run:{run}")
        self._buckets.pop(f"run:{run}", None)
        self._denied.pop(f"run:{run}", None)

    async def close(self) -> None:
        """Stop serving everybody and remove the sockets."""
        async with self._changing:
            for principal in list(self._listeners):
                await self._close(principal)

    # -- listening -----------------------------------------------------------------------------------------------------

    async def _listen(self, listener: _Listener) -> None:
        async with self._changing:
            before = self._listeners.get(listener.principal)
            same = before is not None and (before.path, before.guest) == (listener.path, listener.guest)
            if before is not None and same and before.is_there():
                before.check = listener.check
                return
            await self._close(listener.principal)
            await self._open(listener)
            self._listeners[listener.principal] = listener

    async def _open(self, listener: _Listener) -> None:
        sock = listening_socket(listener.path, listener.guest)
        listener.inode = listener.path.lstat().st_ino

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # The task is ours from the start: one that asyncio made could be neither found nor cancelled in silence
            # before its first step.
            if listener.closed:
                writer.transport.abort()
                return
            task = asyncio.create_task(self._serve(listener, reader, writer))
            listener.tasks.add(task)
            task.add_done_callback(lambda done: self._served(listener, done, writer))

        listener.server = await asyncio.start_unix_server(serve, sock=sock)

    async def _close(self, principal: str) -> None:
        listener = self._listeners.pop(principal, None)
        if listener is None:
            return
        listener.closed = True
        if listener.server is not None:
            listener.server.close()
        tasks = [task for task in listener.tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            if listener.is_there():
                listener.path.unlink(missing_ok=True)
        except OSError as error:
            # The directory may be an agent's: nobody listens any more, which is what counts.
            log.warning("%s stays behind: %s", listener.path, error.strerror)

    # -- one connection ------------------------------------------------------------------------------------------------

    async def _serve(self, listener: _Listener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._admit(listener, reader, writer)
        except OSError:
            writer.transport.abort()  # the peer went away or does not read: what is left to send would wait for ever
        except Exception:
            log.exception("a connection to %s failed", listener.path)
        finally:
            writer.close()

    def _served(self, listener: _Listener, task: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        listener.tasks.discard(task)
        if task.cancelled():
            writer.transport.abort()  # we are closing, perhaps before its first step

    async def _admit(self, listener: _Listener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Before anything is looked up: to tell who connects takes a walk through the processes, and everybody would pay
        # for a flood on a run's socket. The operator's socket has no such bound: it would lock out the operator.
        if listener.run is not None and not listener.connects.take():
            await _answer(writer, protocol.failure(_slow_down("connections")))
            return
        found = self._identify(listener, writer)
        if found is None:
            return
        caller, refusal = found
        link = _Link(listener, caller, refusal, reader, writer)
        limit = MAX_STRANGERS if refusal else MAX_CONNECTIONS
        if listener.open[caller.principal] >= limit:
            await _answer(writer, protocol.failure(SlowDown("slow down", f"{limit} connections are open already")))
            return
        listener.open[caller.principal] += 1
        try:
            await (self._turn_away(link) if refusal else self._converse(link))
        finally:
            listener.open[caller.principal] -= 1

    def _identify(self, listener: _Listener, writer: asyncio.StreamWriter) -> tuple[Caller, str] | None:
        """The caller and why it is refused ("" if it is not); None when it is already gone."""
        sock = writer.get_extra_info("socket")
        peer = peer_of(sock)
        origin = self._classify(peer.pid)
        # A process that connects and exits at once has no ancestors left: it must not pass for the operator.
        if not is_alive(sock, peer):
            return None
        caller = Caller(origin, peer.uid, peer.pid, user_name(peer.uid))
        return caller, _refusal(listener, peer, origin)

    async def _turn_away(self, link: _Link) -> None:
        try:
            body = await protocol.read_frame(link.reader)
            act = protocol.parse_request(body).op if body is not None else "connect"
        except BadFrame:
            act = "connect"
        await self._report(link.caller, act, link.refusal)
        await _answer(
            link.writer, protocol.failure(Refused("refused", link.refusal, "use `fleet` in your own terminal"))
        )

    async def _converse(self, link: _Link) -> None:
        wait_s = protocol.FRAME_LIMIT_S
        while True:
            try:
                body = await protocol.read_frame(link.reader, first_byte_s=wait_s)
                if body is None:
                    return
                self._take_turn(link.caller.principal)
                request = protocol.parse_request(body)
            except SlowDown as error:
                # The pause bounds what a flood costs everybody else.
                await asyncio.sleep(_SLOW_DOWN_PAUSE_S)
                await _answer(link.writer, protocol.failure(error))
                continue
            except BadFrame as error:
                await _answer(link.writer, protocol.failure(error))
                return
            await _answer(link.writer, await self._perform(link, request))
            wait_s = _IDLE_S

    def _take_turn(self, principal: str) -> None:
        bucket = self._buckets.setdefault(principal, TokenBucket(RATE_PER_S, BURST))
        if not bucket.take():
            raise _slow_down("requests")

    async def _perform(self, link: _Link, request: Request) -> dict[str, Any]:
        try:
            await self._check_token(link, request)
            return protocol.success(await self._handler(link.caller, request.op, request.args, request.id))
        except FleetError as error:
            return protocol.failure(error)
        except Exception:
            log.exception("the handler failed on %s of %s", request.op, link.caller.principal)
            return protocol.failure(
                FleetError("the watcher failed", f"`{request.op}` ended in an error", "see its log")
            )

    async def _check_token(self, link: _Link, request: Request) -> None:
        check = link.listener.check
        if check is None or (request.token is not None and check(request.token)):
            return
        reason = "the token is missing, wrong or no longer valid"
        await self._report(link.caller, request.op, reason)
        raise Refused("refused", reason, "this run was ended or quarantined, or FLEET_TOKEN was changed")

    async def _report(self, caller: Caller, act: str, reason: str) -> None:
        bucket = self._denied.setdefault(caller.principal, TokenBucket(_DENIED_RATE_PER_S, _DENIED_BURST))
        if not bucket.take():
            return
        try:
            # An id of ours: with the caller's, a denied act could hide behind one that was recorded before.
            await self._handler(caller, protocol.DENIED, {"act": act, "reason": reason}, protocol.new_request_id())
        except Exception:
            log.exception("a denied act of %s could not be recorded: %s: %s", caller.principal, act, reason)


def _slow_down(what: str) -> SlowDown:
    return SlowDown("slow down", f"more than {RATE_PER_S:g} {what} a second", "wait a second and try again")


def _refusal(listener: _Listener, peer: Peer, origin: Origin | None) -> str:
    if listener.guest is not None and peer.uid != listener.guest.uid:
        return f"uid {peer.uid} is not whom run {listener.run} runs as"
    if listener.guest is None and peer.uid != os.getuid():
        return f"uid {peer.uid} is not the owner of this fleet"
    if listener.run is None:
        return f"a process of {origin.name} may not use the operator's socket" if origin is not None else ""
    if origin is not None and origin.run == listener.run:
        return ""
    came_from = origin.name if origin is not None else "outside every run"
    return f"this is the socket of run {listener.run}; the caller comes from {came_from}"


async def _answer(writer: asyncio.StreamWriter, fields: dict[str, Any]) -> None:
    try:
        frame = protocol.encode(fields)
    except BadFrame as error:
        frame = protocol.encode(protocol.failure(FleetError("answer too large", error.message, "ask for less")))
    writer.write(frame)
    # A peer that does not read its answer may not hold the connection.
    async with asyncio.timeout(protocol.FRAME_LIMIT_S):
        await writer.drain()
