"""Single things on a forge that cannot be dealt with just now: told by name, tried again later, holding up no other."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from fleet_tui.domain.forges import Trouble
from fleet_tui.forge.trouble import ForgeTrouble

REST_NS = 15 * 60 * 1_000_000_000
"""How long something rests whose trouble is not over by itself, unless a person wants it looked at."""
_TOLD_AFTER = 3
"""Failures in a row after which a person is told of what may be over by itself."""
_EVERYBODYS = 3
"""So many things in a row that the forge has an error of its own about: then it is the forge that has it."""
_EITHER = (Trouble.SERVER, Trouble.SLOW)
"""What may be the forge's trouble or that of the one thing that it was asked for."""


@dataclass(frozen=True, slots=True)
class _Failure:
    trouble: ForgeTrouble
    count: int
    until_ns: int | None
    """When it has rested; None: it does not rest, and is tried at every look."""


class Aside:
    """By key. ``now_ns`` is the clock."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._failures: dict[int, _Failure] = {}
        self._in_a_row = 0

    def begin(self, *, anew: bool) -> None:
        """A look begins; with ``anew`` nothing rests any more."""
        self._in_a_row = 0
        if anew:
            rested = {key: one for key, one in self._failures.items() if one.until_ns is not None}
            self._failures |= {key: _Failure(one.trouble, one.count, 0) for key, one in rested.items()}

    def rests(self, key: int) -> bool:
        """Whether it is not to be tried yet."""
        failure = self._failures.get(key)
        return failure is not None and self._now_ns() < (failure.until_ns or 0)

    def put(self, key: int, trouble: ForgeTrouble, *, rest: bool = False) -> None:
        """Take note that it failed. It rests, and is told of, at once with ``rest``, or when it is not over by itself.

        Raises:
            ForgeTrouble: it is the forge's trouble, not that of this one.
        """
        either = trouble.trouble in _EITHER
        self._in_a_row = self._in_a_row + 1 if either else 0
        if not (either or trouble.trouble.is_of_one) or self._in_a_row >= _EVERYBODYS:
            raise trouble
        before = self._failures.get(key)
        rest |= not trouble.trouble.passes
        count = _TOLD_AFTER if rest else before.count + 1 if before else 1
        self._failures[key] = _Failure(trouble, count, self._now_ns() + REST_NS if rest else None)

    def done(self, key: int) -> None:
        """Take note that it was dealt with."""
        self._in_a_row = 0
        self._failures.pop(key, None)

    def only(self, keys: Collection[int]) -> None:
        """Forget all others."""
        self._failures = {key: failure for key, failure in self._failures.items() if key in keys}

    def told(self, key: int) -> ForgeTrouble | None:
        """What a person is told of it; None: nothing, or nothing yet."""
        failure = self._failures.get(key)
        if failure is None or failure.count < _TOLD_AFTER or (failure.until_ns is not None and not self.rests(key)):
            return None  # what has rested is what it was before, until it fails again
        return failure.trouble

    def all_told(self) -> dict[int, ForgeTrouble]:
        """All that a person is told of."""
        return {key: trouble for key in self._failures if (trouble := self.told(key)) is not None}
