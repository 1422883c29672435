"""The fleet's MCP server in the settings of the programs that take one."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest

from fleet_tui.bus.shim import write_mcp
from fleet_tui.vendors.base import LaunchRequest
from fleet_tui.vendors.claude_code import ClaudeCode
from fleet_tui.vendors.gemini import Gemini
from tests.vendors.launching import launch_request


@pytest.fixture
def request_(tmp_path: Path) -> LaunchRequest:
    return launch_request(tmp_path, "session-1", sandboxed=False)


def test_claude_code_starts_it_and_no_server_of_the_repository(request_: LaunchRequest) -> None:
    program = request_.run_dir / "bin" / "fleet-mcp"
    argv = ClaudeCode("claude-code", (), {}).launch(dataclasses.replace(request_, mcp=program)).argv
    servers = json.loads(argv[argv.index("--mcp-config") + 1])["mcpServers"]
    assert {name: server["command"] for name, server in servers.items()} == {"fleet": str(program)}
    assert argv[argv.index("--mcp-config") + 2].startswith("--"), "it takes every word after it for another file"
    without = ClaudeCode("claude-code", (), {}).launch(request_).argv
    assert "--strict-mcp-config" in without
    assert "--mcp-config" not in without


def test_gemini_cli_finds_it_in_its_settings(request_: LaunchRequest) -> None:
    program = request_.run_dir / "bin" / "fleet-mcp"
    settings = request_.home / ".gemini" / "settings.json"
    Gemini("gemini", (), {}).launch(dataclasses.replace(request_, mcp=program))
    server = json.loads(settings.read_text())["mcpServers"]["fleet"]
    assert server["command"] == str(program)
    assert server["env"]["FLEET_TOKEN"] == "$FLEET_TOKEN", "the name: the token itself lies in no file"
    Gemini("gemini", (), {}).launch(request_)
    assert "mcpServers" not in json.loads(settings.read_text())


def test_the_program_serves_whoever_starts_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [write_mcp(tmp_path)],
        input=b"",
        env={"FLEET_RUN": "run-1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"")
