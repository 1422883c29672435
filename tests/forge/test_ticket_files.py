"""Front matter: what is accepted, what is refused with its line, and that an edit touches nothing else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_tui.domain.text import clean, one_line
from fleet_tui.forge.frontmatter import BadTicketFile, parse, render, with_labels

_TEXT = st.text(max_size=200)
_LABELS = st.lists(
    st.text(min_size=1, max_size=20).map(lambda text: one_line(text, 60)).filter(bool), max_size=5, unique=True
)
_NUMBERS = st.lists(st.integers(1, 99_999), max_size=4, unique=True)
_NASTY = st.sampled_from(
    ["---", "...", "\n---\n", "`id`", "$(id)", "#{x}", "!!python/object", "&a *a", "{}", "- x", ": ", "😀", "'\""]
)
_BODY = st.lists(st.one_of(_TEXT, _NASTY), max_size=6).map("\n".join)


@given(title=st.one_of(_TEXT, _NASTY), body=_BODY, labels=_LABELS, depends_on=_NUMBERS, priority=st.integers(1, 9))
def test_what_is_written_is_read(
    title: str, body: str, labels: list[str], depends_on: list[int], priority: int
) -> None:
    title, body = one_line("t" + title), clean(body)
    parsed = parse(render(12, title, body, labels, depends_on, priority, "2026-01-02T03:04:05Z"))
    assert (parsed.number, parsed.title, parsed.body) == (12, title, body.strip("\n"))
    assert (parsed.labels, parsed.depends_on, parsed.priority) == (tuple(labels), tuple(depends_on), priority)


@given(_TEXT)
def test_anything_is_parsed_or_refused_with_a_line(text: str) -> None:
    for candidate in (text, f"---\n{text}\n---\nbody", f"---\ntitle: x\n{text}\n---\n"):
        problem = _problem(candidate)
        if problem is not None:
            assert 1 <= problem.line <= len(candidate.splitlines()) + 1
            assert problem.message == one_line(problem.message)


def _problem(text: str) -> BadTicketFile | None:
    try:
        parse(text)
    except BadTicketFile as error:
        return error
    return None


_STYLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("---\ntitle: T\nlabels: [a, b]\nx: 1\n---\nbody\n", ("---\ntitle: T\nlabels: ", "\nx: 1\n---\nbody\n")),
    ("---\ntitle: T\nlabels: [ a , 'b' ]   # why\n---\nbody\n", ("---\ntitle: T\nlabels: ", "   # why\n---\nbody\n")),
    (
        "---\nlabels:   # which\n  # first\n  - a # one\n\n  - b\n  # last\ntitle: T\n---\n",
        ("---\nlabels:", "   # which\n  # first\n", "  # last\ntitle: T\n---\n"),
    ),
    ("---\nlabels:\n- a\n- b\ntitle: T\n---\n", ("---\nlabels:", "\ntitle: T\n---\n")),
    ("---\ntitle: T\nlabels:\n- a\n-   b\n---\n", ("---\ntitle: T\nlabels:", "\n---\n")),
    (
        "---\r\ntitle: T\r\nlabels:\r\n  - a\r\n  - b\r\n# end\r\n---\r\nbo\r\ndy\r\n",
        ("---\r\ntitle: T\r\nlabels:", "\r\n# end\r\n---\r\nbo\r\ndy\r\n"),
    ),
    ("\ufeff---\ntitle: T\nlabels: a\n---\n", ("\ufeff---\ntitle: T\nlabels: ", "\n---\n")),
    (
        "---\ntitle: T\nlabels:\nunknown: {k: [1, 2]} # keep\n---\n\n\nbody\n\n",
        ("---\ntitle: T\nlabels:", "\nunknown: {k: [1, 2]} # keep\n---\n\n\nbody\n\n"),
    ),
    ("---\ntitle: T\nlabels: ~\n---\n", ("---\ntitle: T\nlabels: ", "\n---\n")),
    ("---\ntitle: T\nlabels: []\n---\n", ("---\ntitle: T\nlabels: ", "\n---\n")),
    ("---\ntitle: T\n---", ("---\ntitle: T\n", "\n---")),
    (
        "---\ntitle: T\n# labels: [no]\n---\n---\nlabels: [not these]\n---\n",
        ("---\ntitle: T\n# labels: [no]\n", "\n---\n---\nlabels: [not these]\n---\n"),
    ),
    ('---\n{"title": "T", "labels": ["a", "b"]}\n---\n', ('---\n{"title": "T", "labels": ', "}\n---\n")),
    ("---\ntitle: T\nlabels: [\n  a,\n  b,\n]\n---\n", ("---\ntitle: T\nlabels: ", "\n---\n")),
)
"""Ways people write labels, and what of each must survive any edit, in this order."""


@pytest.mark.parametrize(("text", "kept"), _STYLES)
@settings(max_examples=40, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.sampled_from(["a", "b", "needs review", "x:y", "- z", "null", "#h"]), st.booleans()), max_size=4
    )
)
def test_edits_change_labels_only(text: str, kept: tuple[str, ...], edits: list[tuple[str, bool]]) -> None:
    for label, adding in edits:
        before = parse(text)
        text = with_labels(text, [label] if adding else [], [] if adding else [label])
        remaining = [known for known in before.labels if adding or known != label]
        assert parse(text).labels == tuple(dict.fromkeys([*remaining, label] if adding else remaining))
        position = 0
        for part in kept:
            position = text.index(part, position)
        assert text.startswith(kept[0])
        assert text.endswith(kept[-1])


def test_unchanged_labels_leave_the_bytes_alone() -> None:
    for text, _ in _STYLES:
        labels = parse(text).labels
        assert with_labels(text, labels, ["absent"]) == text


def test_block_lists_keep_their_comments() -> None:
    text = "---\ntitle: T\nlabels: # which\n  - a # because\n  - b\n# tail\n---\nbody\n"
    assert (
        with_labels(text, ["c"], ["b"]) == "---\ntitle: T\nlabels: # which\n  - a # because\n  - c\n# tail\n---\nbody\n"
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "no front matter"),
        ("# Heading\n", 1, "no front matter"),
        ("---\ntitle: x\n", 1, "not closed"),
        ("---\n" + "x: " + "y" * 70_000 + "\n---\n", 1, "not closed"),
        ("---\nlabels: [a]\n---\n", 1, "title is missing"),
        ("---\nid: 1\ntitle: ''\n---\n", 3, "title is missing"),
        ("---\ntitle: [a]\n---\n", 2, "title must be one text"),
        ("---\ntitle: x\nid: one\n---\n", 3, "id must be a number"),
        ("---\ntitle: x\npriority: 10\n---\n", 3, "priority must be 1"),
        ("---\ntitle: x\nlabels: {a: 1}\n---\n", 3, "labels must be a list"),
        ("---\ntitle: x\ndepends_on: [1, x]\n---\n", 3, "depends_on must name"),
        ("---\ntitle: x\ntitle: y\n---\n", 3, "given twice"),
        ("---\ntitle: 'x\n---\n", 3, ""),
        ("---\ntitle: x\n  bad: y\n---\n", 3, ""),
        ("---\n- x\n---\n", 2, "key: value"),
        ("---\ntitle: &a x\n---\n", 2, "anchors"),
        ("---\ntitle: x\nlabels: *a\n---\n", 3, "anchors"),
        ("---\ntitle: !!python/name:os.system x\n---\n", 2, "anchors"),
        ("---\n%YAML 1.2\ntitle: x\n---\n", 2, ""),
        ("---\ntitle: x\x00y\n---\n", 1, "invalid YAML"),
        ("---\ntitle: x\nlabels: " + "[" * 500 + "\n---\n", 3, "nested"),
        ("---\ntitle: x\nlabels: [" + "a, " * 101 + "]\n---\n", 3, "more than"),
    ],
)
def test_problems_have_a_line(text: str, line: int, words: str) -> None:
    with pytest.raises(BadTicketFile) as raised:
        parse(text)
    assert (raised.value.line, words in raised.value.message) == (line, True), raised.value.message


def test_lenient_spellings() -> None:
    header = ("\ufeff---  ", "title: yes", "labels: ready", "depends_on: ['#3', 4]", "priority: P2", "id: 07", "---")
    parsed = parse("\r\n".join((*header, "", "a", "b", "")))
    assert (parsed.title, parsed.labels, parsed.depends_on, parsed.priority, parsed.number) == (
        "yes",
        ("ready",),
        (3, 4),
        2,
        7,
    )
    assert parsed.body == "a\nb"


def test_hostile_sizes_are_quick() -> None:
    started = time.process_time()
    parse("---\ntitle: x\n---\n" + "😀" * 1_000_000)
    with pytest.raises(BadTicketFile):
        parse("---\n" + "a: b\n" * 1_000_000)
    with pytest.raises(BadTicketFile):
        parse("---\n" + "[" * 60_000 + "\n---\n")
    assert time.process_time() - started < 5
