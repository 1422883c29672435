"""What the last lines of an agent's screen say, for programs that report nothing better.

Vendors change their screens: this is the last source of a run's state, and a screen that no rule knows says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleet_tui.vendors.base import Observation, ScreenState

_LINES = 16
"""Non-empty lines from the bottom that are looked at; what is above is history."""


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    state: ScreenState
    pattern: re.Pattern[str]


def _rule(name: str, state: ScreenState, pattern: str) -> Rule:
    return Rule(name, state, re.compile(pattern, re.IGNORECASE))


# In order of precedence: a dialog may stand over a turn that has not ended.
RULES = (
    _rule("confirm-keys", "dialog", r"\b(?:press )?enter to (?:confirm|select|continue)\b"),
    _rule("numbered-menu", "dialog", r"^[\s│|]*[❯›●>]\s*\d[.)]\s+\w"),
    _rule("yes-no-menu", "dialog", r"^[\s│|]*[❯›●]\s*(?:yes|no)\b[\w,() ]*[\s│|]*$"),
    _rule("yes-no-question", "dialog", r"[\[(](?:y/n|yes/no)[^\])]{0,60}[\])](?:\s*\[\w+\])?\s*[:?]?\s*$"),
    _rule("awaits-answer", "asking", r"\bwaiting for (?:an|your) answer\b"),
    _rule("interrupt-hint", "working", r"\besc to (?:interrupt|cancel)\b"),
    _rule("spinner", "working", r"^\s*[·✢✳✶✻✽⠁-⣿]\s?\S+(?:…|\.\.\.)"),
    _rule("empty-input", "idle", r"^[\s│|]*[❯›>]\s*[│|]?\s*$"),
    _rule("input-placeholder", "idle", r"^[\s│|]*[❯›>]\s+(?:ask|type|try|send)\b"),
)


def classify(screen: str) -> Observation | None:
    """The first rule that matches one of the last lines of ``screen``, nearest to the bottom."""
    lines = [line for line in screen.splitlines() if line.strip()][-_LINES:]
    for rule in RULES:
        for line in reversed(lines):
            if rule.pattern.search(line):
                return Observation(rule.state, rule.name, line.strip())
    return None
