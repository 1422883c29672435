"""The web server of the stand-ins: one thread a request, on a free port of loopback."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, ClassVar

from tests.vendors.standins import anthropic, chat, gemini, openai
from tests.vendors.standins.script import Cast, Served

DIALECTS = {
    "/v1/messages": anthropic,
    "/v1/responses": openai,
    "/chat/completions": chat,
    ":streamGenerateContent": gemini,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cast: ClassVar[Cast]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        path = self.path.partition("?")[0]
        dialect = next((spoken for end, spoken in DIALECTS.items() if path.endswith(end)), None)
        if dialect is None:
            self._json(404, {"error": {"type": "not_found_error", "message": self.path}})
            return
        self.cast.asked.append(json.dumps(body, ensure_ascii=False))
        opening, said = dialect.read(body)
        when, reply = self.cast.reply(opening, said)
        request, model = f"req_{secrets.token_hex(8)}", str(body.get("model", ""))
        if reply.status != 200:
            self.cast.note(Served(request, when, model, reply.usage, reply.status))
            body = dialect.failure(reply.status)
            body["error"].update(reply.error)
            self._json(reply.status, body, reply.headers)
            return
        if dialect is chat and not body.get("stream"):
            time.sleep(reply.delay_s)
            self.cast.note(Served(request, when, model, reply.usage, 200))
            self._json(200, chat.whole(reply, request, model))
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("request-id", request)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):  # who is interrupted hangs up
            for number, (event, data) in enumerate(dialect.stream(reply, request, model)):
                if number == 1 and reply.delay_s:
                    time.sleep(reply.delay_s)
                named = f"event: {event}\n" if event else ""
                self.wfile.write(f"{named}data: {json.dumps(data)}\n\n".encode())
                self.wfile.flush()
            self.cast.note(Served(request, when, model, reply.usage, 200))

    def do_GET(self) -> None:
        self._json(200, {"data": [], "models": []})

    def do_HEAD(self) -> None:
        self._json(200, {})

    def _json(self, status: int, value: dict[str, Any], headers: Mapping[str, str] = MappingProxyType({})) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@contextlib.contextmanager
def serving(cast: Cast) -> Iterator[str]:
    """A stand-in that plays ``cast``; its address, ``http://127.0.0.1:PORT``."""
    handler = type("Handler", (_Handler,), {"cast": cast})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
