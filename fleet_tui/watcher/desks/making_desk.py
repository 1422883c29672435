"""The operator's commands about what the fleet is made of: templates, agents' files, teams."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks import edit_desk, remove_desk, team_desk, template_desk
from fleet_tui.watcher.desks.arguments import Args

Answer = dict[str, Any]
Op = Callable[[Args, str], Coroutine[Any, Any, Answer]]
InTurn = Callable[[Coroutine[Any, Any, Answer]], Coroutine[Any, Any, Answer]]
LOOKS = frozenset({"templates", "template", "preview_agent", "agent_files", "preview_removal", "preview_team"})
"""What changes nothing."""


def ops(ctx: Context, in_turn: InTurn) -> dict[str, Op]:
    """By name; ``in_turn`` lets one decision be made at a time."""
    looks: dict[str, Callable[[Context, Args], Coroutine[Any, Any, Answer]]] = {
        "templates": template_desk.templates,
        "template": template_desk.template,
        "preview_agent": template_desk.preview,
        "agent_files": edit_desk.files,
        "preview_removal": remove_desk.preview,
        "preview_team": team_desk.preview,
    }
    acts: dict[str, Callable[[Context, Args, str], Coroutine[Any, Any, Answer]]] = {
        "create_agent": template_desk.create,
        "edit_agent": edit_desk.edit,
        "rollback_agent": edit_desk.rollback,
        "remove_agent": remove_desk.remove,
        "create_team": team_desk.create,
        "change_team": team_desk.change,
        "rollback_team": team_desk.rollback,
        "remove_team": team_desk.remove,
    }
    assert looks.keys() == LOOKS

    def look(name: str) -> Op:
        return lambda args, actor: looks[name](ctx, args)  # noqa: ARG005 - as all of them are called

    def act(name: str) -> Op:
        return lambda args, actor: in_turn(acts[name](ctx, args, actor))

    return {**{name: look(name) for name in looks}, **{name: act(name) for name in acts}}
