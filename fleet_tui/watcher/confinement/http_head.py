"""The head of a request to a forward proxy (RFC 9110, 9112), read strictly. Standard library and ``domain`` only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleet_tui.domain.hosts import BadHost, host_name, port_number

MOST_HEADERS = 100
FORBIDDEN = 403

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - what HTTP calls a token
_LINE = re.compile(rf"({_TOKEN}) ([!-~\x80-\U0010ffff]+) HTTP/1\.[01]\Z", re.ASCII)
_HEADER = re.compile(rf"({_TOKEN}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)\Z", re.ASCII)
_URL = re.compile(r"(?i:http)://([^/?#\\@]+)((?:[/?][!-~]*)?)\Z", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,18}\Z", re.ASCII)
_ONE_HOP = frozenset(
    {"connection", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"}
    | {"trailer", "upgrade"}
)


class BadRequest(Exception):
    """Nothing that a proxy can do; ``status`` is HTTP's, ``reason`` for whoever asked."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Request:
    """``host`` is in its normal form; ``head`` is what goes there, empty for a tunnel; ``body`` in bytes."""

    host: str
    port: int
    head: bytes = b""
    body: int = 0


def read(head: bytes) -> Request:
    """The request of which ``head`` is everything up to its empty line.

    Raises:
        BadRequest: it is malformed, ambiguous, or nothing for a proxy.
    """
    try:
        first, *lines = head.decode("utf-8").removesuffix("\r\n\r\n").split("\r\n")
    except UnicodeDecodeError:
        raise BadRequest(400, "the request is not UTF-8") from None
    asked = _LINE.match(first)
    if asked is None:
        raise BadRequest(400, "not a request line")
    method, target = asked.groups()
    headers = _headers(lines)
    if method == "CONNECT":
        return Request(*_authority(target, None))
    url = _URL.match(target)
    if url is None:
        raise BadRequest(400, "a proxy is asked by CONNECT, or for a whole http URL")
    host, port = _authority(url.group(1), 80)
    path = url.group(2) if url.group(2).startswith("/") else f"/{url.group(2)}"
    return Request(host, port, _onward(method, path, host, port, headers), _length(headers))


def _authority(text: str, usual: int | None) -> tuple[str, int]:
    """Host and port; without a port the ``usual`` one, if there is one."""
    host, bracket, rest = text.partition("]") if text.startswith("[") else ("", "", text)
    name, _, port = rest.partition(":")
    try:
        return host_name(host + bracket + name), port_number(port or str(usual or ""))
    except BadHost as error:
        raise BadRequest(FORBIDDEN, f"whom that asks cannot be told: {error}") from None


def _headers(lines: list[str]) -> list[tuple[str, str]]:
    if len(lines) > MOST_HEADERS:
        raise BadRequest(431, "too many headers")
    found = [_HEADER.match(line) for line in lines]
    if None in found:
        raise BadRequest(400, "not a header")
    return [(match.group(1), match.group(2).rstrip(" \t")) for match in found if match]


def _length(headers: list[tuple[str, str]]) -> int:
    """How long the body is. Two opinions about that are how one request is smuggled behind another."""
    if any(name.lower() == "transfer-encoding" for name, _ in headers):
        raise BadRequest(411, "a body needs its Content-Length here; or use https")
    lengths = {value for name, value in headers if name.lower() == "content-length"}
    if len(lengths) > 1 or not all(_LENGTH.match(value) for value in lengths):
        raise BadRequest(400, "the length of the body is ambiguous")
    return int(lengths.pop()) if lengths else 0


def _onward(method: str, path: str, host: str, port: int, headers: list[tuple[str, str]]) -> bytes:
    """What the host gets: its own name, no header that is meant for the proxy, and one request per connection."""
    named = {
        word.strip().lower() for name, value in headers if name.lower() == "connection" for word in value.split(",")
    }
    left_out = _ONE_HOP | (named - {"content-length"})
    name = f"[{host}]" if ":" in host else host
    lines = [f"{method} {path} HTTP/1.1", f"Host: {name if port == 80 else f'{name}:{port}'}"]
    lines += [f"{header}: {value}" for header, value in headers if header.lower() not in left_out]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("utf-8")
