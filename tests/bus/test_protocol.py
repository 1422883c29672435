"""Frames and requests: exactly as documented, or one clear error."""

from __future__ import annotations

import ast
import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.bus import client, protocol, spool
from fleet_tui.bus.protocol import MAX_FRAME, BadFrame, Request
from fleet_tui.domain.errors import Conflict, FleetError, Refused, UsageError, WatcherUnavailable

GOOD: dict[str, Any] = {"v": 1, "id": "req-1", "op": "publish", "args": {}, "token": None}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def body(**changes: Any) -> bytes:
    fields = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return json.dumps(fields).encode()


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5))
def test_frames_round_trip(value: dict[str, Any]) -> None:
    frame = protocol.encode(value)
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert protocol.decode(frame[4:]) == value


def test_a_good_request() -> None:
    assert protocol.parse_request(body(args={"event": "x"}, token="t")) == Request(
        "req-1", "publish", {"event": "x"}, "t"
    )
    assert protocol.parse_request(body(token=...)).token is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "an object is expected"),
        (b"NaN", "not JSON"),
        (b'{"v": NaN}', "NaN is not JSON"),
        (b'{"v": 1, "v": 1}', "twice"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 40_000, "nested too deeply"),
        (body(v=2), "protocol version"),
        (body(v=True), "protocol version"),
        (body(v=1.0), "protocol version"),
        (body(id=...), "`id`"),
        (body(id=""), "`id`"),
        (body(id="x" * 81), "`id`"),
        (body(id="a b"), "`id`"),
        (body(id="a\n"), "`id`"),
        (body(id=7), "`id`"),
        (body(op="Publish"), "`op`"),
        (body(op="publish\n"), "`op`"),
        (body(op="denied"), "`op`"),
        (body(op=None), "`op`"),
        (body(args=[]), "`args`"),
        (body(args=...), "`args`"),
        (body(token=5), "`token`"),
        (body(token="x" * 513), "`token`"),
        (body(actor="operator"), "unknown field 'actor'"),
        (body(extra=1), "unknown field 'extra'"),
        (body(args={"actor": "operator:kim"}), "`actor` is stamped"),
        (body(args={"sender": "boss", "event": "x"}), "`sender` is stamped"),
        (body(args={"epoch": 3}), "`epoch` is stamped"),
    ],
)
def test_bad_requests(data: bytes, message: str) -> None:
    with pytest.raises(BadFrame) as caught:
        protocol.parse_request(data)
    assert message in caught.value.message


def test_ten_thousand_mutations_give_a_request_or_a_bad_frame() -> None:
    chance = random.Random(1)
    base = body(args={"event": "note", "summary": "hello", "payload": {"a": [1, 2, {"b": None}]}})
    parsed = 0
    for _ in range(10_000):
        data = bytearray(base)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    del data[place : place + chance.randint(1, 5)]
                case 2:
                    data[place:place] = chance.randbytes(chance.randint(1, 5))
        try:
            protocol.parse_request(bytes(data))
            parsed += 1
        except BadFrame:
            continue
    assert 0 < parsed < 10_000


def test_what_is_too_large_or_not_json_is_not_sent() -> None:
    with pytest.raises(BadFrame, match="too large"):
        protocol.encode({"a": "x" * MAX_FRAME})
    for value in (float("nan"), float("inf"), object(), {1, 2}):
        with pytest.raises(BadFrame, match="not JSON"):
            protocol.encode({"a": value})


@pytest.mark.parametrize("kind", [FleetError, UsageError, Refused, Conflict, WatcherUnavailable])
def test_errors_keep_their_class_over_the_wire(kind: type[FleetError]) -> None:
    answer = json.loads(json.dumps(protocol.failure(kind("title", "message", "hint"))))
    with pytest.raises(kind) as caught:
        protocol.result_of(answer)
    assert type(caught.value) is kind
    assert (caught.value.title, caught.value.message, caught.value.hint) == ("title", "message", "hint")


def test_hostile_answers_are_cleaned_and_never_a_foreign_class() -> None:
    with pytest.raises(FleetError) as caught:
        protocol.result_of({"ok": False, "error": "SystemExit", "title": "a\x1b]52;c;eA==\x07b", "message": 7})
    assert (type(caught.value), caught.value.title, caught.value.message) == (FleetError, "ab", "7")
    with pytest.raises(FleetError):
        protocol.result_of({"ok": 1})


async def test_a_clean_end_is_no_error_but_a_cut_frame_is() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(protocol.encode({"a": 1}))
    reader.feed_eof()
    assert await protocol.read_frame(reader) == b'{"a":1}'
    assert await protocol.read_frame(reader) is None
    for data in (b"\0\0", b"\0\0\0\x05abc"):
        cut = asyncio.StreamReader()
        cut.feed_data(data)
        cut.feed_eof()
        with pytest.raises(BadFrame, match="cut off"):
            await protocol.read_frame(cut)


def test_the_client_speaks_the_same_protocol_without_importing_it() -> None:
    assert (client.VERSION, client.MAX_FRAME) == (protocol.VERSION, protocol.MAX_FRAME)
    assert client.MAX_SPOOLED > spool.MAX_REQUESTS
    tree = ast.parse(Path(client.__file__).read_text(encoding="utf-8"))
    tops = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert tops == {"__future__", "_json", "_socket", "os", "sys", "time", "fcntl", "json", "collections", "typing"}


@given(JSON)
def test_the_clients_json_is_json(value: Any) -> None:
    text = client.dumps(value)
    assert text.isascii()
    assert json.loads(text) == value
    assert client.loads(f" \n{text}\t") == value


@given(st.text(max_size=60) | st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \n\\u', max_size=40))
def test_the_clients_parser_agrees_with_json(text: str) -> None:
    def result(parse: Any) -> Any:
        try:
            return repr(parse(text))
        except (ValueError, RecursionError):
            return "error"

    def strict(source: str) -> Any:
        def refuse(name: str) -> None:
            raise ValueError(name)

        return json.loads(source, parse_constant=refuse)

    assert result(client.loads) == result(strict)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x"])
def test_the_client_sends_json_only(value: object) -> None:
    with pytest.raises(ValueError):
        client.dumps(value)
