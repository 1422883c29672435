"""What the watcher told of its configuration and of the parts of the system, as values that may be drawn. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fleet_tui.domain.text import NOTHING, SafeText, clean, one_line
from fleet_tui.readmodel.vendors import VendorWorks, vendors
from fleet_tui.settings.problems import ERROR


@dataclass(frozen=True, slots=True)
class Fault:
    """One problem of the configuration. ``line`` is 0 where it has no place in a file."""

    severe: bool
    file: SafeText
    line: int
    column: int
    read: SafeText
    """What stands there."""
    message: SafeText
    hint: SafeText
    in_force: SafeText
    """The value that counts instead; empty where nothing does."""
    shown: SafeText
    """The lines around it with a caret."""

    @property
    def key(self) -> str:
        """Unique and stable while the problem stands where it does."""
        return f"{self.file}:{self.line}:{self.column}:{self.message}"

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the system in words; ``trouble`` is what is wrong with it."""

    name: str
    text: SafeText
    trouble: SafeText = NOTHING
    due_ns: int = 0
    """Of the forge: when it is looked at next; 0: now, or not at all."""


@dataclass(frozen=True, slots=True)
class SystemReport:
    faults: tuple[Fault, ...]
    rejected: bool
    """Whether a configuration was refused and an earlier one counts."""
    version: SafeText
    since_ns: int
    """When the configuration in force was taken over."""
    parts: tuple[Part, ...]
    vendors: tuple[VendorWorks, ...] = ()
    """Those of the fleet's agents."""

    def vendor(self, name: str) -> VendorWorks | None:
        return next((vendor for vendor in self.vendors if vendor.name == name), None)

    @property
    def due_ns(self) -> int:
        """When the forge is looked at next, after which this report is old; 0: never."""
        return min((part.due_ns for part in self.parts if part.due_ns), default=0)

    @property
    def errors(self) -> int:
        return sum(fault.severe for fault in self.faults)


def report(answer: Mapping[str, Any]) -> SystemReport:
    """The watcher's answer; what is missing in it is shown as unknown."""
    config = _map(answer.get("config"))
    problems = config.get("problems")
    faults = [_fault(_map(one)) for one in problems] if isinstance(problems, list) else []
    unique = {fault.key: fault for fault in sorted(faults, key=lambda fault: not fault.severe)}
    return SystemReport(
        faults=tuple(unique.values()),
        rejected=config.get("rejected") is True,
        version=_text(config, "policy", 20),
        since_ns=_number(config, "since_ns"),
        parts=(
            *(_part(name, _map(answer.get(name))) for name in (*_PARTS, *(("forge",) if "forge" in answer else ()))),
            *_forges(answer.get("forges")),
            *_repositories(_map(answer.get("git"))),
        ),
        vendors=vendors(answer.get("vendors")),
    )


def _fault(found: Mapping[str, Any]) -> Fault:
    return Fault(
        severe=found.get("severity") == ERROR,
        file=_text(found, "file", 200),
        line=_number(found, "line"),
        column=_number(found, "column"),
        read=_text(found, "text", 80),
        message=_text(found, "message", 400),
        hint=_text(found, "hint", 400),
        in_force=_text(found, "in_force", 200),
        shown=clean(str(found.get("excerpt", "")), 4000),
    )


def _part(name: str, facts: Mapping[str, Any]) -> Part:
    if not facts:
        return Part(name, one_line("unknown"))
    if "error" in facts:
        return Part(name, NOTHING, _text(facts, "error", 200))
    words = one_line(_WORDS[name](facts), 300)
    return Part(name, words, _text(facts, "refusal", 300), _number(facts, "due_ns"))


def _watcher(facts: Mapping[str, Any]) -> str:
    up = _long(_number(facts, "uptime_s"))
    return f"{facts.get('version')}, pid {facts.get('pid')} on {facts.get('host')}, up {up}"


def _tmux(facts: Mapping[str, Any]) -> str:
    return f"{facts.get('version')}, socket {facts.get('socket')}, {facts.get('sessions')} sessions"


def _git(facts: Mapping[str, Any]) -> str:
    return f"{facts.get('version')}, lands on {facts.get('target')} @{str(facts.get('base'))[:7]}"


def _forges(found: object) -> Iterator[Part]:
    """What the further repositories are there."""
    for one in map(_map, found if isinstance(found, list) else ()):
        part = _part("forge", one)
        named = one_line(f"{one.get('name')}: {part.trouble or part.text}", 300)
        yield replace(part, trouble=named) if part.trouble else replace(part, text=named)


def _repositories(facts: Mapping[str, Any]) -> Iterator[Part]:
    """The further ones, each with why nothing of it begins or lands now."""
    found = facts.get("repositories")
    for one in map(_map, found if isinstance(found, list) else ()):
        onto = f", lands on {one['target']}" if one.get("target") else ""
        told = one_line(f"{one.get('name')}: {one.get('path')}{onto}", 300)
        yield Part("repository", told, _text(one, "trouble", 300))


def _store(facts: Mapping[str, Any]) -> str:
    size, free = _number(facts, "bytes") / 1e6, _number(facts, "free_bytes") / 1e9
    return f"{_number(facts, 'events')} events, {size:.1f} MB, disk {free:.1f} GB free"


def _isolation(facts: Mapping[str, Any]) -> str:
    return f"{facts.get('level')}: {facts.get('why')}"


def _forge(facts: Mapping[str, Any]) -> str:
    limit, who = _number(facts, "limit"), facts.get("login")
    left = f", {_number(facts, 'left')} of {limit} requests left" if limit else ""
    return f"{facts.get('repo')} on GitHub{f', as {who}' if who else ''}{left}"


_PARTS = ("watcher", "tmux", "git", "store", "isolation")
_WORDS = {
    "watcher": _watcher,
    "tmux": _tmux,
    "git": _git,
    "store": _store,
    "isolation": _isolation,
    "forge": _forge,
}


def _long(seconds: int) -> str:
    """``41s``, ``12m``, ``6h12``, ``2d04h``."""
    if seconds < 3600:
        return f"{seconds}s" if seconds < 60 else f"{seconds // 60}m"
    if seconds < 86_400:
        return f"{seconds // 3600}h{seconds % 3600 // 60:02}"
    return f"{seconds // 86_400}d{seconds % 86_400 // 3600:02}h"


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(facts: Mapping[str, Any], name: str, limit: int) -> SafeText:
    return one_line(str(facts.get(name) or ""), limit)


def _number(facts: Mapping[str, Any], name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) else 0
