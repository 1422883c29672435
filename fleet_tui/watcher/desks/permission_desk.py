"""Vendors' hooks that ask before an act: answered in the vendor's own words, and by a person where a dialog waits."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from fleet_tui.domain.events import RunStateChanged
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import Isolation, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.governance.guard.acts import Act, own_tool
from fleet_tui.governance.guard.policy import GuardDecision
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks import guard_desk
from fleet_tui.watcher.runs import sessions, vendors

WAIT_S = 15.0
"""How long one call waits for a person's answer; its client asks again."""
_LOOK_S = 0.25
_GONE = {"verdict": "gone"}
"""It was decided in the pane: whoever waits for the room has nothing to say any more."""
_OVER = {"verdict": "deny", "reason": "its turn went on or ended before a person answered"}


async def answer(ctx: Context, run: Run, agent: Agent, args: dict[str, Any]) -> dict[str, Any]:
    """``verdict`` (``allow``, ``deny``, ``ask``, ``gone``, or ``wait``: ask again, ``waiting`` for the ``question``)
    with rule and reason; for a vendor that wants more than an exit code, ``stdout`` and ``code`` as it hears them."""
    hook = one_line(str(args.get("hook") or ""), 60)
    if not hook:
        return _told(await guard_desk.judge(ctx, run, agent, args))
    report = await vendors.asked(ctx, run, lambda vendor: vendor.parse_hook(hook, {}), None)
    if report is not None and report.kind == "permission_asked":
        return await _relay(ctx, run, agent, args, hook)
    vendor = await vendors.asked(ctx, run, lambda vendor: vendor.capabilities, None)
    relayed = vendor is not None and vendor.permission == "relay"
    if vendor is not None and vendor.permission == "hold":
        return await _hold(ctx, run, agent, args, hook)
    decision = await guard_desk.judge(ctx, run, agent, args, relayed=relayed)
    if decision.verdict == "allow" and not _guard_decides(ctx, run, str(args.get("tool"))):
        return _told(decision)  # no rule forbids it; whether it may is asked by the program itself
    return await _rendered(ctx, run, hook, decision)


async def _hold(ctx: Context, run: Run, agent: Agent, args: dict[str, Any], hook: str) -> dict[str, Any]:
    """The program has no dialog that its hook could close: the hook before the act waits for the person."""
    waiting = str(args.get("waiting") or "")
    act, decision = await guard_desk.judged(ctx, run, agent, args, acts=not waiting)
    if decision.verdict != "ask":
        return await _rendered(ctx, run, hook, decision)
    answer = await _put(ctx, run, act, decision, hook, waiting)
    return _OVER if answer is _GONE else answer  # without a dialog nobody else has said yes


def _guard_decides(ctx: Context, run: Run, tool: str) -> bool:
    if own_tool(tool):
        return True  # what the run may say to the fleet, the fleet decides
    asks = ctx.settings.vendor(run.vendor).asks
    return asks == "guard" or (asks == "auto" and run.isolation not in ("", Isolation.L0))


async def _relay(ctx: Context, run: Run, agent: Agent, args: dict[str, Any], hook: str) -> dict[str, Any]:
    """The program shows its own dialog, and its hook waits: the first who answers, here or there, closes it."""
    waiting = str(args.get("waiting") or "")
    act, decision = await guard_desk.judged(ctx, run, agent, args, acts=not waiting)
    if decision.verdict == "deny" or (decision.verdict == "allow" and _guard_decides(ctx, run, act.tool)):
        return await _rendered(ctx, run, hook, decision)
    if decision.verdict == "allow":
        if not guard_desk.is_readable(act):
            await _waits(ctx, run, f"{sessions.ASKS}: {act.tool}")
            return _GONE  # only its own dialog, in the pane, shows all of it
        decision = GuardDecision("ask", "vendor", f"{run.vendor} asks before it does that", decision.about)
    return await _put(ctx, run, act, decision, hook, waiting)


async def _put(ctx: Context, run: Run, act: Act, decision: GuardDecision, hook: str, waiting: str) -> dict[str, Any]:
    """Have a person decide about the act; who is not ``waiting`` yet is told to."""
    question = _open_question(ctx, run, act)
    if waiting and _is_withdrawn(ctx, waiting):
        return _GONE
    if ctx.reader.question(question) is None:
        refused = await guard_desk.ask(ctx, run, act, decision, question)
        if refused is not None:
            return await _rendered(ctx, run, hook, refused)
    await _waits(ctx, run, f"{sessions.ASKS}: {act.tool}")
    if not waiting:
        return _wait(question)
    return await _answer_in_time(ctx, run, act, question, decision, hook)


def _open_question(ctx: Context, run: Run, act: Act) -> str:
    """The question about this act that is not used up: each yes is for one time."""
    for nth in range(guard_desk.MOST_ALIKE):
        question = guard_desk.question_id(run, act, nth, dialog=True)
        if not guard_desk.is_used(ctx, question) and not _is_withdrawn(ctx, question):
            break
    return question


async def _answer_in_time(
    ctx: Context, run: Run, act: Act, question: str, decision: GuardDecision, hook: str
) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if _is_withdrawn(ctx, question):
            return _GONE
        asked = ctx.reader.question(question)
        if asked is not None and asked.answer is not None:
            async with guard_desk.turn(run):
                verdict = await guard_desk.answered(ctx, run, act, asked, decision)
            await sessions.went_on(ctx, run, "a person answered")
            return await _rendered(ctx, run, hook, verdict)
        await asyncio.sleep(_LOOK_S)
    return _wait(question)


def _wait(question: str) -> dict[str, Any]:
    return {"verdict": "wait", "question": question}


def _is_withdrawn(ctx: Context, question: str) -> bool:
    return ctx.reader.has_key(f"withdrawn:{question}")


async def _waits(ctx: Context, run: Run, reason: str) -> None:
    now = ctx.reader.run(run.id)
    if now is not None and now.state is RunState.RUNNING:
        await ctx.say(RunStateChanged(run.id, RunState.WAITING.value, "hook", one_line(reason, 200)), f"run:{run.id}")


async def _rendered(ctx: Context, run: Run, hook: str, decision: GuardDecision) -> dict[str, Any]:
    render = await vendors.asked(
        ctx, run, lambda vendor: vendor.render_verdict(hook, decision.verdict, decision.reason), None
    )
    more = {} if render is None else {"stdout": render.stdout, "code": render.code}
    return _told(decision) | more


def _told(decision: GuardDecision) -> dict[str, Any]:
    return {"verdict": decision.verdict, "rule": decision.rule, "reason": decision.reason}
