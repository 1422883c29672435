"""What stands in an input line, on screens as vendors draw them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fleet_tui.domain.text import clean
from fleet_tui.vendors import input_line
from fleet_tui.vendors.drawing import Picture, rows_of
from fleet_tui.vendors.keys import InputBox, Key
from fleet_tui.vendors.rulefiles import read_rules
from fleet_tui.vendors.screens import Screen

PROMPT = "# How to work\n\nYou are one of several agents.\nYou work alone.\nTicket 3.\n"
words = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
lines = st.lists(words, min_size=1, max_size=12).map(" ".join)


RULES = {name: read_rules(name, name, None)[0] for name in ("scripted", "any-program", "claude-code")}


def holds(screen: str, text: str, vendor: str = "scripted") -> bool:
    rules = RULES[vendor]
    return input_line.holds(rules.typed(Screen(screen)), text, rules.input.folded)


def is_empty(screen: str, vendor: str = "scripted") -> bool:
    return RULES[vendor].typed(Screen(screen)) == ""


def screen(pasted: str, *, width: int = 100) -> str:
    """The scripted vendor's own drawing after a paste."""
    box = InputBox()
    if pasted:
        box.press(Key("paste", pasted))
    rows = rows_of(Picture("title", [], "", box.shown, "? for shortcuts"), width, 24)
    return "\n".join(row.replace("\x1b[2m", "").replace("\x1b[0m", "").replace("\x1b[36m", "") for row in rows)


@pytest.mark.parametrize("text", ["Two digits, halves to even.", "one\ntwo\nthree", PROMPT, PROMPT * 40, "x" * 500])
@pytest.mark.parametrize("width", [60, 120])
def test_a_paste_is_found_again(text: str, width: int) -> None:
    assert holds(screen(text, width=width), text)
    assert not is_empty(screen(text, width=width))


@given(lines, lines)
def test_another_text_is_not_taken_for_it(typed: str, wanted: str) -> None:
    assume(clean(typed) != clean(wanted))
    assert not holds(screen(typed), wanted)


@given(st.lists(lines, min_size=5, max_size=9))
def test_a_fold_of_another_length_is_not_taken_for_it(found: list[str]) -> None:
    text = "\n".join(found)
    assert holds(screen(text), text)
    assert not holds(screen(text), text + "\nmore")


@pytest.mark.parametrize("line", ["│ >                      │", "> ", "❯", "› "])
def test_an_empty_line_holds_nothing(line: str) -> None:
    shown = f"│ some history > of the agent │\n╭────╮\n{line}\n╰────╯\n  ? for shortcuts"
    assert is_empty(shown, "any-program")
    assert not holds(shown, "anything", "any-program")


@pytest.mark.parametrize("shown", ["", "Compiling…", "● I have written > to the file"])
def test_without_an_input_line_nothing_is_known(shown: str) -> None:
    assert not is_empty(shown, "any-program")
    assert not holds(shown, "anything", "any-program")


def claude(typed: str) -> str:
    rule = "─" * 40
    return f"● done\n{rule}\n❯ {typed}\n{rule}\n  ⏸ manual mode on\n"


def test_claude_numbers_its_folds() -> None:
    assert holds(claude("[Pasted text #2 +6 lines]"), PROMPT + "\nx", "claude-code")
    assert not holds(claude("[Pasted text #2 +4 lines]"), PROMPT + "\nx", "claude-code")


def test_a_short_beginning_proves_nothing() -> None:
    assert not holds("> Two", "Two digits, halves to even.", "any-program")


@pytest.mark.parametrize(
    ("prompt", "text", "same"),
    [
        ("go on", "go on", True),
        ("go\non \x1b[31m", "go  on", True),
        ("go on, please", "go on", False),
        ("Carry out the instructions pasted below.\n<pasted>\nfirst this,\nthen that, and tell\n</pasted>",
         "first this,\nthen that, and tell", True),
        ("", "go on", False),
        ("anything", "", False),
    ],
)  # fmt: skip
def test_what_a_program_wrote_down_that_it_was_asked(prompt: str, text: str, same: bool) -> None:
    assert input_line.asks(prompt, text) is same
