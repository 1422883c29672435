"""A run of a vendor that asks, reports and keeps files, and what its hooks say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fleet_tui.domain.model import Question, Run
from fleet_tui.domain.states import Isolation
from fleet_tui.governance.isolation import Level
from fleet_tui.watcher.passes import listening
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent

SESSION = "0b6f7f7c-6a0e-5b0e-9f53-0c6d3b1b7e11"


RULES = [
    {"id": "touching", "then": "ask", "programs": ["touch"], "reason": "touching is for grown-ups"},
    {"id": "own", "then": "deny", "programs": ["git"], "verbs": ["push"], "foreign_push": True, "reason": "not yours"},
]


async def at_work(make_fleet: MakeFleet, level: Isolation = Isolation.L1, **vendor: Any) -> tuple[Fleet, Run]:
    fleet = await make_fleet(
        [agent("dev", "developer", vendor="cc")],
        vendors={"cc": {"kind": "claude-code", "argv": ["claude"], **vendor}},
        guard={"rules": RULES},
    )
    fleet.ctx.level = Level(level, "for the test")
    await fleet.ticket()
    await fleet.settle()
    return fleet, await fleet.queued("dev")


async def call(fleet: Fleet, run: Run, op: str, **args: Any) -> dict[str, Any]:
    return await fleet.desk.answer(run.id, op, args, f"request-{len(fleet.kinds())}-{id(args)}")


async def asks(fleet: Fleet, run: Run, line: str, hook: str = "PermissionRequest", **more: Any) -> dict[str, Any]:
    command = {"tool": "Bash", "input": {"command": line}, "cwd": run.workspace, "hook": hook}
    return await call(fleet, run, "guard", **command, **more)


async def hook(fleet: Fleet, run: Run, name: str, **data: Any) -> dict[str, Any]:
    return await call(fleet, run, "hook", kind=name, data={"session_id": SESSION, **data})


def did(line: str, run: Run | None = None) -> dict[str, Any]:
    return {"tool_name": "Bash", "tool_input": {"command": line}, "cwd": run.workspace if run else "/"}


def question(fleet: Fleet) -> Question:
    (found,) = fleet.ctx.reader.questions(open_only=True)
    return found


def decision(answer: dict[str, Any]) -> Any:
    return json.loads(answer["stdout"])["hookSpecificOutput"]["decision"]


def home(fleet: Fleet) -> Path:
    path = fleet.ctx.paths.homes / "dev" / ".claude"
    path.mkdir(parents=True, exist_ok=True)
    return path


def reply(name: str, tokens: int = 10) -> str:
    usage = {"input_tokens": tokens, "output_tokens": 1}
    message = {"id": name, "model": "claude-sonnet-4-5", "usage": usage}
    return json.dumps({"type": "assistant", "message": message}) + "\n"


async def listened(fleet: Fleet) -> None:
    fleet.later(3)
    await listening.listen(fleet.ctx)
    await fleet.ctx.jobs.idle()


def tokens(fleet: Fleet) -> list[int]:
    told = [event.payload["input_tokens"] for event in fleet.events("usage_reported")]
    return [count for count in told if count]
