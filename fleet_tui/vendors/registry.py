"""From a ``vendors:`` entry of the configuration to the object that starts it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from fleet_tui.domain.errors import FleetError
from fleet_tui.vendors.base import Capabilities, Vendor

_HOOKED = {
    "aider": ("aider", "Aider"),
    "claude-code": ("claude_code", "ClaudeCode"),
    "codex": ("codex", "Codex"),
    "copilot": ("copilot", "Copilot"),
    "gemini": ("gemini", "Gemini"),
    "opencode": ("opencode", "Opencode"),
}
"""Kind to module and class, imported only where it is configured."""
KINDS = ("command", "scripted", *_HOOKED)


class VendorEntry(Protocol):
    """The fields of a ``vendors:`` entry; the settings' own class has them."""

    @property
    def kind(self) -> str: ...
    @property
    def argv(self) -> Sequence[str]: ...
    @property
    def prompt(self) -> str: ...
    @property
    def env(self) -> Mapping[str, str]: ...
    @property
    def story(self) -> str | None: ...
    @property
    def carry(self) -> Sequence[str]: ...


def takes_skills(kind: str) -> bool:
    """Whether programs of this kind can be given playbooks as skills; of one that is not known: no."""
    if kind not in _HOOKED:
        return False
    module, adapter = _HOOKED[kind]
    found: type[Vendor] = getattr(importlib.import_module(f"fleet_tui.vendors.{module}"), adapter)
    works = found.capabilities
    return isinstance(works, Capabilities) and works.skills


def vendor_for(entry: VendorEntry, name: str, *, repository: Path | None = None) -> Vendor:
    """The vendor that ``entry`` describes. ``repository`` is where a story that is not a shipped one is looked for.

    Raises:
        FleetError: unknown kind, no program, or no such story.
    """
    if entry.kind == "command":
        from fleet_tui.vendors.command import CommandVendor

        return CommandVendor(name, tuple(entry.argv), entry.prompt, entry.env)
    if entry.kind == "scripted":
        from fleet_tui.vendors.scripted import ScriptedVendor, find_story

        return ScriptedVendor(name, find_story(entry.story or "minimal", repository), tuple(entry.argv), entry.env)
    if entry.kind in _HOOKED:
        module, adapter = _HOOKED[entry.kind]
        found: Callable[..., Vendor] = getattr(importlib.import_module(f"fleet_tui.vendors.{module}"), adapter)
        return found(name, tuple(entry.argv), entry.env, entry.carry)
    raise FleetError("unknown vendor kind", f"vendors.{name}.kind is {entry.kind!r}", f"use one of {', '.join(KINDS)}")
