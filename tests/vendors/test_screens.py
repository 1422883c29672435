"""Screens recorded from real vendors, and screens made to mislead."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.vendors.screens import RULES, classify

SCREENS = Path(__file__).parent / "screens"
EXPECTED = {
    "aider-idle": "idle",
    "claude-after-apikey": "dialog",
    "claude-api-error": "idle",
    "claude-apikey-dialog": "dialog",
    "claude-bypass-dialog": "dialog",
    "claude-done": "idle",
    "claude-firstrun-offline": None,
    "claude-idle-after": "idle",
    "claude-interrupted": "idle",
    "claude-permission-bash": "dialog",
    "claude-permission-write": "dialog",
    "claude-ready": "idle",
    "claude-running": "working",
    "claude-running-bash": "working",
    "claude-trust-dialog": "dialog",
    "codex-approval": "dialog",
    "codex-done": "idle",
    "codex-ready": "idle",
    "codex-running": "working",
    "copilot-done": "idle",
    "copilot-ready": "idle",
    "copilot-trust": "dialog",
    "gemini-done": "idle",
    "gemini-ready": "idle",
    "gemini-running": "working",
}


def state(screen: str) -> str | None:
    observation = classify(screen)
    return observation.state if observation else None


def test_every_recorded_screen_is_expected() -> None:
    assert {path.stem for path in SCREENS.glob("*.txt")} == EXPECTED.keys()


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_recorded(name: str, expected: str | None) -> None:
    assert state((SCREENS / f"{name}.txt").read_text(encoding="utf-8")) == expected


@pytest.mark.parametrize(
    ("screen", "expected"),
    [
        ("❯ 1. do this\n  2. and that\n● Done.\n❯ \n", "idle"),
        ("Shall I go on? (y/n)\nyes\n> \n", "idle"),
        ("I am waiting for your answer.\n│ > │\n  ? for shortcuts\n", "idle"),
        ("│ >      │\n  waiting for an answer\n", "asking"),
        ("Overwrite file? [y/N]: ", "dialog"),
        ("Add to the chat? (Y)es/(N)o [Yes]:", None),
        ("\n\n", None),
        ("$ make\ncc -c a.c\n", None),
    ],
)
def test_history_above_the_input_does_not_mislead(screen: str, expected: str | None) -> None:
    assert state(screen) == expected


def test_an_observation_names_rule_and_line() -> None:
    observation = classify("text\n ❯ 1. Yes\n   2. No\n")
    assert observation is not None
    assert (observation.rule, observation.line) == ("numbered-menu", "❯ 1. Yes")


@given(st.text(max_size=3000))
def test_any_text_is_survived(text: str) -> None:
    observation = classify(text)
    assert observation is None or observation.rule in {rule.name for rule in RULES}
