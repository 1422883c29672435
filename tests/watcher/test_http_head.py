"""The head of a request to the proxy: what goes on, what is refused, and that nothing makes it fall over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.watcher.confinement.http_head import BadRequest, Request, read
from tests.examples import tried


def asked(*lines: str) -> Request:
    return read("\r\n".join([*lines, "", ""]).encode())


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [
        ("example.com:443", "example.com", 443),
        ("EXAMPLE.com.:8443", "example.com", 8443),
        ("[::1]:443", "::1", 443),
        ("[::ffff:127.0.0.1]:1", "127.0.0.1", 1),
        ("bücher.example:443", "xn--bcher-kva.example", 443),
    ],
)
def test_a_tunnel(target: str, host: str, port: int) -> None:
    assert asked(f"CONNECT {target} HTTP/1.1", "Host: other.example") == Request(host, port)


def test_the_url_counts_and_what_is_for_the_proxy_stays_here() -> None:
    request = asked(
        "POST HTTP://Example.com:8080/a?b=c HTTP/1.0",
        "Host: metadata.internal",
        "Content-Length: 3",
        "Proxy-Authorization: Basic x",
        "Proxy-Connection: keep-alive",
        "X-Mine: 1",
        "Connection: keep-alive, x-mine, content-length",
        "Upgrade: websocket",
        "Accept: */*",
    )
    assert (request.host, request.port, request.body) == ("example.com", 8080, 3)
    assert request.head == (
        b"POST /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\nContent-Length: 3\r\nAccept: */*\r\n"
        b"Connection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://example.com", b"GET / HTTP/1.1"),
        ("http://example.com?a", b"GET /?a HTTP/1.1"),
        ("http://example.com:/x", b"GET /x HTTP/1.1"),
    ],
)
def test_a_url_without_a_path(url: str, line: bytes) -> None:
    assert asked(f"GET {url} HTTP/1.1").head.split(b"\r\n")[:2] == [line, b"Host: example.com"]


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        (400, ["GET / HTTP/1.1", "Host: example.com"]),
        (400, ["GET https://example.com/ HTTP/1.1"]),
        (400, ["GET http://user@example.com/ HTTP/1.1"]),
        (400, ["GET http://example.com\\@evil.example/ HTTP/1.1"]),
        (400, ["GET http://example.com/#a HTTP/1.1\x00"]),
        (400, ["GET  http://example.com/ HTTP/1.1"]),
        (400, ["GET http://example.com/ HTTP/2.0"]),
        (400, ["GET http://example.com/\nHost: x HTTP/1.1"]),
        (403, ["GET http://2130706433/ HTTP/1.1"]),
        (403, ["GET http://0x7f.1/ HTTP/1.1"]),
        (403, ["CONNECT example.com HTTP/1.1"]),
        (403, ["CONNECT example.com: HTTP/1.1"]),
        (403, ["CONNECT example.com:99999 HTTP/1.1"]),
        (403, ["CONNECT user@example.com:443 HTTP/1.1"]),
        (403, ["CONNECT example.com:443:80 HTTP/1.1"]),
        (403, ["CONNECT [::1]x:443 HTTP/1.1"]),
        (403, ["CONNECT [fe80::1%eth0]:443 HTTP/1.1"]),
        (400, ["GET http://example.com/ HTTP/1.1", " folded: 1"]),
        (400, ["GET http://example.com/ HTTP/1.1", "Name : 1"]),
        (400, ["GET http://example.com/ HTTP/1.1", "A: 1\rHost: x"]),
        (400, ["GET http://example.com/ HTTP/1.1", "A: 1\nHost: x"]),
        (400, ["POST http://example.com/ HTTP/1.1", "Content-Length: 1", "Content-Length: 2"]),
        (400, ["POST http://example.com/ HTTP/1.1", "Content-Length: +1"]),
        (411, ["POST http://example.com/ HTTP/1.1", "Content-Length: 1", "Transfer-Encoding: chunked"]),
        (431, ["GET http://example.com/ HTTP/1.1", *["A: 1"] * 101]),
    ],
)
def test_what_is_refused(status: int, lines: list[str]) -> None:
    with pytest.raises(BadRequest) as refused:
        asked(*lines)
    assert refused.value.status == status, refused.value.reason


@tried(600)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(
            lambda method, target, headers: f"{method} {target} HTTP/1.1\r\n{headers}\r\n\r\n".encode(),
            st.sampled_from(["GET", "CONNECT"]),
            st.text(alphabet="abc.:/@[]#?\\%0x1 http", max_size=30).map(lambda text: text.replace("h", "http://")),
            st.text(alphabet="Host: a\r\n\t", max_size=20),
        ),
    )
)
def test_nothing_makes_it_fall_over(head: bytes) -> None:
    try:
        request = read(head)
    except BadRequest as refused:
        reason = refused.reason
    else:
        reason = ""
        lines = request.head.split(b"\r\n")
        assert sum(line.lower().startswith(b"host:") for line in lines) == (1 if request.head else 0)
        assert request.head.count(b"\n") == request.head.count(b"\r\n") == request.head.count(b"\r")
    assert reason == "" or (reason.isascii() and reason.isprintable())
