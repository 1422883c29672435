"""Options of programs as getopt reads them, from a table; what the table does not know is read in both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

_MOST_LETTERS = 100
"""More different ones stand in one word of no program's."""
_SHORTEST = 3
"""Characters from which on a beginning of a long option is taken for it: ``--x``."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a program's options are, with their dashes."""

    values: frozenset[str]
    optional: frozenset[str]
    """Those whose value, if any, stands in the same word."""
    flags: frozenset[str]

    def named(self, word: str) -> frozenset[str]:
        """The long options that ``word`` may stand for: itself, or all that begin with it."""
        known = self.values | self.optional | self.flags
        if word in known or len(word) < _SHORTEST:
            return frozenset({word})
        return frozenset(one for one in known if one.startswith(word)) or frozenset({word})


class Reading(NamedTuple):
    """One way to read a word: the options in it with their values, and how many words that takes."""

    given: tuple[tuple[str, str], ...]
    taken: int


@lru_cache(maxsize=256)
def options(table: str) -> Options:
    """The options that ``table`` lists without their dashes: ``x`` is a flag, ``x:`` takes a value, ``x::`` may."""
    kinds: tuple[set[str], set[str], set[str]] = (set(), set(), set())
    for item in table.split():
        name = item.rstrip(":")
        kinds[len(item) - len(name)].add(("-" if len(name) == 1 else "--") + name)
    flags, values, optional = map(frozenset, kinds)
    return Options(values, optional, flags)


def read_option(words: tuple[str, ...], at: int, table: Options) -> list[Reading]:
    """Every way to read the option at ``at``: an unknown one may or may not take the next word as its value."""
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else ""
    if not word.startswith("--"):
        return list(_cluster(word, following, table))
    name, equals, value = word.partition("=")
    if equals:
        return [Reading(tuple((one, value) for one in sorted(table.named(name))), 1)]
    found = []
    for one in sorted(table.named(name)):
        if one not in table.flags | table.optional:
            found.append(Reading(((one, following),), 2))
        if one not in table.values:
            found.append(Reading(((one, ""),), 1))
    return found


def _cluster(word: str, following: str, table: Options) -> Iterator[Reading]:
    """``-xf FILE``: letters up to the first that takes what is left, or the next word, as its value."""
    given: tuple[tuple[str, str], ...] = ()
    for at, letter in enumerate(word[1:], start=1):
        name, rest = f"-{letter}", word[at + 1 :]
        if (name, "") in given:
            continue  # it was read without a value before, so it is here
        if name in table.optional:
            yield Reading((*given, (name, rest)), 1)
            return
        if name not in table.flags:
            yield Reading((*given, (name, rest or following)), 1 if rest else 2)
            if name in table.values or not letter.isalnum() or len(given) > _MOST_LETTERS:
                return
        given = (*given, (name, ""))
    yield Reading(given, 1)


def given(words: tuple[str, ...], table: Options, names: Iterable[str]) -> Iterator[str]:
    """The values that one of the options ``names`` may get, wherever it stands before ``--``."""
    wanted = frozenset(names)
    for at, word in enumerate(words):
        if word == "--":
            return
        if word.startswith("-") and word != "-":
            for reading in read_option(words, at, table):
                yield from (value for name, value in reading.given if name in wanted and value)


def has(words: tuple[str, ...], table: Options, names: Iterable[str]) -> bool:
    """Whether one of the options ``names`` may be there, with or without a value."""
    wanted = frozenset(names)
    for at, word in enumerate(words):
        if word == "--":
            return False
        readings = read_option(words, at, table) if word.startswith("-") and word != "-" else []
        if any(name in wanted for reading in readings for name, _ in reading.given):
            return True
    return False


def operands(words: tuple[str, ...], table: Options) -> tuple[str, ...]:
    """What is no option and no value of a known one; an unknown option is taken for one without a value."""
    found: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            return (*found, *words[at + 1 :])
        if not word.startswith("-") or word == "-":
            found.append(word)
            at += 1
        else:
            at += read_option(words, at, table)[-1].taken
    return tuple(found)
