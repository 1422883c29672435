"""What a forge beyond this machine can suffer from, in the words that decide what happens next."""

from __future__ import annotations

import re
from enum import StrEnum

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}\Z")


def is_repository(text: str) -> bool:
    """Whether ``text`` is the name of a repository, OWNER/NAME: nothing else is ever put into an address."""
    return _REPOSITORY.match(text) is not None


class Trouble(StrEnum):
    """Why a request to a forge did not succeed."""

    MISSING = "missing"
    """Its program is not installed."""
    TOO_OLD = "too_old"
    LOGGED_OUT = "logged_out"
    FORBIDDEN = "forbidden"
    """Logged in, and not allowed to."""
    GONE = "gone"
    """What was asked for is not there, or not for us."""
    CONFLICT = "conflict"
    """The world is another than the request assumed: a head moved, a thing exists already."""
    REFUSED = "refused"
    """The request itself is not acceptable."""
    RATE_LIMITED = "rate_limited"
    OFFLINE = "offline"
    SLOW = "slow"
    """No answer within the time limit."""
    SERVER = "server"
    """An error of the forge's own."""
    GARBLED = "garbled"
    """An answer that cannot be understood."""
    TOO_LONG = "too_long"
    """An answer, or a list, that is longer than is read of anything."""

    @property
    def passes(self) -> bool:
        """Whether it is over by itself some time; else a person must do something."""
        return self in _PASSING

    @property
    def is_of_one(self) -> bool:
        """Whether it is about the one thing that was asked for: everything else may well be answered."""
        return self in _OF_ONE

    @property
    def leaves_doubt(self) -> bool:
        """Whether a change that was asked for may have happened all the same: look, then decide about a repeat."""
        return self in _DOUBTFUL


_PASSING = frozenset({Trouble.RATE_LIMITED, Trouble.OFFLINE, Trouble.SLOW, Trouble.SERVER, Trouble.GARBLED})
_DOUBTFUL = frozenset({Trouble.OFFLINE, Trouble.SLOW, Trouble.SERVER, Trouble.GARBLED, Trouble.TOO_LONG})
_OF_ONE = frozenset(
    {Trouble.FORBIDDEN, Trouble.GONE, Trouble.CONFLICT, Trouble.REFUSED, Trouble.GARBLED, Trouble.TOO_LONG}
)
