"""How often a screen may read for itself: what takes long is read less often, so that keys never wait for it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

_SHARE = 10
"""At most one part in so many of the time goes into reading."""


class Pace:
    """``clock`` is in seconds. Who may not read now is asked again with the next picture or second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_s = 0.0

    @property
    def may_read(self) -> bool:
        return self._clock() >= self._next_s

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Around a read; its duration decides when the next one may be."""
        begun_s = self._clock()
        try:
            yield
        finally:
            ended_s = self._clock()
            self._next_s = ended_s + (ended_s - begun_s) * (_SHARE - 1)
