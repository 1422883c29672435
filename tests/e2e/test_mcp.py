"""The fleet's MCP server as programs start it: over stdin and stdout, beside a real watcher."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

from fleet_tui.watcher.runs.environment import bus_socket
from tests.e2e.e2e_support import DEVELOPER, REVIEWER, Place, scene

pytestmark = pytest.mark.slow


@contextlib.asynccontextmanager
async def started(place: Place, *words: str) -> AsyncIterator[Client]:
    program, *arguments = place.argv("mcp", "serve", *words)
    where = StdioServerParameters(command=program, args=arguments, env=place.env, cwd=place.repository)
    async with Client(stdio_client(where)) as client:
        yield client


def said(result: CallToolResult) -> str:
    (part,) = result.content
    assert isinstance(part, TextContent)
    return part.text


async def test_an_assistant_reads_a_real_fleet_and_writes_a_ticket_that_waits(place: Place) -> None:
    place.configure([DEVELOPER, REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("A page")
    place.until_approval(1)
    async with started(place, "--acts") as client:
        assert '"watcher_running": true' in said(await client.call_tool("status", {}))
        assert "A page" in said(await client.call_tool("ticket", {"number": 1}))
        assert "policy" in said(await client.call_tool("approvals", {}))
        assert "pr_created" in said(await client.call_tool("log", {"kind": "pr_created"}))
        missing = await client.call_tool("pull_request", {"number": 77})
        assert missing.is_error
        assert "no such pull request" in said(missing)
        await client.call_tool("new_ticket", {"title": "--ready", "body": "--label ready\n$(id)"})
    place.until(lambda: place.reader.ticket(2), "the ticket is there")
    ticket = place.reader.ticket(2)
    assert ticket is not None
    assert (ticket.title, ticket.state.value) == ("--ready", "draft")


async def test_whoever_is_no_run_gets_nothing_by_a_run_s_variables(place: Place) -> None:
    """The server believes the environment; the watcher believes the kernel."""
    place.configure([scene("developer", {"wait_for": "message"})])
    place.fleet("watcher", "start")
    place.ticket("A page")
    run = place.until(lambda: place.live_run("dev") if place.child("dev") else None, "the author works")
    socket = str(bus_socket(place.paths.run_dir(run.id)))
    place.env |= {"FLEET_RUN": run.id, "FLEET_SOCKET": socket, "FLEET_TOKEN": "0" * 64}
    async with started(place) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert {"publish", "inbox", "ticket", "pull_request", "report"} <= tools
        assert "approvals" not in tools
        for tool, arguments in (("publish", {"event": "note", "summary": "good"}), ("ticket", {})):
            answer = await client.call_tool(tool, arguments)
            assert answer.is_error
            assert "refused" in said(answer)
    assert place.events("note") == []
