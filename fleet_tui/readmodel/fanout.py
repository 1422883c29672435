"""What the watcher told of how a ticket could be divided, as values that may be drawn. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet_tui.domain.text import NOTHING, SafeText, clean, one_line

_MOST_PARTS, _MOST_TEXT = 50, 200_000


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A ticket that would be made; ``after`` are numbers of parts, from 1."""

    title: SafeText
    told: SafeText
    """Its text."""
    scope: tuple[SafeText, ...]
    after: tuple[int, ...]
    repo: SafeText = NOTHING
    """Which repository it is of; empty: that of the whole."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Whether a ticket decomposes. Without ``parts`` one agent is better, and ``verdict`` says why."""

    ticket: int
    body_sha: str
    """Of the text that it was made of."""
    verdict: SafeText
    reasons: tuple[SafeText, ...]
    parts: tuple[PlannedPart, ...]
    text: SafeText
    """The parts as YAML, for an editor."""

    def given(self) -> list[dict[str, Any]]:
        """The parts as the watcher takes them back."""
        return [
            {"title": one.title, "body": one.told, "scope": list(one.scope), "after": list(one.after), "repo": one.repo}
            for one in self.parts
        ]


def plan(answer: Mapping[str, Any]) -> Plan:
    """The answer to ``plan``."""
    parts = [_part(one) for one in _list(answer, "parts")[:_MOST_PARTS] if isinstance(one, dict)]
    number = answer.get("ticket")
    return Plan(
        ticket=number if isinstance(number, int) else 0,
        body_sha=str(answer.get("body_sha", "")),
        verdict=one_line(str(answer.get("verdict", "")), 400),
        reasons=tuple(one_line(str(one), 400) for one in _list(answer, "reasons")),
        parts=tuple(parts),
        text=clean(str(answer.get("text", "")), _MOST_TEXT),
    )


def _part(found: Mapping[str, Any]) -> PlannedPart:
    return PlannedPart(
        one_line(str(found.get("title", "")), 400),
        clean(str(found.get("body", "")), _MOST_TEXT),
        tuple(one_line(str(one), 400) for one in _list(found, "scope")),
        tuple(one for one in _list(found, "after") if isinstance(one, int)),
        one_line(str(found.get("repo") or ""), 60),
    )


def _list(found: Mapping[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    return value if isinstance(value, list) else []
