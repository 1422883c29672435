"""The sanitiser: nothing that steers a terminal or deceives an eye gets through, whatever comes in."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.text import clean, fitting, one_line, reveal, reveal_name, some_names, taken_out

# Unicode format characters (Cf) that are drawn: they enclose or precede digits. All other Cf must go.
VISIBLE_FORMAT = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
# Egyptian layout joiners: without the hieroglyphs around them they draw as visible boxes.
VISIBLE_FORMAT |= set(range(0x13430, 0x13440))
INVISIBLE_LETTERS = {
    0x34F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    *range(0x180B, 0x1810),
    0x3164,
    0xFFA0,
    *range(0xFE00, 0xFE10),
}


def is_forbidden(char: str) -> bool:
    """Whether ``char`` may not be shown, told from the Unicode database and not from our own table."""
    if char in "\n\t":
        return False
    code = ord(char)
    if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}:
        return True
    if unicodedata.category(char) == "Cf":
        return code not in VISIBLE_FORMAT
    return code in INVISIBLE_LETTERS or 0xE0000 <= code <= 0xE0FFF


SEQUENCES = [
    *("\x1b]52;c;aGk=\x07", "\x1b]0;title\x1b\\", "\x1b]8;;file:///etc\x1b\\", "\x1bPq#0\x1b\\", "\x1b_G\x9c"),
    *("\x1b[2J", "\x1b[201~", "\x1b", "\x9b31m", "\x9d52;c;x\x9c", "\x90q\x9c", "\x1bc", "\x1b(0"),
]
SINGLES = ["\u202e", "\u2066", "\u200b", "\u2028", "\U000e0041", "\ufe0f", "\ud800", "\r", "\r\n", "\x00", "\x85"]
hostile = st.sampled_from([*SEQUENCES, *SINGLES])
any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
mixed = st.lists(st.one_of(hostile, any_text, st.text("ab \n\t[]\\;0123m~", max_size=8)), max_size=12).map("".join)


def test_every_single_character_is_kept_or_dropped_as_unicode_says() -> None:
    wrong = []
    for code in range(0x110000):
        char = chr(code)
        expected = "\n" if char == "\r" else "" if is_forbidden(char) else char
        if clean(char) != expected:
            wrong.append(f"U+{code:04X} {unicodedata.name(char, '')}")
    # What Python's Unicode database does not know yet (Cn) but reserves as ignorable may be dropped.
    assert [line for line in wrong if not line.startswith(("U+E0", "U+206", "U+FFF"))] == []


@given(mixed)
def test_clean_leaves_nothing_forbidden(text: str) -> None:
    assert not [char for char in clean(text) if is_forbidden(char)]


@given(mixed, st.none() | st.integers(0, 300))
def test_clean_is_idempotent_and_keeps_its_limit(text: str, limit: int | None) -> None:
    once = clean(text, limit)
    assert clean(once, limit) == once
    assert limit is None or len(once) <= limit


@given(
    st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="\u3164\uffa0\u115f\u1160"), max_size=80)
)
def test_clean_keeps_harmless_text_as_it_is(text: str) -> None:
    assert clean(text) == "".join(char for char in text if not is_forbidden(char))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b]52;c;aGVsbG8=\x07b", "ab"),
        ("a\x1b]52;c;aGVsbG8=\x1b\\b", "ab"),
        ("a\x9d52;c;aGVsbG8=\x9cb", "ab"),
        ("a\x1bP1;2|data\x1b\\b", "ab"),
        ("a\x1b[1;31mred\x1b[0mb", "aredb"),
        ("a\x9b31mred", "ared"),
        ("a\x1b(0b", "ab"),
        ("a\x1b]0;never ended", "a]0;never ended".replace("]", "")),
        ("\x1b[201~rm -rf /\n", "rm -rf /\n"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_clean_examples(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_a_cut_text_says_so() -> None:
    assert clean("abcdef", 4) == "abc…"
    assert clean("abcd", 4) == "abcd"
    assert clean("abc", 1) == "…"
    assert clean("abc", 0) == ""


@given(mixed, st.integers(1, 80))
def test_one_line_is_one_line_within_its_limit_and_idempotent(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert not set(line) & set("\n\t\r\x0b\x0c\x85\u2028\u2029")
    assert one_line(line, limit) == line


@given(mixed)
def test_reveal_shows_every_hidden_character_and_hides_nothing(text: str) -> None:
    shown = reveal(text)
    assert not [char for char in shown if is_forbidden(char)]
    unix = text.replace("\r\n", "\n")
    assert shown == "".join(f"<U+{ord(char):04X}>" if is_forbidden(char) else char for char in unix)


@given(mixed)
def test_a_revealed_name_is_one_line_and_hides_nothing(name: str) -> None:
    shown = reveal_name(name)
    assert shown == "".join(f"<U+{ord(c):04X}>" if is_forbidden(c) or c in "\n\t" else c for c in name)
    assert reveal_name(shown) == shown


@given(st.lists(st.text(), max_size=6), st.integers(1, 4), st.integers(1, 30))
def test_some_names_are_bounded_and_counted(names: list[str], most: int, limit: int) -> None:
    shown = some_names(names, most, limit)
    assert clean(shown) == shown
    assert "\n" not in shown
    assert len(shown) <= most * (limit + 2) + len(" and 6 more")
    if len(names) <= most:
        assert shown == ", ".join(reveal_name(name)[:limit] for name in names)
    else:
        assert shown.endswith(f" and {len(names) - most} more")


@given(st.text(max_size=60), st.integers(0, 200))
def test_fitting_is_the_longest_start_that_fits(text: str, most_bytes: int) -> None:
    cut = fitting(text, most_bytes)
    assert text.startswith(cut)
    assert len(json.dumps(cut)) - 2 <= most_bytes
    if cut != text:
        assert len(json.dumps(text[: len(cut) + 1])) - 2 > most_bytes


# Each is the worst case of one expression. A quadratic search would take minutes on these, not milliseconds;
# the generous limit only tells the two apart.
@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "\x1b]" * 200_000,
        "\x9d" * 200_000,
        "\x1b]" + "a" * 1_000_000,
        "\x1b]0;a" * 200_000,
        "\x1b[" + "0" * 1_000_000,
        "\x1b[0" * 200_000,
        "\x1b" + " " * 1_000_000,
        "\x1b[" + "0" * 500_000 + " " * 500_000,
        "\u202e" * 1_000_000,
        "\r" * 1_000_000,
    ],
    ids=lambda text: f"{text[:4]!r}*{len(text)}",
)
def test_hostile_megabytes_take_linear_time(text: str) -> None:
    began = time.process_time()
    clean(text)
    one_line(text)
    reveal(text)
    assert time.process_time() - began < 5


@given(mixed)
def test_what_is_taken_out_is_counted_and_named(text: str) -> None:
    count, names = taken_out(text)
    assert count == len(text.replace("\r\n", "\n")) - len(clean(text))
    assert bool(count) is bool(names)
    assert taken_out(clean(text)) == (0, ())


def test_names_of_what_is_taken_out() -> None:
    assert taken_out("a\u200db\x1b[31mc\u200d\r\n") == (7, ("U+200D", "U+001B"))
