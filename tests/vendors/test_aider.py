"""The adapter of aider: what it starts, what it refuses, and what it makes of the events that aider writes down."""

from __future__ import annotations

import dataclasses
import json
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

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
    assert launch.argv[:7] == (
        "/bin/sh", str(request_.run_dir / "aider.sh"), "aider", "--map-tokens", "0", "--model", "gpt-5"
    )  # fmt: skip
    assert request_.run_dir / "aider.sh" in launch.files
    assert launch.program == "aider", "what a sandbox has to show"
    assert launch.argv[-2] == "--message-file"
    assert Path(launch.argv[-1]).read_text() == "Your instructions:\n\n/run x", "no command of its own"
    for option in ("--git-commit-verify", "--no-attribute-author", "--no-attribute-committer", "--no-stream"):
        assert option in launch.argv
    log = launch.argv[launch.argv.index("--analytics-log") + 1]
    assert Path(log).relative_to(request_.home).name == f"{SESSION}.jsonl"
    assert (request_.home / ".aider/caches/model_prices_and_context_window.json").is_file(), "else it is fetched"
    assert "--model" not in VENDOR.launch(dataclasses.replace(request_, model=None)).argv


REFUSED = """> litellm.RateLimitError: RateLimitError: OpenAIException - "No \\ more". Please try again in 20s.
> The API provider has rate limited you. Try again later or check your quotas.
"""
ANSWERED = "> Tokens: 100 sent, 10 received.\n"


def run(request: LaunchRequest, writes: str, code: int = 0) -> tuple[int, list[tuple[str, dict[str, Any]]]]:
    """Start what the adapter starts, with a program that leaves ``writes`` in its history; its exit code, and what was
    reported meanwhile."""
    own = request.run_dir / "own"
    own.write_text(
        f'#!/bin/sh\ncat <<"END" >"$(echo "$@" | sed "s/.*--chat-history-file //; s/ --.*//")"\n{writes}END\n'
    )
    own.write_text(own.read_text() + f"exit {code}\n")
    request.client.parent.mkdir(exist_ok=True)
    reported = request.run_dir / "reported"
    request.client.write_text(f"#!/bin/sh\n{{ printf '%s ' \"$2\"; cat; echo; }} >>{shlex.quote(str(reported))}\n")
    for program in (own, request.client):
        program.chmod(0o755)
    launch = Aider("aider", (str(own),), {}).launch(request)
    done = subprocess.run(launch.argv, check=False, timeout=60)
    lines = [line.partition(" ") for line in reported.read_text().splitlines() if line]
    return done.returncode, [(hook, json.loads(data)) for hook, _, data in lines]


def test_which_session_is_to_be_counted_is_told_before_it_begins(request_: LaunchRequest) -> None:
    code, reports = run(request_, ANSWERED, 3)
    assert code == 3
    ((hook, data),) = reports
    report = VENDOR.parse_hook(hook, data)
    assert report == HookReport("session_started", SESSION, reason="startup")


@pytest.mark.parametrize(
    ("history", "gave_up"),
    [
        (REFUSED, True),
        (REFUSED + "> Retrying in 0.2 seconds...\n" + REFUSED, True),
        (REFUSED + "> Open URL for more info? (Y)es/(N)o/(D)on't ask again [Yes]: y\n", True),
        (REFUSED + "> Retrying in 0.2 seconds...\n", False),
        (REFUSED + "> Retrying in 0.2 seconds...\nHere it is.\n" + ANSWERED, False),
        ("#### Why is it that\n" + REFUSED + "\nI do not know.\n" + ANSWERED, False),
        ("", False),
    ],
)
def test_that_it_gave_up_at_a_limit_is_told_when_it_ends(request_: LaunchRequest, history: str, gave_up: bool) -> None:
    _, reports = run(request_, history)
    assert [hook for hook, _ in reports] == ["session.started", *(["turn_failed"] if gave_up else [])]
    if gave_up:
        report = VENDOR.parse_hook(*reports[-1])
        assert report is not None
        assert report.limited
        assert report.reset_ns is not None
        assert 0 < report.reset_ns - time.time_ns() < 21 * 10**9


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
