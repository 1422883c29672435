"""Patterns never go back: what could take long is refused with what to write instead, and nothing takes long."""

from __future__ import annotations

import time

import pytest

from fleet_tui.vendors.bounded import MOST_CHARACTERS, UnboundedPattern, compile_bounded
from fleet_tui.vendors.rulefiles import read_rules
from fleet_tui.vendors.screens import Screen


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^\s*[❯›]\s*\d[.)]", "  ❯ 1. Yes", True),
        (r"enter to (?:confirm|select)", "Press ENTER to select", True),
        (r"[\[(](?:y/n|yes/no)[^\])]{0,60}[\])](?:\s*\[\w+\])?$", "go on (y/n) [yes]", True),
        (r"a[^b]*b", "xx acccb", True),
        (r"\(a\|b\)", "(a|b)", True),
        (r"[]a]+$", "]a]", True),
        ("a{2,3}b", "aab", True),
        ("{x}", "{x}", True),
        ("a*a", "aaaa", False),  # what was taken is not given back
    ],
)
def test_what_matches(pattern: str, text: str, found: bool) -> None:
    assert bool(compile_bounded(pattern).search(text)) is found


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(a+)+$", "a group may not be repeated"),
        ("(a|a)*$", "a group may not be repeated"),
        ("(ab){1,50}", "a group may not be repeated"),
        ("a.*b", "a repeated `.`"),
        ("a.+b", "a repeated `.`"),
        ("a+?b", "are not allowed"),
        (r"(a)\1", "is not allowed"),
        ("(?=a)b", "is not allowed"),
        ("(?P<x>a)", "is not allowed"),
        ("(a", "no regular expression"),
        ("", "1 to 300 characters"),
        ("a" * 301, "1 to 300 characters"),
    ],
)
def test_what_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(UnboundedPattern, match=r".") as caught:
        compile_bounded(pattern)
    assert told in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("pattern", [r"\s*\s*\s*\s*\s*x", r"a*[ab]*[abc]*[a-z]*!", r"(?:a|aa)?(?:a|aa)?(?:a|aa)?c"])
def test_hostile_lines_take_no_time(pattern: str) -> None:
    compiled, began = compile_bounded(pattern), time.process_time()
    for line in (" " * MOST_CHARACTERS, "a" * MOST_CHARACTERS, "ab" * (MOST_CHARACTERS // 2)):
        assert compiled.search(line) is None
    assert time.process_time() - began < 0.2


@pytest.mark.parametrize("fill", [" ", "❯ ", "─", "a", "[", "(y/n", "⠁", "│ │", "Enter to "])
@pytest.mark.parametrize("vendor", ["claude-code", "codex", "gemini", "any-program"])
def test_hostile_screens_take_no_time(vendor: str, fill: str) -> None:
    found, _ = read_rules(vendor, vendor, None)
    screen, began = "\n".join([fill * 500] * 400), time.process_time()
    found.classify(Screen(screen, fill * 500))
    assert time.process_time() - began < 0.5
