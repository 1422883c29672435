"""Agents' acts before they happen: judged by the rules, written down when refused, put to a person when a rule asks."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shlex
from dataclasses import astuple
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from fleet_tui.domain.events import ActAllowed, Blocker, Payload, PolicyDenied
from fleet_tui.domain.model import Agent, Question, Run
from fleet_tui.domain.states import Isolation
from fleet_tui.domain.text import fitting, one_line, reveal_name
from fleet_tui.governance.guard.acts import Act, Surroundings, act_of, own_tool
from fleet_tui.governance.guard.policy import GuardDecision, decide
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.shell_parser import parse
from fleet_tui.watcher.links import lookup
from fleet_tui.watcher.runs import spending

_YES = frozenset({"yes", "y", "allow", "ok"})
_SHOWN = 200
_MOST_READ = 1_500
"""Characters of an act that a person can be expected to read."""
_LONGEST_PATH = 4_096
_RECORDED = 10_000
"""Bytes of the log for what was refused, and as many for the reason: an event has 64 KiB."""
_MOST_OPEN = 5
"""Questions of one run that may wait at once."""
_PREFIX = "guard-"
_DIALOG = f"{_PREFIX}dialog-"
MOST_ALIKE = 100
"""Questions about one and the same act of a run, one after the other."""
_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""One act of a run at a time, by run: a yes is not used twice, and no run takes all threads."""
_REPORTS = frozenset(
    {"blocker", "claim", "note", "handoff", "artifact", "publish", "inbox", "ack", "ticket", "pr", "whoami"}
)


async def judge(ctx: Context, run: Run, agent: Agent, args: dict[str, Any], *, relayed: bool = False) -> GuardDecision:
    """The answer to a hook or a shim.

    ``ask`` means that a person was asked; when the act is ``relayed``, that the program's own dialog is to come, whose
    hook asks the person (:mod:`fleet_tui.watcher.desks.permission_desk`).
    """
    async with turn(run):
        act, decision = await judged(ctx, run, agent, args)
        if decision.verdict == "ask" and not relayed:
            decision = await _put_to_a_person(ctx, run, act, decision)
        return decision


def turn(run: Run) -> asyncio.Lock:
    """Held by whoever decides about an act of ``run``: a yes is not used twice."""
    return _turns.setdefault(run.id, asyncio.Lock())


def is_dialog(question: str) -> bool:
    """Whether a hook of the program waits for the answer: typed into its pane it would be a prompt of its own."""
    return question.startswith(_DIALOG)


def is_guard_question(question: str) -> bool:
    """Whether the question with this id asks whether an act may happen, which only an answer to just that may say."""
    return question.startswith(_PREFIX)


async def judged(
    ctx: Context, run: Run, agent: Agent, args: dict[str, Any], *, acts: bool = True
) -> tuple[Act, GuardDecision]:
    """The act of a call and what the rules say of it; a refusal is recorded. Without ``acts`` it only waits."""
    agent = ctx.reader.agent(agent.name) or agent  # it may have been contained while it waited for its turn
    act = _act(ctx, args)
    if acts:
        ctx.acted_ns[run.id] = ctx.now_ns()
    decision = _contained(run, agent) or await _without_budget(ctx, run, act) or await _decide(ctx, run, act)
    if decision.verdict == "deny":
        what = fitting(f"{one_line(act.tool, 40)}: {decision.about or '?'}", _RECORDED)
        denied = PolicyDenied(
            what, fitting(decision.reason, _RECORDED), run.agent, run.id, decision.rule, decision.offence
        )
        await _say(ctx, run, denied)
    return act, decision


async def _decide(ctx: Context, run: Run, act: Act) -> GuardDecision:
    """In a thread: shfmt takes its milliseconds."""
    return await asyncio.to_thread(decide, act, surroundings(ctx, run), ctx.settings.guard, parse)


def surroundings(ctx: Context, run: Run) -> Surroundings:
    """Who acts in ``run``, and where it may."""
    family = ctx.settings.family(run.role).name
    home = Path.home() if run.isolation in ("", Isolation.L0) else ctx.paths.homes / run.agent
    return Surroundings(run.role, family, run.workspace, str(home), run.branch, lookup())


def _act(ctx: Context, args: dict[str, Any]) -> Act:
    given = args.get("input")
    cwd = args.get("cwd")
    cwd = cwd if isinstance(cwd, str) and cwd.startswith("/") else ""
    tool = str(args.get("tool", ""))
    if "\0" in cwd or len(cwd) > _LONGEST_PATH:
        return Act(tool or "?", problem="the call names no directory that could be")
    if not isinstance(given, dict) or not tool:
        return Act(tool or "?", cwd=cwd, problem="the call names no tool and input")
    return act_of(tool, given, cwd, ctx.settings.guard.tools)


def _contained(run: Run, agent: Agent) -> GuardDecision | None:
    if agent.quarantined:
        return GuardDecision("deny", "quarantine", f"{agent.name} is quarantined")
    if run.agent_epoch != agent.epoch:
        return GuardDecision("deny", "epoch", "the identity of this run was revoked")
    return None


