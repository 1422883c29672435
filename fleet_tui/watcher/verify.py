"""`fleet verify --deep`: the promises P1-P8, checked from outside on log, tables, git and processes."""

from __future__ import annotations

import asyncio
from collections import Counter

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.states import ENDED_RUNS, LIVE_RUNS, GateState
from fleet_tui.git import tags
from fleet_tui.git.control import ControlRepository
from fleet_tui.paths import FleetPaths
from fleet_tui.store.deep import check
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.tmux import proctree
from fleet_tui.tmux.records import MARKER
from fleet_tui.tmux.server import TmuxServer
from fleet_tui.watcher.merging.releases import tagged


async def verify_fleet(paths: FleetPaths, *, deep: bool) -> list[str]:
    """Every broken promise as a sentence; empty when all hold.

    P1/P2/P6: chain, sequence, bodies, head. P3: tables equal the folded log. P4: outbox equals the events that demanded
    it. P5: nothing landed twice, what landed was gated on that very tree and is on the target, every release is its
    tag. P7: time charged covers time used. P8: no agent process runs that the log does not know as live.
    """
    if not paths.database.exists():
        raise FleetError("this fleet has no log yet", str(paths.database), "fleet up")
    problems = [str(problem) for problem in await asyncio.to_thread(check, paths.database, paths.blobs)]
    if deep:
        reader = Reader.open(paths.database)
        try:
            problems += await _landings(paths, reader)
            problems += await _releases(paths, reader)
            problems += await _processes(paths, reader)
        finally:
            reader.close()
    return list(dict.fromkeys(problems))


async def _landings(paths: FleetPaths, reader: Reader) -> list[str]:
    merged = reader.events(EventFilter(kinds=("pr_merged",)), after=0, limit=1_000_000)
    if not merged:
        return []
    problems = []
    targets = {"": reader.fleet().target} | {row.name: row.target for row in reader.repositories()}
    controls = {
        name: ControlRepository(paths.control_of(name), paths.repository, target) for name, target in targets.items()
    }
    repos = {ticket.number: ticket.repo for ticket in reader.tickets()}
    for number, count in Counter(event.payload["pr"] for event in merged).items():
        if count > 1:
            problems.append(f"P5: PR {number} was merged {count} times")
    for event in merged:
        payload = event.payload
        what = f"PR {payload['pr']} ({payload['merge_sha'][:8]})"
        control = controls[repos.get(payload["ticket"], "")]
        if not await control.is_ancestor(payload["merge_sha"], await control.target_sha()):
            problems.append(f"P5: {what} is recorded as landed but is not on {control.target}")
        if await control.tree_of(payload["merge_sha"]) != payload["tree"]:
            problems.append(f"P5: what landed for {what} is not the tree that was gated")
        failed = [
            g.name
            for g in reader.gates(tree=payload["tree"])
            if g.state is GateState.FAILED and g.reason != "interrupted"
        ]
        passed = {g.name for g in reader.gates(GateState.PASSED, tree=payload["tree"])}
        if set(failed) - passed:
            problems.append(f"P5: {what} landed although {', '.join(failed)} failed on its tree")
        if (
            payload.get("approval")
            and (approval := reader.approval(payload["approval"]))
            and approval.head_sha != payload["head_sha"]
        ):
            problems.append(f"P5: {what} landed at another head than the one approved")
    return problems


async def _releases(paths: FleetPaths, reader: Reader) -> list[str]:
    """Every release is the tag that was recorded, at the commit that was."""
    problems = []
    for event in tagged(reader):
        version, tag, commit = (str(event.payload[name]) for name in ("version", "tag_sha", "commit"))
        there = await tags.seen(paths.control, version), await tags.commit_of(paths.control, version)
        if there != (tag, commit):
            problems.append(f"P5: {version} is recorded at {commit[:8]}, and its tag in the control repository is not")
    return problems


async def _processes(paths: FleetPaths, reader: Reader) -> list[str]:
    problems, live = [], {run.id for run in reader.runs(*LIVE_RUNS)}
    for run in reader.runs(*ENDED_RUNS, limit=2_000):
        left = await asyncio.to_thread(proctree.marked, MARKER, run.id)
        if left:
            problems.append(f"P8: {len(left)} process(es) of {run.id}, which the log knows as {run.state.value}")
    panes = await TmuxServer(paths.tmux_socket_name).panes() or []
    live |= {run.id for run in reader.runs(*LIVE_RUNS)}  # a watcher may have started some meanwhile
    problems += [
        f"P8: pane {pane.session} runs, but the log does not know it as live"
        for pane in panes
        if pane.uuid and pane.session not in live and not pane.dead
    ]
    return problems
