"""Which of many things somebody means by a few words. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def search(things: Sequence[T], words: str, name: Callable[[T], str], text: Callable[[T], str]) -> tuple[T, ...]:
    """The things in whose ``text`` every word begins a word; where there is none, those that hold them anywhere.

    First those whose ``name`` has them whole, then those whose name has words that begin so, then the rest.
    """
    wanted = [re.escape(word) for word in words.casefold().split()]
    begun = [re.compile(rf"(?<![^\W_]){word}") for word in wanted]
    whole = [re.compile(rf"(?<![^\W_]){word}(?![^\W_])") for word in wanted]

    def distance(thing: T) -> int:
        called = name(thing).casefold()
        return 0 if _all(whole, called) else 1 if _all(begun, called) else 2

    texts = [(thing, text(thing).casefold()) for thing in things]
    found = [thing for thing, said in texts if _all(begun, said)]
    if not found:
        found = [thing for thing, said in texts if all(word in said for word in words.casefold().split())]
    return tuple(sorted(found, key=distance))


def _all(patterns: Sequence[re.Pattern[str]], text: str) -> bool:
    return all(pattern.search(text) for pattern in patterns)
