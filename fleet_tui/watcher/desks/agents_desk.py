"""What agents ask of the watcher over their own sockets: publish, read mail, report what their vendor's hooks saw."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from fleet_tui.bus import spool
from fleet_tui.bus.protocol import request_key
from fleet_tui.domain.errors import Conflict, FleetError, Refused, UsageError
from fleet_tui.domain.events import (
    PAYLOADS,
    Blocker,
    Draft,
    MailAcknowledged,
    PolicyDenied,
    PullRequestApproved,
    PullRequestChangesRequested,
    ReleaseDecided,
    RunStateChanged,
    TicketBlocked,
    draft,
)
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import ENDED_RUNS, RunState
from fleet_tui.domain.text import clean, one_line
from fleet_tui.git.command import GitError
from fleet_tui.governance.capabilities import Decision, may_decide_on, may_publish
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks import permission_desk, pr_answer, release_desk, usage_desk
from fleet_tui.watcher.keyed_locks import KeyedLocks
from fleet_tui.watcher.merging.handover import published
from fleet_tui.watcher.merging.parties import authors
from fleet_tui.watcher.runs import fusing, sessions, spending, vendors
from fleet_tui.watcher.runs.withdrawing import overtaken

log = logging.getLogger(__name__)
_REMARKS = frozenset({"note", "claim", "handoff", "artifact"})
_VERDICTS = {"pr_approved": PullRequestApproved, "pr_changes_requested": PullRequestChangesRequested}
_SUMMARY = 2_000
_MOST_OPEN = 5
"""Questions of one run that may wait for a person at once."""
_TICKET_PART = 20_000
"""Characters of a ticket in one answer: as JSON in ASCII they take twelve bytes at most, and a frame has 256 KiB."""
_MAIL_LOOK_S = 0.25
_MAIL_ROOM = 200_000
"""Bytes of mail in one answer; a letter has 64 KiB at most, and a frame 256 KiB."""


class AgentsDesk:
    """Answers one run at a time by its identity; everything a caller says of itself is ignored."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._draining = KeyedLocks()
        self._ops = {
            "publish": self._publish,
            "inbox": self._inbox,
            "ack": self._ack,
            "whoami": self._whoami,
            "ticket": self._ticket,
            "pr": self._pr,
            "landed": self._landed,
            "hook": self._hook,
            "guard": self._guard,
            "usage": self._usage,
        }

    async def answer(self, run_id: str, op: str, args: dict[str, Any], request_id: str) -> dict[str, Any]:
        """Perform ``op`` for the run that the kernel says is calling.

        Raises:
            FleetError: refused (and logged), or called wrongly.
        """
        if op == "drain":
            await self.drain(run_id)
            return {}
        run, agent = self._identity(run_id)
        handler = self._ops.get(op)
        if handler is None:
            raise UsageError("unknown request", one_line(op, 60), f"one of: {', '.join(sorted(self._ops))}")
        try:
            result = await handler(run, agent, args, request_key(f"run:{run_id}", request_id))
        except GitError as error:
            # What git says may quote a file that the agent cannot read.
            log.warning("%s of %s failed: %s", one_line(op, 40), run_id, error)
            raise FleetError("git failed", "the watcher's log says why", "try again, or ask a person") from error
        self._ctx.wake.set()
        return result

    async def drain(self, run_id: str) -> None:
        """Take in what the run's clients spooled while nobody answered: in order, each once.

        The spool is the agent's: one that it has spoilt is told as an alarm, and is nobody else's problem.
        """
        run = self._ctx.reader.run(run_id)
        title = f"what {run.agent if run else run_id} said while the watcher was away may be lost"
        response = "mend the directory, or stop the run"
        async with (
            self._draining.of(run_id),
            alarms.guarding(self._ctx, "spool", f"run:{run_id}", title=title, response=response),
        ):
            await self._take_in(run_id)

    async def _take_in(self, run_id: str) -> None:
        stuck: FleetError | None = None
        directory = self._ctx.paths.run_dir(run_id) / "spool"
        for request in await asyncio.to_thread(spool.drain, directory):
            try:
                await self.answer(run_id, request.op, request.args, request.id)
            except FleetError as error:
                log.warning("spooled %s of %s refused: %s", request.op, run_id, error)
            except Exception:
                # One request that we cannot handle must not hold up all that were said after it.
                log.exception("spooled %s of %s failed", request.op, run_id)
            try:
                await asyncio.to_thread(spool.done, request)
            except spool.BadSpool as error:
                stuck = error  # it comes again, with the same key; those behind it are taken in now
        if stuck is not None:
            raise stuck

    def _identity(self, run_id: str) -> tuple[Run, Agent]:
        run = self._ctx.reader.run(run_id)
        agent = self._ctx.reader.agent(run.agent) if run else None
        if run is None or agent is None or run.state in ENDED_RUNS:
            raise Refused("unknown run", f"{run_id} is not running")
        return run, agent

    # -- publishing ----------------------------------------------------------------------------------------------------

    async def _publish(self, run: Run, agent: Agent, args: dict[str, Any], key: str) -> dict[str, Any]:
        kind = str(args.get("event", ""))
        known = kind in PAYLOADS or kind in self._ctx.settings.events
        if not known:
            raise UsageError(
                "unknown event", one_line(kind, 60), "own event names are listed under `events:` in the configuration"
            )
        await self._permit(run, kind, may_publish(self._ctx.settings, run, agent, kind))
        summary = clean(str(args.get("summary", "")), _SUMMARY)
        payload = args.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        actor = f"agent:{run.agent}/{run.id}"
        if kind == "pr_created":
            title, body = str(payload.get("title") or summary), str(payload.get("body", ""))
            pull_request = await published(self._ctx, run, title=title, body=body, key=key, actor=actor)
            return {
                "message": f"PR {pull_request.number} at {pull_request.head_sha[:8]}",
                "pr": pull_request.number,
            }
        if kind in _VERDICTS or kind == "release_decided":
            return await self._decide(run, kind, summary, payload, key, actor)
        if kind == "release_requested":
            return await release_desk.request(self._ctx, run, summary, payload, key, actor)
        if kind == "blocker":
            return await self._block(run, summary, key, actor)
        to = args.get("to")
        recipients = [name for name in to if isinstance(name, str)] if isinstance(to, list) else []
        return await self._remark(run, kind, summary, payload, recipients, key, actor)

    async def _permit(self, run: Run, kind: str, decision: Decision) -> None:
        if decision.allowed:
            return
        if not decision.offence:
            hint = "stop here; you are asked again about what it is now"
            raise Conflict("overtaken", decision.reason, hint)
        denied = PolicyDenied(f"publish {kind}", decision.reason, run.agent, run.id, decision.rule)
        actor = f"agent:{run.agent}/{run.id}"
        # Without a key: an agent that chooses its request ids must not make many attempts count as one.
        await self._ctx.say(denied, f"run:{run.id}", actor=actor)
        raise Refused("refused", decision.reason, "do what your role is for; a person decides the rest")

    async def _decide(
        self, run: Run, kind: str, summary: str, payload: dict[str, Any], key: str, actor: str
    ) -> dict[str, Any]:
        pull_request = self._ctx.reader.pull_request(run.pr) if run.pr is not None else None
        wrote = authors(self._ctx, pull_request) if pull_request else ()
        await self._permit(run, kind, may_decide_on(run, pull_request, kind, wrote))
        assert pull_request is not None
        number, head = pull_request.number, pull_request.head_sha
        if kind == "release_decided":
            decision = payload.get("decision")
            if decision not in ("merge", "hold"):
                raise UsageError("no decision", 'the payload needs {"decision": "merge"} or {"decision": "hold"}')
            entry = draft(
                ReleaseDecided(number, run.agent, run.id, head, decision, summary), f"pr:{number}", actor=actor, key=key
            )
        else:
            verdict = _VERDICTS[kind](number, run.agent, run.id, run.role, head, summary, _bounded(payload), run.lens)
            entry = draft(verdict, f"pr:{number}", actor=actor, key=key, cause=run.queued_id)
        event, *_ = await self._ctx.record(entry, *overtaken(self._ctx, run, "its decision was given"))
        return {"seq": event.seq}

    async def _block(self, run: Run, summary: str, key: str, actor: str) -> dict[str, Any]:
        waiting = [q for q in self._ctx.reader.questions(open_only=True) if q.run == run.id]
        # At a ceiling one more is the report that was asked for.
        if len(waiting) >= _MOST_OPEN and (len(waiting) > _MOST_OPEN or spending.refusal(self._ctx, run) is None):
            raise Refused(
                "too many questions", f"{len(waiting)} of yours wait for a person already", "wait for their answers"
            )
        question = new_id("question")
        subject = f"ticket:{run.ticket}" if run.ticket is not None else f"run:{run.id}"
        drafts: list[Draft] = [
            draft(Blocker(question, summary, run.id, run.agent, run.ticket, run.pr), subject, actor=actor, key=key),
            draft(
                RunStateChanged(run.id, RunState.WAITING.value, "bus", "asks a person"),
                f"run:{run.id}",
                key=f"wait:{key}",
            ),
        ]
        # A reviewer's question holds up its run; only an author's question holds up the ticket.
        if run.ticket is not None and run.pr is None:
            blocked = TicketBlocked(run.ticket, one_line(summary, 400), question)
            drafts.append(draft(blocked, subject, actor=actor, key=f"block:{key}"))
        event, *_ = await self._ctx.record(*drafts)
        return {"seq": event.seq, "message": f"asked as event {event.seq}; the answer will be typed to you"}

    async def _remark(
        self, run: Run, kind: str, summary: str, payload: dict[str, Any], to: list[str], key: str, actor: str
    ) -> dict[str, Any]:
        unknown = [name for name in to if self._ctx.reader.agent(name) is None]
        if unknown:
            names = ", ".join(agent.name for agent in self._ctx.reader.agents())
            raise UsageError("no such agent", one_line(", ".join(unknown)), f"agents: {names}")
        fields: dict[str, Any] = {
            "summary": summary,
            "run": run.id,
            "ticket": run.ticket,
            "pr": run.pr,
            "data": _bounded(payload),
            "to": to,
        }
        subject = f"ticket:{run.ticket}" if run.ticket is not None else f"run:{run.id}"
        (event,) = await self._ctx.record(Draft(kind, fields, subject, actor, run.queued_id, key))
        return {"seq": event.seq}

    # -- reading -------------------------------------------------------------------------------------------------------

    async def _inbox(self, run: Run, agent: Agent, args: dict[str, Any], key: str) -> dict[str, Any]:
        if agent.quarantined:
            raise Refused("held", "your mail is held while you are contained")
        after = 0 if args.get("all") else agent.acked_seq
        wanted_s = args.get("wait_s")
        wait_s = min(20, wanted_s) if isinstance(wanted_s, int) else 0
        deadline = asyncio.get_running_loop().time() + wait_s
        while not (mail := self._ctx.reader.mail(run.agent, after_seq=after)):
            if asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(_MAIL_LOOK_S)
        letters: list[dict[str, Any]] = []
        room = _MAIL_ROOM
        for m in mail:
            letter = {"seq": m.seq, "kind": m.kind, "sender": m.sender, "summary": m.summary, "payload": m.payload}
            room -= len(json.dumps(letter)) + 2
            if letters and room < 0:
                break  # the rest comes once these have been read
            letters.append(letter)
        return {"messages": letters, "more": len(letters) < len(mail)}

    async def _ack(self, run: Run, agent: Agent, args: dict[str, Any], key: str) -> dict[str, Any]:
        newest = max(
            (m.seq for m in self._ctx.reader.mail(run.agent, after_seq=agent.acked_seq)), default=agent.acked_seq
        )
        wanted = args.get("seq")
        upto = min(wanted, newest) if isinstance(wanted, int) else newest
        if upto > agent.acked_seq:
            acked = MailAcknowledged(run.agent, upto)
            await self._ctx.say(acked, f"agent:{run.agent}", actor=f"agent:{run.agent}/{run.id}", key=key)
        return {"message": f"read up to {upto}"}

    async def _whoami(self, run: Run, agent: Agent, args: dict[str, Any], key: str) -> dict[str, Any]:
        family = self._ctx.settings.family(run.role)
        return {
            "agent": run.agent,
            "role": run.role,
            "family": family.name,
            "run": run.id,
            "ticket": run.ticket,
            "pr": run.pr,
            "may_publish": list(family.publishes),
            "isolation": run.isolation,
        }

    async def _ticket(self, run: Run, agent: Agent, args: dict[str, Any], key: str) -> dict[str, Any]:
        ticket = self._ctx.reader.ticket(run.ticket) if run.ticket is not None else None
        if ticket is None:
            raise Refused("no ticket", "this run works on none")
        text = f"#{ticket.number} {ticket.title}\n\n{clean(self._ctx.store.blob(ticket.body_sha))}"
        wanted = args.get("after")
        start = max(0, wanted) if isinstance(wanted, int) else 0
        end = start + _TICKET_PART
        return {"text": text[start:end], "next": end if end < len(text) else None}

    async def _pr(self, run: Run, agent: Agent, args: dict[str, Any], key: str) -> dict[str, Any]:
        found = [
            one for one in self._ctx.reader.pull_requests() if one.number == run.pr or one.ticket == (run.ticket or -1)
        ]
        if not found:
            raise Refused("no pull request", "this run reviews none, and its ticket has none yet")
        chosen = next((one for one in found if one.number == run.pr), found[-1])
        return pr_answer.answer(
            chosen, self._ctx.reader.reviews(chosen.number), self._ctx.reader.gates(pr=chosen.number)
        )

    async def _landed(self, run: Run, agent: Agent, args: dict[str, Any], key: str) -> dict[str, Any]:
        return {"text": await release_desk.landed(self._ctx)}

    async def _guard(self, run: Run, agent: Agent, args: dict[str, Any], key: str) -> dict[str, Any]:
        return await permission_desk.answer(self._ctx, run, agent, args)

    async def _usage(self, run: Run, agent: Agent, args: dict[str, Any], key: str) -> dict[str, Any]:
        return await usage_desk.report(self._ctx, run, args, key)

    async def _hook(self, run: Run, agent: Agent, args: dict[str, Any], key: str) -> dict[str, Any]:
        name, data = one_line(str(args.get("kind", "")), 60), args.get("data")
        facts = data if isinstance(data, dict) else {}
        report = await vendors.asked(self._ctx, run, lambda vendor: vendor.parse_hook(name, facts), None)
        if report is None:
            return {}
        fusing.note_hook(self._ctx, run, report)
        return await sessions.heard(self._ctx, run, report, facts, key)


def _bounded(payload: dict[str, Any]) -> dict[str, Any] | None:
    """An agent's free data, as far as an event may hold it: whole numbers and text, cut to a sane size."""

    def plain(value: Any, depth: int) -> Any:
        if isinstance(value, bool | int) or value is None:
            return value
        if isinstance(value, float):
            return str(value)
        if isinstance(value, list) and depth:
            return [plain(item, depth - 1) for item in value[:100]]
        if isinstance(value, dict) and depth:
            return {one_line(str(name), 80): plain(item, depth - 1) for name, item in list(value.items())[:100]}
        return clean(str(value), 2_000)

    return plain(payload, 5) if payload else None
