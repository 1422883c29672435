"""The adapter of Copilot CLI: what it starts, its hooks' lines as a shell runs them, what it makes of its files."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.vendors.base import HookReport, LaunchRequest, Limited, Prompted, Used
from fleet_tui.vendors.copilot import Copilot
from tests.vendors.launching import launch_request
from tests.vendors.told import at_ns

SESSION = "11111111-1111-4111-8111-111111111111"
VENDOR = Copilot("copilot", ("copilot",), {})


@pytest.fixture
def request_(tmp_path: Path) -> LaunchRequest:
    return launch_request(tmp_path, SESSION, model="gpt-5")


def test_how_it_is_started(request_: LaunchRequest) -> None:
    launch = VENDOR.launch(request_)
    assert launch.argv == (
        "copilot", "--allow-all-tools", "--allow-all-paths", "--no-ask-user", "--model", "gpt-5",
        f"--session-id={SESSION}", "--interactive", "Do it.",
    )  # fmt: skip
    assert launch.env["COPILOT_HOME"] == str(request_.home / ".copilot")
    settings = json.loads((request_.home / ".copilot" / "settings.json").read_text())
    assert settings["trustedFolders"] == [str(request_.workspace)]
    again = VENDOR.launch(dataclasses.replace(request_, resume=True, sandboxed=False)).argv
    assert f"--resume={SESSION}" in again
    assert not any(word.startswith("--allow") for word in again), "without a sandbox its own dialogs decide"


def test_what_an_agent_left_in_its_settings_is_gone(request_: LaunchRequest) -> None:
    (request_.home / ".copilot").mkdir()
    (request_.home / ".copilot" / "settings.json").write_text('{"disableAllHooks": true, "theme": "dark"}')
    VENDOR.launch(request_)
    settings = json.loads((request_.home / ".copilot" / "settings.json").read_text())
    assert settings["disableAllHooks"] is False
    assert "theme" not in settings


@pytest.mark.parametrize(
    ("says", "code", "reason"),
    [
        ("", 0, None),
        ("fleet: refused: not that", 2, "fleet: refused: not that"),
        ('a "quoted" \\ word\n\tand a bell \a', 2, 'a "quoted" \\ word  and a bell '),
        ("%s %d", 1, "%s %d"),
    ],
)
def test_its_hook_says_no_in_plain_json_whatever_the_guard_says(
    request_: LaunchRequest, says: str, code: int, reason: str | None
) -> None:
    request_.client.parent.mkdir()
    (request_.run_dir / "says").write_text(says)
    request_.client.write_text(f'#!/bin/sh\ncat "{request_.run_dir}/says" >&2\nexit {code}\n')
    request_.client.chmod(0o755)
    assert hooked(request_) == (0, reason)


def test_a_guard_that_is_not_there_says_no(request_: LaunchRequest) -> None:
    code, reason = hooked(request_)
    assert code == 0
    assert reason is not None


def hooked(request: LaunchRequest) -> tuple[int, str | None]:
    """The hook's exit code, and the reason of its no; None: it says nothing."""
    VENDOR.launch(request)
    hooks = json.loads((request.home / ".copilot" / "hooks" / "fleet.json").read_text())["hooks"]
    (asks,) = hooks["PreToolUse"][0]["hooks"]
    assert asks["timeout"] > 24 * 3600, "a person may take a day, and its end is a yes"
    done = subprocess.run(["sh", "-c", asks["command"]], capture_output=True, text=True, check=False, timeout=60)
    if not done.stdout:
        return done.returncode, None
    answer = json.loads(done.stdout)["hookSpecificOutput"]
    assert answer["permissionDecision"] == "deny"
    return done.returncode, answer["permissionDecisionReason"]


@pytest.mark.parametrize(
    "name", [".github/hooks/x.json", ".mcp.json", ".github/mcp.json", ".github/copilot/settings.json"]
)
def test_hooks_servers_and_settings_of_the_repository_are_not_taken(request_: LaunchRequest, name: str) -> None:
    place = request_.workspace / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("{}")
    with pytest.raises(FleetError, match="unsafe settings"):
        VENDOR.launch(request_)


@pytest.mark.parametrize("name", [".claude/settings.json", ".claude/settings.local.json"])
@pytest.mark.parametrize("text", ['{"disableAllHooks": true}', '{"hooks": {}}', "// why\n{}", "[]", "[" * 100_000])
def test_settings_of_the_repository_switch_no_hook_off(request_: LaunchRequest, name: str, text: str) -> None:
    place = request_.workspace / name
    place.parent.mkdir(parents=True)
    place.write_text(text)
    with pytest.raises(FleetError, match="unsafe settings"):
        VENDOR.launch(request_)
    place.write_text('{"theme": "dark"}')
    VENDOR.launch(request_)


