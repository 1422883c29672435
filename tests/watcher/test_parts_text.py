"""The parts of a ticket as YAML for the person, and what is taken of what comes back."""

from __future__ import annotations

import pytest

from fleet_tui.domain.errors import UsageError
from fleet_tui.governance.fanout.values import Part
from fleet_tui.watcher.acts.parts_text import read, written

PARTS = (Part("One: é", "text\n\n- x", ("/a.py",)), Part("Two", "", ("/b/",), (1,)))


def test_what_is_written_is_read_again() -> None:
    text = written(7, PARTS)
    assert read(text) == PARTS
    assert "The parts of #7." in text


def test_the_repositories_of_parts_are_written_and_read() -> None:
    parts = (Part("One", "x", (), (), "api"), Part("Two", "y", (), (1,), "home"))
    text = written(7, parts)
    assert read(text) == parts
    assert "repo: api" in text
    assert "# repo:" in text
    assert "repo" not in written(7, PARTS)


def test_an_empty_file_gives_it_up() -> None:
    assert read("# nothing\n") == ()


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("- {title: [", "not YAML"),
        ("title: x", "not a list of parts"),
        ("- x\n- y", "not a part"),
        ("- {title: x, colour: red}", "not a part"),
        ("- {title: x, after: [one]}\n- {title: y}", "not a part"),
        ("- {title: x}", "the parts do not fit together"),
        ("- {title: x, scope: [/a/]}\n- {title: y, scope: [/a/b]}", "the parts do not fit together"),
        ("- {title: x, after: [2]}\n- {title: y}", "the parts do not fit together"),
    ],
)
def test_what_are_no_parts_is_refused(text: str, title: str) -> None:
    with pytest.raises(UsageError) as told:
        read(text)
    assert told.value.title == title
