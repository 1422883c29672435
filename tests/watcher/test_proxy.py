"""The proxy of sandboxed runs, with real sockets: who is reached, who is refused, and what it costs to ask too much."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from fleet_tui.domain.hosts import Address, host_rule
from fleet_tui.governance import network
from fleet_tui.watcher.confinement import proxy
from fleet_tui.watcher.confinement.proxy import MOST_CONNECTIONS, Proxy


@dataclass
class World:
    """A stand-in server that keeps what it was sent, a proxy, and the addresses that names lead to."""

    port: int = 0
    door: int = 0
    said: list[bytes] = field(default_factory=list)
    told: list[dict[str, object]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    names: dict[str, Sequence[str]] = field(default_factory=dict)

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        if host not in self.names:
            raise socket.gaierror(-2, "Name or service not known")
        return [ip_address(text) for text in self.names[host]]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            self.said.append(data := await reader.read(65536))
            body = b"you said " + data.split(b"\r\n")[0]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
            writer.write_eof()
            while more := await reader.read(65536):
                self.said.append(more)
        writer.close()

    async def ask(self, request: str, then: str = "") -> str:
        """All that the proxy answers to ``request``, and when it is through to ``then``."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.door)
        writer.write(request.encode())
        said = b""
        if then:
            said = await reader.readuntil(b"\r\n\r\n")
            writer.write(then.encode())
        writer.write_eof()
        async with asyncio.timeout(60):
            said += await reader.read()
        writer.close()
        return said.decode()


@contextlib.asynccontextmanager
async def world(*rules: str, **names: Sequence[str]) -> AsyncIterator[World]:
    here = World(names={name.replace("_", "."): found for name, found in names.items()})
    server = await asyncio.start_server(here.answer, "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    spelt = [host_rule(rule.replace("PORT", str(here.port))) for rule in rules]
    serves = Proxy(spelt, here.resolve, here.told.append).serve
    door = await asyncio.start_server(serves, "127.0.0.1", 0, limit=16 * 1024)
    here.door = door.sockets[0].getsockname()[1]
    async with server, door:
        yield here


def connect(target: str) -> str:
    return f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_listed_host_is_reached_by_tunnel_and_by_url() -> None:
    async with world("127.0.0.1:PORT", "localhost:PORT") as here:
        for host in ("127.0.0.1", "localhost", "LOCALHOST."):
            said = await here.ask(connect(f"{host}:{here.port}"), "hello\r\n")
            assert said.startswith("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK"), said
            assert said.endswith("you said hello")
            said = await here.ask(f"GET http://{host}:{here.port}/a HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            assert said.endswith("you said GET /a HTTP/1.1")
        assert here.said[1] == f"GET /a HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\nConnection: close\r\n\r\n".encode()
        assert (here.told, here.asked) == ([], [])


async def test_of_a_request_no_more_goes_out_than_its_body() -> None:
    """A second request behind the first could ask for another host."""
    async with world("127.0.0.1:PORT") as here:
        url = f"http://127.0.0.1:{here.port}/"
        first = f"POST {url} HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
        await here.ask(f"{first}GET http://evil.example/ HTTP/1.1\r\n\r\n")
        assert b"".join(here.said).endswith(b"\r\n\r\nabc")


async def test_who_is_not_listed_is_refused_with_words_told_a_few_times_and_never_looked_up() -> None:
    async with world("example.com") as here:
        for _ in range(11):
            said = await here.ask(connect("evil.example:443"))
        reason = "fleet: evil.example is not in isolation.network; ask the operator"
        assert said.startswith(f"HTTP/1.1 403 {reason}\r\n")
        assert said.endswith(f"\r\n\r\n{reason}\n")
        await here.ask("GET http://evil.example/ HTTP/1.1\r\nHost: example.com\r\n\r\n")
        assert "port 22 of example.com" in await here.ask(connect("example.com:22"))
        assert "cannot be told" in await here.ask(connect("2130706433:443"))
        assert here.asked == []
        assert [(told["target"], told["times"]) for told in here.told] == [
            ("evil.example:443", 1),
            ("evil.example:443", 10),
            ("evil.example:80", 1),
            ("example.com:22", 1),
            ("a host that cannot be told", 1),
        ]


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0", "::"]
)
async def test_a_listed_name_that_leads_inside_is_refused(address: str) -> None:
    async with world("evil.example:PORT", evil_example=[address]) as here:
        for request in (
            connect(f"evil.example:{here.port}"),
            f"GET http://evil.example:{here.port}/ HTTP/1.1\r\n\r\n",
        ):
            said = await here.ask(request)
            assert said.startswith("HTTP/1.1 403 fleet: evil.example leads to "), said
        assert here.said == []
        assert [told["target"] for told in here.told] == [f"evil.example:{here.port}"]


async def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to() -> None:
    """One look-up, and of its answers only what may be: here the second, since the operator listed it."""
    async with world("good.example:PORT", "127.0.0.1:PORT", good_example=["10.0.0.1", "127.0.0.1"]) as here:
        said = await here.ask(connect(f"good.example:{here.port}"), "hello\r\n")
        assert said.endswith("you said hello")
        assert here.asked == ["good.example"]


async def test_this_machine_s_own_address_is_no_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "is_public", lambda address: True)
    async with world("evil.example:PORT", evil_example=["127.0.0.1"]) as here:
        said = await here.ask(connect(f"evil.example:{here.port}"))
        assert "leads to 127.0.0.1, which is this machine" in said
        assert here.said == []


