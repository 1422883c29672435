"""Lines: every width exact, no wide character split, nothing that steers a terminal, nothing lost by wrapping."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style

from fleet_widgets.cells import cells, fold, part, plain
from fleet_widgets.lines import Line, Span, column, cut, fill, fit, giving, line, text_of, to_strip, width_of, wrap
from fleet_widgets.palette import GREY, PALETTES, STYLE_NAMES, palette

ODD = "abc ─█中文字한👍❤️\u0301\u200d\ufe0f\u202e\u2067\x1b\x07\t\n\r\x9b\ud800\uffff\u00ad[/]"
texts = st.one_of(st.text(max_size=40), st.text(alphabet=ODD, max_size=40))
styles = st.one_of(st.sampled_from(STYLE_NAMES), st.just(Style(color="red", bold=True)), st.just("no such style"))
lines = st.lists(st.builds(Span, texts, styles, gives=st.integers(0, 2)), max_size=5).map(tuple)
filled = st.tuples(lines, st.builds(fill, st.text(max_size=3)), lines).map(lambda t: (*t[0], t[1], *t[2]))
widths = st.integers(0, 60)

STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f\ud800-\udfff]")


def shown(value: Line) -> str:
    return "".join(span.text for span in value)


@given(texts)
def test_plain_text_steers_nothing_and_rich_agrees_on_its_width(text: str) -> None:
    safe = plain(text)
    assert not STEERING.search(safe)
    assert cell_len(safe) == cells(safe) == width_of(text)
    assert plain(safe) == safe
    safe.encode("utf-8")


def test_plain_shows_what_it_cannot_draw() -> None:
    assert plain("a\x1b[31mb") == "a␛[31mb"
    assert plain("x\u202ey") == "x�y"
    assert plain("a\tb") == "a   b"
    assert plain("zero\u200bwidth") == "zerowidth"


@given(st.one_of(lines, filled), widths)
def test_fit_is_exactly_as_wide_as_asked(value: Line, width: int) -> None:
    assert cell_len(shown(fit(value, width))) == width


@given(lines, widths, st.integers(0, 20))
def test_cut_shows_the_same_cells_as_the_whole_line(value: Line, width: int, start: int) -> None:
    def columns(text: str) -> list[str]:
        out: list[str] = []
        for character in text:
            size = cell_len(character)
            out.extend([character] + ["<right half>"] * (size - 1) if size else [])
        return out

    whole = columns("".join(plain(span.text) for span in value))
    piece = columns(shown(cut(value, width, start=start)))
    assert len(piece) <= width
    for at, character in enumerate(piece):
        expected = whole[start + at]
        split = character == " " and (cell_len(expected) == 2 or expected == "<right half>")
        assert character == expected or split


@given(lines, st.integers(2, 30))
def test_wrap_loses_nothing_and_stays_within_the_width(value: Line, width: int) -> None:
    rows = wrap(value, width)
    assert rows
    assert "".join(shown(row) for row in rows) == "".join(plain(span.text) for span in value)
    assert all(width_of(row) <= width for row in rows)
    # Only a wide character that does not fit may leave the last cell of a row free.
    assert all(width_of(row) >= width - 1 for row in rows[:-1])


@given(texts.map(plain), st.integers(0, 20), st.integers(2, 20))
def test_fold_joins_to_the_same_text(text: str, first: int, width: int) -> None:
    pieces = fold(text, first, width)
    assert "".join(pieces) == text
    assert cells(pieces[0]) <= first or len(pieces) == 1
    assert all(cells(piece) <= width for piece in pieces[1:])


@given(texts.map(plain), widths, widths)
def test_part_never_splits_a_wide_character(text: str, start: int, width: int) -> None:
    assert cells(part(text, start, width)) <= width
    whole = part(text, 0, width, whole=True)
    assert text.startswith(whole)


@given(
    st.one_of(lines, filled),
    widths,
    st.sampled_from(PALETTES),
    st.booleans(),
    st.sampled_from(["normal", "cursor", "marked"]),
)
def test_every_segment_of_a_strip_has_a_background(value: Line, width: int, name: str, dim: bool, base: str) -> None:
    strip = to_strip(value, width, palette(name), base=base, dim=dim)
    assert strip.cell_length == width == sum(segment.cell_length for segment in strip)
    assert all(segment.style is not None and segment.style.bgcolor is not None for segment in strip)
    assert all(segment.style is None or segment.style.link is None for segment in strip)


@given(st.one_of(lines, filled), widths, st.booleans())
def test_whatever_is_in_a_line_no_strip_steers_a_terminal(value: Line, width: int, literal: bool) -> None:
    """The one door through which these widgets draw."""
    assert not STEERING.search(to_strip(value, width, GREY, literal=literal).text)


def test_the_same_line_gives_the_same_strip() -> None:
    value = line("abc", ("def", "p1"))
    assert to_strip(value, 10, GREY) is to_strip(line("abc", ("def", "p1")), 10, GREY)
    assert to_strip(value, 10, GREY) is not to_strip(value, 10, palette("mono"))


def test_a_fill_gives_way_from_the_left() -> None:
    value = line("01 upload-retry ", fill("─", "quiet"), " RUN 5s")
    assert shown(fit(value, 29)) == "01 upload-retry ────── RUN 5s"
    assert shown(fit(value, 20)) == "01 upload-re… RUN 5s"
    assert shown(fit(value, 5)) == " RUN…"
    assert text_of(value) == "01 upload-retry ─ RUN 5s"


def test_what_gives_way_is_shortened_before_what_decides() -> None:
    value = line("#3 ", giving("a-very-long-name"), " 12m", " !", fill(), giving("somebody else"), " DECIDES")
    assert shown(fit(value, 50)) == "#3 a-very-long-name 12m !    somebody else DECIDES"
    assert shown(fit(value, 42)) == "#3 a-very-long-name 12m !somebody… DECIDES"
    assert shown(fit(value, 39)) == "#3 a-very-long-name 12m !someb… DECIDES"
    assert shown(fit(value, 30)) == "#3 a-very… 12m !someb… DECIDES"
    assert shown(fit(line("#3 ", giving("short"), " 12m"), 20)).rstrip() == "#3 short 12m"


@given(texts, widths)
def test_a_column_is_as_wide_as_it_is(text: str, width: int) -> None:
    assert cell_len(column(text, width)) == width


def test_what_is_cut_off_says_so_unless_it_is_blank_or_a_picture() -> None:
    assert shown(fit(line("one two"), 5)) == "one …"
    assert shown(fit(line("one  "), 3)) == "one"
    assert shown(fit(line("a中文"), 4)) == "a中…"
    assert shown(fit(line("one two"), 5, picture=True)) == "one t"
    assert fit(line("one", (" two", "p1")), 5) == (Span("one"), Span(" ", "p1"), Span("…", "p1"))
    assert to_strip(line("one two"), 5, palette("mono", ascii=True)).text == "one ."
    assert to_strip(line("one two"), 5, GREY, picture=True).text == "one t"


def test_half_of_a_wide_character_becomes_a_space() -> None:
    assert shown(cut(line("中文"), 3)) == "中 "
    assert shown(cut(line("中文"), 3, start=1)) == " 文"
    assert [shown(row) for row in wrap(line("a中文"), 2)] == ["a", "中", "文"]


def test_marks_stay_with_their_character_and_do_not_pile_up() -> None:
    assert plain("\u0301a") == "a"
    assert plain("a" + "\u0301" * 50) == "a" + "\u0301" * 4
    assert shown(cut(line("e\u0301x"), 1)) == "e\u0301"


def test_nasty_text_is_shown_literally(nasty: str) -> None:
    strip = to_strip(line(nasty), 80, GREY)
    assert strip.cell_length == 80 == cell_len(strip.text)
    assert not STEERING.search(strip.text)
    if nasty.startswith("["):
        assert strip.text.startswith("[red]not markup[/red] [@click=app.quit]x[/]")
    rendered = strip.render(Console(width=80))
    assert "\x1b]" not in rendered
    assert "\x1b[2J" not in rendered


@pytest.mark.parametrize("name", ["grey", "light", "contrast"])
def test_contrast_of_every_style_is_enough_to_read(name: str) -> None:
    for style_name in STYLE_NAMES:
        if style_name == "stale":
            continue
        style = palette(name).style(style_name)
        assert style.color is not None
        assert style.bgcolor is not None
        front, back = style.color.get_truecolor(), style.bgcolor.get_truecolor()
        assert contrast(tuple(front), tuple(back)) >= 4.5, style_name


def contrast(front: tuple[int, ...], back: tuple[int, ...]) -> float:
    """WCAG 2 contrast ratio."""

    def luminance(rgb: tuple[int, ...]) -> float:
        parts = [c / 255 for c in rgb]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(front), luminance(back)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_without_colour_only_attributes_are_left() -> None:
    mono = palette("mono")
    for name in STYLE_NAMES:
        style = mono.style(name)
        assert style.color is not None
        assert style.color.is_default
        assert style.bgcolor is not None
        assert style.bgcolor.is_default
    assert mono.style(Style(color="#ff0000", bgcolor="blue", bold=True)) == mono.style("strong")
    attributes = {
        n: (s.bold, s.reverse, s.underline, s.dim) for n in ("p1", "p1-ack", "p2", "p3") for s in [mono.style(n)]
    }
    assert len(set(attributes.values())) == 4


def test_sixteen_colours_stay_sixteen() -> None:
    ansi = palette("ansi")
    reduced = ansi.style(Style(color="#ff5f4f", bgcolor="#1e2124"))
    assert reduced.color is not None
    assert reduced.color.number is not None
    assert reduced.color.number < 16
    assert {ansi.style(name).color.name for name in ("p1-ack", "p2-ack", "p3-ack")} == {  # type: ignore[union-attr]
        "bright_red", "bright_yellow", "bright_cyan",
    }  # fmt: skip


def test_unknown_palettes_and_styles() -> None:
    with pytest.raises(ValueError, match="choose one of grey, light"):
        palette("pink")
    assert GREY.style("no such style") == GREY.style("normal")
    assert palette("grey", ascii=True).box.horizontal == "-"
