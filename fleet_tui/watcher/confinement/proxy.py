"""The way of a sandboxed run to the hosts of ``isolation.network``: a forward proxy outside of the sandbox.

``proxy.py LOG UID:GID RULE... LISTENER``: a process of its own, started by the run's runner and ended with it. Its
listening socket was made inside the sandbox, so that nobody else can ask it; what it refuses is appended to ``LOG``.
Names are looked up here, once, and only admitted ones. It uses the standard library and fleet's own rules only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from pathlib import Path

if not __package__:
    # Run by path from a checkout or an installation: an isolated interpreter does not look beside the script.
    sys.path.append(str(Path(__file__).resolve().parents[3]))

# What is loaded late cannot be read by another user.
import concurrent.futures.thread  # noqa: F401
import encodings.idna  # noqa: F401

from fleet_tui.domain.hosts import Address, HostRule, address_of, host_rule, unmapped
from fleet_tui.governance import network
from fleet_tui.tmux import proctree
from fleet_tui.watcher.confinement import http_head

MOST_CONNECTIONS = 256
_HEAD_BYTES = 16 * 1024
_HEAD_S, _LOOKUP_S, _CONNECT_S = 30.0, 15.0, 10.0
_MOST_ADDRESSES = 4
_CHUNK = 64 * 1024
_LINGER_S, _LINGER_BYTES = 2.0, 1024 * 1024

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
Tell = Callable[[dict[str, object]], None]
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Refused(Exception):
    """Not for this run; the text is the reason."""


class Unreachable(Exception):
    """Admitted, and not to be had; the text says why, behind the host's name."""


class Proxy:
    """Answers one connection at a time in :meth:`serve`."""

    def __init__(self, rules: Sequence[HostRule], resolve: Resolve, tell: Tell) -> None:
        self._rules = rules
        self._resolve = resolve
        self._tell = tell
        self._refused: Counter[str] = Counter()
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection from inside, from its request to its end."""
        self._open += 1
        try:
            if self._open > MOST_CONNECTIONS:
                await _say((reader, writer), 503, f"more than {MOST_CONNECTIONS} connections at once")
            else:
                await self._answer((reader, writer))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # one of the two ends is gone
        finally:
            self._open -= 1
            await _close(writer)

    async def _answer(self, near: Stream) -> None:
        target = "a host that cannot be told"
        try:
            async with asyncio.timeout(_HEAD_S):
                head = await near[0].readuntil(b"\r\n\r\n")
            request = http_head.read(head)
            target = f"{request.host}:{request.port}"
            far = await self._connect(request.host, request.port)
        except asyncio.LimitOverrunError:
            await _say(near, 431, f"a request has at most {_HEAD_BYTES} bytes before its body")
        except http_head.BadRequest as error:
            if error.status == http_head.FORBIDDEN:
                self._count(target, error.reason)
            await _say(near, error.status, error.reason)
        except Refused as refused:
            self._count(target, str(refused))
            await _say(near, http_head.FORBIDDEN, str(refused))
        except Unreachable as error:
            await _say(near, 502, f"{target} {error}")
        else:
            try:
                await _carry(request, near, far)
            finally:
                await _close(far[1])

    async def _connect(self, host: str, port: int) -> Stream:
        """A connection to ``host``, at an address that was looked at.

        Raises:
            Refused: the host, or every address of it.
            Unreachable: it cannot be had.
        """
        if reason := network.name_refusal(self._rules, host, port):
            raise Refused(reason)
        addresses = await self._addresses(host, port)
        refusals = {address: self._address_refusal(host, address, port) for address in addresses}
        admitted = [address for address in addresses if not refusals[address]]
        if not admitted and addresses:
            raise Refused(refusals[addresses[0]])
        for address in admitted[:_MOST_ADDRESSES]:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CONNECT_S):
                    return await asyncio.open_connection(str(address), port)
        raise Unreachable("cannot be reached")

    async def _addresses(self, host: str, port: int) -> Sequence[Address]:
        literal = address_of(host)
        if literal is not None:
            return [literal]
        if host == network.LOCALHOST:
            return [ip_address(text) for text in network.LOOPBACK]
        try:
            async with asyncio.timeout(_LOOKUP_S):
                return list(dict.fromkeys(map(unmapped, await self._resolve(host, port))))
        except (OSError, UnicodeError, TimeoutError) as error:
            raise Unreachable(f"is not found: {getattr(error, 'strerror', None) or 'no answer'}") from None

    def _address_refusal(self, host: str, address: Address, port: int) -> str:
        if reason := network.address_refusal(self._rules, host, address, port):
            return reason
        # At an address of its own this machine also serves what others do not reach.
        if network.is_public(address) and _is_ours(address) and network.name_refusal(self._rules, str(address), port):
            return f"{host} leads to {address}, which is this machine; only an operator may list that"
        return ""

    def _count(self, target: str, reason: str) -> None:
        if target not in self._refused and len(self._refused) >= network.MOST_TARGETS:
            target, reason = "other hosts", "they are not in isolation.network"
        self._refused[target] += 1
        times = self._refused[target]
        if network.is_told(times):
            self._tell({"target": target, "reason": reason, "times": times})


def _is_ours(address: Address) -> bool:
    """Whether packets to ``address`` never leave this machine: then they come from it. None is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), 9))
        return bool(probe.getsockname()[0] == str(address))
    return False


