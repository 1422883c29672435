"""The server for an agent's program: its tools are known to the guard by name."""

from __future__ import annotations

from mcp import Client

from fleet_tui.governance.guard.acts import OWN_TOOLS
from fleet_tui.mcp.agent import agent_server


async def test_the_guard_knows_just_these_tools_as_the_fleet_s_own() -> None:
    async with Client(agent_server()) as client:
        tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == OWN_TOOLS
    assert all(tool.description and tool.output_schema is None for tool in tools)
