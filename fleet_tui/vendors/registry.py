"""From a ``vendors:`` entry of the configuration to the object that starts it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line
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
    try:
        works = _adapter(kind).capabilities
    except FleetError:
        return False  # who starts it is told
    return isinstance(works, Capabilities) and works.skills


def _adapter(kind: str) -> Any:
    """The adapter's class.

    Raises:
        FleetError: it cannot be imported. An adapter may be anybody's: its faults are no one else's.
    """
    module, name = _HOOKED[kind]
    try:
        return getattr(importlib.import_module(f"fleet_tui.vendors.{module}"), name)
    except Exception as error:
        raise _broken(kind, error) from error


def _broken(kind: str, error: Exception) -> FleetError:
    told = f"{kind}: {type(error).__name__}: {error}"
    return FleetError("the adapter cannot be used", one_line(told, 400), "mend it, or take another vendor")


def vendor_for(entry: VendorEntry, name: str, *, repository: Path | None = None) -> Vendor:
    """The vendor that ``entry`` describes. ``repository`` is where a story that is not a shipped one is looked for.

    Raises:
        FleetError: unknown kind, a broken adapter, no program, or no such story.
    """
    if entry.kind == "command":
        from fleet_tui.vendors.command import CommandVendor

        return CommandVendor(name, tuple(entry.argv), entry.prompt, entry.env)
    if entry.kind == "scripted":
        from fleet_tui.vendors.scripted import ScriptedVendor, find_story

        return ScriptedVendor(name, find_story(entry.story or "minimal", repository), tuple(entry.argv), entry.env)
    if entry.kind in _HOOKED:
        found: Callable[..., Vendor] = _adapter(entry.kind)
        try:
            return found(name, tuple(entry.argv), entry.env, entry.carry)
        except FleetError:
            raise
        except Exception as error:
            raise _broken(entry.kind, error) from error
    raise FleetError("unknown vendor kind", f"vendors.{name}.kind is {entry.kind!r}", f"use one of {', '.join(KINDS)}")