async def _carry(request: http_head.Request, near: Stream, far: Stream) -> None:
    """Everything between the two until either ends; of a request no more than its own body goes out."""
    if request.head:
        far[1].write(request.head)
        ways = (_pump(near[0], far[1], request.body), _pump(far[0], near[1]))
    else:
        near[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        ways = (_pump(near[0], far[1]), _pump(far[0], near[1]))
    async with asyncio.TaskGroup() as group:
        outward, inward = (group.create_task(way) for way in ways)
        # Without its answer the rest of a request is for nobody.
        inward.add_done_callback(lambda _: outward.cancel() if request.head else None)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None = None) -> None:
    left = most
    with contextlib.suppress(OSError):
        while left != 0:
            data = await reader.read(_CHUNK if left is None else min(left, _CHUNK))
            if not data:
                break
            left = None if left is None else left - len(data)
            writer.write(data)
            await writer.drain()
        if most is None and writer.can_write_eof():
            writer.write_eof()
        return
    writer.close()  # whoever waits for the other way waits for nothing


async def _say(near: Stream, status: int, reason: str) -> None:
    """Refuse with words that also those read who are shown the status line alone."""
    body = f"fleet: {reason}\n".encode()
    head = f"HTTP/1.1 {status} fleet: {reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    near[1].write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    await near[1].drain()
    near[1].write_eof()
    # Closing over what was sent and not read would take the answer back.
    left = _LINGER_BYTES
    async with asyncio.timeout(_LINGER_S):
        while left > 0 and (data := await near[0].read(_CHUNK)):
            left -= len(data)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_CONNECT_S):
            await writer.wait_closed()


async def look_up(host: str, port: int) -> Sequence[Address]:
    """The addresses of ``host`` as this machine sees them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


async def run(listener: socket.socket, rules: Sequence[HostRule], tell: Tell) -> None:
    """Serve ``listener`` until the process ends."""
    proxy = Proxy(rules, look_up, tell)
    server = await asyncio.start_server(proxy.serve, sock=listener, limit=_HEAD_BYTES)
    await server.serve_forever()


def main(arguments: list[str]) -> int:
    """See the module; ends only by a signal."""
    parent = os.getppid()
    path, who, *rules, handle = arguments
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if who:
        uid, gid = map(int, who.split(":"))
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        proctree.die_with_parent()  # with the user that wish is forgotten
        if os.getppid() != parent:
            return 1
    listener = socket.socket(fileno=int(handle))

    def tell(refusal: dict[str, object]) -> None:
        with contextlib.suppress(OSError):
            os.write(log, json.dumps(refusal).encode() + b"\n")

    asyncio.run(run(listener, [host_rule(rule) for rule in rules], tell))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
