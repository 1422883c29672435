"""The SGR parser, against pyte where pyte can tell, and alone where tmux differs."""

from __future__ import annotations

import unicodedata

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleet_tui.tmux.sgr import PLAIN, Colour, Span, Style, parse_row, parse_rows, skins_apart

WIDTH = 300
NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
CODES = (0, 1, 3, 4, 7, 9, 22, 23, 24, 27, 29, *range(30, 38), 39, *range(40, 48), 49, *range(90, 98), *range(100, 108))

byte = st.integers(0, 255)
sgr = st.one_of(
    st.lists(st.sampled_from(CODES), max_size=4).map(lambda codes: ";".join(map(str, codes))),
    st.tuples(st.sampled_from((38, 48)), byte).map(lambda pair: f"{pair[0]};5;{pair[1]}"),
    st.tuples(st.sampled_from((38, 48)), byte, byte, byte).map(
        lambda four: f"{four[0]};2;{four[1]};{four[2]};{four[3]}"
    ),
)
words = st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("äß│─█漢字日"), max_size=8)
pieces = st.lists(st.tuples(sgr, words), max_size=12)


def shown(colour: Colour) -> set[str]:
    """How pyte may call ``colour``: it has names for the first sixteen, or their value in its table."""
    if colour is None:
        return {"default"}
    if isinstance(colour, tuple):
        return {"{:02x}{:02x}{:02x}".format(*colour)}
    table = {pyte.graphics.FG_BG_256[colour]}
    if colour < 8:
        return table | {NAMES[colour]}
    return table | {f"bright{NAMES[colour - 8]}", f"bfight{NAMES[colour - 8]}"} if colour < 16 else table


def cells(spans: tuple[Span, ...]) -> list[tuple[str, Style]]:
    """One entry per column; the second half of a wide character is empty, as in pyte."""
    line = []
    for span in spans:
        for character in span.text:
            line.append((character, span.style))
            if unicodedata.east_asian_width(character) in "WF":
                line.append(("", span.style))
    return line


@given(st.lists(pieces, min_size=1, max_size=4))
def test_text_attributes_and_colours_are_those_of_pyte(rows: list[list[tuple[str, str]]]) -> None:
    captured = tuple("".join(f"\x1b[{codes}m{text}" for codes, text in row).encode() for row in rows)
    screen = pyte.Screen(WIDTH, len(rows))
    pyte.ByteStream(screen).feed(b"\r\n".join(captured))
    for number, spans in enumerate(parse_rows(captured)):
        for column, (character, style) in enumerate(cells(spans)):
            cell = screen.buffer[number][column]
            assert cell.data == character
            assert cell.fg in shown(style.fg)
            assert cell.bg in shown(style.bg)
            flags = (style.bold, style.italic, style.underline, style.reverse, style.strike)
            assert flags == (cell.bold, cell.italics, cell.underscore, cell.reverse, cell.strikethrough)


@given(st.binary(max_size=200), st.booleans())
@example(b"\x1b]52;c;AAAA\x07ok", False)
@example(b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", False)
@example("a\u202eb\u200bc\U000e0041d".encode(), True)
@example(b"\x1b[38;5mX\x1b[38;2;1mY\x1b[48;5;999mZ\x1b[;;m", False)
def test_nothing_but_safe_text_comes_out(row: bytes, bold: bool) -> None:
    start = Style(bold=bold)
    spans, end = parse_row(row, start)
    for span in spans:
        assert span.text
        assert not span.style.acs
        assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in span.text)
        assert not set(span.text) & set("\u200b\u200d\u202a\u202e\u2066\u2069\ufeff\u00ad")
    assert isinstance(end, Style)


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Co", "Cn")), max_size=40))
def test_plain_text_is_one_span_in_the_start_style(text: str) -> None:
    start = Style(fg=3, underline=True)
    spans, end = parse_row(text.encode(), start)
    assert len(spans) <= 1
    assert all(span.style == start for span in spans)
    assert end == start


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (b"\x1b]52;c;AAAA\x07ok", "ok"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ next", "link next"),
        (b"\x1b[2Jx\x1b[10;3Hy", "xy"),
        (b"\x0elqqk\x0f q", "┌──┐ q"),
        ("a\u00adb".encode(), "a b"),  # a soft hyphen has a column in tmux
        ("a\u200bb\u202ec".encode(), "abc"),  # these have none
        ("👩\u200d💻|".encode(), "👩|"),  # joined in one cell of tmux
        ("👍🏽|".encode(), "👍|"),
        (b"ab\tc", "ab      c"),
        ("漢\tc".encode(), "漢      c"),
        (b"a\xff\xfeb", "a\ufffd\ufffdb"),
    ],
)
def test_columns_stay_where_tmux_had_them(row: bytes, text: str) -> None:
    spans, _ = parse_row(row)
    assert "".join(span.text for span in spans) == text


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("38:5:200", Style(fg=200)),
        ("38:2::1:2:3", Style(fg=(1, 2, 3))),
        ("48:2:1:2:3", Style(bg=(1, 2, 3))),
        ("4:3", Style(underline=True)),
        ("4;4:0", PLAIN),
        ("58;5;3;1", Style(bold=True)),
        ("58:2::9:9:9;2", Style(dim=True)),
        ("1;2;22", PLAIN),
        ("21", Style(underline=True)),
        ("5;8;6;53", PLAIN),  # blinking, hidden, overlined: shown as plain text
        ("", PLAIN),
        ("38;5;300", PLAIN),
        ("999999999999", PLAIN),
    ],
)
def test_parameters(codes: str, style: Style) -> None:
    _, end = parse_row(f"\x1b[{codes}mx".encode())
    assert end == style


def test_a_tmux_that_does_not_join_skins_keeps_their_columns() -> None:
    (row,) = skins_apart(("👍🏽|".encode(),))
    spans, _ = parse_row(row)
    assert "".join(span.text for span in spans) == "👍  |"


def test_line_drawing_carries_over_rows_as_tmux_does() -> None:
    assert ["".join(span.text for span in row) for row in parse_rows((b"\x0ex", b"x\x0fx"))] == ["│", "│x"]
