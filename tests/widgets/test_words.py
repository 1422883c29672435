"""Prose wrapped between words: nothing is lost but white space where it breaks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleet_widgets.cells import cells, plain
from fleet_widgets.lines import Line, Span, line, text_of, width_of
from fleet_widgets.words import wrap_words

ALPHABET = "ab  \t\n-.\u00a0\u3000\u4f60\u597d\u0301\U0001f600\u200b\x1b\u202ee\u0308"
texts = st.text(st.sampled_from(ALPHABET) | st.characters(), max_size=60)
spans = st.builds(Span, texts, st.sampled_from(["normal", "quiet", "strong"]))
some_lines = st.lists(spans, min_size=1, max_size=4).map(tuple)
widths = st.integers(-3, 50)


def shown(value: Line) -> str:
    return "".join(plain(span.text) for span in value)


def letters(text: str) -> str:
    return "".join(text.split())


def styles(value: Line) -> list[tuple[str, object]]:
    """Every drawn letter with its style."""
    return [(letter, span.style) for span in value for letter in plain(span.text) if not letter.isspace()]


@given(some_lines, widths)
@example((Span("name      ", "quiet"), Span("x" * 40)), 20)
@example((Span("   "), Span("\u4f60" * 9)), 5)
@example((Span("a" * 9 + "\u0301" * 4),), 3)
def test_nothing_is_lost_but_white_space_and_no_row_is_too_wide(value: Line, width: int) -> None:
    rows = wrap_words(value, width)
    assert rows
    assert letters("".join(map(shown, rows))) == letters(shown(value))
    assert [part for row in rows for part in styles(row)] == styles(value)
    assert all(width_of(row) <= max(2, width) for row in rows)


@given(some_lines, widths)
def test_what_fits_is_left_alone(value: Line, width: int) -> None:
    if width_of(value) <= max(2, width):
        assert wrap_words(value, width) == [value]


@given(st.lists(st.text("abc", min_size=1, max_size=8), min_size=1, max_size=20), st.integers(8, 40))
def test_words_that_fit_a_row_are_never_cut(words: list[str], width: int) -> None:
    rows = wrap_words(line(" ".join(words)), width)
    assert [word for row in rows for word in text_of(row).split()] == words
    for row, following in pairwise(rows):
        first = text_of(following).split()[0]
        assert cells(text_of(row)) + 1 + cells(first) > width, "the next word would have fitted"


@given(some_lines, widths)
def test_wrapping_again_changes_nothing(value: Line, width: int) -> None:
    for row in wrap_words(value, width):
        assert wrap_words(row, width) == [row]


@pytest.mark.parametrize(
    ("value", "width", "rows"),
    [
        (line("the quick brown fox"), 10, ["the quick", "brown fox"]),
        (line("the quick  brown"), 9, ["the quick", "brown"]),
        (line("   so many words here"), 12, ["   so many", "   words", "   here"]),
        (line(("name ", "quiet"), "one two three"), 12, ["name one two", "    three"]),
        (line(("nm ", "quiet"), "one two three"), 12, ["nm one two", "   three"]),
        (line("no label", " follows it"), 12, ["no label", "follows it"]),
        (line("unbreakable"), 4, ["unbr", "eaka", "ble"]),
        (line("a unbreakable"), 4, ["a", "unbr", "eaka", "ble"]),
        (line(("branch  ", "quiet"), "agent/3-title-case"), 24, ["branch  agent/3-title-ca", "        se"]),
        (line("\u4f60\u597d\u4f60\u597d"), 5, ["\u4f60\u597d", "\u4f60\u597d"]),
        (line("\u4f60\u597d \u4f60\u597d"), 5, ["\u4f60\u597d", "\u4f60\u597d"]),
        (line("a\u3000\u4f60\u597d"), 5, ["a", "\u4f60\u597d"]),
        (line("e\u0301e\u0301 e\u0301"), 2, ["e\u0301e\u0301", "e\u0301"]),
        (line("words"), 0, ["wo", "rd", "s"]),
        (line(""), 5, [""]),
        (line("   "), 2, [" "]),
    ],
)  # fmt: skip
def test_examples(value: Line, width: int, rows: list[str]) -> None:
    assert [text_of(row) for row in wrap_words(value, width)] == rows


def test_styles_go_with_their_words() -> None:
    value = line(("17:43 ", "quiet"), ("gate_failed ", "strong"), ("unit at 3f9c1e2a", "quiet"))
    assert wrap_words(value, 20) == [
        (Span("17:43 ", "quiet"), Span("gate_failed", "strong")),
        (Span("      "), Span("unit at", "quiet")),
        (Span("      "), Span("3f9c1e2a", "quiet")),
    ]
