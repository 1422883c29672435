"""What a vendor's tool call amounts to: a shell line, a program, files read or written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fleet_tui.settings.guard import ToolSettings

OnDisk = Callable[[str], tuple[str, ...]]
"""What an absolute path leads to besides itself: through links, and through the names that a glob stands for.
Governance looks at no disk; it is told."""

_PATCHED = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$|^\*\*\* Move to: (.+)$", re.MULTILINE)

OWN_TOOLS = frozenset(
    {
        "ack", "artifact", "blocker", "claim", "handoff", "inbox", "note", "publish", "pull_request", "report",
        "ticket", "whoami",
    }
)  # fmt: skip
"""The tools of the fleet's own MCP server for agents. Whatever they do is judged by the fleet when it is asked."""
_OWN = re.compile(r"(?:mcp__?)?fleet(?:__?|-)([a-z_]+)")
_REMARKS = frozenset({"description", "justification"})


@dataclass(frozen=True, slots=True)
class Act:
    """One act before it happens. Exactly the fields of its kind are set."""

    tool: str
    line: str | None = None
    argv: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    patch: str = ""
    """The text by which several files are changed."""
    searches: bool = False
    """Whether everything below ``reads`` is read."""
    cwd: str = ""
    detail: str = ""
    """What else the call says, as JSON: a person's yes is for all of it."""
    problem: str = ""
    """Why the call cannot be understood; such a call is never allowed."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Who acts, and where it may."""

    role: str
    family: str
    workspace: str
    """Absolute path."""
    home: str
    branch: str
    """Its own branch, without ``refs/heads/``."""
    on_disk: OnDisk = lambda _path: ()


def act_of(tool: str, arguments: Mapping[str, Any], cwd: str, tools: Mapping[str, ToolSettings]) -> Act:
    """The act behind a tool call; ``tools`` says which field of which tool holds what."""
    known = tools.get(tool)
    if known is None or known.kind == "other":
        return Act(tool, cwd=cwd, detail=_json(arguments))
    held = next((name for name in known.fields if name in arguments), None)
    # What a program only says of its own call is no part of it.
    rest = {name: value for name, value in arguments.items() if name != held and name not in _REMARKS}
    act = _understood(tool, known, None if held is None else arguments[held], cwd)
    return replace(act, detail=_json(rest))


def own_tool(tool: str) -> str:
    """The name of a tool of the fleet's own MCP server, as vendors write it; empty: it is none."""
    found = _OWN.fullmatch(tool)
    return found[1] if found and found[1] in OWN_TOOLS else ""


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False) if values else ""


def _understood(tool: str, known: ToolSettings, value: Any, cwd: str) -> Act:
    if known.kind == "search":
        return Act(tool, reads=(value if isinstance(value, str) else ".",), searches=True, cwd=cwd)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return _listed(tool, known, tuple(value), cwd)
    if not isinstance(value, str):
        return Act(tool, cwd=cwd, problem=f"{tool} names none of {', '.join(known.fields)}")
    if known.kind == "shell":
        return Act(tool, line=value, cwd=cwd)
    if known.kind == "patch":
        return _patch(tool, value, cwd)
    return _files(tool, known, (value,), cwd)


def _listed(tool: str, known: ToolSettings, value: tuple[str, ...], cwd: str) -> Act:
    if known.kind == "shell":
        return Act(tool, argv=value, cwd=cwd) if value else Act(tool, cwd=cwd, problem="an empty command")
    if known.kind == "patch":
        return _patch(tool, "\n".join(value), cwd)
    return _files(tool, known, value, cwd)


def _files(tool: str, known: ToolSettings, value: tuple[str, ...], cwd: str) -> Act:
    return Act(tool, reads=value, cwd=cwd) if known.kind == "read" else Act(tool, writes=value, cwd=cwd)


def _patch(tool: str, text: str, cwd: str) -> Act:
    files = tuple(found.strip() for match in _PATCHED.findall(text) for found in match if found)
    if not files:
        return Act(tool, cwd=cwd, problem="the patch names no file")
    return Act(tool, writes=files, patch=text, cwd=cwd)