async def test_who_cannot_be_reached_is_no_refusal() -> None:
    async with world("gone.example", "127.0.0.1") as here:
        assert (await here.ask(connect("gone.example:443"))).startswith(
            "HTTP/1.1 502 fleet: gone.example:443 is not found: Name or service not known"
        )
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
    async with world(f"127.0.0.1:{port}") as here:
        assert f"502 fleet: 127.0.0.1:{port} cannot be reached" in await here.ask(connect(f"127.0.0.1:{port}"))
        assert here.told == []


async def test_too_long_a_head_too_slow_a_head_and_no_head(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as here:
        assert (await here.ask("GET / HTTP/1.1\r\nA: " + "x" * 40_000)).startswith("HTTP/1.1 431 fleet: ")
        assert (await here.ask("GET / HTTP/1.1\r\n\r\n")).startswith("HTTP/1.1 400 fleet: ")
        assert await here.ask("") == ""
        monkeypatch.setattr(proxy, "_HEAD_S", 0.05)
        reader, writer = await asyncio.open_connection("127.0.0.1", here.door)
        writer.write(b"GET")
        async with asyncio.timeout(60):
            assert await reader.read() == b"", "hung up on, though the other end stays"
        writer.close()


async def test_so_many_at_once_and_no_more() -> None:
    async with world("127.0.0.1:PORT") as here:
        idle = [await asyncio.open_connection("127.0.0.1", here.door) for _ in range(MOST_CONNECTIONS)]
        while (said := await here.ask(connect(f"127.0.0.1:{here.port}"))).startswith("HTTP/1.1 200"):
            pass  # not all of them were taken in yet
        assert said.startswith("HTTP/1.1 503 fleet: more than")
        for _, writer in idle:
            writer.close()
        while (said := await here.ask(connect(f"127.0.0.1:{here.port}"))).startswith("HTTP/1.1 503"):
            pass
        assert said.startswith("HTTP/1.1 200")


async def test_names_of_refused_hosts_fill_no_disk() -> None:
    async with world() as here:
        for number in range(150):
            await here.ask(connect(f"h{number}.example:443"))
        assert len(here.told) == 102
        assert [told["times"] for told in here.told[100:]] == [1, 10]
        assert here.told[-1]["target"] == "other hosts"


async def test_a_tunnel_carries_much_both_ways_and_ends_with_either_end() -> None:
    received = asyncio.Queue[bytes]()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
        received.put_nowait(b"end")

    echoing = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = echoing.sockets[0].getsockname()[1]
    async with echoing, world(f"127.0.0.1:{port}") as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.door)
        writer.write(connect(f"127.0.0.1:{port}").encode())
        await reader.readuntil(b"\r\n\r\n")
        sent = bytes(range(256)) * 8192

        async def send() -> None:
            writer.write(sent)
            await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        async with asyncio.timeout(60):
            assert await reader.read(-1) == sent
            assert await received.get() == b"end"
        await sending
        writer.close()
