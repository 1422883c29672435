"""Panes that never rest: everything in them changes all the time, and nobody reads it as fast as it comes."""

from __future__ import annotations

from dataclasses import dataclass

FLOOD_FPS = 5.0
"""Of a pane in flood, so many frames a second at first."""
LEAST_FPS = 2.0
SLOWER_AFTER_S = 2.0
"""A flood that lasts is shown less often: half as often after each of these times, down to the least."""
BESIDE_FLOOD_FPS = 10.0
"""Of all others meanwhile: what a flood costs the machine is the agent's to have, not the room's."""
_FRAMES = 6
"""So many frames more in which nearly all rows changed than of others, which count three times, are a flood."""
_NEARLY_ALL = 0.8


@dataclass(slots=True)
class _Pane:
    score: int = 0
    since_s: float = 0.0
    """When it was found to be a flood."""
    ripe_s: float = 0.0
    """When it is looked at again."""


class Floods:
    """Told of every frame; instants are seconds of any clock that runs forwards."""

    def __init__(self) -> None:
        self._panes: dict[str, _Pane] = {}

    def note(self, uuid: str, changed: int, rows: int, now_s: float) -> None:
        """A pane was captured, and ``changed`` of its ``rows`` were others than before; 0: nothing came of it."""
        pane = self._panes.setdefault(uuid, _Pane())
        if changed:
            before = pane.score
            flooded = changed >= max(2, _NEARLY_ALL * rows)
            pane.score = min(before + 1, 2 * _FRAMES) if flooded else max(0, before - 3)
            if before < _FRAMES <= pane.score:
                pane.since_s = now_s
        pane.ripe_s = now_s + 1.0 / self._fps(pane, now_s) if pane.score >= _FRAMES else now_s

    def rests(self, uuid: str, now_s: float) -> bool:
        """Whether it is not yet time to look at this pane again."""
        pane = self._panes.get(uuid)
        return pane is not None and pane.ripe_s > now_s

    @staticmethod
    def _fps(pane: _Pane, now_s: float) -> float:
        halved = int((now_s - pane.since_s) / SLOWER_AFTER_S)
        return max(LEAST_FPS, FLOOD_FPS * 0.5 ** min(halved, 10))
