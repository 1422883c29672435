"""A few words find what is meant: whole words of the name first, beginnings of words next, the rest last."""

from __future__ import annotations

import pytest

from fleet_tui.domain.search import search

THINGS = (
    ("categories", "what is sorted"),
    ("good-first-issue", "for newcomers"),
    ("go-developer", "the language"),
    ("cpp-developer C++ developer", "sharp edges"),
    ("csharp-developer C# developer", "go away"),
    ("store", "PostgreSQL and its_tables"),
)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("go", ["go-developer", "good-first-issue", "csharp-developer"]),
        ("GO dev", ["go-developer", "csharp-developer"]),
        ("c++", ["cpp-developer"]),
        ("c#", ["csharp-developer"]),
        ("tables", ["store"]),
        ("sql", ["store"]),
        ("ategor", ["categories"]),
        ("nothing of it", []),
        ("(", []),
        ("", [name.split()[0] for name, _ in THINGS]),
    ],
)
def test_what_is_meant(words: str, found: list[str]) -> None:
    said = search(THINGS, words, lambda thing: thing[0], lambda thing: " ".join(thing))
    assert [name.split()[0] for name, _ in said] == found
