"""Tools are commands: what a tool may do, says and refuses is what the command line does, says and refuses."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from fleet_tui import __version__
from fleet_tui.domain.text import clean

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ACTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
Tool = Callable[..., Awaitable[str]]
Keep = Literal["all", "newest", "end"]
"""What remains of an answer that is too long. all: it is none, the tool fails; newest: the last whole lines; end: the
last characters."""
_MOST = 100_000
"""Characters of an answer: more would fill a model's context."""


_LONGEST = 60_000
"""Characters of an argument: the system takes 128 KiB."""


class Commands:
    """Runs ``argv`` with a tool's arguments behind it; no shell, and no argument is ever taken for an option."""

    def __init__(self, argv: Sequence[str], limit_s: float, env: Mapping[str, str] = MappingProxyType({})) -> None:
        self._argv = tuple(argv)
        self._env = dict(env)
        self._limit_s = limit_s

    async def run(self, *arguments: str, said: str = "", keep: Keep = "all") -> str:
        """What the command prints; ``said`` is its stdin.

        Raises:
            ToolError: it refused, in its own words, or did not answer in time; no program can be given an argument.
        """
        if any("\0" in argument or len(argument) > _LONGEST for argument in arguments):
            raise ToolError(f"an argument has at most {_LONGEST} characters, and no NUL among them")
        process = await asyncio.create_subprocess_exec(
            *self._argv,
            *arguments,
            env={**os.environ, **self._env},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(self._limit_s):
                out, err = await process.communicate(said.encode("utf-8", "replace"))
        except TimeoutError:
            raise ToolError(f"no answer within {self._limit_s:g} s: nobody knows whether it was done") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            raise ToolError(_bounded(_text(err) or _text(out), "end") or f"exit code {process.returncode}")
        return _bounded(_text(out), keep)


def server(name: str, instructions: str) -> MCPServer[None]:
    """A server without tools yet. Its log goes to stderr, and says only what is wrong."""
    return MCPServer(name, instructions=instructions, version=__version__, log_level="ERROR")


def tool(found: MCPServer[None], annotations: ToolAnnotations) -> Callable[[Tool], Tool]:
    """Adds a function as a tool. Its answer is text alone: a structured twin would cost a model every token twice."""
    return found.tool(annotations=annotations, structured_output=False)


def _text(data: bytes) -> str:
    return str(clean(data.decode("utf-8", "replace"))).strip()


def _bounded(text: str, keep: Keep) -> str:
    if len(text) <= _MOST:
        return text
    if keep == "all":
        raise ToolError(f"an answer of {len(text)} characters, of at most {_MOST}: ask for a part of it")
    kept = text[-_MOST:]
    if keep == "newest":
        kept = kept.partition("\n")[2]
    return f"[{len(text) - len(kept)} characters before this are left out]\n{kept}"
