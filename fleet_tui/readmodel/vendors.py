"""What works with an agent's program and what does not, in the fewest words: of the watcher's answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet_tui.domain.text import NOTHING, SafeText, one_line

WORKS: Mapping[tuple[str, object], str] = {
    ("guard", "closed"): "acts are asked about first",
    ("permission", "relay"): "its dialogs are answered here",
    ("permission", "hold"): "its acts wait for your answer here",
    ("usage", "live"): "use is counted at once",
    ("resume", True): "its session goes on after a crash",
}
LACKS: Mapping[tuple[str, object], str] = {
    ("guard", "open"): "an act that cannot be judged happens",
    ("guard", "none"): "no hooks: acts are not asked about",
    ("permission", "pane"): "its dialogs are answered in its pane only",
    ("usage", "end"): "use is counted only when it ends",
    ("usage", "none"): "tokens and money are not counted",
    ("money", "none"): "what it costs is not known",
    ("limit", "screen"): "a usage limit is seen on its screen alone",
    ("inject", "none"): "messages do not reach it",
    ("resume", False): "after a crash it begins anew",
    ("interrupts", False): "no key interrupts its turn",
}
NOT_WORTH_A_WORD: frozenset[tuple[str, object]] = frozenset(
    {("permission", "none"), ("money", "vendor"), ("money", "prices"), ("inject", "paste"), ("interrupts", True)}
    | {("limit", how) for how in ("hook", "file", "none")}
)
"""Values of the record that are neither: together with what is above, every one that there is."""


@dataclass(frozen=True, slots=True)
class VendorWorks:
    """``trouble`` is why nothing is known."""

    name: SafeText
    works: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    trouble: SafeText = NOTHING


def vendors(answer: object) -> tuple[VendorWorks, ...]:
    """What the watcher told of the vendors of its agents, by name."""
    return tuple(_vendor(str(name), told) for name, told in sorted(answer.items())) if isinstance(answer, dict) else ()


def _vendor(name: str, told: object) -> VendorWorks:
    known: Mapping[str, Any] = told if isinstance(told, dict) else {}
    if known.get("error"):
        return VendorWorks(one_line(name, 60), trouble=one_line(str(known["error"]), 200))
    if known.get("usage") == "none":  # which says it of money too
        known = {**known, "money": None}
    return VendorWorks(one_line(name, 60), _told(known, WORKS), _told(known, LACKS))


def _told(known: Mapping[str, Any], words: Mapping[tuple[str, object], str]) -> tuple[str, ...]:
    return tuple(text for (name, value), text in words.items() if name in known and known[name] == value)
