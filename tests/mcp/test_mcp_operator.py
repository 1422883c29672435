"""The server for a person's assistant: it looks, may talk when it was let, and never decides."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent

from fleet_tui.mcp.commands import Commands
from fleet_tui.mcp.operator import operator_server

ACTS = {"message", "pause", "new_ticket"}
DECIDES = ("approve", "reject", "release", "resume", "extend", "lift", "answer", "land", "merge")


def said(result: CallToolResult) -> str:
    (part,) = result.content
    assert isinstance(part, TextContent)
    return part.text


@pytest.mark.parametrize("acts", [False, True])
async def test_without_leave_it_only_looks_and_with_it_it_decides_nothing(tmp_path: Path, acts: bool) -> None:
    async with Client(operator_server(tmp_path, acts=acts)) as client:
        tools = (await client.list_tools()).tools
    looks = {tool.name for tool in tools if tool.annotations is not None and tool.annotations.read_only_hint}
    assert {tool.name for tool in tools} - looks == (ACTS if acts else set())
    assert not [tool.name for tool in tools for word in DECIDES if word in tool.name]
    assert all(tool.description and tool.output_schema is None for tool in tools)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("agent", {"name": "--repo=/etc"}),
        ("agent_output", {"name": "dev\n--json"}),
        ("gate_log", {"number": 1, "gate": "-h"}),
        ("risk", {"subject": "--help"}),
        ("ticket", {"number": -1}),
        ("log", {"since": "1h --follow"}),
        ("log", {"kind": "--follow"}),
        ("message", {"agent": "--read-only", "text": "x"}),
    ],
)
async def test_no_argument_becomes_an_option(tmp_path: Path, tool: str, arguments: dict[str, object]) -> None:
    async with Client(operator_server(tmp_path, acts=True)) as client:
        answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    assert "validation error" in said(answer)


async def test_a_refusal_is_told_in_the_command_s_own_words() -> None:
    refuses = Commands((sys.executable, "-c", "import sys; sys.exit('no \\x1b[31msuch agent')"), 20)
    with pytest.raises(ToolError, match=r"^no such agent$"):
        await refuses.run()


async def test_what_does_not_answer_is_ended_and_called_unknown() -> None:
    hangs = Commands((sys.executable, "-c", "import time; time.sleep(600)"), 0.1)
    with pytest.raises(ToolError, match="nobody knows whether it was done"):
        await hangs.run()


async def test_texts_go_through_stdin_and_answers_are_bounded() -> None:
    echoes = Commands((sys.executable, "-c", "import sys; print(sys.stdin.read() * 50_000 + 'last')"), 20)
    with pytest.raises(ToolError, match="ask for a part of it"):
        await echoes.run(said="$(id) ü\x1b]0;x\x07\n")
    told = await echoes.run(said="$(id) ü\x1b]0;x\x07\n", keep="newest")
    first, second, *_, last = told.splitlines()
    assert "characters before this are left out" in first
    assert (second, last) == ("$(id) ü", "last")
    assert len(told) < 101_000


@pytest.mark.parametrize("argument", ["a\0b", "x" * 200_000])
async def test_what_no_program_can_be_given_is_said(argument: str) -> None:
    with pytest.raises(ToolError, match="no NUL"):
        await Commands((sys.executable, "-c", ""), 20).run(argument)
