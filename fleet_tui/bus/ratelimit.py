"""Token bucket: so many acts at once, so many a second after that."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """``burst`` acts at once, refilled at ``rate_per_s``."""

    __slots__ = ("_burst", "_clock", "_filled_s", "_level", "_rate_per_s")

    def __init__(self, rate_per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._level = float(burst)
        self._clock = clock
        self._filled_s = clock()

    def take(self) -> bool:
        """Whether one more act is allowed now; counts it if so."""
        now_s = self._clock()
        self._level = min(self._burst, self._level + (now_s - self._filled_s) * self._rate_per_s)
        self._filled_s = now_s
        if self._level < 1:
            return False
        self._level -= 1
        return True
