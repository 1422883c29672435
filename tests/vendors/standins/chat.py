"""OpenAI's Chat Completions API, as far as opencode, aider and Copilot CLI use it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

from tests.vendors.standins.script import Reply

Event = tuple[str, dict[str, Any]]

_OF_ITS_OWN = ("title generator", "Git commit messages")
"""What system prompts say by which a program asks something for itself: a title, a commit's message."""


def read(body: dict[str, Any]) -> tuple[str, int]:
    """What the users said, and how many replies the conversation holds."""
    messages = body.get("messages", [])
    system = "\n".join(_text(message) for message in messages if message.get("role") in ("system", "developer"))
    if any(words in system for words in _OF_ITS_OWN):
        return "", -1
    said = "\n".join(_text(message) for message in messages if message.get("role") == "user")
    return said, sum(message.get("role") == "assistant" for message in messages)


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def failure(status: int) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"type": "server_error", "code": str(status), "message": f"stand-in says {status}"}}


def stream(reply: Reply, request: str, model: str) -> Iterator[Event]:
    """The events of ``reply``: its parts, why it ends, and what it used."""
    head = {"id": f"chatcmpl-{request}", "object": "chat.completion.chunk", "created": 1, "model": model}

    def chunk(delta: dict[str, Any], end: str | None = None) -> Event:
        return "", {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}

    yield chunk({"role": "assistant", "content": ""})
    if reply.text:
        yield chunk({"content": reply.text})
    for call in _calls(reply):
        yield chunk({"tool_calls": [call]})
    yield chunk({}, "tool_calls" if reply.tools else "stop")
    yield "", {**head, "choices": [], "usage": _usage(reply)}


def whole(reply: Reply, request: str, model: str) -> dict[str, Any]:
    """``reply`` to who did not ask for a stream."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.tools:
        message["tool_calls"] = list(_calls(reply))
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if reply.tools else "stop"}
    head = {"id": f"chatcmpl-{request}", "object": "chat.completion", "created": 1, "model": model}
    return {**head, "choices": [choice], "usage": _usage(reply)}


def _calls(reply: Reply) -> Iterator[dict[str, Any]]:
    for number, tool in enumerate(reply.tools):
        function = {"name": tool.name, "arguments": json.dumps(dict(tool.input))}
        yield {"index": number, "id": f"call_{secrets.token_hex(8)}", "type": "function", "function": function}


def _usage(reply: Reply) -> dict[str, Any]:
    sent = reply.usage.fresh + reply.usage.cache_read
    return {
        "prompt_tokens": sent,
        "completion_tokens": reply.usage.output,
        "total_tokens": sent + reply.usage.output,
        "prompt_tokens_details": {"cached_tokens": reply.usage.cache_read},
    }
