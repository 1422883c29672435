"""What a person commands through the control room or the command line, over the operator's socket."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any

from fleet_tui.domain.errors import Conflict, NothingToDo, Refused, UsageError
from fleet_tui.domain.events import (
    AgentPaused,
    AgentResumed,
    Draft,
    OperatorActed,
    QuestionAnswered,
    RunStopRequested,
    TicketClaimed,
    TicketUnblocked,
    draft,
)
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.model import Agent, Question, Run
from fleet_tui.domain.states import LIVE_RUNS, RunState, TicketState
from fleet_tui.domain.text import clean, one_line
from fleet_tui.watcher.acts import (
    approving,
    discarding,
    extending,
    halting,
    interrupting,
    planning,
    releasing,
    splitting,
    stopping,
    taking_up,
)
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks import alarm_desk, diff_answer, making_desk, release_desk, system_desk
from fleet_tui.watcher.desks.arguments import Args, number_of, text_of
from fleet_tui.watcher.desks.guard_desk import is_dialog, is_guard_question
from fleet_tui.watcher.desks.presence import Presence
from fleet_tui.watcher.desks.requests import Requests
from fleet_tui.watcher.passes import containment, looking
from fleet_tui.watcher.runs import accounts, fusing, memory, replacing, restore_plan, restoring, spending, starting
from fleet_tui.watcher.runs.queueing import queued
from fleet_tui.watcher.upstream import landing as there

_MOST_DIFF = 2_000_000
_LOOKS = making_desk.LOOKS | frozenset(
    {"status", "system", "poll", "statement", "diff", "gate_log", "ticket", "explain", "plan", "restore_plan"}
    | {"release_check"}
)
"""What changes nothing: asked again, it is answered anew."""
_FOR_ASSISTANTS = frozenset({"message", "pause"})
"""What an assistant may do in a person's name. A message of its own answers no question."""


