"""How many pictures the way to the person's terminal takes: four tiers, from what it was seen to take. Pure.

States, alarms and the echo of keys are always sent; only pictures of panes are put off.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class Tier(StrEnum):
    """From pictures at once to pictures on request."""

    FAST = "fast"
    NORMAL = "normal"
    SLOW = "slow"
    MINIMAL = "minimal"


TIERS = tuple(Tier)
FASTER = {later: earlier for earlier, later in pairwise(TIERS)}
LEAST = {Tier.FAST: 100_000, Tier.NORMAL: 15_000, Tier.SLOW: 4_000}
"""Bytes a second that a way must take for each tier."""
FASTEST_FPS = 30.0
SLOW_EVERY_S = 10.0
_NORMAL_SHARE = 0.5
"""Of what the way takes, this much may be pictures in the normal tier."""
_NORMAL_FPS = (1.0, 10.0)
_WINDOW_S = 4.0
_EVIDENCE_S = 0.5
"""So long must it have taken in a window before the way is thought to be slow: one hiccup is none."""
_CALM_S = 20.0
_LONGEST_CALM_S = 320.0


@dataclass(frozen=True, slots=True)
class _Taken:
    at_s: float
    size: int
    took_s: float


class Governor:
    """Tell it with :meth:`taken` what arrived; ask :attr:`tier` and :attr:`fps`. It falls at once to the tier that was
    measured and rises one tier at a time, after a calm that doubles whenever rising was a mistake."""

    def __init__(self, fixed: Tier | None = None) -> None:
        self._fixed = fixed
        self.tier = fixed or Tier.FAST
        self.rate: float | None = None
        """Bytes a second that the way took when it was last the limit; None: it never was."""
        self._window: deque[_Taken] = deque()
        self._calm_s = _CALM_S
        self._since_s: float | None = None
        """When the present tier was entered, or was last seen to be no more than the way takes."""
        self._rose = False

    def taken(self, size: int, took_s: float, now_s: float) -> bool:
        """``size`` bytes kept the way busy for ``took_s`` seconds, until now; whether the tier is another now."""
        before = self.tier
        self._window.append(_Taken(now_s, size, max(0.0, took_s)))
        while self._window and self._window[0].at_s < now_s - _WINDOW_S:
            self._window.popleft()
        self._since_s = now_s if self._since_s is None else self._since_s
        busy_s = sum(one.took_s for one in self._window)
        if busy_s >= _EVIDENCE_S:
            self.rate = sum(one.size for one in self._window) / busy_s
            self._limited(now_s)
        elif now_s - self._since_s >= self._calm_s:
            self._rise(now_s)
        return self.tier is not before

    @property
    def fps(self) -> float:
        """Pictures a second; 0: only on request."""
        if self.tier is Tier.FAST:
            return FASTEST_FPS
        if self.tier is Tier.NORMAL:
            size = sum(one.size for one in self._window) / max(1, len(self._window))
            least, most = _NORMAL_FPS
            return min(most, max(least, _NORMAL_SHARE * (self.rate or LEAST[Tier.NORMAL]) / max(1.0, size)))
        return 1.0 / SLOW_EVERY_S if self.tier is Tier.SLOW else 0.0

    @property
    def in_words(self) -> str:
        """``slow 8 kB/s: pictures every 10 s``; empty while it is fast."""
        if self.tier is Tier.FAST:
            return ""
        rate = f" {max(1, round(self.rate / 1000))} kB/s" if self.rate is not None else ""
        how = {Tier.SLOW: f": pictures every {SLOW_EVERY_S:.0f} s", Tier.MINIMAL: ": pictures on r"}
        return f"{self.tier}{rate}{' (set)' if self._fixed else ''}{how.get(self.tier, '')}"

    def _limited(self, now_s: float) -> None:
        assert self.rate is not None
        rate = self.rate
        fits = next((tier for tier in TIERS if rate >= LEAST.get(tier, 0)), Tier.MINIMAL)
        if self._fixed is not None:
            return
        if TIERS.index(fits) > TIERS.index(self.tier):
            if self._rose:
                self._calm_s = min(2 * self._calm_s, _LONGEST_CALM_S)
            self._rose = False
            self.tier = fits
        if fits is self.tier:
            self._since_s = now_s

    def _rise(self, now_s: float) -> None:
        if self._fixed is None and self.tier in FASTER:
            self.tier, self._rose = FASTER[self.tier], True
        elif self._rose:
            self._rose, self._calm_s = False, _CALM_S  # it held
        self._since_s = now_s
        self._window.clear()
