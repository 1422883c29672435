"""What the log says of how an agent behaves in its work on one ticket or pull request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from fleet_tui.domain.events import Event
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.governance import network
from fleet_tui.governance.risk.evidence import Behaviour
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs import spending
from fleet_tui.watcher.runs.queueing import lineage

_SECOND = 1_000_000_000
_MOST_EVENTS = 1_000
_SAID = frozenset({"policy_denied", "note", "claim", "handoff", "artifact", "blocker"})
"""Kinds that tell a loop when the same is said again."""
_BY_A_PERSON = frozenset({"pr_changes_requested", "agent_released", "agent_conditions_changed"})
TELLING = tuple(sorted(_SAID | _BY_A_PERSON | {"gate_failed", "agent_respawned"}))
"""Kinds from which behaviour is read."""
_TWICE_IS_NO_LOOP = 2


def behaviour(ctx: Context, runs: Sequence[Run], pr: int | None, changed_ns: int = 0) -> Behaviour:
    """How ``runs`` (of one piece of work, newest first) and pull request ``pr`` went; what a person forgave is gone.

    ``changed_ns`` is when a file of the work last changed: a sign of life.
    """
    names = {run.id for run in runs}
    tickets = {run.ticket for run in runs if run.ticket is not None}
    subjects = (*(f"run:{name}" for name in sorted(names)), *(f"ticket:{ticket}" for ticket in sorted(tickets)))
    subjects = (*subjects, *sorted({f"agent:{run.agent}" for run in runs}))
    if pr is not None:
        subjects = (*subjects, f"pr:{pr}")
    # Kind by kind: very much of one does not push out what there is of another.
    events = [event for kind in TELLING for event in _events(ctx, kind, subjects)]
    released_ns = _released_ns(ctx, runs)
    own = [e for e in events if e.at_ns > released_ns and e.payload.get("rule") != network.RULE]
    live = next((run for run in runs if run.state in LIVE_RUNS), None)
    return Behaviour(
        denied=_instants(event for event in own if event.kind == "policy_denied" and event.payload.get("run") in names),
        failures=_instants(event for event in events if event.kind == "gate_failed"),
        loops=_loops(own, names),
        restarts=_restarts(ctx, events, runs),
        rejections=_instants(event for event in events if event.kind == "pr_changes_requested"),
        silence_s=_silence_s(ctx, live, changed_ns),
        spent_percent=_spent_percent(ctx, live),
    )


def _restarts(ctx: Context, events: Iterable[Event], runs: Iterable[Run]) -> tuple[int, ...]:
    """When the work began anew after a crash, also for the runs before: a crash ends its run, and only a later one has
    a risk. What was lost with its surroundings, or begun again because a person wished it, used up no attempt."""
    attempts = {one.id: one.attempt for run in runs for one in lineage(ctx, run)}
    again = [event for event in events if event.kind == "agent_respawned" and event.payload["run"] in attempts]
    return _instants(e for e in again if e.payload["attempt"] > attempts.get(e.payload["previous"], 0))


def _events(ctx: Context, kind: str, subjects: tuple[str, ...]) -> list[Event]:
    """The newest of a kind, the oldest of them first."""
    return ctx.reader.events(EventFilter(kinds=(kind,), subjects=subjects), limit=_MOST_EVENTS) if subjects else []


def _instants(events: Iterable[Event]) -> tuple[int, ...]:
    return tuple(event.at_ns for event in events)


def _released_ns(ctx: Context, runs: Sequence[Run]) -> int:
    """When a person last released one of the agents; 0: never."""
    agents = tuple(sorted({f"agent:{run.agent}" for run in runs}))
    released = ctx.reader.events(EventFilter(kinds=("agent_released",), subjects=agents), limit=1) if agents else []
    return released[-1].at_ns if released else 0


def _loops(events: Iterable[Event], names: Collection[str]) -> tuple[int, ...]:
    """The instants at which the same was said or tried for the third time and more."""
    return tuple(_repetitions(event for event in events if event.kind in _SAID and event.payload.get("run") in names))


def _repetitions(events: Iterable[Event]) -> Iterator[int]:
    seen: Counter[tuple[str, str]] = Counter()
    for event in events:
        what = (event.kind, str(event.payload.get("act") or event.payload.get("summary") or ""))
        seen[what] += 1
        if seen[what] > _TWICE_IS_NO_LOOP:
            yield event.at_ns


def _silence_s(ctx: Context, run: Run | None, changed_ns: int) -> int:
    """Seconds since the agent at work last said, did or wrote anything."""
    if run is None or run.state is not RunState.RUNNING:
        return 0
    said = ctx.reader.events(EventFilter(actors=(f"agent:{run.agent}/{run.id}",)), limit=1)
    latest = max(run.state_ns, changed_ns, said[-1].at_ns if said else 0)
    return max(0, (ctx.now_ns() - latest) // _SECOND)


def _spent_percent(ctx: Context, run: Run | None) -> int:
    """Of the tightest budget that the run spends from, how much was spent within the last hour."""
    if run is None:
        return 0
    shares = (100 * min(standing.per_hour, standing.used) // standing.ceiling for standing in spending.of_run(ctx, run))
    return max(shares, default=0)
