"""What the commands about templates ask: the watcher, or the files themselves while none runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_tui.cli.common import ask_watcher, fleet_paths

if TYPE_CHECKING:
    from fleet_tui.domain.model import Ticket
    from fleet_tui.paths import FleetPaths
    from fleet_tui.watcher.acts.creating import Grounds

Answer = dict[str, Any]


def answer(repo: Path | None, op: str, args: Answer) -> Answer:
    """The answer to ``op`` about templates, new agents and the files of agents.

    Raises:
        FleetError: refused, or the configuration has errors.
    """
    from fleet_tui.watcher.spawn import is_running

    paths = fleet_paths(repo)
    return ask_watcher(paths, op, args) if is_running(paths) else _here(paths, op, args)


def _here(paths: FleetPaths, op: str, args: Answer) -> Answer:
    from fleet_tui.watcher.acts import creating

    grounds = _grounds(paths)
    if op == "templates":
        return creating.listing(grounds, str(args.get("words") or ""))
    if op == "template":
        return creating.describe(grounds, args["template"], args.get("ticket"))
    if op == "preview_agent":
        return creating.preview(grounds, creating.prepare(grounds, args))
    if op in ("agent_files", "edit_agent", "rollback_agent"):
        return _files(paths, grounds, op, args)
    if op.endswith("_team"):
        return _team(paths, grounds, op, args)
    made = creating.create(grounds, args).agent
    return {"message": f"{made.name} is made; no watcher runs: `fleet up` starts the fleet with it"}


def _files(paths: FleetPaths, grounds: Grounds, op: str, args: Answer) -> Answer:
    """An agent's own files, while no watcher runs: the next one records what was written as changed."""
    from fleet_tui.cli.common import open_reader
    from fleet_tui.store import blobs
    from fleet_tui.watcher.acts import editing, revisions

    if op == "agent_files":
        return editing.describe(grounds, args["agent"])
    if op == "rollback_agent":
        to = revisions.find(open_reader(paths), args["agent"], args.get("revision"))
        done = editing.put_back(grounds, to, lambda sha: blobs.get(paths.blobs, sha), args)
    else:
        done = editing.edit(grounds, args)
    told = f"{done.written}; no watcher runs: the next one records it as a revision, without your name"
    return {"message": told, "changed": list(done.changed)}


def _team(paths: FleetPaths, grounds: Grounds, op: str, args: Answer) -> Answer:
    """A team, while no watcher runs: the next one records it."""
    from fleet_tui.cli.common import open_reader
    from fleet_tui.watcher.acts import team_history, teaming

    if op == "preview_team":
        return teaming.preview(grounds, args)
    if op == "create_team":
        done = f"is made: {', '.join(teaming.create(grounds, args).members)}"
    elif op == "remove_team":
        teaming.remove(grounds, args)
        done = "is removed; its agents stay as they are"
    else:
        if op == "rollback_team":
            to = team_history.find(open_reader(paths), args["team"], args.get("revision"))
            args = {"team": to.team, "agents": list(to.agents or ())}
        settings = teaming.change(grounds, args)
        done = f"is now: {', '.join(settings.team(args['team']).agents) or 'nobody'}"
    return {"message": f"team {args['team']} {done}; no watcher runs: the next one records it, without your name"}


def _grounds(paths: FleetPaths) -> Grounds:
    from fleet_tui.settings.load import load_settings
    from fleet_tui.watcher.acts.creating import Grounds

    # Templates can be looked at before there is a fleet.
    settings = load_settings(paths.repository, project_required=False).require()
    return Grounds(paths.repository, settings, lambda number: _ticket(paths, number))


def _ticket(paths: FleetPaths, number: int) -> Ticket | None:
    from fleet_tui.cli.common import open_reader

    return open_reader(paths).ticket(number) if paths.database.exists() else None
