"""Google's generateContent API, as far as Gemini CLI uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.vendors.standins.script import Reply

Event = tuple[str, dict[str, Any]]


def read(body: dict[str, Any]) -> tuple[str, int]:
    """What the user said, and how many replies the conversation holds."""
    if body.get("generationConfig", {}).get("responseMimeType") == "application/json":
        return "", -1  # a question of the program's own, such as whether to go on
    contents = body.get("contents", [])
    said = "\n".join(_text(content) for content in contents if content.get("role") == "user")
    ours = [content for content in contents if content.get("role") == "model" and _text(content) not in _ITS_OWN]
    return said, len(ours)


_ITS_OWN = frozenset({"[The previous response was interrupted before it completed.]"})
"""What the program itself puts into the model's mouth after an interrupt."""


def _text(content: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in content["parts"])


def failure(status: int) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"code": status, "message": f"stand-in says {status}", "status": "INTERNAL"}}


def stream(reply: Reply, request: str, model: str) -> Iterator[Event]:
    """The events of ``reply``: all in one."""
    parts: list[dict[str, Any]] = [{"text": reply.text}] if reply.text else []
    parts += [{"functionCall": {"name": tool.name, "args": dict(tool.input)}} for tool in reply.tools]
    sent = reply.usage.fresh + reply.usage.cache_read
    usage = {
        "promptTokenCount": sent,
        "cachedContentTokenCount": reply.usage.cache_read,
        "candidatesTokenCount": reply.usage.output,
        "totalTokenCount": sent + reply.usage.output,
    }
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    yield "", {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": request}
