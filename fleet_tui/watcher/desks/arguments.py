"""The arguments of an operator's command, as they came over the socket: checked before they are used."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.text import clean

Args = dict[str, Any]


def text_of(args: Args, name: str) -> str:
    """The text that must be there.

    Raises:
        UsageError: it is not, or has nothing to read.
    """
    value = args.get(name)
    if not isinstance(value, str) or not clean(value).strip():
        raise UsageError(f"{name} missing", f"this command needs `{name}`")
    return value


def number_of(args: Args, name: str) -> int:
    """The whole number that must be there.

    Raises:
        UsageError: it is not.
    """
    value = args.get(name)
    if not isinstance(value, int):
        raise UsageError(f"{name} missing", f"this command needs the number `{name}`")
    return value
