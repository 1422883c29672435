"""The adapter of Codex: what it starts, inside and outside a sandbox, and what it makes of hooks and rollout files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.vendors.base import Context, HookReport, LaunchRequest, Prompted, Used
from fleet_tui.vendors.codex import Codex
from tests.vendors.launching import launch_request
from tests.vendors.told import at_ns

SESSION = "01a21b43-4209-7742-bdc0-8db177eb0540"


@pytest.fixture
def request_(tmp_path: Path) -> LaunchRequest:
    return launch_request(tmp_path, SESSION, model="gpt-5", prompt="-x", workspace='w"s')


def argv(request: LaunchRequest, *own: str) -> tuple[str, ...]:
    return Codex("codex", own or ("codex",), {}).launch(request).argv


def test_inside_our_sandbox_the_guard_decides(request_: LaunchRequest) -> None:
    line = argv(request_)
    assert line[line.index("--sandbox") + 1] == "danger-full-access"
    assert line[line.index("--ask-for-approval") + 1] == "never"
    assert "--dangerously-bypass-hook-trust" in line
    assert "allow_login_shell=false" in line
    assert "features.hooks=true" in line, "else a file in the repository could switch them off"
    assert "resume" not in line
    assert line[-1] == "Your instructions:\n\n-x"


def test_outside_it_has_its_own_and_asks(request_: LaunchRequest) -> None:
    line = argv(dataclasses.replace(request_, sandboxed=False))
    assert line[line.index("--sandbox") + 1] == "workspace-write"
    assert line[line.index("--ask-for-approval") + 1] == "on-request"
    roots = next(word for word in line if word.startswith("sandbox_workspace_write.writable_roots="))
    assert json.loads(roots.partition("=")[2]) == [str(request_.workspace / ".git")]
    assert "read-only" in argv(request_, "codex", "--sandbox", "read-only")
    assert "danger-full-access" not in argv(request_, "codex", "--sandbox", "read-only")


def test_a_workspace_with_quotes_in_its_name_is_trusted_as_itself(request_: LaunchRequest) -> None:
    import tomllib

    setting = next(word for word in argv(request_) if word.startswith("projects="))
    assert tomllib.loads(setting) == {"projects": {str(request_.workspace): {"trust_level": "trusted"}}}


def test_the_fleet_s_server_is_registered_and_sees_who_it_serves(request_: LaunchRequest) -> None:
    program = Path("/run dir/bin/fleet-mcp")
    line = argv(dataclasses.replace(request_, mcp=program))
    assert f"mcp_servers.fleet.command={json.dumps(str(program))}" in line
    seen = next(word for word in line if word.startswith("mcp_servers.fleet.env_vars="))
    assert {"FLEET_RUN", "FLEET_SOCKET", "FLEET_TOKEN"} < set(json.loads(seen.partition("=")[2]))
    assert not [word for word in argv(request_) if "mcp_servers" in word]


@pytest.mark.parametrize(
    "settings",
    [
        '[mcp_servers.fleet]\ncommand = "./evil.sh"\n',
        'notify = ["./evil.sh"]\n',
        '"mcp_servers".x.command = "y"\n',
        "x = \n",
        "[features]\nhooks = false\n",
    ],
)
def test_no_program_of_the_repository_s_settings_is_started(request_: LaunchRequest, settings: str) -> None:
    folder = request_.workspace / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(settings)
    with pytest.raises(FleetError, match="unsafe settings"):
        argv(request_)
    (folder / "config.toml").write_text('model_reasoning_effort = "low"\n')
    assert argv(request_)
    (folder / "hooks.json").write_text("{}")
    with pytest.raises(FleetError, match=r"\.codex/hooks\.json"):
        argv(request_)


def test_a_folder_of_the_repository_s_settings_that_is_a_link_is_not_followed(
    request_: LaunchRequest, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (request_.workspace / ".codex").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FleetError, match="cannot be looked at"):
        argv(request_)


def test_a_session_is_taken_up_again(request_: LaunchRequest) -> None:
    line = argv(dataclasses.replace(request_, resume=True), "codex", "--search")
    assert line[:4] == ("codex", "--search", "resume", SESSION)


def test_hooks_turn_every_failure_into_a_no(request_: LaunchRequest) -> None:
    argv(request_)
    hooks = json.loads((request_.home / ".codex" / "hooks.json").read_text())["hooks"]
    lines = {name: entry[0]["hooks"][0]["command"] for name, entry in hooks.items()}
    assert lines["PreToolUse"] == lines["PermissionRequest"] == f"{request_.client} guard || exit 2"
    assert lines["Interrupt"] == f"{request_.client} hook Interrupt"
    assert hooks["PreToolUse"][0]["hooks"][0]["timeout"] > 24 * 3600, "a person may take a day, and its end is a yes"


VENDOR = Codex("codex", ("codex",), {})


def test_what_hooks_say() -> None:
    said = {"session_id": SESSION, "source": "resume", "model": "gpt-5"}
    assert VENDOR.parse_hook("SessionStart", said) == HookReport("session_started", SESSION, reason="resume")
    assert VENDOR.parse_hook("Interrupt", {}) == HookReport("interrupted")
    assert VENDOR.parse_hook("PreCompact", {}) is None
    assert VENDOR.render_verdict("PreToolUse", "allow", "") is None
    answer = VENDOR.render_verdict("PermissionRequest", "deny", "no")
    assert answer is not None
    assert json.loads(answer.stdout)["hookSpecificOutput"]["decision"] == {"behavior": "deny", "message": "no"}


def record(response: str, **usage: object) -> bytes:
    return json.dumps({"type": "token_usage_record", "payload": {"response_id": response, "usage": usage}}).encode()


def test_each_answer_is_counted_once_and_what_came_from_the_cache_apart() -> None:
    lines = [
        record("a", input_tokens=540, cached_input_tokens=500, cache_write_input_tokens=10, output_tokens=7),
        record("a", input_tokens=540, cached_input_tokens=500, cache_write_input_tokens=10, output_tokens=7),
        record("b", input_tokens=5, cached_input_tokens=50, reasoning_output_tokens=0),
        b'{"type": "token_usage_record", "payload": []}',
        b'{"type": "event_msg", "payload": {"type": "token_count"}}',
        b"{",
    ]
    assert VENDOR.read_usage(lines) == (Used("a", "", 30, 7, 500, 10), Used("b", "", 0, 0, 50, 0, reasoning=0))


def test_context_is_the_last_request_of_its_window() -> None:
    def told(info: object) -> bytes:
        return json.dumps({"type": "event_msg", "payload": {"type": "token_count", "info": info}}).encode()

    first = told({"last_token_usage": {"total_tokens": 560}, "model_context_window": 258_400})
    assert VENDOR.read_context([first, told(None), told({"last_token_usage": 7})]) == Context(560, 258_400, "rollout")
    assert VENDOR.read_context([told({"last_token_usage": {"total_tokens": 5}})]) == Context(5, None, "rollout")
    assert VENDOR.read_context([b"{", told(None)]) is None


def test_the_rollout_of_the_session(tmp_path: Path) -> None:
    day = tmp_path / ".codex" / "sessions" / "2026" / "11" / "27"
    day.mkdir(parents=True)
    (day / f"rollout-2026-11-27T04-28-42-{SESSION}.jsonl").touch()
    (day / "rollout-2026-11-27T04-28-42-another.jsonl").touch()
    (day.parent / "linked").symlink_to(day)
    place = f".codex/sessions/2026/11/27/rollout-2026-11-27T04-28-42-{SESSION}.jsonl"
    assert VENDOR.transcripts(tmp_path, SESSION) == (place.encode(),)
    assert VENDOR.transcripts(tmp_path, "../27") == ()
    assert VENDOR.transcripts(tmp_path / "none", SESSION) == ()


def test_settings_that_the_agent_left_in_its_home_do_not_count(request_: LaunchRequest) -> None:
    place = request_.home / ".codex" / "config.toml"
    place.parent.mkdir()
    place.write_text("[hooks.state.x]\nenabled = false\n")
    argv(request_)
    assert place.read_bytes() == b""


def test_what_it_was_asked() -> None:
    asked = (
        b'{"timestamp":"2026-11-27T13:18:14.465Z","ordinal":8,"type":"event_msg","payload":{"type":"item_completed",'
        b'"thread_id":"01a2","turn_id":"01a3","item":{"type":"UserMessage","id":"01a4","client_id":"321c","content":[{'
        b'"type":"text","text":"A page, please","text_elements":[]}]},"started_at_ms":1795785494464}}'
    )
    other = [asked.replace(b"UserMessage", b"AgentMessage"), b'{"type":"event_msg","payload":{"item":3}}', b"{"]
    said = Codex("codex", (), {}).read_prompts([*other, asked])
    assert said == [Prompted(at_ns("2026-11-27T13:18:14.465Z"), "A page, please")]
