"""What the last lines of an agent's screen say, for programs that report nothing better.

Vendors change their screens: this is the last source of a run's state, and a screen that no rule knows says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleet_tui.vendors.base import Observation, ScreenState

_LINES = 12
"""Non-empty lines from the bottom that are looked at; what is above is history."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``below`` rules look only below the last empty input line: a menu that stands above one has been answered."""

    name: str
    state: ScreenState
    pattern: re.Pattern[str]
    below: bool = False


def _rule(name: str, state: ScreenState, pattern: str, *, below: bool = False) -> Rule:
    return Rule(name, state, re.compile(pattern, re.IGNORECASE), below)


# In order of precedence: a dialog may stand over a turn that has not ended.
RULES = (
    _rule("confirm-keys", "dialog", r"\b(?:press )?enter to (?:confirm|select|continue)\b", below=True),
    _rule("numbered-menu", "dialog", r"^[\s│|]*[❯›●>]\s*\d[.)]\s+\w", below=True),
    _rule("yes-no-menu", "dialog", r"^[\s│|]*[❯›●]\s*(?:yes|no)\b[\w,() ]*[\s│|]*$", below=True),
    _rule(
        "yes-no-question",
        "dialog",
        r"[\[(](?:y/n|yes/no)[^\])]{0,60}[\])](?:\s*\[\w+\])?\s*[:?]?\s*$",
        below=True,
    ),
    _rule("awaits-answer", "asking", r"\bwaiting for (?:an|your) answer\b", below=True),
    _rule("interrupt-hint", "working", r"\besc to (?:interrupt|cancel)\b"),
    _rule("spinner", "working", r"^\s*[·✢✳✶✻✽⠁-⣿]\s?\S+(?:…|\.\.\.)"),
    _rule("empty-input", "idle", r"^[\s│|]*[❯›>]\s*[│|]?\s*$"),
    _rule("input-placeholder", "idle", r"^[\s│|]*[❯›>*]\s+(?:ask|type|try|send)\b"),
)


def classify(screen: str) -> Observation | None:
    """The first rule that matches one of the last lines of ``screen``, nearest to the bottom."""
    lines = [line for line in screen.splitlines() if line.strip()][-_LINES:]
    below = _below_input(lines)
    for rule in RULES:
        for line in reversed(below if rule.below else lines):
            if rule.pattern.search(line):
                return Observation(rule.state, rule.name, line.strip())
    return None


def _below_input(lines: list[str]) -> list[str]:
    inputs = [rule.pattern for rule in RULES if rule.state == "idle"]
    last = max((number for number, line in enumerate(lines) if any(p.search(line) for p in inputs)), default=-1)
    return lines[last + 1 :]
