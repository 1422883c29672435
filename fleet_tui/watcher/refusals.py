"""What gates and proxies refused, told once each: how far every log was read outlives the watcher.

The log of a gate lies where an agent can write: it may be cut, made anew or flooded. What was told stays told; a log
that is another one is read from its start. That of a run's proxy is out of its reach, and short by itself.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path

from fleet_tui.domain.events import Draft, PolicyDenied, draft
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import LIVE_RUNS, Isolation
from fleet_tui.domain.text import one_line
from fleet_tui.git.gate_repo import Refusal, refusals
from fleet_tui.git.homes import gate_beside
from fleet_tui.governance import network
from fleet_tui.watcher.confinement.outlets import log_of
from fleet_tui.watcher.context import Context

MOST_AT_ONCE = 100
"""Refused pushes that get an event of their own in one reading; the others of it are counted in one."""

_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """How far a gate's log was read: ``position`` in bytes of its ``life``-th file."""

    life: int = 0
    position: int = 0


async def refused_pushes(ctx: Context) -> None:
    """What a gate repository or a proxy refused becomes a policy denial of the agent that pushed or asked."""
    for run in ctx.reader.runs(*LIVE_RUNS):
        await tell(ctx, run)


async def tell(ctx: Context, run: Run) -> None:
    """Record what was refused to ``run`` since it was last looked; also at its end, or the next run would be blamed.

    The events come first and the place after them: a watcher that dies in between reads again, and every refusal has a
    key of its own.
    """
    if not run.workspace:
        return
    await _tell_pushes(ctx, run)
    await _tell_hosts(ctx, run)


async def _tell_pushes(ctx: Context, run: Run) -> None:
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


async def _tell_hosts(ctx: Context, run: Run) -> None:
    run_dir = ctx.paths.run_dir(run.id)
    place = run_dir / "network.place.json"
    before = _load(place)
    try:
        with log_of(run_dir).open("rb") as log:
            log.seek(before.position)
            data = log.read(_MOST_BYTES)
    except OSError:
        return  # it has no proxy, or that has refused nobody yet
    lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
    ends = list(accumulate(map(len, lines), initial=before.position))
    told = [_host_refused(run, line, at) for line, at in zip(lines, ends, strict=False)]
    if lines:
        await ctx.record(*filter(None, told))
        _save(place, Place(0, ends[-1]))


def _host_refused(run: Run, line: bytes, at: int) -> Draft | None:
    try:
        said = json.loads(line)
        target, times = one_line(str(said["target"])), int(said["times"])
        again = f" ({times} times)" if times > 1 else ""
        denied = PolicyDenied(
            f"connect {target}", f"{one_line(said['reason'])}{again}", run.agent, run.id, network.RULE, counts=False
        )
    except (ValueError, KeyError, TypeError):
        return None
    return draft(denied, f"run:{run.id}", actor=f"agent:{run.agent}/{run.id}", key=f"host-refused:{run.id}:{at}")


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
