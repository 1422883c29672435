"""Record one moment of a real demo fleet for tools/screenshots.py: its log, its panes, its diffs.

The demo runs as a person would see it: agents in tmux, tickets, gates, a watcher. At the moment when approvals wait, a
question is open and an agent is contained, all that a control room reads is written to screenshots/recording.json.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fleet_tui.bus import operator
from fleet_tui.demo import project
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.states import ApprovalState, TicketState
from fleet_tui.paths import FleetPaths
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.readmodel.values import Doing, Snapshot
from fleet_tui.store.reader import Reader
from fleet_tui.tmux.frames import Frame, FrameSource, Rows
from fleet_tui.tmux.server import TmuxServer
from fleet_tui.watcher import spawn

RECORDING = Path(__file__).resolve().parent.parent / "screenshots" / "recording.json"
TIME_LIMIT_S = 120.0
PANES_LIMIT_S = 10.0
PLAN = project.Plan(agents=12, hold_s=10)
EVENT_COLUMNS = (
    "seq", "stream", "eid", "key", "kind", "ver", "actor", "subject", "cause", "epoch", "at_ns", "mono_ns", "boot",
)  # fmt: skip


def main() -> None:
    place = Path(tempfile.mkdtemp(prefix="fleet-", dir="/tmp")).resolve()
    os.environ["FLEET_STATE_HOME"] = str(place / "state")
    os.environ["FLEET_RUNTIME_DIR"] = str(place / "run")
    paths = project.create(place, PLAN)
    try:
        spawn.start(paths)
        recorded = record(paths)
    finally:
        spawn.stop(paths, with_agents=True)
        shutil.rmtree(place, ignore_errors=True)
    text = json.dumps(recorded, indent=0, ensure_ascii=True)
    for private, public in replacements(place).items():
        text = text.replace(private, public)
    RECORDING.write_text(text + "\n", encoding="utf-8")
    print(f"{RECORDING.name}: {len(recorded['events'])} events, {len(recorded['panes'])} panes, {len(text)} bytes")


def replacements(place: Path) -> dict[str, str]:
    """What names this machine, and what stands in its place."""
    return {
        str(place): "/home/you/demo",
        sys.executable: "python3",
        f'"{socket.gethostname()}"': '"workstation"',
        f'"operator:{getpass.getuser()}"': '"operator:you"',
    }


def record(paths: FleetPaths) -> dict[str, Any]:
    snapshot = wait_for_the_moment(paths)
    panes = asyncio.run(capture(paths, [tile.pane_uuid for tile in snapshot.tiles if tile.pane_uuid]))
    log = sqlite3.connect(f"file:{paths.database}?mode=ro", uri=True)
    with contextlib.closing(log):
        events = log.execute(
            f"SELECT {', '.join('e.' + name for name in EVENT_COLUMNS)}, b.bytes "
            "FROM event e JOIN event_body b ON b.seq = e.seq ORDER BY e.seq"
        ).fetchall()
    return {
        "columns": EVENT_COLUMNS,
        "events": [[*row[:-1], json.loads(row[-1])] for row in events],
        "panes": panes,
        "diffs": [diff(paths, card) for card in snapshot.approvals],
        "status": operator.call(paths.operator_socket, "status", {}),
    }


def wait_for_the_moment(paths: FleetPaths) -> Snapshot:
    """The picture when there is something of everything to see.

    Raises:
        FleetError: the moment did not come within the time limit.
    """
    deadline = time.monotonic() + TIME_LIMIT_S
    reader = Reader.open(paths.database)
    with contextlib.closing(reader):
        while time.monotonic() < deadline:
            snapshot = read_snapshot(reader, time.time_ns())
            land_the_first(paths, reader)
            if is_the_moment(snapshot, reader):
                return snapshot
            time.sleep(0.1)
        words = ", ".join(f"{number} {word}" for word, number in snapshot.summary.doing)
        tickets = ", ".join(f"{number} {word}" for word, number in snapshot.summary.tickets)
    raise FleetError("the moment did not come", f"agents: {words}; tickets: {tickets}", "look at it: fleet demo")


def is_the_moment(snapshot: Snapshot, reader: Reader) -> bool:
    doing = [tile.doing for tile in snapshot.tiles]
    waiting = [card for card in snapshot.approvals if card.approval.state is ApprovalState.REQUESTED]
    contained = any(tile.quarantined for tile in snapshot.tiles)
    landed = bool(reader.tickets(TicketState.SHIPPED))
    return contained and landed and len(waiting) >= 2 and Doing.ASK in doing and doing.count(Doing.RUN) >= 2


def land_the_first(paths: FleetPaths, reader: Reader) -> None:
    """One merge is part of the story; the others stay open for the picture."""
    waiting = reader.approvals(ApprovalState.REQUESTED)
    if not waiting or reader.tickets(TicketState.SHIPPED) or reader.approvals(ApprovalState.HELD):
        return
    first = waiting[0]
    with contextlib.suppress(FleetError):  # it may have changed just now; then it is the next look's
        operator.call(paths.operator_socket, "approve", {"approval": first.id, "head": first.head_sha, "shown": {}})


def diff(paths: FleetPaths, card: Any) -> dict[str, Any]:
    approval = card.approval
    wanted = {"pr": approval.pr, "head": approval.head_sha, "base": approval.base_sha}
    return {"args": wanted, "answer": operator.call(paths.operator_socket, "diff", wanted)}


async def capture(paths: FleetPaths, uuids: list[str]) -> dict[str, Any]:
    """Every pane's whole screen, once."""
    source = FrameSource(TmuxServer(paths.tmux_socket_name))
    source.watch(dict.fromkeys(uuids, Rows(0, 199)))
    panes: dict[str, Any] = {}
    with contextlib.suppress(TimeoutError):  # a run may end meanwhile: its tile is drawn without live text then
        async with asyncio.timeout(PANES_LIMIT_S), contextlib.aclosing(source.frames()) as frames:
            async for event in frames:
                if isinstance(event, Frame):
                    rows = [row.decode() for row in event.rows]
                    panes[event.uuid] = {"size": [event.width, event.height], "rows": rows}
                if panes.keys() >= set(uuids):
                    break
    return panes


if __name__ == "__main__":
    main()
