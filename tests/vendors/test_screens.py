"""Screens recorded from real vendors at several sizes, and screens made to mislead, by the rules that ship."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.vendors.rulefiles import read_rules
from fleet_tui.vendors.screens import RuleSet, Screen

SCREENS = Path(__file__).parent / "screens"
KINDS = {"claude": "claude-code", "codex": "codex", "gemini": "gemini", "aider": "aider", "copilot": "copilot"}
KINDS["opencode"] = "opencode"
EXPECTED = {
    "aider-idle": "idle",
    "claude-after-apikey": "login",
    "claude-api-error": "idle",
    "claude-apikey-dialog": "login",
    "claude-bypass-dialog": "trust",
    "claude-done": "idle",
    "claude-firstrun-offline": None,
    "claude-idle-after": "idle",
    "claude-interrupted": "idle",
    "claude-permission-bash": "permission",
    "claude-permission-write": "permission",
    "claude-ready": "idle",
    "claude-running": "working",
    "claude-running-bash": "working",
    "claude-trust-dialog": "trust",
    "codex-approval": "permission",
    "codex-done": "idle",
    "codex-ready": "idle",
    "codex-running": "working",
    "copilot-done": "idle",
    "copilot-permission": "permission",
    "copilot-ready": "idle",
    "copilot-trust": "trust",
    "gemini-done": "idle",
    "gemini-limit": "limit",
    "gemini-ready": "idle",
    "gemini-running": "working",
    "opencode-permission": "permission",
    "opencode-ready": "idle",
}
"""What the screen says: a state, or of a dialog what it asks."""


@cache
def rules(vendor: str) -> RuleSet:
    found, problems = read_rules(vendor, vendor if vendor in ("claude-code", "codex", "gemini") else "command", None)
    assert problems == ()
    return found


def said(vendor: str, screen: str, title: str = "") -> str | None:
    observation = rules(vendor).classify(Screen(screen, title))
    return (observation.dialog or observation.state) if observation else None


def recorded(name: str) -> tuple[str, str]:
    return KINDS[name.partition("-")[0]], (SCREENS / f"{name}.txt").read_text(encoding="utf-8")


def test_every_recorded_screen_is_expected() -> None:
    assert {path.stem for path in SCREENS.glob("*.txt")} == EXPECTED.keys()


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_recorded(name: str, expected: str | None) -> None:
    assert said(*recorded(name)) == expected


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 16), (100, 60)])
@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_at_another_size(name: str, expected: str | None, width: int, height: int) -> None:
    """What is wider is cut, what is higher has scrolled away, and where there is room the rows below are blank."""
    vendor, text = recorded(name)
    text = re.sub(r"\n{3,}", "\n\n", text)  # room that a program fills up at one size, and has not at another
    rows = [line[:width] for line in text.rstrip("\n").split("\n")]
    assert said(vendor, "\n".join([*rows, *[""] * (height - len(rows))][-height:])) == expected


@pytest.mark.parametrize(
    ("screen", "expected"),
    [
        ("❯ 1. do this\n  2. and that\n● Done.\n❯ \n", "idle"),
        ("Shall I go on? (y/n)\nyes\n> \n", "idle"),
        ("I am waiting for your answer.\n│ > │\n  ? for shortcuts\n", "idle"),
        ("│ >      │\n  waiting for an answer\n", "asking"),
        ("Overwrite file? [y/N]: ", "choice"),
        ("Add to the chat? (Y)es/(N)o [Yes]:", None),
        ("> earlier words\n\n ❯ 1. Yes\n   2. No\n", "choice"),
        ("\n\n", None),
        ("$ make\ncc -a c.c\n", None),
    ],
)
def test_any_program_by_the_common_rules(screen: str, expected: str | None) -> None:
    assert said("any-program", screen) == expected


RULE = "─" * 40
CLAUDE = f"● all done\n{RULE}\n❯ {{}}\n{RULE}\n  ⏸ manual mode on\n"


@pytest.mark.parametrize("typed", ["half a thought", "press enter to confirm", "❯ 1. Yes", "esc to interrupt"])
def test_what_a_person_typed_is_told_and_says_nothing_of_the_state(typed: str) -> None:
    seen = rules("claude-code").classify(Screen(CLAUDE.format(typed)))
    assert seen is not None
    assert (seen.state, seen.rule, seen.typed) == ("idle", "typed-input", typed)


def test_a_draft_of_several_lines_is_all_of_it() -> None:
    seen = rules("claude-code").classify(Screen(CLAUDE.format("one\n  two\n  three")))
    assert seen is not None
    assert seen.typed == "one\ntwo\nthree"


def test_what_the_agent_wrote_above_its_input_is_history() -> None:
    history = "Do you trust the files in this folder?\nEnter to confirm\n❯ 1. Yes\nesc to interrupt\n"
    assert said("claude-code", history + CLAUDE.format("")) == "idle"


@pytest.mark.parametrize(
    ("vendor", "title", "expected"),
    [
        ("gemini", "✋  Action Required (shop)", "permission"),
        ("gemini", "✦  Working… (shop)", "working"),
        ("gemini", "◇  Ready (shop)", "idle"),
        ("codex", "[ ! ] Action Required | shop", "permission"),
        ("codex", "⠸ shop", "working"),
        ("claude-code", "◐ ticket-7", "working"),
    ],
)
def test_titles(vendor: str, title: str, expected: str) -> None:
    idle = {"gemini": "gemini-done", "codex": "codex-done", "claude-code": "claude-done"}[vendor]
    assert said(vendor, recorded(idle)[1], title) == expected


def test_an_observation_names_rule_region_and_line() -> None:
    seen = rules("any-program").classify(Screen("text\n ❯ 1. Yes\n   2. No\n"))
    assert seen is not None
    assert (seen.rule, seen.region, seen.line) == ("numbered-menu", "below-input", "❯ 1. Yes")


@given(st.text(max_size=3000), st.text(max_size=300), st.sampled_from([*KINDS.values(), "scripted", "any-program"]))
def test_any_text_is_survived(text: str, title: str, vendor: str) -> None:
    seen = rules(vendor).classify(Screen(text, title))
    assert seen is None or seen.rule in {rule.name for rule in rules(vendor).rules}
