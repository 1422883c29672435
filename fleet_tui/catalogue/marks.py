"""The marks of a prompt: ``{{test_command}}`` stands for what the person fills in. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fleet_tui.domain.text import one_line
from fleet_tui.settings.texts import MARK

_LONGEST = 400


def marks(prompt: str) -> tuple[str, ...]:
    """The names of the marks, each once, in order."""
    return tuple(dict.fromkeys(MARK.findall(prompt)))


def odd_braces(prompt: str) -> str:
    """The first thing in double braces that is no mark; empty when there is none."""
    rest = MARK.sub("", prompt)
    at = rest.find("{{")
    return one_line(rest[at : at + 40]) if at >= 0 else ""


def fill(prompt: str, values: Mapping[str, str]) -> str:
    """``prompt`` with its marks replaced, each by one line; what is put in is not looked at for marks again.

    Raises:
        KeyError: a mark has no value.
    """
    return MARK.sub(lambda match: one_line(values[match.group(1)], _LONGEST), prompt)
