"""Patterns never go back: what could take long is refused with what to write instead, and nothing takes long."""

from __future__ import annotations

import re._parser as _parser  # type: ignore[import-not-found]
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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
        ("a{}b", "a{}b", True),
        ("a{,}b", "aab", True),
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
        ("(ab){0,1000}", "is too many"),
        ("a{0,1000}a{0,1000}a{0,1000}z", "is too many"),
        (".{,}", "a repeated `.`"),
        (".{0,1000}", "is too many"),
        ("a{0301}", "is too many"),
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


def _repeats(parsed: Any) -> Iterator[str]:
    """The names of the operators by which a parsed pattern repeats."""
    for operator, argument in parsed:
        name = str(operator)
        if "REPEAT" in name:
            yield name
        for part in argument if isinstance(argument, tuple | list) else ():
            for inner in part if isinstance(part, list) else (part,):
                if isinstance(inner, _parser.SubPattern):
                    yield from _repeats(inner)


COUNTED = st.from_regex(r"a\{[0-9]{0,4}(,[0-9]{0,4})?\}", fullmatch=True)


@example("a{0,1000}")
@given(st.text("ab.(){},01239|?*+[]^$\\", max_size=14) | COUNTED)
def test_what_is_compiled_has_only_repeats_that_give_nothing_back(pattern: str) -> None:
    try:
        compiled = compile_bounded(pattern)
    except UnboundedPattern:
        return
    assert set(_repeats(_parser.parse(compiled.pattern))) <= {"POSSESSIVE_REPEAT"}


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
