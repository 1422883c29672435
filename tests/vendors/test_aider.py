"""The adapter of aider: what it starts, what it refuses, and what it makes of the events that aider writes down."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.vendors.aider import Aider
from fleet_tui.vendors.base import HookReport, LaunchRequest, Used
from tests.vendors.launching import launch_request

SESSION = "11111111-1111-4111-8111-111111111111"
VENDOR = Aider("aider", ("aider", "--map-tokens", "0"), {"OPENAI_API_KEY": "test"})


@pytest.fixture
def request_(tmp_path: Path) -> LaunchRequest:
    return launch_request(tmp_path, SESSION, model="gpt-5", prompt="/run x", run_dir="r u'n")


def test_how_it_is_started(request_: LaunchRequest) -> None:
    launch = VENDOR.launch(request_)
    assert launch.argv[:5] == ("aider", "--map-tokens", "0", "--model", "gpt-5")
    assert launch.argv[-2] == "--message-file"
    assert Path(launch.argv[-1]).read_text() == "Your instructions:\n\n/run x", "no command of its own"
    for option in ("--git-commit-verify", "--no-attribute-author", "--no-attribute-committer", "--no-stream"):
        assert option in launch.argv
    log = launch.argv[launch.argv.index("--analytics-log") + 1]
    assert Path(log).relative_to(request_.home).name == f"{SESSION}.jsonl"
    assert (request_.home / ".aider/caches/model_prices_and_context_window.json").is_file(), "else it is fetched"
    assert "--model" not in VENDOR.launch(dataclasses.replace(request_, model=None)).argv


def test_what_it_runs_as_a_notification_says_which_session_to_count(request_: LaunchRequest) -> None:
    import subprocess

    launch = VENDOR.launch(request_)
    request_.client.parent.mkdir()
    request_.client.write_text('#!/bin/sh\nprintf "%s %s " "$1" "$2"; cat\n')
    request_.client.chmod(0o755)
    line = launch.argv[launch.argv.index("--notifications-command") + 1]
    said = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=20).stdout
    assert said.startswith("hook session.started {")
    report = VENDOR.parse_hook("session.started", json.loads(said.partition("session.started ")[2]))
    assert report == HookReport("session_started", SESSION, reason="startup")


@pytest.mark.parametrize("name", [".aider.conf.yml", ".env"])
def test_settings_of_the_repository_run_nothing(request_: LaunchRequest, name: str) -> None:
    (request_.workspace / name).symlink_to("/nowhere")
    with pytest.raises(FleetError, match="unsafe settings"):
        VENDOR.launch(request_)


def test_each_answer_is_counted_once() -> None:
    said = {"main_model": "openai/gpt-5", "prompt_tokens": 1234, "completion_tokens": 10}
    line = json.dumps({"event": "message_send", "properties": said, "time": 1}).encode()
    later = json.dumps({"event": "message_send", "properties": said, "time": 2}).encode()
    other = [b'{"event": "exit", "properties": {}}', b'{"event": "message_send", "properties": 3}', b"{"]
    first, second = VENDOR.read_usage([line, line, later, *other])
    assert first == Used(first.request, "openai/gpt-5", 1234, 10)
    assert first.request != second.request


def test_the_events_of_the_run(tmp_path: Path) -> None:
    (tmp_path / ".aider/fleet").mkdir(parents=True)
    (tmp_path / f".aider/fleet/{SESSION}.jsonl").touch()
    assert VENDOR.transcripts(tmp_path, SESSION) == (f".aider/fleet/{SESSION}.jsonl".encode(),)
    assert VENDOR.transcripts(tmp_path, "../fleet") == ()


def test_what_it_cannot_is_said() -> None:
    works = VENDOR.capabilities
    assert (works.guard, works.permission, works.resume, works.inject) == ("none", "none", False, "none")
