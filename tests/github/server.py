"""The stand-in GitHub as a server on a unix socket, which the real `gh` reaches by its setting ``http_unix_socket``.

Budgets, entity tags, pages and errors are as GitHub's; faults happen when a test has scripted them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.github import graph, rest
from tests.github.state import Hub, Refusal

_HOUR_S = 3600


@dataclass
class Fault:
    """What happens instead of an answer to the next ``times`` requests whose ``METHOD /path?query`` matches ``where``.

    A ``status`` is answered with ``headers`` and ``body``; ``hang`` answers nothing until the server closes; ``drop``
    closes the connection. With ``after`` the request is carried out first, and only its answer is lost.
    """

    where: str
    status: int = 0
    body: str = '{"message": "Server Error"}'
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False
    after: bool = False
    times: int = 1


@dataclass(frozen=True)
class Seen:
    """A request: ``name`` is that of a GraphQL operation, ``status`` what was answered (0: nothing)."""

    method: str
    path: str
    name: str
    status: int
    counted: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}{f' {self.name}' if self.name else ''} {self.status}"


@dataclass
class Budget:
    limit: int = 5000
    used: int = 0

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves ``hub`` on ``socket``; ``seen`` is every request in its order."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, hub: Hub, socket: Path) -> None:
        super().__init__(str(socket), _Handler)
        self.hub = hub
        self.socket_path = socket
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        self.budgets = {"core": Budget(), "graphql": Budget(), "search": Budget(30)}
        self.reset_s = int(time.time()) + _HOUR_S
        self.lock = threading.RLock()
        self.hanging = threading.Semaphore(0)
        """Released once for each request that hangs."""
        self._closing = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Let go of who hangs, and stop."""
        self._closing.set()
        self.shutdown()
        self.server_close()
        self.socket_path.unlink(missing_ok=True)

    def fail(self, where: str, status: int = 0, **how: Any) -> Fault:
        """Script a fault; see :class:`Fault`."""
        fault = Fault(where, status, **how)
        self.faults.append(fault)
        return fault

    def wait_until_closing(self) -> None:
        self.hanging.release()
        self._closing.wait()

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[Seen]]:
        """The requests that are made within."""
        before = len(self.seen)
        found: list[Seen] = []
        yield found
        found += self.seen[before:]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed has gone; other errors are told as usual."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = False

    def address_string(self) -> str:
        return "gh"

    def log_message(self, *args: Any) -> None:
        """``seen`` has it all."""

    def do_GET(self) -> None:
        with self.server.lock:
            answer = self._answer()
        answer()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

    def _answer(self) -> Callable[[], None]:
        """Work out what to answer; sending, and waiting for ever, happens without the lock."""
        raw = self._body()
        address = urlsplit(self.path)
        path = address.path.removeprefix("/api/v3") or "/"
        body = json.loads(raw) if raw else {}
        name = _operation(body) if path == "/graphql" else ""
        asked = f"{self.command} {self.path}{f' {name}' if name else ''}"
        fault = self._fault(asked)
        if fault is not None and not fault.after:
            return self._failing(fault, name)
        status, answered, headers = self._work(path, dict(parse_qsl(address.query)), body, name)
        if fault is not None:
            return self._failing(fault, name)
        self._note(name, status, counted=status != 304)
        return lambda: self._send(status, answered, headers)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _fault(self, asked: str) -> Fault | None:
        for fault in self.server.faults:
            if fault.times > 0 and re.search(fault.where, asked):
                fault.times -= 1
                return fault
        return None

    def _failing(self, fault: Fault, name: str) -> Callable[[], None]:
        self._note(name, fault.status, counted=False)
        if fault.hang:
            return self.server.wait_until_closing
        if fault.drop:
            return self._drop
        kind = "text/html" if fault.body.startswith("<") else "application/json; charset=utf-8"
        headers = {"Content-Type": kind, **fault.headers}
        return lambda: self._send(fault.status, fault.body.encode(), headers)

    def _drop(self) -> None:
        self.close_connection = True

    def _note(self, name: str, status: int, *, counted: bool) -> None:
        self.server.seen.append(Seen(self.command, self.path, name, status, counted))

    # -- work --------------------------------------------------------------------------------------------------------

    def _work(
        self, path: str, query: dict[str, str], body: dict[str, Any], name: str
    ) -> tuple[int, bytes, dict[str, str]]:
        server = self.server
        if self.headers.get("Authorization", "").removeprefix("token ").removeprefix("Bearer ") != server.hub.token:
            return _json(401, {"message": "Bad credentials"})
        resource = "graphql" if path == "/graphql" else "core"
        budget = server.budgets[resource]
        if budget.remaining == 0:
            said = "API rate limit exceeded for user ID 1."
            told = (
                {"errors": [{"type": "RATE_LIMITED", "message": said}]} if resource == "graphql" else {"message": said}
            )
            status, answered, headers = _json(200 if resource == "graphql" else 403, told)
            return status, answered, headers | self._rate(resource)
        if resource == "graphql":
            budget.used += 1
            status, answered, headers = self._graphql(body)
        else:
            status, answered, headers = self._rest(path, query, body)
            budget.used += status != 304
        scopes = {"X-OAuth-Scopes": "read:org, repo", "Date": self.date_time_string()}
        return status, answered, headers | self._rate(resource) | scopes

    def _rate(self, resource: str) -> dict[str, str]:
        budget = self.server.budgets[resource]
        numbers = {
            "Limit": budget.limit,
            "Remaining": budget.remaining,
            "Used": budget.used,
            "Reset": self.server.reset_s,
        }
        return {f"X-RateLimit-{key}": str(value) for key, value in numbers.items()} | {"X-RateLimit-Resource": resource}

    def _graphql(self, body: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        for repository in self.server.hub.all():
            repository.sync()
        budget = self.server.budgets["graphql"]
        reset = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.server.reset_s))
        rate = {"limit": budget.limit, "remaining": budget.remaining, "used": budget.used, "cost": 1, "resetAt": reset,
                "nodeCount": 1}  # fmt: skip
        return _json(200, graph.answer(self.server.hub, body["query"], body.get("variables") or {}, rate))

    def _rest(self, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        hub = self.server.hub
        request = rest.Request(self.command, path, query, body, hub.viewer)
        try:
            status, found = rest.answer(hub, request)
        except Refusal as refusal:
            return _json(
                refusal.status, {"message": refusal.message, "documentation_url": "https://docs.github.com/rest"}
            )
        if isinstance(found, rest.Moved):
            return _json(status, {"message": "Moved Permanently", "url": found.location}, {"Location": found.location})
        if isinstance(found, rest.Text):
            return status, found.text.encode(), {"Content-Type": "text/plain; charset=utf-8"}
        headers: dict[str, str] = {}
        if isinstance(found, list):
            found, headers = _page(found, query, f"{rest.API}{path}")
        status, answered, more = _json(status, found, headers)
        return self._tagged(status, answered, more) if self.command == "GET" else (status, answered, more)

    def _tagged(self, status: int, answered: bytes, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        tag = f'W/"{hashlib.sha256(answered).hexdigest()}"'
        if self.headers.get("If-None-Match") == tag:
            return 304, b"", {"ETag": tag}
        return status, answered, headers | {"ETag": tag}

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response_only(status)
            for key, value in headers.items():
                self.send_header(key, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status not in (204, 304):
                self.wfile.write(body)


def _json(status: int, told: Any, headers: dict[str, str] | None = None) -> tuple[int, bytes, dict[str, str]]:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return status, json.dumps(told).encode(), kind | (headers or {})


def _page(found: list[Any], query: dict[str, str], address: str) -> tuple[list[Any], dict[str, str]]:
    size, number = min(100, int(query.get("per_page", 30))), int(query.get("page", 1))
    rest_of_query = "&".join(f"{key}={value}" for key, value in query.items() if key != "page")
    more = len(found) > size * number
    link = f'<{address}?{rest_of_query}&page={number + 1}>; rel="next"'
    return found[size * (number - 1) : size * number], {"Link": link} if more else {}


def _operation(body: Any) -> str:
    found = re.search(r"\b(?:query|mutation)\s+(\w+)", str(body.get("query", ""))) if isinstance(body, dict) else None
    return found[1] if found else ""


def write_config(directory: Path, socket: Path) -> None:
    """gh's configuration that sends every request to ``socket``."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.yml").write_text(f'version: "1"\nhttp_unix_socket: {socket}\n', encoding="utf-8")
    (directory / "config.yml").chmod(0o600)


def main() -> None:
    """Serve one repository until interrupted: ``python -m tests.github.server DIRECTORY``, to try things by hand."""
    import sys
    import tempfile

    place = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="hub-"))
    hub = Hub(place)
    hub.create()
    server = Server(hub, place / "hub.sock")
    write_config(place / "gh", place / "hub.sock")
    print(f"GH_CONFIG_DIR={place / 'gh'} GH_TOKEN=test GH_PROMPT_DISABLED=1 TMPDIR={place}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    (place / "hub.sock").unlink()


if __name__ == "__main__":
    main()
