"""The agents' standing instructions and the stories of scripted ones: where they are, and reading them safely."""

from __future__ import annotations

import re
from pathlib import Path

from fleet_tui import paths
from fleet_tui.domain.errors import FleetError
from fleet_tui.settings.files import ReadFile, read_text
from fleet_tui.settings.schema import AgentSettings, VendorSettings

_SHIPPED_STORY = re.compile(r"[a-z0-9][a-z0-9-]*\Z")


def prompt_file(repository: Path, agent: AgentSettings) -> ReadFile:
    """The prompt file of ``agent`` as it is on disk."""
    return read_text(repository / agent.prompt_path, agent.prompt_path, inside=repository)


def read_prompt(repository: Path, agent: AgentSettings) -> str:
    """The standing instructions of ``agent``.

    Raises:
        FleetError: the file is missing, unreadable, too large, not UTF-8, or outside the repository.
    """
    if agent.prompt is not None:
        return agent.prompt
    found = prompt_file(repository, agent)
    if found.missing:
        raise FleetError("no prompt file", f"{agent.prompt_path} is missing", "create it, or: fleet init --prompts")
    if found.problem is not None:
        raise FleetError(
            "cannot use the prompt file", f"{agent.prompt_path} {found.problem.message}", found.problem.hint
        )
    return found.text


def shipped_prompt(family: str, role: str) -> Path | None:
    """The shipped prompt that fits ``role`` of ``family``; None when none does."""
    name = {"author": "developer", "release": "release-manager", "reviewer": "reviewer", "triage": "triage"}.get(family)
    if family == "reviewer" and any(word in role.lower() for word in ("qa", "test")):
        name = "qa"
    return paths.shipped_config() / "prompts" / f"{name}.md" if name else None


def story_path(repository: Path, vendor: VendorSettings) -> Path | None:
    """The file of a scripted story: ``minimal`` is a shipped one, ``stories/mine.yaml`` the repository's own."""
    if vendor.story is None:
        return None
    shipped = paths.shipped_config() / "stories" / f"{vendor.story}.yaml"
    return shipped if _SHIPPED_STORY.match(vendor.story) and shipped.is_file() else repository / vendor.story
