"""One act for each of several: what is asked of whom, who is left out and why, and what came of each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from fleet_tui.tui.commands import Act, Outcome, because
from fleet_tui.tui.present.text import count

FREELY = 3
"""As many are confirmed by one key; for more their number is typed."""

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one: done, or ``why`` not. ``key`` is that of its mark, ``target`` its name for people."""

    key: str
    target: str
    why: str = ""

    @property
    def ok(self) -> bool:
        return not self.why


@dataclass(frozen=True, slots=True)
class Bulk:
    """What is asked for, bound to whom it was when it was asked, by the keys of the marks."""

    verb: str
    acts: Mapping[str, Act]
    left_out: tuple[Result, ...] = ()
    noun: str = "agent"

    @property
    def target(self) -> str:
        return count(len(self.acts), self.noun)

    @property
    def keys(self) -> frozenset[str]:
        """Of all that were marked."""
        return frozenset([*self.acts, *(one.key for one in self.left_out)])

    def because(self, reason: str) -> Bulk:
        """With what a person typed, for each of them."""
        return replace(self, acts={key: because(act, reason) for key, act in self.acts.items()})


def sort_out(
    verb: str,
    things: Iterable[tuple[str, str, Thing]],
    make: Callable[[Thing], Act],
    why_not: Callable[[Thing], str | None],
    noun: str = "agent",
) -> Bulk:
    """An act for each of ``things`` (key, name, itself) that nothing speaks against; the others are left out with the
    reason."""
    acts: dict[str, Act] = {}
    left_out: list[Result] = []
    for key, name, thing in things:
        why = why_not(thing)
        if why is None:
            acts[key] = make(thing)
        else:
            left_out.append(Result(key, name, why.removeprefix(f"{name} ")))
    return Bulk(verb, acts, tuple(left_out), noun)


def by_reason(results: Iterable[Result]) -> Iterator[tuple[str, str]]:
    """Who, joined, and why not, for each reason there is."""
    groups: dict[str, list[str]] = {}
    for result in results:
        if not result.ok:
            groups.setdefault(result.why, []).append(result.target)
    return ((", ".join(names), why) for why, names in groups.items())


def why_not_done(act: Act, outcome: Outcome) -> str:
    """What the line about an act says, without the act and the target that are named beside it."""
    text = outcome.text.removeprefix(f"{act.verb} {act.target}").lstrip(": ")
    return text.removesuffix(f" Nothing was done to {act.target}.")