def test_what_hooks_say() -> None:
    said = {"session_id": SESSION, "source": "new"}
    assert VENDOR.parse_hook("SessionStart", said) == HookReport("session_started", SESSION, reason="startup")
    resumed = VENDOR.parse_hook("SessionStart", {**said, "source": "resume"})
    assert resumed == HookReport("session_started", SESSION, reason="resume")
    assert VENDOR.parse_hook("Stop", {}) == HookReport("turn_ended")
    assert VENDOR.parse_hook("PreCompact", {}) is None
    assert VENDOR.render_verdict("PreToolUse", "deny", "no") is None


def test_each_request_is_counted_once_and_what_came_from_the_cache_apart() -> None:
    usage = {"model": "m", "inputTokens": 740, "outputTokens": 20, "cacheReadTokens": 700, "cacheWriteTokens": 5}
    line = json.dumps({"type": "session.usage_record", "id": "a", "data": {"usage": usage}}).encode()
    other = [b'{"type": "session.usage_record", "id": "b", "data": 3}', b'{"type": "abort", "id": "c"}', b"{"]
    assert VENDOR.read_usage([line, *other, line]) == (Used("a", "m", 35, 20, 700, 5),)


def test_the_events_of_the_session(tmp_path: Path) -> None:
    folder = tmp_path / ".copilot" / "session-state" / SESSION
    folder.mkdir(parents=True)
    (folder / "events.jsonl").touch()
    (folder / "other.jsonl").touch()
    assert VENDOR.transcripts(tmp_path, SESSION) == (f".copilot/session-state/{SESSION}/events.jsonl".encode(),)
    assert VENDOR.transcripts(tmp_path, "../x") == ()


def test_the_fleet_s_server_is_registered_and_none_that_the_agent_left(request_: LaunchRequest) -> None:
    left = request_.home / ".copilot" / "mcp-config.json"
    left.parent.mkdir()
    left.write_text('{"mcpServers": {"fleet": {"command": "./evil.sh"}}}')
    program = request_.run_dir / "bin" / "fleet-mcp"
    argv = VENDOR.launch(dataclasses.replace(request_, mcp=program, sandboxed=False)).argv
    given = next(word for word in argv if word.startswith("--additional-mcp-config="))
    servers = json.loads(given.partition("=")[2])["mcpServers"]
    assert {name: server["command"] for name, server in servers.items()} == {"fleet": str(program)}
    assert "--allow-tool=fleet" in argv, "nobody is asked about the fleet's own tools"
    assert json.loads(left.read_text()) == {"mcpServers": {}}, "it is started beside ours, under the same name"
    assert not any("mcp" in word for word in VENDOR.launch(request_).argv)


GAVE_UP = (
    b'{"type":"session.error","data":{"errorType":"rate_limit","message":"Failed to get response from the AI model; '
    b'retried 5 times (total retry wait time: 57.16 seconds) Last error: 429 stand-in says 429","statusCode":429,'
    b'"originatingMessageId":"76e64d85"},"id":"bfa5b351","timestamp":"2026-11-27T13:00:11.978Z","parentId":"7d215999"}'
)
NO_MONEY = (
    b'{"type":"session.error","data":{"errorType":"query","message":"402 You have exceeded your premium request '
    b'allowance.","statusCode":402},"id":"f0a31bf4","timestamp":"2026-11-27T13:04:46.262Z","parentId":"1219643c"}'
)
ASKED = (
    b'{"type":"user.message","data":{"content":"A page, please","transformedContent":"<current_datetime>2026-11-27T'
    b'12:58:08.220+00:00</current_datetime>\\n\\nA page, please","messageId":"81ef07e8","delivery":"idle"},'
    b'"id":"7e3cc692","timestamp":"2026-11-27T12:58:08.221Z","parentId":"0fc2e015"}'
)


def test_that_it_gave_up_at_a_limit_stands_in_its_events() -> None:
    server_error = GAVE_UP.replace(b"rate_limit", b"query").replace(b"429", b"500")
    stated = GAVE_UP.replace(b"stand-in says 429", b"try again in 2 hours").replace(b"bfa5b351", b"c")
    bad = [b'{"type":"session.error","id":"x","data":3}', b'{"type":"session.error","data":{"statusCode":429}}', b"{"]
    assert VENDOR.read_limits([GAVE_UP, GAVE_UP, NO_MONEY, stated, server_error, ASKED, *bad]) == (
        Limited("bfa5b351", None, "rate_limit"),
        Limited("f0a31bf4", None, "query"),
        Limited("c", at_ns("2026-11-27T15:00:11.978Z"), "rate_limit"),
    )


def test_what_it_was_asked() -> None:
    assert VENDOR.read_prompts([ASKED, GAVE_UP, b'{"type":"user.message","data":3}']) == [
        Prompted(at_ns("2026-11-27T12:58:08.221Z"), "A page, please")
    ]
