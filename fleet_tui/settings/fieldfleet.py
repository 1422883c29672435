"""Files of existing fleets: older spellings are renamed, keys without a counterpart are set aside with a warning."""

from __future__ import annotations

from typing import Any

from fleet_tui.settings.document import Document, KeyPath, Spot, parts
from fleet_tui.settings.problems import WARNING, Problem

_UNSUPPORTED: dict[str, tuple[str, ...]] = {
    "": ("pipelines", "genflows", "subscription_gate", "ci_required"),
    "agents": ("subscription_gate", "ci_required"),
}
_RENAMED = {"subscriptions": "subscribes_to"}


def accept(document: Document) -> None:
    """Change ``document`` in place to the names of the schema."""
    root = document.value
    if not isinstance(root, dict):
        return
    _set_aside(document, root, (), _UNSUPPORTED[""])
    agents = root.get("agents")
    if not isinstance(agents, list):
        return
    for index, agent in enumerate(agents):
        if isinstance(agent, dict):
            _agent(document, agent, ("agents", index))


def accept_agent(document: Document) -> None:
    """The same for a file that holds one agent."""
    if isinstance(document.value, dict):
        _agent(document, document.value, ())


def _agent(document: Document, agent: dict[str, Any], path: KeyPath) -> None:
    _set_aside(document, agent, path, _UNSUPPORTED["agents"])
    for old, new in _RENAMED.items():
        if old in agent and new in agent:
            del agent[old]
            document.fault(
                document.keys[(*path, old)],
                f"`{new}` is given as well, of which `{old}` is the older spelling",
                "keep one of the two",
            )
        elif old in agent:
            agent[new] = agent.pop(old)
            _copy(document, agent[new], (*path, old), (*path, new))
    if "role" not in agent and "agent_type" in agent:
        agent["role"] = agent.pop("agent_type")
        _copy(document, agent["role"], (*path, "agent_type"), (*path, "role"))
    if isinstance(agent.get("worktree"), str) and agent["worktree"].strip():
        spot = document.values[(*path, "worktree")]
        _warn(document, spot, "the path of a worktree is not used: fleet makes workspaces itself", "remove it")


def _set_aside(document: Document, section: dict[str, Any], path: KeyPath, names: tuple[str, ...]) -> None:
    for name in names:
        if name in section:
            del section[name]
            _warn(document, document.keys[(*path, name)], f"`{name}` is not supported yet, ignored", "remove it")


def _warn(document: Document, spot: Spot, message: str, hint: str) -> None:
    document.problems.append(Problem(WARNING, document.file, spot.line, spot.column, spot.text, message, hint))


def _copy(document: Document, value: Any, old: KeyPath, new: KeyPath) -> None:
    """Give the parts of ``value`` under its new name the places they have under the old one."""
    document.keys[new] = document.keys[old]
    for path in parts(value, old):
        document.values[(*new, *path[len(old) :])] = document.values[path]
