"""The adapter of opencode: what it starts, in and outside a sandbox, and what it makes of its plugin's reports."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.vendors.base import Answer, HookReport, LaunchRequest, Prompted, Used
from fleet_tui.vendors.opencode import Opencode
from tests.vendors.launching import launch_request

SESSION = "ses_de3e50d77ffe66Gh0dDJRjgVsQ"
VENDOR = Opencode("opencode", ("opencode",), {})


@pytest.fixture
def request_(tmp_path: Path) -> LaunchRequest:
    return launch_request(tmp_path, SESSION, model="openai/gpt-5", prompt="-x")


def settings(request: LaunchRequest) -> Any:
    return json.loads((request.run_dir / "opencode" / "opencode" / "opencode.json").read_text())


def told(request: LaunchRequest) -> Any:
    text = (request.run_dir / "opencode" / "opencode" / "fleet.js").read_text()
    return json.loads(text.partition("\n")[0].removeprefix("const FLEET = "))


def test_how_it_is_started(request_: LaunchRequest) -> None:
    launch = VENDOR.launch(request_)
    assert launch.argv == ("opencode", "--model", "openai/gpt-5", "--prompt", "Your instructions:\n\n-x")
    assert launch.env["OPENCODE_DISABLE_PROJECT_CONFIG"] == "1", "plugins of the repository are code"
    assert launch.env["XDG_CONFIG_HOME"] == launch.env["OPENCODE_TEST_HOME"] == str(request_.run_dir / "opencode")
    assert launch.env["XDG_DATA_HOME"] == str(request_.home / ".local/share")
    assert not list(request_.home.iterdir()), "what the agent can write to holds none of its settings"
    assert request_.run_dir / "opencode" / "opencode" / "fleet.js" in launch.files
    assert told(request_)["resumed"] == ""
    assert settings(request_)["mcp"] == {}
    VENDOR.launch(dataclasses.replace(request_, mcp=Path("/x/fleet-mcp")))
    assert settings(request_)["mcp"] == {"fleet": {"type": "local", "command": ["/x/fleet-mcp"]}}


def test_what_it_was_in_is_gone_on_with_by_the_plugin(request_: LaunchRequest) -> None:
    launch = VENDOR.launch(dataclasses.replace(request_, resume=True))
    assert launch.argv == ("opencode", "--model", "openai/gpt-5", "--session", SESSION)
    said = told(request_)
    assert said["resumed"] == SESSION
    assert Path(said["prompt"]).read_text() == "Your instructions:\n\n-x"


def test_it_asks_about_everything_unless_no_sandbox_is_around_it(request_: LaunchRequest) -> None:
    inside = json.loads(VENDOR.launch(request_).env["OPENCODE_PERMISSION"])
    assert inside == {"*": "ask", "question": "deny"}
    assert told(request_)["sandboxed"] is True
    outside = json.loads(VENDOR.launch(dataclasses.replace(request_, sandboxed=False)).env["OPENCODE_PERMISSION"])
    assert next(iter(outside.items())) == ("*", "ask"), "the last rule that matches counts"
    assert (outside["edit"], outside.get("bash")) == ("allow", None)
    assert told(request_)["sandboxed"] is False


def test_settings_that_are_carried_take_neither_the_guard_nor_its_questions_away(
    request_: LaunchRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "me" / ".config" / "opencode"
    mine.mkdir(parents=True)
    kept = {"provider": {"own": {}}, "plugin": ["theirs"], "permission": {"*": "allow"}, "share": "auto"}
    (mine / "opencode.json").write_text(json.dumps(kept))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "me")
    carrying = Opencode("opencode", ("opencode",), {}, ("opencode.json",))
    carrying.launch(request_)
    found = settings(request_)
    assert (found["provider"], found["share"], found["snapshot"]) == ({"own": {}}, "disabled", False)
    assert "permission" not in found
    own = request_.run_dir / "opencode" / "opencode" / "fleet.js"
    assert found["plugin"] == ["theirs", own.as_uri()], "the last one sees what the others made of a call"
    carrying.launch(dataclasses.replace(request_, sandboxed=False))
    assert settings(request_)["permission"] == {"*": "allow"}, "outside of a sandbox a person's own rules count"
    VENDOR.launch(request_)
    assert "provider" not in settings(request_), "a repeat begins anew"


def test_instructions_of_the_repository_are_read_all_the_same(request_: LaunchRequest) -> None:
    VENDOR.launch(request_)
    assert settings(request_)["instructions"] == []
    (request_.workspace / "CLAUDE.md").touch()
    (request_.workspace / "AGENTS.md").touch()
    VENDOR.launch(request_)
    assert settings(request_)["instructions"] == [str(request_.workspace / "AGENTS.md")]


def test_it_finds_installed_what_it_would_look_for_in_the_network(request_: LaunchRequest) -> None:
    VENDOR.launch(request_)
    config = request_.run_dir / "opencode" / "opencode"
    locked = json.loads((config / "package-lock.json").read_text())["packages"][""]["dependencies"]
    assert (config / "node_modules").is_dir()
    assert "@opencode-ai/plugin" in locked


def test_its_own_program_under_every_name_is_spared(request_: LaunchRequest, tmp_path: Path) -> None:
    native = tmp_path / "node_modules" / "opencode-linux-x64" / "bin" / "opencode"
    wrapper = tmp_path / "node_modules" / "opencode-ai" / "bin" / "opencode"
    for path in (native, wrapper):
        path.parent.mkdir(parents=True)
        path.touch()
        path.chmod(0o755)
    launch = Opencode("opencode", (str(wrapper),), {}).launch(request_)
    assert native in launch.spared
    assert native in launch.reads


def test_what_its_plugin_says() -> None:
    said = {"session_id": SESSION, "reason": "resume"}
    assert VENDOR.parse_hook("session.started", said) == HookReport("session_started", SESSION, reason="resume")
    assert VENDOR.parse_hook("session.idle", {}) == HookReport("turn_ended")
    assert VENDOR.parse_hook("session.aborted", {}) == HookReport("interrupted")
    failed = VENDOR.parse_hook("session.error", {"error": "rate_limit"})
    assert failed == HookReport("turn_failed", reason="rate_limit", limited=True)
    until = VENDOR.parse_hook("session.error", {"error": "rate_limit", "reset_at": 1795788897})
    assert until is not None
    assert until.reset_ns == 1795788897 * 10**9
    unsaid = VENDOR.parse_hook("session.error", {"error": "rate_limit", "reset_at": 0})
    assert unsaid == failed
    assert VENDOR.parse_hook("file.edited", {}) is None


def test_how_its_plugin_hears_of_a_verdict() -> None:
    assert VENDOR.render_verdict("permission.asked", "allow", "") == Answer('{"reply": "once"}')
    assert VENDOR.render_verdict("permission.asked", "deny", "no") is None, "by exit code, with the reason on stderr"
    assert VENDOR.render_verdict("tool.execute.before", "allow", "") is None


def test_each_request_is_counted_once_with_what_was_thought_and_what_it_cost() -> None:
    line = json.dumps(
        {"id": "a", "model": "p/m", "input": 40, "output": 20, "reasoning": 5, "read": 700, "write": 3, "cost": 0.00012}
    ).encode()
    free = b'{"id": "b", "model": "p/m", "input": 1, "output": -1, "cost": 0}'
    bad = [b"{", b'{"input": 5}', b'{"id": 3}', b'{"id": "c", "cost": NaN}', b'{"id": "d", "cost": 1e300}', b"[]"]
    first, second, *others = VENDOR.read_usage([line, line, free, *bad])
    assert first == Used("a", "p/m", 40, 25, 700, 3, 120, 5)
    assert second == Used("b", "p/m", 1, reasoning=0), "no price is known of what costs nothing"
    assert [(one.request, one.cost_microusd) for one in others] == [("c", None), ("d", None)]


def test_what_the_plugin_kept_of_the_session(tmp_path: Path) -> None:
    kept = tmp_path / ".local/share/opencode/fleet"
    kept.mkdir(parents=True)
    (kept / f"{SESSION}.jsonl").touch()
    (kept / "another.jsonl").touch()
    assert VENDOR.transcripts(tmp_path, SESSION) == (f".local/share/opencode/fleet/{SESSION}.jsonl".encode(),)
    assert VENDOR.transcripts(tmp_path, "../fleet") == ()
    assert VENDOR.transcripts(tmp_path / "none", SESSION) == ()


BROKEN_OFF = b'{"id":"prt_21d2648cc001kVte6K1P9b6V8L","model":"fake/model","untold":true}'
ASKED = b'{"prompt":"A page, please","at":1795785368268}'


def test_of_a_request_that_was_broken_off_it_is_unknown_what_it_used(tmp_path: Path) -> None:
    unknown = Used("prt_21d2648cc001kVte6K1P9b6V8L", "fake/model", untold=True)
    assert VENDOR.read_usage([ASKED, BROKEN_OFF, BROKEN_OFF]) == (unknown,)
    kept = tmp_path / ".local/share/opencode/fleet"
    assert VENDOR.left_open(tmp_path, SESSION) == ()
    kept.mkdir(parents=True)
    (kept / f"{SESSION}.open").write_bytes(BROKEN_OFF + b'\n{"id": "a", "input": 5}\n{\n')
    assert VENDOR.left_open(tmp_path, SESSION) == (unknown,), "as it was when its program was killed"
    assert VENDOR.left_open(tmp_path, "../fleet") == ()
    (kept / f"{SESSION}.open").unlink()
    (kept / f"{SESSION}.open").symlink_to("/etc/passwd")
    assert VENDOR.left_open(tmp_path, SESSION) == ()


def test_what_it_was_asked() -> None:
    said = VENDOR.read_prompts([ASKED, BROKEN_OFF, b'{"prompt": 3, "at": "x"}', b"{"])
    assert said == [Prompted(1795785368268 * 10**6, "A page, please"), Prompted(0, "")]
