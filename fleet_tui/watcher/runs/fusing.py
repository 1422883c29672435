"""What each source says of a run, put together; and what of it the log does not know yet."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain.events import RunStateChanged
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.domain.text import one_line
from fleet_tui.governance.fusion import Fused, Reading, Says, Source, fuse, weight
from fleet_tui.vendors.base import HookReport
from fleet_tui.watcher.context import Context, View
from fleet_tui.watcher.desks import guard_desk
from fleet_tui.watcher.runs import sessions

_FRESH_NS = 10_000_000_000
"""A look at a screen that is older says nothing: looks have stopped."""
_DIALOG_NS = 1_500_000_000
_STEADY_NS = 4_000_000_000
"""How long a dialog, or another state, must stand on the screen before the log is told: a picture may be half drawn."""
_HELD = (RunState.PAUSED, RunState.LIMITED, RunState.QUARANTINED)
_HOOKS: dict[str, Says] = {
    "session_started": "working", "prompt_submitted": "working", "tool_ended": "working",
    "permission_asked": "dialog", "turn_ended": "idle", "turn_failed": "idle", "interrupted": "idle",
}  # fmt: skip
_RECORDED: dict[str, Source] = {"hook": "hook", "file": "file", "title": "title", "screen": "screen"}
_SEEN = ("title", "screen")


def note_hook(ctx: Context, run: Run, report: HookReport) -> None:
    """Remember what a hook of the run's program said last."""
    says = _HOOKS.get(report.kind)
    if says is not None:
        ctx.told[run.id, "hook"] = Reading("hook", says, ctx.now_ns(), f"{report.kind} {report.reason}".strip())


def note_file(ctx: Context, run: Run, says: Says, at_ns: int, line: str) -> None:
    """Remember what the program's own file said last."""
    ctx.told[run.id, "file"] = Reading("file", says, at_ns, line)


def forget(ctx: Context, run: str) -> None:
    for known in [known for known in ctx.told if known[0] == run]:
        del ctx.told[known]


def fused(ctx: Context, run: Run) -> Fused:
    """The state of a living run by all its sources."""
    return fuse(_readings(ctx, run), ctx.now_ns())


def _readings(ctx: Context, run: Run) -> list[Reading]:
    now_ns = ctx.now_ns()
    found = [reading for (of, _), reading in ctx.told.items() if of == run.id]
    status = ctx.statuses.get(run.id)
    if run.state in _HELD or (status is not None and status.frozen):
        found.append(Reading("process", "frozen", now_ns, run.state_reason))
    asks = guard_desk.open_dialogs(ctx, run)
    if asks:
        found.append(Reading("hook", "dialog", now_ns, "its hook waits for a person's answer"))
    recorded = _recorded(run, {reading.source for reading in found})
    if recorded is not None:
        found.append(recorded)
    view = ctx.views.get(run.id)
    if view is not None and view.observation is not None and now_ns - view.at_ns < _FRESH_NS:
        found.append(_seen(view))
    acted_ns = max(ctx.acted_ns.get(run.id, 0), ctx.lookout.changed_ns(run.id))
    if acted_ns:
        found.append(Reading("heartbeat", "working", acted_ns, "it acted, or was seen computing"))
    return found


def _recorded(run: Run, known: set[Source]) -> Reading | None:
    """What the log has: of a hook or file only before these have spoken to this watcher, of a screen never."""
    source = _RECORDED.get(run.state_source, "fleet")
    if source in _SEEN or source in known or run.state not in (RunState.RUNNING, RunState.WAITING):
        return None
    dialog = run.state_reason.startswith(sessions.ASKS)
    says: Says = "working" if run.state is RunState.RUNNING else "dialog" if dialog else "idle"
    return Reading(source, says, run.state_ns, run.state_reason or run.state_source)


def _seen(view: View) -> Reading:
    seen = view.observation
    assert seen is not None
    source: Source = "title" if seen.region == "title" else "screen"
    return Reading(source, seen.state, view.at_ns, one_line(seen.line, 120), seen.rule)


async def reconcile(ctx: Context, run: Run) -> None:
    """Tell the log what the screen alone has shown: a dialog, a turn that ended without a hook, work that goes on.

    Only where there are rules for just this program: the common ones could take a program's output for its input.
    """
    state, view = fused(ctx, run), ctx.views.get(run.id)
    ctx.fused[run.id] = state
    won = state.winner
    if won is None or view is None or not view.rules.own:
        return
    if view.observation is not None and view.observation.dialog == "limit":
        return  # who is at a limit is parked
    if won.source not in _SEEN and run.state_source not in _SEEN:
        return  # who told it told the log too
    stood_ns = view.at_ns - view.since_ns
    if stood_ns < (_DIALOG_NS if won.says == "dialog" else _STEADY_NS):
        return
    wanted = RunState.RUNNING if won.says == "working" else RunState.WAITING
    # What a hook or a person said ends with their next word, not with a picture that may show the agent's own text.
    if run.state is wanted or (wanted is RunState.RUNNING and run.state_source not in _SEEN):
        return
    if wanted is RunState.WAITING and run.state is not RunState.RUNNING:
        return
    reason = f"{sessions.ASKS}: {won.detail}" if won.says == "dialog" else f"seen: {won.detail or won.rule}"
    await ctx.say(RunStateChanged(run.id, wanted.value, won.source, one_line(reason, 200)), f"run:{run.id}")


def unsure(ctx: Context) -> list[str]:
    """The agents of whose state the sources do not agree, or say nothing that is fresh."""
    runs = {run.id: run for run in ctx.reader.runs(RunState.RUNNING, RunState.WAITING)}
    return sorted({runs[run].agent for run, state in ctx.fused.items() if run in runs and state.confidence == "unsure"})


def explained(ctx: Context, run: Run) -> dict[str, Any]:
    """Why the run is in its state: every source with its word, age and weight, and what its screen showed."""
    state, view, now_ns = fused(ctx, run), ctx.views.get(run.id), ctx.now_ns()
    rows = [
        {
            "source": reading.source,
            "says": reading.says,
            "age_s": max(0, now_ns - reading.at_ns) // 1_000_000_000,
            "weight": round(weight(reading, now_ns), 1),
            "rule": reading.rule,
            "detail": one_line(reading.detail, 200),
            "won": reading is state.winner,
        }
        for reading in state.readings
    ]
    told = {"run": run.id, "state": run.state.value, "says": state.says, "confidence": state.confidence}
    return told | {"why": state.why, "sources": rows, "screen": _shown(view, now_ns)}


def _shown(view: View | None, now_ns: int) -> dict[str, Any] | None:
    if view is None:
        return None
    seen = view.observation
    region = view.rules.region(view.screen, seen.region if seen is not None else "bottom")  # type: ignore[arg-type]
    return {
        "age_s": max(0, now_ns - view.at_ns) // 1_000_000_000,
        "rule": seen.rule if seen is not None else None,
        "from": view.rules.where[seen.rule] if seen is not None else None,
        "region": seen.region if seen is not None else "bottom",
        "line": seen.line if seen is not None else None,
        "typed": view.rules.typed(view.screen),
        "text": region,
    }
