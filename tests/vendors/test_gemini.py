"""The adapter of Gemini CLI: what it starts, in and outside a sandbox, and what it makes of hooks and chat files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.vendors.base import Context, HookReport, LaunchRequest, Used
from fleet_tui.vendors.gemini import Gemini
from tests.vendors.launching import launch_request
from tests.vendors.told import at_ns

SESSION = "11111111-1111-4111-8111-111111111111"
VENDOR = Gemini("gemini", ("gemini",), {})


@pytest.fixture
def request_(tmp_path: Path) -> LaunchRequest:
    return launch_request(tmp_path, SESSION, model="gemini-2.5-pro")


def test_how_it_is_started(request_: LaunchRequest) -> None:
    launch = VENDOR.launch(request_)
    assert launch.argv == (
        "gemini", "--approval-mode", "yolo", "--model", "gemini-2.5-pro", "--session-id", SESSION,
        "--prompt-interactive", "Do it.",
    )  # fmt: skip
    assert launch.env["GEMINI_CLI_HOME"] == str(request_.home)
    again = VENDOR.launch(dataclasses.replace(request_, resume=True, sandboxed=False)).argv
    assert (again[again.index("--approval-mode") + 1], "--resume" in again) == ("auto_edit", True)
    own = Gemini("gemini", ("gemini", "--approval-mode=plan"), {}).launch(request_).argv
    assert "yolo" not in own


def test_hooks_trust_and_the_key_are_laid_over_settings_that_were_carried(
    request_: LaunchRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "me" / ".gemini"
    mine.mkdir(parents=True)
    (mine / "settings.json").write_text('{"ui": {"theme": "Ayu"}, "hooks": {"BeforeTool": []}}')
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "me")
    Gemini("gemini", ("gemini",), {"GEMINI_API_KEY": "x"}, ("settings.json",)).launch(request_)
    settings = json.loads((request_.home / ".gemini" / "settings.json").read_text())
    assert settings["ui"] == {"theme": "Ayu"}
    assert settings["security"] == {"folderTrust": {"enabled": False}, "auth": {"selectedType": "gemini-api-key"}}
    (asks,) = settings["hooks"]["BeforeTool"][0]["hooks"]
    assert asks["command"] == f"{request_.client} guard || exit 2"
    assert asks["timeout"] > 24 * 3_600_000, "milliseconds, and their end is a yes"
    VENDOR.launch(request_)
    assert "ui" not in json.loads((request_.home / ".gemini" / "settings.json").read_text()), (
        "what an agent left is gone"
    )


def test_what_hooks_say() -> None:
    said = {"session_id": SESSION, "source": "startup"}
    assert VENDOR.parse_hook("SessionStart", said) == HookReport("session_started", SESSION, reason="startup")
    assert VENDOR.parse_hook("AfterAgent", {}) == HookReport("turn_ended")
    assert VENDOR.parse_hook("BeforeModel", {}) is None
    assert VENDOR.render_verdict("BeforeTool", "deny", "no") is None


def test_a_reply_and_its_tools_are_one_request() -> None:
    tokens = {"input": 510, "output": 10, "cached": 500, "thoughts": 20, "tool": 0, "total": 540}
    line = json.dumps({"id": "a", "type": "gemini", "tokens": tokens, "model": "m"}).encode()
    other = [b'{"id": "b", "type": "user"}', b'{"$set": {}}', b'{"id": "c", "type": "gemini", "tokens": 5}', b"["]
    assert VENDOR.read_context([line, *other]) == Context(540, None, "chat"), "its files name no window"
    assert VENDOR.read_context(other) is None
    assert VENDOR.read_usage([line, *other, line]) == (Used("a", "m", 10, 30, 500, reasoning=20),)


def test_the_chat_of_the_session(tmp_path: Path) -> None:
    chats = tmp_path / ".gemini" / "tmp" / "ws" / "chats"
    chats.mkdir(parents=True)
    (chats / "session-2026-11-27T04-51-11111111.jsonl").touch()
    (chats / "session-2026-11-27T04-51-22222222.jsonl").touch()
    assert VENDOR.transcripts(tmp_path, SESSION) == (b".gemini/tmp/ws/chats/session-2026-11-27T04-51-11111111.jsonl",)
    assert VENDOR.transcripts(tmp_path, "") == ()


@pytest.mark.parametrize(
    "text",
    [
        '{"hooksConfig": {"enabled": false}}', '{"hooks": {}}', '{"h\\u006foksConfig": {}}', '{"HooksConfig": {}}',
        '{"general": {}}', '{"toolDiscoveryCommand": "./evil.sh"}', '{"tools": {"discoveryCommand": "./evil.sh"}}',
        '{"mcpServers": {"fleet": {"command": "./evil.sh"}}}', "// why\n{}", "[]", "{", "[" * 100_000,
    ],
)  # fmt: skip
def test_settings_of_the_repository_switch_no_hook_off(request_: LaunchRequest, text: str) -> None:
    (request_.workspace / ".gemini").mkdir()
    (request_.workspace / ".gemini" / "settings.json").write_text(text)
    with pytest.raises(FleetError, match="unsafe settings"):
        VENDOR.launch(request_)


@pytest.mark.parametrize("name", [".gemini/.env", ".gemini/extensions/x/gemini-extension.json", ".gemini/agents/x.md"])
def test_nothing_else_of_the_repository_s_folder_is_taken(request_: LaunchRequest, name: str) -> None:
    place = request_.workspace / name
    place.parent.mkdir(parents=True)
    place.write_text("x")
    with pytest.raises(FleetError, match=name.split("/")[1]):
        VENDOR.launch(request_)


def test_no_env_file_reaches_the_hooks(request_: LaunchRequest) -> None:
    (request_.home / ".gemini").mkdir()
    (request_.home / ".gemini" / ".env").write_text("LD_PRELOAD=/tmp/evil.so\n")
    VENDOR.launch(request_)
    settings = json.loads((request_.home / ".gemini" / "settings.json").read_text())
    assert settings["advanced"] == {"ignoreLocalEnv": True}
    assert (request_.home / ".gemini" / ".env").read_bytes() == b""


def test_other_settings_of_the_repository_are_its_own(request_: LaunchRequest, tmp_path: Path) -> None:
    (request_.workspace / ".gemini").mkdir()
    (request_.workspace / ".gemini" / "settings.json").write_text('{"ui": {"theme": "Ayu"}}')
    VENDOR.launch(request_)
    (request_.workspace / ".gemini" / "settings.json").unlink()
    (tmp_path / "elsewhere").write_text("{}")
    (request_.workspace / ".gemini" / "settings.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FleetError, match="cannot be read"):
        VENDOR.launch(request_)


def test_no_env_file_of_the_repository_names_system_settings(request_: LaunchRequest) -> None:
    named = VENDOR.launch(request_).env["GEMINI_CLI_SYSTEM_SETTINGS_PATH"]
    assert Path(named).parent == request_.run_dir


def test_what_it_was_asked_and_not_what_its_tools_gave() -> None:
    asked = b'{"id":"e06e","timestamp":"2026-11-27T13:04:07.588Z","type":"user","content":[{"text":"A page, please"}]}'
    gave = (
        b'{"id":"3671","timestamp":"2026-11-27T13:04:08.378Z","type":"user","content":[{"functionResponse":{"id":"r",'
        b'"name":"run_shell_command","response":{"output":"A page, please"}}}]}'
    )
    said = VENDOR.read_prompts([asked, gave, b'{"type":"user","content":3}', b'{"type":"gemini","content":"x"}', b"{"])
    assert [prompt.text for prompt in said] == ["A page, please", "", ""]
    assert said[0].at_ns == at_ns("2026-11-27T13:04:07.588Z")
