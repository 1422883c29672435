"""What a run does, from all that tell of it: the best source counts, and by how much is said. Pure.

Each source is trusted so much, and less the older its word is. A process that is frozen or gone needs no other word.
Of what is *told* (a hook, the program's own file, what fleet did itself) the newest counts. Against it stands what is
*seen* in the pane; a dialog that was seen after the last word counts always: no word hides what waits for a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Says = Literal["working", "idle", "asking", "dialog", "frozen", "ended"]
Source = Literal["process", "hook", "file", "fleet", "title", "screen", "heartbeat"]
Confidence = Literal["sure", "likely", "unsure"]

TRUST: dict[Source, float] = {
    "process": 100.0, "hook": 90.0, "file": 80.0, "fleet": 70.0, "title": 60.0, "screen": 50.0, "heartbeat": 30.0,
}  # fmt: skip
HALF_S: dict[Source, float] = {
    "process": 3600.0, "hook": 60.0, "file": 60.0, "fleet": 60.0, "title": 15.0, "screen": 15.0, "heartbeat": 10.0,
}  # fmt: skip
"""After so many seconds a word is worth half."""
SKEW_NS = 2_000_000_000
"""How far ahead of our clock a word may be; what claims to come from further in the future says nothing."""
FADED_NS = 600_000_000_000
"""A lonely word of a program that is older than this is not believed any more."""
_CLEAR = 1.5
"""The better of two that differ is likely right when it weighs so many times what the other does."""
_TOLD: frozenset[Source] = frozenset(("hook", "file", "fleet"))
_SEEN: frozenset[Source] = frozenset(("title", "screen"))
_ORDER: tuple[Source, ...] = tuple(TRUST)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source says. ``at_ns`` (UTC): when it said so, or was last seen to; ``detail`` in its own words."""

    source: Source
    says: Says
    at_ns: int
    detail: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Fused:
    """What counts: ``winner`` is None when nothing says anything. ``readings``: all of them, the weightiest first."""

    winner: Reading | None
    confidence: Confidence
    why: str
    readings: tuple[Reading, ...]

    @property
    def says(self) -> Says | None:
        return None if self.winner is None else self.winner.says


def weight(reading: Reading, now_ns: int) -> float:
    """How much the word is worth now."""
    age_s = max(0, now_ns - reading.at_ns) / 1e9
    return float(TRUST[reading.source] * 2.0 ** (-age_s / HALF_S[reading.source]))


def fuse(readings: Iterable[Reading], now_ns: int) -> Fused:
    """The state of a run; the same readings in any order give the same."""
    known = tuple(
        sorted((one for one in readings if one.at_ns <= now_ns + SKEW_NS), key=lambda one: _rank(one, now_ns))
    )
    process = next((one for one in known if one.source == "process"), None)
    if process is not None:
        return Fused(process, "sure", "the kernel says so", known)
    newest = max((one for one in known if one.source in _TOLD), key=_newest, default=None)
    # Of several that say the same, the weightiest speaks for them.
    told = newest and next(one for one in known if one.source in _TOLD and _alike(one, newest))
    seen = next((one for one in known if one.source in _SEEN), None)
    return Fused(*_decided(told, seen, known, now_ns), known)


def _decided(
    told: Reading | None, seen: Reading | None, known: tuple[Reading, ...], now_ns: int
) -> tuple[Reading | None, Confidence, str]:
    if told is None or seen is None:
        return _lonely(told or seen, known, now_ns)
    if _alike(told, seen):
        return told, "sure", f"its {seen.source} shows the same"
    if seen.says == "dialog" and seen.at_ns >= told.at_ns:
        return seen, "sure", f"the dialog was seen after the last word of its {told.source}"
    first, second = sorted((told, seen), key=lambda one: _rank(one, now_ns))
    clear = weight(first, now_ns) >= _CLEAR * weight(second, now_ns)
    why = f"its {second.source} says {second.says}, but weighs less"
    return first, "likely" if clear else "unsure", why


def _lonely(only: Reading | None, known: tuple[Reading, ...], now_ns: int) -> tuple[Reading | None, Confidence, str]:
    """What counts when nothing else speaks of it but, at most, that it computes or asks whether it may do something."""
    beat = next((one for one in known if one.source == "heartbeat"), None)
    if only is None:
        return beat, "unsure", "nothing tells but that it is busy" if beat is not None else "nothing tells of it"
    if only.source == "fleet" or now_ns - only.at_ns < FADED_NS:
        return only, "likely", "nothing else tells of it"
    if beat is not None and _alike(beat, only) and now_ns - beat.at_ns < FADED_NS:
        return only, "likely", "nothing else tells of it but that it is busy"
    return only, "unsure", "its last word is old, and nothing else tells of it"


def _alike(one: Reading, other: Reading) -> bool:
    waits = ("idle", "asking")
    return one.says == other.says or (one.says in waits and other.says in waits)


def _rank(reading: Reading, now_ns: int) -> tuple[float, int, int, str, str]:
    place = _ORDER.index(reading.source)
    return -weight(reading, now_ns), place, -reading.at_ns, reading.says, reading.detail + reading.rule


def _newest(reading: Reading) -> tuple[int, int, str, str]:
    return reading.at_ns, -_ORDER.index(reading.source), reading.says, reading.detail + reading.rule