class OperatorDesk:
    """Checks every act against the state it was decided on, records it with the person's name, answers at once."""

    def __init__(self, ctx: Context, shut_down: Callable[[str], None]) -> None:
        self._ctx = ctx
        self._shut_down = shut_down
        self._started = time.monotonic()
        self._presence = Presence(ctx.now_ns)
        self._requests = Requests(lambda key: ctx.store.reader.event_with_key(key))
        deciding = asyncio.Lock()
        self._ops: dict[str, Callable[[Args, str], Coroutine[Any, Any, dict[str, Any]]]] = {
            "status": self._status,
            "system": self._system,
            "poll": self._poll,
            "approve": lambda args, actor: _in_turn(deciding, approving.approve(ctx, args, actor)),
            "undo": lambda args, actor: _in_turn(deciding, approving.undo(ctx, args, actor)),
            "undo_stop": lambda args, actor: stopping.undo(ctx, args, actor),
            "reject": lambda args, actor: _in_turn(deciding, approving.deny(ctx, args, actor, "reject")),
            "request_changes": lambda args, actor: _in_turn(deciding, approving.deny(ctx, args, actor, "changes")),
            "statement": lambda args, actor: release_desk.statement_of(ctx, args),  # noqa: ARG005
            "quarantine": self._quarantine,
            "release": self._release,
            "conditions": self._conditions,
            "pause": lambda args, actor: self._pause(args, actor, pause=True),
            "resume": lambda args, actor: self._pause(args, actor, pause=False),
            "start": lambda args, actor: taking_up.start(ctx, self._agent(args), _reason(args), actor),
            "stop": self._stop,
            "restart": lambda args, actor: replacing.restart(
                ctx, self._agent(args), interrupting.run_of(args), _reason(args), actor, now=bool(args.get("now"))
            ),
            "interrupt": lambda args, actor: interrupting.interrupt(
                ctx, self._agent(args), interrupting.run_of(args), actor
            ),
            "restore_plan": lambda args, actor: restore_plan.make(ctx),  # noqa: ARG005
            "restore": lambda args, actor: restoring.restore(ctx, args, actor),
            "skip_restore": lambda args, actor: restoring.skip(ctx, args, actor),
            "give_memory": lambda args, actor: memory.give(ctx, self._agent(args), args, _reason(args), actor),
            "halt": lambda args, actor: halting.halt(ctx, _reason(args), actor),
            "resume_account": lambda args, actor: accounts.resume(ctx, text_of(args, "account"), _reason(args), actor),
            "lift": lambda args, actor: halting.lift(ctx, _reason(args), actor),
            "discard": lambda args, actor: discarding.discard(ctx, self._agent(args), text_of(args, "reason"), actor),
            "message": lambda args, actor: _in_turn(deciding, self._message(args, actor)),
            "answer": lambda args, actor: _in_turn(deciding, self._answer(args, actor)),
            "acknowledge": lambda args, actor: alarm_desk.acknowledge(ctx, args, actor),
            "shelve": lambda args, actor: alarm_desk.shelve(ctx, args, actor),
            "unshelve": lambda args, actor: alarm_desk.unshelve(ctx, text_of(args, "alarm"), actor),
            "unblock": self._unblock,
            "ready": lambda args, actor: self._release_ticket(args, actor, ready=True),
            "hold": lambda args, actor: self._release_ticket(args, actor, ready=False),
            "plan": lambda args, actor: planning.plan(ctx, args),  # noqa: ARG005
            "split": lambda args, actor: _in_turn(deciding, splitting.split(ctx, args, actor)),
            "extend_budget": lambda args, actor: _in_turn(deciding, self._extend_budget(args, actor)),
            "diff": self._diff,
            "gate_log": self._gate_log,
            "release_check": lambda args, actor: there.check(ctx, number_of(args, "pr")),  # noqa: ARG005
            "tag_release": lambda args, actor: release_desk.tag(ctx, args, actor),
            "decline_release": lambda args, actor: release_desk.decline(ctx, args, actor),
            "ticket": self._ticket,
            "explain": lambda args, actor: looking.explain(ctx, self._agent(args)),  # noqa: ARG005
            **making_desk.ops(ctx, lambda decision: _in_turn(deciding, decision)),
            "shutdown": self._shutdown,
        }

    async def answer(self, user: str, op: str, args: Args, request: str = "") -> dict[str, Any]:
        """Perform ``op`` for the person ``user``; acts with the same key ``request`` are one act.

        Raises:
            FleetError: the act is refused, or what it was decided on has changed (``Conflict``).
        """
        handler = self._ops.get(op)
        if handler is None:
            raise UsageError("unknown command", one_line(op, 60), f"one of: {', '.join(sorted(self._ops))}")
        actor = f"operator:{one_line(user, 60)}"
        if args.get("via"):
            actor, args = f"{actor}/{one_line(str(args['via']), 20)}", {**args, "answers": False}
            if op not in _LOOKS | _FOR_ASSISTANTS:
                told = f"{one_line(op, 60)} was asked through an assistant"
                raise Refused("a person decides that", told, "do it yourself")
        if request and op not in _LOOKS:
            result = await self._requests.once(request, lambda: handler(args, actor))
        else:
            result = await handler(args, actor)
        self._ctx.wake.set()
        return result

    # -- the fleet -----------------------------------------------------------------------------------------------------

    async def _status(self, args: Args, actor: str) -> dict[str, Any]:
        ctx = self._ctx
        return {
            "fleet": ctx.paths.fleet,
            "repository": str(ctx.paths.repository),
            "epoch": ctx.store.epoch,
            "pid": os.getpid(),
            "uptime_s": self._uptime_s(),
            "round_age_s": max(0, ctx.now_ns() - ctx.round_ns) // 1_000_000_000 if ctx.round_ns else None,
            "pass": ctx.passing[0] if ctx.passing else None,
            "pass_age_s": int(time.monotonic() - ctx.passing[1]) if ctx.passing else None,
            "isolation": ctx.level.isolation.value,
            "events": ctx.reader.last_seq(),
            "live_runs": len(ctx.reader.runs(*LIVE_RUNS)),
            "jobs": sorted(ctx.jobs.running())[:50],
            "stopping": ctx.stopping,
            "unsure": fusing.unsure(ctx),
            "others": self._presence.heard(args, actor.removeprefix("operator:")),
        }

    def _uptime_s(self) -> int:
        return int(time.monotonic() - self._started)

    async def _system(self, args: Args, actor: str) -> dict[str, Any]:
        return await system_desk.describe(self._ctx, self._uptime_s())

    async def _poll(self, args: Args, actor: str) -> dict[str, Any]:
        self._ctx.look_at_tickets = True
        for repository in self._ctx.repositories:
            repository.merge_results.clear()
            repository.looked_at_target_ns = 0
        upstreams = [one.upstream for one in self._ctx.repositories if one.upstream is not None]
        refusals = filter(None, [upstream.want(self._ctx.now_ns()) for upstream in upstreams])
        refusal = next(refusals, "")
        return {"message": f"GitHub is not asked now: {refusal}"} if refusal else {}

    async def _shutdown(self, args: Args, actor: str) -> dict[str, Any]:
        await self._ctx.say(
            OperatorActed("shutdown", {"with_agents": bool(args.get("with_agents"))}), "fleet", actor=actor
        )
        if args.get("with_agents"):
            self._ctx.ending = True
            for run in self._ctx.reader.runs(RunState.QUEUED, *LIVE_RUNS):
                await self._ctx.say(
                    RunStopRequested(run.id, "fleet stopped with its agents"), f"run:{run.id}", actor=actor
                )
        self._shut_down("with-agents" if args.get("with_agents") else "operator")
        return {}

    # -- agents --------------------------------------------------------------------------------------------------------

    def _agent(self, args: Args) -> Agent:
        name = text_of(args, "agent")
        agent = self._ctx.reader.agent(name)
        if agent is None:
            names = ", ".join(a.name for a in self._ctx.reader.agents()) or "none"
            raise UsageError("no such agent", one_line(name, 80), f"agents: {names}")
        return agent

    async def _quarantine(self, args: Args, actor: str) -> dict[str, Any]:
        agent = self._agent(args)
        if agent.quarantined:
            raise NothingToDo("already quarantined", f"{agent.name}: {agent.quarantine_reason}")
        reason = clean(str(args.get("reason") or "by hand"), 400)
        await containment.quarantine(self._ctx, agent, reason, rule="operator", actor=actor)
        return {"message": f"{agent.name} is quarantined"}

    async def _release(self, args: Args, actor: str) -> dict[str, Any]:
        agent, reason = self._agent(args), clean(text_of(args, "reason"), 400)
        return await releasing.release(self._ctx, agent, args, reason, actor)

    async def _conditions(self, args: Args, actor: str) -> dict[str, Any]:
        agent, reason = self._agent(args), clean(text_of(args, "reason"), 400)
        return await releasing.change(self._ctx, agent, args, reason, actor)

    async def _pause(self, args: Args, actor: str, *, pause: bool) -> dict[str, Any]:
        agent = self._agent(args)
        if agent.paused == pause:
            raise NothingToDo("nothing to do", f"{agent.name} is {'already paused' if pause else 'not paused'}")
        kind = AgentPaused if pause else AgentResumed
        reason = clean(str(args.get("reason") or "by hand"), 400)
        await self._ctx.say(kind(agent.name, reason), f"agent:{agent.name}", actor=actor)
        return {"message": f"{agent.name} is {'paused' if pause else 'resumed'}"}

    async def _stop(self, args: Args, actor: str) -> dict[str, Any]:
        runs = self._runs(args)
        if not runs:
            whose = one_line(str(args.get("run") or args.get("agent")), 80)
            raise NothingToDo("nothing is running", f"{whose} has no live run", "fleet agent list")
        return await stopping.stop(self._ctx, runs, _reason(args), actor, now=bool(args.get("now")))

    def _runs(self, args: Args) -> list[Run]:
        """Those that live or wait to begin: the one that is named, else the agent's."""
        if args.get("run"):
            run = self._ctx.reader.run(text_of(args, "run"))
            return [run] if run is not None and run.state in LIVE_RUNS | {RunState.QUEUED} else []
        return self._ctx.reader.runs(RunState.QUEUED, *LIVE_RUNS, agent=self._agent(args).name)

    async def _message(self, args: Args, actor: str) -> dict[str, Any]:
        text = clean(text_of(args, "text"), 100_000)
        runs = [run for run in self._runs(args) if run.state in LIVE_RUNS]
        if not runs:
            whose = one_line(str(args.get("run") or args.get("agent")), 80)
            hint = "fleet agent list; or put it into the ticket"
            raise Conflict("nothing is running", f"{whose} has no live run: a message needs a running agent", hint)
        asked = (q for q in self._ctx.reader.questions(open_only=True) if q.run == runs[0].id)
        # Whether an act may happen is not for a free message to say: it may be about something else.
        question = next((q for q in asked if not is_guard_question(q.id)), None)
        if question is not None and args.get("answers") is False:  # one of many with the same text
            raise Conflict("asked a question", f"{question.agent} waits for an answer of its own", "answer it alone")
        if question is not None:
            return await self._answer_question(question, text, actor)
        reason = spending.refusal(self._ctx, runs[0])
        if reason is not None:
            raise Conflict("no budget left", reason.partition(";")[0], "extend it first: `fleet budget extend`")
        await self._ctx.record(starting.message(self._ctx, runs[0].id, "message", text, actor=actor))
        return {"message": f"queued for {runs[0].agent}: delivered when it takes input"}

    async def _answer(self, args: Args, actor: str) -> dict[str, Any]:
        question = self._ctx.reader.question(text_of(args, "question"))
        if question is None:
            raise UsageError("no such question", text_of(args, "question"), "fleet question list")
        if question.answer is not None:
            raise Conflict("already answered", one_line(question.answer))
        return await self._answer_question(question, clean(text_of(args, "text"), 100_000), actor)

    async def _answer_question(self, question: Question, text: str, actor: str) -> dict[str, Any]:
        """In one transaction: the answer, the ticket going on, and the text for the agent (or a new run with it)."""
        subject = f"ticket:{question.ticket}" if question.ticket is not None else f"run:{question.run}"
        answered = QuestionAnswered(question.id, text[:20_000], question.ticket)
        drafts = [draft(answered, subject, actor=actor)]
        run = self._ctx.reader.run(question.run)
        drafts += self._go_on(question, run, text, actor) if run is not None else []
        await self._ctx.record(*drafts)
        in_a_dialog = is_dialog(question.id)
        how = "hears it in its dialog" if in_a_dialog else "gets it when it takes input"
        return {"message": f"answered; {question.agent} {how}"}

    def _go_on(self, question: Question, run: Run, text: str, actor: str) -> list[Draft]:
        """The answer for the run that asked or, when it has ended, for one in its place."""
        number = question.ticket
        going: TicketUnblocked | TicketClaimed | None
        if run.state in LIVE_RUNS:
            # The hook of a dialog that waits hears it; in the pane it would be a prompt of its own.
            heard = is_dialog(question.id)
            told = starting.message(self._ctx, run.id, "answer", text, actor=actor, key=f"tell:{question.id}")
            drafts = [] if heard else [told]
            going = TicketUnblocked(number, "answered") if number is not None else None
        else:
            successor = new_id("run")
            drafts = [self._in_its_place(question, run, successor, text)]
            going = TicketClaimed(number, run.agent, successor) if number is not None and run.pr is None else None
        if going is not None:
            drafts.append(draft(going, f"ticket:{number}", actor=actor, key=f"go:{question.id}"))
        return drafts

    def _in_its_place(self, question: Question, run: Run, successor: str, text: str) -> Draft:
        return queued(
            self._ctx.settings.agent(run.agent),
            key=f"answer:{question.id}",
            trigger=run.trigger,
            ticket=run.ticket,
            pr=run.pr,
            head_sha=run.head_sha,
            round_=run.round,
            instructions=f"You asked: {question.summary}\nThe answer: {text}",
            run=successor,
            lens=run.lens,
        )

    async def _extend_budget(self, args: Args, actor: str) -> dict[str, Any]:
        if "agent" in args:
            args = {**args, "scope": "agent", "name": self._agent(args).name}
        return await extending.extend(self._ctx, args, actor, self._answer_question)

    # -- alarms and tickets --------------------------------------------------------------------------------------------

    async def _unblock(self, args: Args, actor: str) -> dict[str, Any]:
        ticket = self._ctx.reader.ticket(number_of(args, "ticket"))
        if ticket is None:
            raise UsageError("no such ticket", f"#{args.get('ticket')}", "fleet ticket list")
        if ticket.state is not TicketState.BLOCKED:
            raise Conflict("not blocked", f"ticket #{args.get('ticket')} does not wait for you")
        reason = clean(str(args.get("reason") or "by hand"), 400)
        await self._ctx.say(TicketUnblocked(ticket.number, reason), f"ticket:{ticket.number}", actor=actor)
        return {"message": f"ticket #{ticket.number} goes on"}

    async def _release_ticket(self, args: Args, actor: str, *, ready: bool) -> dict[str, Any]:
        """The label decides, as when a person changes the file; the next pass takes it in."""
        ticket = self._ctx.reader.ticket(number_of(args, "ticket"))
        if ticket is None:
            raise UsageError("no such ticket", f"#{args.get('ticket')}", "fleet ticket list")
        wanted, op = (TicketState.DRAFT, "ready") if ready else (TicketState.READY, "hold")
        if ticket.state is not wanted:
            raise Conflict("changed meanwhile", f"ticket #{ticket.number} is {ticket.state} now")
        label = self._ctx.settings.labels.ready
        await self._ctx.forge.set_labels(ticket.number, add=[label] if ready else [], remove=[] if ready else [label])
        await self._ctx.say(OperatorActed(op, {"ticket": ticket.number}), f"ticket:{ticket.number}", actor=actor)
        self._ctx.look_at_tickets = True
        return {"message": f"ticket #{ticket.number} is {'ready' if ready else 'held back'}"}

    async def _ticket(self, args: Args, actor: str) -> dict[str, Any]:
        ticket = self._ctx.reader.ticket(number_of(args, "number"))
        if ticket is None:
            raise UsageError("no such ticket", f"#{args.get('number')}")
        return {"title": ticket.title, "text": clean(self._ctx.store.blob(ticket.body_sha), 100_000)}

    # -- evidence ------------------------------------------------------------------------------------------------------

    async def _diff(self, args: Args, actor: str) -> dict[str, Any]:
        pull_request = self._ctx.reader.pull_request(number_of(args, "pr"))
        if pull_request is None:
            raise UsageError("no such pull request", f"PR {args.get('pr')}")
        base = str(args.get("base") or pull_request.base_sha)
        head = str(args.get("head") or pull_request.head_sha)
        control = self._ctx.repository_of(pull_request).control
        files = await control.diff(base, head, max_bytes=_MOST_DIFF)
        return {"head": head, "base": base, "files": diff_answer.answer(files, args.get("path"))}

    async def _gate_log(self, args: Args, actor: str) -> dict[str, Any]:
        gate = next((g for g in self._ctx.reader.gates() if g.id == text_of(args, "gate")), None)
        if gate is None or not gate.log:
            raise UsageError("no such evidence", one_line(str(args.get("gate")), 80))
        path = self._ctx.paths.evidence / gate.log
        if not path.exists():
            raise Conflict("not kept any more", gate.log, "`fleet log --type evidence_removed` says since when")
        data = path.read_bytes()
        return {"text": clean(data[-150_000:].decode("utf-8", "replace"))}


async def _in_turn(deciding: asyncio.Lock, decision: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """One decision at a time: of two at once the first that is valid counts, and the other is told whose it was."""
    async with deciding:
        return await decision


def _reason(args: Args) -> str:
    return clean(str(args.get("reason") or "by hand"), 400)
