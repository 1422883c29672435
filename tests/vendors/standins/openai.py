"""OpenAI's Responses API, as far as Codex uses it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

from tests.vendors.standins.script import Reply

Event = tuple[str, dict[str, Any]]


def read(body: dict[str, Any]) -> tuple[str, int]:
    """What the users said, and how many replies the conversation holds: one or more items of a model stand together."""
    if body.get("text", {}).get("format"):
        return "", -1  # it names its session, in a form of its own
    items = body.get("input", [])
    if isinstance(items, str):
        return items, 0
    said = "\n".join(_text(item) for item in items if item.get("role") == "user")
    ours = [
        item.get("role") == "assistant" or item.get("type") in _CALLS
        for item in items
        if item.get("type") not in _ASIDE
    ]
    replies = sum(mine and (number == 0 or not ours[number - 1]) for number, mine in enumerate(ours))
    return said, replies


_CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call"})
_ASIDE = frozenset({"reasoning"})


def _text(item: dict[str, Any]) -> str:
    content = item.get("content", "")
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def failure(status: int) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"type": "server_error", "code": str(status), "message": f"stand-in says {status}"}}


def stream(reply: Reply, request: str, model: str) -> Iterator[Event]:
    """The events of ``reply``."""
    response: dict[str, Any] = {"id": f"resp_{request}", "object": "response", "model": model, "output": []}
    yield "response.created", {"type": "response.created", "response": {**response, "status": "in_progress"}}
    items: list[dict[str, Any]] = []
    if reply.text:
        text = {"type": "output_text", "text": reply.text, "annotations": []}
        items.append(
            {"type": "message", "id": f"msg_{request}", "role": "assistant", "status": "completed", "content": [text]}
        )
    for tool in reply.tools:
        name = secrets.token_hex(8)
        arguments = json.dumps(dict(tool.input))
        # Codex knows a server's tools by the server: mcp__fleet, publish.
        space, _, short = tool.name.rpartition("__")
        items.append(
            {
                **({"namespace": space} if space else {}),
                "type": "function_call",
                "id": f"fc_{name}",
                "call_id": f"call_{name}",
                "name": short,
                "arguments": arguments,
                "status": "completed",
            }
        )
    for number, item in enumerate(items):
        yield "response.output_item.added", {"type": "response.output_item.added", "output_index": number, "item": item}
        yield "response.output_item.done", {"type": "response.output_item.done", "output_index": number, "item": item}
    read = reply.usage.fresh + reply.usage.cache_read
    usage = {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": reply.usage.cache_read},
        "output_tokens": reply.usage.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + reply.usage.output,
    }
    done = {**response, "status": "completed", "output": items, "usage": usage}
    yield "response.completed", {"type": "response.completed", "response": done}
