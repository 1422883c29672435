"""What an agent's program may ask of the fleet and tell it. Each tool is a verb of the agents' own `fleet`.

The server is a child of the program, so that the watcher knows by the kernel's word which run is speaking: what the
bus refuses to the run is refused here, and nothing of what a model says of itself is believed.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from fleet_tui.bus.client import AWAY_S
from fleet_tui.bus.shim import client_argv
from fleet_tui.mcp.commands import ACTS, LOOKS, Commands, server, tool

_INSTRUCTIONS = (
    "Your fleet: the ticket that you work on, the agents and people you work with. Read your inbox between steps, "
    "publish what you have finished, and say when you cannot go on."
)
_LONGEST_WAIT_S = 120
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Wait = Annotated[int, Field(ge=0, le=_LONGEST_WAIT_S, description="Seconds to wait for mail when there is none.")]


def agent_server() -> MCPServer[None]:
    """The server for one run, whose identity is in the environment and in the process tree."""
    fleet, found = Commands(client_argv(), _LONGEST_WAIT_S + 2 * AWAY_S), server("fleet", _INSTRUCTIONS)
    _reading(found, fleet)
    _telling(found, fleet)
    return found


def _reading(found: MCPServer[None], fleet: Commands) -> None:
    @tool(found, LOOKS)
    async def whoami() -> str:
        """Who you are in the fleet: agent, role, run, ticket, pull request, and what you may publish."""
        return await fleet.run("whoami")

    @tool(found, LOOKS)
    async def ticket() -> str:
        """The text of the ticket that you work on."""
        return await fleet.run("ticket", keep="end")

    @tool(found, LOOKS)
    async def pull_request() -> str:
        """The pull request that you review, or the one of your ticket, as JSON: state, head, verdicts and gates."""
        return await fleet.run("pr")

    @tool(found, LOOKS)
    async def inbox(every: bool = False, wait_s: Wait = 0) -> str:
        """Your mail as JSON, oldest first: what others published for you. With `every` also what you have read."""
        return await fleet.run("inbox", "--json", f"--wait={wait_s}", *(("--all",) if every else ()))

    @tool(found, ACTS)
    async def ack(seq: Annotated[int, Field(ge=1)] | None = None) -> str:
        """Say that you have read your inbox, up to message `seq` or all of it."""
        return await fleet.run("ack", *((str(seq),) if seq is not None else ()))


def _telling(found: MCPServer[None], fleet: Commands) -> None:
    @tool(found, ACTS)
    async def publish(event: Text, summary: Text, payload: dict[str, Any] | None = None, to: str = "") -> str:
        """Publish an event (`pr_created`, `pr_approved`, ...; `whoami` says which you may). `to`: agents, by commas."""
        told = (f"--payload={json.dumps(payload)}",) if payload else ()
        return await fleet.run("publish", "--summary=-", *told, f"--to={to}", "--", event, said=summary)

    @tool(found, ACTS)
    async def claim(text: Text) -> str:
        """Say what you work on, so that others keep off."""
        return await fleet.run("claim", "-", said=text)

    @tool(found, ACTS)
    async def handoff(agent: Text, text: Text) -> str:
        """Pass work on to another agent."""
        return await fleet.run("handoff", f"--to={agent}", "-", said=text)

    @tool(found, ACTS)
    async def blocker(text: Text, question: bool = False) -> str:
        """You cannot go on without a person. With `question` the answer will be typed to you."""
        return await fleet.run("blocker", *(("--question",) if question else ()), "-", said=text)

    @tool(found, ACTS)
    async def artifact(path: Text, summary: str = "") -> str:
        """You produced a file that others should know of; `path` is in your workspace."""
        return await fleet.run("artifact", f"--path={path}", f"--summary={'-' if summary else path}", said=summary)

    @tool(found, ACTS)
    async def note(text: Text) -> str:
        """Something worth remembering about this project."""
        return await fleet.run("note", "-", said=text)

    @tool(found, ACTS)
    async def report(
        model: Text,
        input_tokens: Annotated[int, Field(ge=0)],
        output_tokens: Annotated[int, Field(ge=0)],
        request_id: Text,
        cost_microusd: Annotated[int, Field(ge=0)] | None = None,
    ) -> str:
        """Report what a request to a model used, where your program does not say it itself. Counted once by its id."""
        used = {
            "model": model,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "request_id": request_id,
            "cost_microusd": cost_microusd,
        }
        return await fleet.run("hook", "usage", said=json.dumps(used)) or "counted"
