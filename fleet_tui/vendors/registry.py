"""From a ``vendors:`` entry of the configuration to the object that starts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from fleet_tui.domain.errors import FleetError
from fleet_tui.vendors.base import Vendor

KINDS = ("command", "scripted", "claude-code", "codex", "gemini")


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
    if entry.kind == "claude-code":
        from fleet_tui.vendors.claude_code import ClaudeCode

        return ClaudeCode(name, tuple(entry.argv), entry.env, entry.carry)
    if entry.kind == "codex":
        from fleet_tui.vendors.codex import Codex

        return Codex(name, tuple(entry.argv), entry.env, entry.carry)
    if entry.kind == "gemini":
        from fleet_tui.vendors.gemini import Gemini

        return Gemini(name, tuple(entry.argv), entry.env, entry.carry)
    raise FleetError("unknown vendor kind", f"vendors.{name}.kind is {entry.kind!r}", f"use one of {', '.join(KINDS)}")
