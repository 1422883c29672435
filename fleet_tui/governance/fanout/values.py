"""What is known of a ticket before it is divided, and what the advice says.

A *place* is a path in the repository: ``src/app.py`` is a file, ``src/store/`` a directory with all in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that the ticket asks for. ``heading`` is what it stands under; a ``section`` may be mere context."""

    title: str
    text: str
    heading: str = ""
    section: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A ticket's text, taken apart. ``rest`` is what belongs to no open task, ``done`` how many are checked off."""

    tasks: tuple[Task, ...] = ()
    rest: str = ""
    done: int = 0


@dataclass(frozen=True, slots=True)
class Placed:
    """A task with the places that it names."""

    task: Task
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """``elsewhere`` are places that the ticket names outside of its tasks. ``commits`` are the files that each of them
    changed; ``imports`` says which files a file imports, ``lines`` how long a file is: those that exist."""

    tasks: tuple[Placed, ...]
    elsewhere: tuple[str, ...] = ()
    commits: tuple[frozenset[str], ...] = ()
    imports: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    scope: tuple[str, ...] = ()
    """As the ticket declares it."""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A ticket to be made. ``after`` are the parts that must have shipped before, by their number from 1."""

    title: str
    body: str
    scope: tuple[str, ...]
    after: tuple[int, ...] = ()
    repo: str = ""
    """Which repository it is of, as people name it; empty: that of the whole."""


@dataclass(frozen=True, slots=True)
class Advice:
    """``parts`` is empty when one agent is better. ``reasons`` tell what it was decided by."""

    verdict: str
    reasons: tuple[str, ...]
    parts: tuple[Part, ...] = ()
