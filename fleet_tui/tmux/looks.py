"""What many panes show, in one go: their titles and their text."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from fleet_tui.tmux.server import PaneInfo, TmuxServer


@dataclass(frozen=True, slots=True)
class Look:
    """What a pane shows. Both are its program's, and not cleaned."""

    title: str
    text: str


async def look(server: TmuxServer, panes: Sequence[PaneInfo]) -> dict[str, Look]:
    """Session to what its pane shows; a pane that is gone, or another one by now, is left out.

    Raises:
        FleetError: tmux does not answer.
    """
    mark = secrets.token_hex(12)  # known to nobody before: no pane can show it
    words: list[str] = []
    for pane in panes:
        seal = f"{mark} #{{@fleet_uuid}} #{{pane_title}}"
        words += ["display-message", "-p", "-t", pane.pane_id, seal, ";", "capture-pane", "-p", "-t", pane.pane_id, ";"]
    if not words:
        return {}
    # A pane that has gone meanwhile ends the row of commands: the others behind it are seen the next time.
    result = await server.run(*words[:-1])
    sessions = {pane.uuid: pane.session for pane in panes}
    found: dict[str, Look] = {}
    for part in result.out.decode("utf-8", "replace").split(f"{mark} ")[1:]:
        head, _, text = part.partition("\n")
        uuid, _, title = head.partition(" ")
        if uuid in sessions:
            found[sessions[uuid]] = Look(title, text)
    return found
