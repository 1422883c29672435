"""Where a shell line may stand: what ``cd``, ``pushd`` and ``popd`` do to it, as text from where the line began."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from fleet_tui.governance.guard.text import OPAQUE, is_unknown

MAX_PLACES = 48
_SAFE = re.compile(r"/|~|-|\.\.(/\.\.)*/?")
"""Targets of ``cd`` that are always there."""
_MOVES = re.compile(r"\b(cd|pushd|popd|chdir)\b")


@dataclass(frozen=True, slots=True)
class Place:
    """A directory in which a command may run; ``path`` is relative to where the line began, or absolute."""

    path: str = ""
    expected: bool = True
    """Whether it runs there when every `cd` before it goes well."""


HERE = (Place(),)


@dataclass(frozen=True, slots=True)
class Standing:
    """A shell's directory, the one before (``cd -``), and those that ``pushd`` keeps."""

    here: str = ""
    before: str = ""
    stack: tuple[str, ...] = ()
    expected: bool = True


Standings = tuple[Standing, ...]
Outcome = tuple[Standings, Standings]
"""Where a shell may stand after a command that went well, and after one that failed."""


def union(*groups: Iterable[Standing]) -> Standings:
    """All of them, each once; what is expected in one of the groups is expected."""
    found: dict[tuple[str, str, tuple[str, ...]], Standing] = {}
    for one in (standing for group in groups for standing in group):
        key = (one.here, one.before, one.stack)
        if key not in found or one.expected:
            found[key] = one
    return tuple(found.values())


def places(standings: Standings) -> tuple[Place, ...]:
    """The directories alone, each once."""
    found: dict[str, bool] = {}
    for one in standings:
        found[one.here] = found.get(one.here, False) or one.expected
    return tuple(Place(path, expected) for path, expected in found.items())


def moved(all_places: tuple[Place, ...], target: str) -> tuple[Place, ...]:
    """Where a program stands that goes to ``target`` first (``env -C``)."""
    known = not is_unknown(target)
    return tuple(Place(path, one.expected and known) for one in all_places for path in joined(one.path, target))


def within(outer: tuple[Place, ...], inner: tuple[Place, ...]) -> tuple[Place, ...]:
    """The places of a command in a line that itself begins in one of ``outer``."""
    if inner == HERE:
        return outer
    found: dict[str, bool] = {}
    for begin in outer:
        for one in inner:
            for path in joined(begin.path, one.path):
                found[path] = found.get(path, False) or (begin.expected and one.expected)
    return tuple(Place(path, expected) for path, expected in found.items())


def joined(base: str, target: str) -> tuple[str, ...]:
    """``target`` seen from ``base``. One that begins with something unknown may be absolute or not."""
    if not target:
        return (base,)
    if target.startswith(OPAQUE):
        return (target, f"{base}/{target}") if base else (target,)
    if target.startswith(("/", "~")):
        return (target,)
    if base.startswith((OPAQUE, "~")):
        return (f"{base}/{target}",)
    path = posixpath.normpath(posixpath.join(base, target))
    return ("" if path == "." else path,)


def gone(argv: tuple[str, ...], standings: Standings) -> Outcome:
    """Where the shell stands after a simple command; most leave it where it is."""
    words = argv
    while words[:1] in {("builtin",), ("command",)}:
        words = words[1:]
        while words and words[0].startswith("-"):
            words = words[1:]
    name = words[0] if words else ""
    if name in {"cd", "chdir"}:
        return _cd(words, standings)
    if name == "pushd":
        return _pushd(words, standings)
    if name == "popd":
        return union(map(_popped, standings)), ()
    if name == "eval" and _MOVES.search(" ".join(words[1:])):
        # What the line inside does is seen with its own commands, but not from here.
        return union(standings, (replace(one, here=OPAQUE) for one in standings)), standings
    return standings, standings


def _cd(words: tuple[str, ...], standings: Standings) -> Outcome:
    operands = [word for word in words[1:] if word == "-" or not word.startswith("-")]
    target = (operands or ["~"])[0] if len(operands) < 2 else OPAQUE
    if target == "-":
        return union(replace(one, here=one.before, before=one.here) for one in standings), ()
    return _reached(standings, target), _failed(standings, target)


def _pushd(words: tuple[str, ...], standings: Standings) -> Outcome:
    operands = [word for word in words[1:] if not word.startswith("-")]
    if not operands:
        swapped = ((one, one.stack[-1] if one.stack else one.here) for one in standings)
        return union(
            replace(one, here=top, before=one.here, stack=(*one.stack[:-1], one.here)) for one, top in swapped
        ), ()
    target = OPAQUE if operands[0].startswith("+") else operands[0]
    kept = tuple(replace(one, stack=(*one.stack, one.here)) for one in standings)
    return _reached(kept, target), _failed(standings, target)


def _popped(one: Standing) -> Standing:
    if not one.stack:
        return one
    return replace(one, here=one.stack[-1], before=one.here, stack=one.stack[:-1])


def _reached(standings: Standings, target: str) -> Standings:
    known = not is_unknown(target)
    return union(
        replace(one, here=path, before=one.here, expected=one.expected and known)
        for one in standings
        for path in joined(one.here, target)
    )


def _failed(standings: Standings, target: str) -> Standings:
    return () if _SAFE.fullmatch(target) else standings
