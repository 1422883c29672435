"""Vendors' sessions: which one a run begins or takes up again, and what their hooks say of it."""

from __future__ import annotations

import re
import uuid
from typing import Any

from fleet_tui.domain.events import QuestionWithdrawn, RunStateChanged, SessionStarted, draft
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.store.reader import EventFilter
from fleet_tui.vendors.base import HookReport, Vendor
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks import guard_desk, usage_desk
from fleet_tui.watcher.passes import messages
from fleet_tui.watcher.runs import accounts, contexts, vendors

_SESSIONS = uuid.UUID("6f1d1a54-52a8-4bb0-9c0e-0e5f0c3f4c11")
"""The namespace of the ids that we choose."""
_MOST_BEFORE = 20
_MOST_TOLD = 200
"""Changes of the session that are recorded of one run: an agent can make them up."""
_FEW = 10
"""Sessions that a person may come to begin in one run."""
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,99}")
ASKS = "asks for permission"
"""How the reason of a run begins that waits in its program's own dialog."""


def session_for(ctx: Context, run: Run, vendor: Vendor) -> tuple[str, bool]:
    """The id of the session that ``run`` works in, and whether it is one that a run before it began.

    Only a run that replaces one which broke off goes on with its session.
    """
    before = run
    for _ in range(_MOST_BEFORE):
        if before.previous is None or not vendor.capabilities.resume:
            break
        known = session_of(ctx, before.previous)
        if known:
            return known, True
        previous = ctx.reader.run(before.previous)
        if previous is None:
            break
        before = previous
    return str(uuid.uuid5(_SESSIONS, run.id)), False


def session_of(ctx: Context, run: str) -> str:
    """The session that the program of ``run`` said last that it works in; empty before it did."""
    return next(reversed(sessions_of(ctx, run)), "")


def sessions_of(ctx: Context, run: str) -> tuple[str, ...]:
    """The sessions that the program of ``run`` said it works in, each once, the last one last."""
    return tuple(reversed(dict.fromkeys(reversed(_told(ctx, run)))))


def _told(ctx: Context, run: str) -> list[str]:
    """As they were said: what came first is never pushed out by what was made up later."""
    wanted = EventFilter(kinds=(SessionStarted.kind,), subjects=(f"run:{run}",))
    return [str(event.payload["session"]) for event in ctx.reader.events(wanted, after=0, limit=_MOST_TOLD)]


async def looked_at(ctx: Context, run: Run, *, everything: bool = False) -> tuple[str, ...]:
    """The sessions whose files count, the one that we chose first: that one always, of the others the first and the
    last, or ``everything``. None before the program said that it works in any."""
    told = _told(ctx, run.id)
    chosen = await vendors.asked(ctx, run, lambda vendor: session_for(ctx, run, vendor)[0], "") if told else ""
    few = told if everything else (*told[: _FEW // 2], *sessions_of(ctx, run.id)[-_FEW // 2 :])
    return tuple(dict.fromkeys(session for session in (chosen, *few) if session))


async def heard(ctx: Context, run: Run, report: HookReport, data: dict[str, Any], key: str) -> dict[str, Any]:
    """Take in what a hook of the vendor says (``data`` is all of it, as far as it is small). The answer is for the
    hook: ``refused`` keeps a prompt from beginning."""
    if report.kind == "context":
        if report.context is not None:
            await contexts.told(ctx, run, report.context)
        return {}
    ctx.heard_ns[run.id] = ctx.now_ns()
    ctx.to_meter.add(run.id)
    if report.kind == "session_started":
        await _started(ctx, run, report)
    elif report.kind == "prompt_submitted":
        await went_on(ctx, run, "a prompt was submitted in its pane")
        reason = await usage_desk.turn_begun(ctx, run, key)
        await messages.taken_up(ctx, run, "hook")
        return {"refused": reason} if reason else {}
    elif report.kind == "tool_ended":
        # Others may run beside it: only the question about just this act has been answered.
        call = {"tool": data.get("tool_name"), "input": data.get("tool_input"), "cwd": data.get("cwd")}
        await went_on(ctx, run, "it was answered in its pane", guard_desk.dialogs_about(ctx, run, call))
    elif report.kind in ("turn_ended", "interrupted"):
        await went_on(ctx, run, "its turn ended")
        await _waits(ctx, run, "turn over" if report.kind == "turn_ended" else "interrupted", key)
    elif report.kind == "turn_failed":
        await _failed(ctx, run, report, key)
    return {}


async def _started(ctx: Context, run: Run, report: HookReport) -> None:
    # It comes back as an argument of the program: nothing that looks like an option.
    told = _told(ctx, run.id)
    if not _SESSION.fullmatch(report.session) or told[-1:] == [report.session]:
        return
    if len(told) < _MOST_TOLD:
        started = SessionStarted(run.id, run.agent, run.vendor, report.session, report.reason)
        await ctx.say(started, f"run:{run.id}")
    if len({*told, report.session}) > _FEW:
        title = f"{run.agent} says that it works in more than {_FEW} sessions: it may hide the one that it works in"
        response = "look at its pane; stop it if nobody began them there"
        await alarms.ensure(ctx, "sessions", f"run:{run.id}", priority=2, title=title, response=response)


async def _waits(ctx: Context, run: Run, reason: str, key: str) -> None:
    if _is_running(ctx, run):
        await ctx.say(RunStateChanged(run.id, RunState.WAITING.value, "hook", reason), f"run:{run.id}", key=key)
    await alarms.clear(ctx, "turn-failed", f"run:{run.id}", "a turn ended well")


async def _failed(ctx: Context, run: Run, report: HookReport, key: str) -> None:
    """Its service did not answer: the session stays, and a person, or its next prompt, lets it go on."""
    why = report.reason or "without a reason"
    if report.limited:
        # It concerns all who use the account: one alarm for them all, and nobody has to send anybody a message.
        await accounts.met(ctx, run, report.reset_ns, "hook", why, key=f"limit:{key}")
        return
    if _is_running(ctx, run):
        failed = RunStateChanged(run.id, RunState.WAITING.value, "hook", f"turn failed: {why}")
        await ctx.say(failed, f"run:{run.id}", key=key)
    title, response = f"{run.agent}: its turn failed: {why}", "send it a message, or stop it"
    await alarms.ensure(ctx, "turn-failed", f"run:{run.id}", priority=2, title=title, response=response)


def _is_running(ctx: Context, run: Run) -> bool:
    now = ctx.reader.run(run.id)
    return now is not None and now.state is RunState.RUNNING


async def went_on(ctx: Context, run: Run, how: str, questions: set[str] | None = None) -> None:
    """What its dialogs asked (``questions``, or all of them) has been decided: it works again."""
    await withdraw_dialogs(ctx, run, how, questions)
    if guard_desk.open_dialogs(ctx, run):
        return  # another one waits still
    now = ctx.reader.run(run.id)
    if now is not None and now.state is RunState.WAITING and now.state_reason.startswith(ASKS):
        await ctx.say(RunStateChanged(run.id, RunState.RUNNING.value, "hook", how), f"run:{run.id}")


async def withdraw_dialogs(ctx: Context, run: Run, how: str, questions: set[str] | None = None) -> None:
    """Nobody waits any more for the room's answers to what its dialogs asked."""
    for question in guard_desk.open_dialogs(ctx, run) if questions is None else questions:
        await ctx.record(draft(QuestionWithdrawn(question, how), f"run:{run.id}", key=f"withdrawn:{question}"))