async def _without_budget(ctx: Context, run: Run, act: Act) -> GuardDecision | None:
    """At the ceiling an agent may report and nothing else; that is no offence of its own."""
    reason = spending.refusal(ctx, run)
    if (
        reason is None
        or own_tool(act.tool)
        or (act.line is not None and await asyncio.to_thread(_only_reports, act.line))
    ):
        return None
    return GuardDecision("deny", "budget", reason)


def _only_reports(line: str) -> bool:
    parsed = parse(line)
    harmless = all(
        command.argv[:1] == ("fleet",)
        and command.argv[1:2]
        and command.argv[1] in _REPORTS
        # With a PATH or a library of its own, `fleet` is any program.
        and not (command.writes or command.environment or command.assigned)
        for command in parsed.commands
    )
    return harmless and bool(parsed.commands) and not parsed.problem


async def _put_to_a_person(ctx: Context, run: Run, act: Act, decision: GuardDecision) -> GuardDecision:
    """Allowed once by a person's yes, refused by anything else; until then the agent is told that it was asked."""
    asked = ctx.reader.question(question_id(run, act))
    if asked is None:
        refused = await ask(ctx, run, act, decision, question_id(run, act))
        reason = "a person was asked; do something else meanwhile and try again after the answer"
        return refused or GuardDecision("ask", decision.rule, f"{decision.reason}: {reason}", decision.about)
    if asked.answer is None:
        return GuardDecision("ask", decision.rule, "a person was asked and has not answered yet", decision.about)
    return await answered(ctx, run, act, asked, decision)


async def ask(ctx: Context, run: Run, act: Act, decision: GuardDecision, question: str) -> GuardDecision | None:
    """Put the act to a person; a refusal when that cannot be. A yes is for all of the act, so all of it is shown."""
    shown = _whole(act)
    if act.cwd and act.cwd != run.workspace:
        shown += f" [in {reveal_name(act.cwd)}]"
    if not is_readable(act):
        reason = f"a person would have to read {len(shown)} characters; split it up"
        return GuardDecision("deny", decision.rule, f"{decision.reason}: {reason}", decision.about)
    waiting = [q for q in ctx.reader.questions(open_only=True) if q.run == run.id and is_guard_question(q.id)]
    if len(waiting) >= _MOST_OPEN:
        reason = f"{len(waiting)} acts of this run wait for a person already; go on without this one"
        return GuardDecision("deny", decision.rule, f"{decision.reason}: {reason}", decision.about)
    summary = f"May I run this? {shown} ({decision.reason}). Answer yes, or say what to do instead."
    await _say(ctx, run, Blocker(question, summary, run.id, run.agent, run.ticket, run.pr), key=f"ask:{question}")
    return None


def is_readable(act: Act) -> bool:
    """Whether a person can be expected to read all of the act."""
    return len(_whole(act)) + len(act.cwd) <= _MOST_READ


def _whole(act: Act) -> str:
    """All of the act on one line, with line ends and hidden characters visible."""
    what = act.line or shlex.join(act.argv) or " ".join((act.tool, *act.reads, *act.writes, act.patch))
    return reveal_name(f"{what.strip()} {act.detail}".strip())


async def answered(ctx: Context, run: Run, act: Act, asked: Question, decision: GuardDecision) -> GuardDecision:
    """What a person's answer to the question means; a yes is used up by it."""
    answer = one_line(asked.answer or "", _SHOWN)
    if answer.strip(" .!").lower() not in _YES:
        return GuardDecision("deny", decision.rule, f"a person said: {answer}", decision.about)
    if is_used(ctx, asked.id):
        return GuardDecision("deny", decision.rule, "a person allowed it once, and that was used", decision.about)
    await _say(ctx, run, ActAllowed(_whole(act), run.agent, run.id, asked.id, decision.rule), key=_used(asked.id))
    return GuardDecision("allow", decision.rule, f"a person said: {answer}", decision.about)


def is_used(ctx: Context, question: str) -> bool:
    """Whether the yes to this question has been used."""
    return ctx.reader.has_key(_used(question))


def _used(question: str) -> str:
    return f"allowed:{question}"


def open_dialogs(ctx: Context, run: Run) -> set[str]:
    """The questions of ``run`` for whose answers a hook of its program waits."""
    return {q.id for q in ctx.reader.questions(open_only=True) if q.run == run.id and is_dialog(q.id)}


def dialogs_about(ctx: Context, run: Run, args: dict[str, Any]) -> set[str]:
    """Those of them that are about the act of a call."""
    act, waiting = _act(ctx, args), open_dialogs(ctx, run)
    return waiting & {question_id(run, act, nth, dialog=True) for nth in range(MOST_ALIKE)} if waiting else waiting


def question_id(run: Run, act: Act, nth: int = 0, *, dialog: bool = False) -> str:
    """The same act of the same run is one question; ``nth`` is a later one, after that many that were answered.

    ``dialog``: a hook of the program waits for the answer.
    """
    # As JSON, which keeps the fields apart whatever stands in them.
    told = json.dumps([run.id, astuple(act), nth], sort_keys=True)
    digest = hashlib.sha256(told.encode("ascii")).hexdigest()
    return f"{_DIALOG if dialog else _PREFIX}{digest[:26]}"


async def _say(ctx: Context, run: Run, payload: Payload, *, key: str | None = None) -> None:
    actor = f"agent:{run.agent}/{run.id}"
    await ctx.say(payload, f"run:{run.id}", actor=actor, key=key)
