"""What a number names: ``#3`` is a ticket, ``PR 3`` a pull request, everywhere that people and agents read."""

from __future__ import annotations

import re

_PULL_REQUEST = re.compile(r"(?:pr[ :]?)?([0-9]{1,9})", re.ASCII | re.IGNORECASE)


def pull_request_number(text: str) -> int | None:
    """The pull request that ``3``, ``PR 3``, ``PR3`` or ``pr:3`` names; None for anything else, also for ``#3``."""
    found = _PULL_REQUEST.fullmatch(text.strip())
    return int(found.group(1)) if found else None


def no_pull_request(text: str) -> str:
    """Why ``text``, which is safe to show, names no pull request."""
    if text.startswith("#"):
        return f"{text} names a ticket; a pull request is written 3 or PR3"
    return f"{text} is not the number of a pull request, such as 3 or PR3"
