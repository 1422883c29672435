"""What the gates refused, told once each: how far every gate's log was read outlives the watcher.

The log of a gate lies where an agent can write: it may be cut, made anew or flooded. What was told stays told; a log
that is another one is read from its start.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fleet_tui.domain.events import Draft, PolicyDenied, draft
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import LIVE_RUNS, Isolation
from fleet_tui.git.gate_repo import Refusal, refusals
from fleet_tui.git.workspace import gate_beside
from fleet_tui.watcher.context import Context

MOST_AT_ONCE = 100
"""Refused pushes that get an event of their own in one reading; the others of it are counted in one."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a gate's log was read: ``position`` in bytes of its ``life``-th file."""

    life: int = 0
    position: int = 0


async def refused_pushes(ctx: Context) -> None:
    """What a gate repository refused becomes a policy denial of the agent that pushed."""
    for run in ctx.reader.runs(*LIVE_RUNS):
        await tell(ctx, run)


async def tell(ctx: Context, run: Run) -> None:
    """Record what the gate of ``run`` refused since it was last read; also at its end, or the next run would be blamed.

    The events come first and the place after them: a watcher that dies in between reads again, and every refusal has a
    key of its own.
    """
    if not run.workspace:
        return
    gate = gate_beside(Path(run.workspace))
    path = ctx.paths.state / "refusals" / f"{gate.parent.name}.json"
    before = _load(path)
    found, end = refusals(gate, before.position)
    life = before.life + (end < before.position or any(refusal.at < before.position for refusal in found))
    if found:
        await ctx.record(*_drafts(run, found, life))
    after = Place(life, end)
    if after != before:
        _save(path, after)


def _drafts(run: Run, found: tuple[Refusal, ...], life: int) -> list[Draft]:
    # Without a sandbox any agent can push to any gate: then it says nothing about whose offence it is.
    counts = run.isolation != Isolation.L0
    told = [(refusal, f"push to {refusal.ref}: only its own branch") for refusal in found[:MOST_AT_ONCE]]
    rest = found[MOST_AT_ONCE:]
    if rest:
        told.append((rest[0], f"{len(rest)} more refused pushes"))
    return [
        draft(
            PolicyDenied("push", reason, run.agent, run.id, "gate", counts),
            f"run:{run.id}",
            actor=f"agent:{run.agent}/{run.id}",
            key=f"refused:{run.workspace}:{life}:{refusal.at}",
        )
        for refusal, reason in told
    ]


def _load(path: Path) -> Place:
    try:
        found = json.loads(path.read_text("ascii"))
        return Place(int(found["life"]), int(found["position"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Place()


def _save(path: Path, place: Place) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(place)), "ascii")
    temporary.replace(path)
