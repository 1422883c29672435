"""Anthropic's Messages API, as far as Claude Code uses it: one streaming request kind."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

from tests.vendors.standins.script import Reply

Event = tuple[str, dict[str, Any]]


def read(body: dict[str, Any]) -> tuple[str, int]:
    """What the user said first, and how many replies the conversation holds."""
    messages = body.get("messages", [])
    opening = next((_text(m["content"]) for m in messages if m["role"] == "user"), "")
    ours = [m for m in messages if m["role"] == "assistant" and _text(m["content"]).strip() not in _ITS_OWN]
    return opening, len(ours)


_ITS_OWN = frozenset({"No response requested.", "(no content)"})
"""What the program itself puts into the model's mouth when it takes a session up again."""


def _text(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content if block.get("type") == "text")


def failure(status: int) -> dict[str, Any]:
    """The body of an error."""
    kinds = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
    return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": f"stand-in says {status}"}}


def stream(reply: Reply, request: str, model: str) -> Iterator[Event]:
    """The events of ``reply``."""
    usage = {
        "input_tokens": reply.usage.fresh,
        "cache_read_input_tokens": reply.usage.cache_read,
        "cache_creation_input_tokens": reply.usage.cache_write,
        "output_tokens": 1,
    }
    head = {"id": f"msg_{request}", "type": "message", "role": "assistant", "model": model, "content": []}
    yield "message_start", {"type": "message_start", "message": {**head, "stop_reason": None, "usage": usage}}
    number = 0
    if reply.text:
        block: dict[str, Any] = {"type": "text", "text": ""}
        yield from _block(number, block, {"type": "text_delta", "text": reply.text})
        number += 1
    for tool in reply.tools:
        block = {"type": "tool_use", "id": f"toolu_{secrets.token_hex(8)}", "name": tool.name, "input": {}}
        yield from _block(number, block, {"type": "input_json_delta", "partial_json": json.dumps(dict(tool.input))})
        number += 1
    stop = {"stop_reason": "tool_use" if reply.tools else "end_turn", "stop_sequence": None}
    end = {**usage, "output_tokens": reply.usage.output}
    yield "message_delta", {"type": "message_delta", "delta": stop, "usage": end}
    yield "message_stop", {"type": "message_stop"}


def _block(number: int, block: dict[str, Any], delta: dict[str, Any]) -> Iterator[Event]:
    yield "content_block_start", {"type": "content_block_start", "index": number, "content_block": block}
    yield "content_block_delta", {"type": "content_block_delta", "index": number, "delta": delta}
    yield "content_block_stop", {"type": "content_block_stop", "index": number}
