"""What reviewers of the forge are called in the log, beside those of the fleet: no name here can be an agent's."""

from __future__ import annotations

from fleet_tui.domain.text import one_line

_PERSON = "github:"
CHECKS = "github/checks"
"""Checks that failed: no login has a slash."""


def person(login: str) -> str:
    """The name of a person there."""
    return f"{_PERSON}{one_line(login, 60)}"


def is_person(name: str) -> bool:
    """Whether it is the name of a person there."""
    return name.startswith(_PERSON)


def is_of_forge(name: str) -> bool:
    """Whether its verdicts are of the forge: they are not told there again."""
    return is_person(name) or name == CHECKS
