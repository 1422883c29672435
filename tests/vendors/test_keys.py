"""Keys from bytes, however they are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.vendors.drawing import Line, Picture, cut, rows_of, width_of
from fleet_tui.vendors.keys import InputBox, Key, KeyDecoder

PASTED = b"\x1b[200~line one\r\nline \xc3\xbc\x1b[201~"


def decoded(pieces: list[bytes]) -> list[Key]:
    decoder = KeyDecoder()
    return [key for piece in pieces for key in decoder.feed(piece)]


def joined(keys: list[Key]) -> list[Key]:
    """Neighbouring text as one key, for it may be cut anywhere."""
    result: list[Key] = []
    for key in keys:
        if key.name == "text" and result and result[-1].name == "text":
            key = Key("text", result.pop().text + key.text)
        result.append(key)
    return result


def test_keys() -> None:
    keys = decoded([b"a\xc3\xbcb" + PASTED + b"\r\x03\x7f\x1b[A\x1bOP\x01"])
    names = [key.name for key in keys]
    assert names == ["text", "paste", "enter", "interrupt", "backspace"]
    assert keys[0].text == "aüb"
    assert keys[1].text == "line one\nline ü"


@given(st.lists(st.integers(1, 40), max_size=30))
def test_cutting_changes_nothing(cuts: list[int]) -> None:
    data = b"x\xe2\x82\xac" + PASTED + b"\rhello\x1b[1;5A\x7f" + PASTED
    pieces, position = [], 0
    for length in cuts:
        pieces.append(data[position : position + length])
        position += length
    pieces.append(data[position:])
    assert joined(decoded(pieces)) == joined(decoded([data]))


def test_escape_alone_is_a_key_only_when_nothing_follows() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.feed(b"[A") == []
    assert decoder.feed(b"\x1b") == []
    assert decoder.flush() == [Key("escape")]
    assert decoder.flush() == []


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_any_bytes_are_survived(pieces: list[bytes]) -> None:
    decoded(pieces)


def test_a_paste_does_not_submit_and_is_folded_when_long() -> None:
    box = InputBox()
    assert box.press(Key("paste", "one\ntwo")) is None
    assert box.shown == "one two"
    assert box.press(Key("paste", "\n\n\n\n\n")) is None
    assert box.shown == "[Pasted text +5 lines]"
    assert box.press(Key("enter")) == "one\ntwo\n\n\n\n\n"
    assert box.press(Key("enter")) is None


@given(st.text(max_size=200), st.integers(12, 120), st.integers(6, 50))
def test_the_picture_has_exactly_its_size(text: str, width: int, height: int) -> None:
    picture = Picture("title", [Line(text), Line(text, "bad")], text.replace("\n", " "), text, "footer")
    rows = rows_of(picture, width, height)
    assert len(rows) == height
    assert all("\n" not in row for row in rows[:-5])
    box = rows[-3]
    assert width_of(box) <= max(width, 12)


@given(st.text(max_size=100), st.integers(0, 60))
def test_cut_fits(text: str, width: int) -> None:
    assert width_of(cut(text, width)) <= width
    assert text.startswith(cut(text, width))
