"""What the commands about templates ask: the watcher, or the files themselves while none runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_tui.cli.common import ask_watcher, fleet_paths

if TYPE_CHECKING:
    from fleet_tui.domain.model import Ticket
    from fleet_tui.paths import FleetPaths
    from fleet_tui.watcher.creating import Grounds

Answer = dict[str, Any]


def answer(repo: Path | None, op: str, args: Answer) -> Answer:
    """The answer to ``op`` about templates and new agents.

    Raises:
        FleetError: refused, or the configuration has errors.
    """
    from fleet_tui.watcher.spawn import is_running

    paths = fleet_paths(repo)
    return ask_watcher(paths, op, args) if is_running(paths) else _here(paths, op, args)


def _here(paths: FleetPaths, op: str, args: Answer) -> Answer:
    from fleet_tui.watcher import creating

    grounds = _grounds(paths)
    if op == "templates":
        return creating.listing(grounds, str(args.get("words") or ""))
    if op == "template":
        return creating.describe(grounds, args["template"], args.get("ticket"))
    if op == "preview_agent":
        return creating.preview(grounds, creating.prepare(grounds, args))
    made = creating.create(grounds, args).agent
    return {"message": f"{made.name} is made; no watcher runs: `fleet up` starts the fleet with it"}


def _grounds(paths: FleetPaths) -> Grounds:
    from fleet_tui.settings.load import load_settings
    from fleet_tui.watcher.creating import Grounds

    # Templates can be looked at before there is a fleet.
    settings = load_settings(paths.repository, project_required=False).require()
    return Grounds(paths.repository, settings, lambda number: _ticket(paths, number))


def _ticket(paths: FleetPaths, number: int) -> Ticket | None:
    from fleet_tui.cli.common import open_reader

    return open_reader(paths).ticket(number) if paths.database.exists() else None
