"""Playbooks as skills, in the directory where each program that takes skills looks for them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fleet_tui.vendors.base import LaunchRequest
from fleet_tui.vendors.claude_code import ClaudeCode
from fleet_tui.vendors.codex import Codex
from fleet_tui.vendors.copilot import Copilot
from fleet_tui.vendors.gemini import Gemini
from fleet_tui.vendors.registry import KINDS, takes_skills
from tests.vendors.launching import launch_request

Program = type[ClaudeCode] | type[Codex] | type[Copilot] | type[Gemini]
TAKE_SKILLS = pytest.mark.parametrize("program", [ClaudeCode, Codex, Copilot, Gemini])


@pytest.fixture
def request_(tmp_path: Path) -> LaunchRequest:
    return launch_request(tmp_path, "0b6f7f7c-6a0e-5b0e-9f53-0c6d3b1b7e11")


def launched(program: Program, request: LaunchRequest) -> None:
    program("it", (), {}).launch(request)


def test_who_takes_skills_is_said_in_its_capabilities() -> None:
    assert {kind for kind in KINDS if takes_skills(kind)} == {"claude-code", "codex", "copilot", "gemini"}


@TAKE_SKILLS
def test_they_are_installed(request_: LaunchRequest, program: Program) -> None:
    """Over what the agent left there; one that is no playbook any more goes, and the agent's own stay."""
    skills = request_.home / program.folder.decode() / "skills"
    for name in ("fleet-old", "fleet-ship", "mine"):
        (skills / name).mkdir(parents=True)
        (skills / name / "SKILL.md").write_text("forged")
    text = "---\nname: fleet-ship\n---\nGo.\n"
    launched(program, replace(request_, skills={"fleet-ship": text, "fleet-review": "Look."}))
    found = {path.parent.name: path.read_text() for path in skills.rglob("SKILL.md")}
    assert found == {"fleet-ship": text, "fleet-review": "Look.", "mine": "forged"}


@TAKE_SKILLS
def test_a_link_in_the_place_of_skills_is_not_followed(
    request_: LaunchRequest, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (request_.home / program.folder.decode()).mkdir()
    (request_.home / program.folder.decode() / "skills").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r".*"):
        launched(program, replace(request_, skills={"fleet-ship": "Go."}))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_gemini_cli_may_read_them_unasked_beside_what_a_person_allows_it(
    request_: LaunchRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "me" / ".gemini"
    mine.mkdir(parents=True)
    own = {"tools": {"allowed": ["x"], "exclude": ["y"]}, "skills": {"enabled": False, "disabled": ["z"]}}
    (mine / "settings.json").write_text(json.dumps(own))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "me")
    Gemini("gemini", (), {}, ("settings.json",)).launch(replace(request_, skills={"fleet-ship": "Go."}))
    settings = json.loads((request_.home / ".gemini" / "settings.json").read_text())
    assert settings["tools"] == {"allowed": ["x", "activate_skill"], "exclude": ["y"]}
    assert settings["skills"] == {"enabled": True, "disabled": ["z"]}
