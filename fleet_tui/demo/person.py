"""The person of the headless demo: answers, extends a budget, looks at approvals and grants them, and reads along."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from fleet_tui.bus import operator
from fleet_tui.demo.project import Ticket, shipping
from fleet_tui.domain.errors import Conflict, FleetError, WatcherUnavailable
from fleet_tui.domain.events import Event
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.states import LIVE_RUNS, ApprovalState, RunState, TicketState
from fleet_tui.paths import FleetPaths
from fleet_tui.readmodel.budgets import read_budgets
from fleet_tui.store.reader import Reader

ANSWER = "Two digits, halves to even."
REASON = "the rest is worth it"
_LOOK_S = 0.1
_TOLD = frozenset(
    {
        "agent_quarantined",
        "approval_granted",
        "approval_requested",
        "approval_voided",
        "blocker",
        "budget_exhausted",
        "budget_extended",
        "budget_report_asked",
        "budget_warning",
        "check_rerun",
        "ci_failed",
        "ci_passed",
        "claim_decided",
        "gate_failed",
        "gate_passed",
        "policy_denied",
        "pr_approved",
        "pr_changes_requested",
        "pr_created",
        "pr_merged",
        "pr_published",
        "pr_updated",
        "question_answered",
        "release_decided",
        "review_withdrawn",
        "run_crashed",
        "run_started",
        "target_published",
        "ticket_claimed",
        "ticket_shipped",
        "tmux_lost",
        "watcher_started",
    }
)


class Person:
    """Plays until every ticket that can ship has shipped and the agents of the others are contained; patient with a
    watcher that is away for a while."""

    def __init__(self, paths: FleetPaths, tickets: Sequence[Ticket], tell: Callable[[Event], None]) -> None:
        self._paths = paths
        self._shipping = shipping(tickets)
        self._contained = len(tickets) - len(self._shipping)
        self._tell = tell
        self._seen = 0

    def play(self, time_limit_s: float) -> None:
        """Decide what comes up.

        Raises:
            FleetError: the story did not end within the time limit; says what was still open.
        """
        deadline = time.monotonic() + time_limit_s
        reader = Reader.open(self._paths.database)
        try:
            while not self._done(reader):
                if time.monotonic() > deadline:
                    raise FleetError("the demo did not end", self._open(reader), f"see {self._paths.log_file}")
                self._read(reader)
                self._act(reader)
                time.sleep(_LOOK_S)
            self._read(reader)
        finally:
            reader.close()

    def _done(self, reader: Reader) -> bool:
        shipped = {ticket.number for ticket in reader.tickets(TicketState.SHIPPED)}
        fleet = reader.fleet()
        contained = sum(agent.quarantined for agent in reader.agents())
        return self._shipping <= shipped and contained >= self._contained and fleet.published_sha == fleet.target_sha

    def _open(self, reader: Reader) -> str:
        states = ", ".join(f"#{t.number} {t.state.value} {t.blocked_reason}".strip() for t in reader.tickets())
        alarms = "; ".join(alarm.title for alarm in reader.alarms())
        return f"{states}. Alarms: {alarms or 'none'}"

    def _read(self, reader: Reader) -> None:
        for event in reader.events(after=self._seen, limit=1_000):
            self._seen = event.seq
            if _is_told(event):
                self._tell(event)

    def _act(self, reader: Reader) -> None:
        spent = [standing for standing in read_budgets(reader, time.time_ns()) if standing.spent]
        for standing in spent:
            self._extend(reader, standing)
        reporting = {standing.name for standing in spent}
        for question in reader.questions():
            # What an agent says at its ceiling is a report; the extension answers it.
            if question.agent not in reporting:
                self._command("answer", {"question": question.id, "text": ANSWER})
        for approval in reader.approvals(ApprovalState.REQUESTED):
            diff = self._command("diff", {"pr": approval.pr, "base": approval.base_sha, "head": approval.head_sha})
            if diff and diff.get("files"):
                shown = {"ui": "headless demo", "files": [file["path"] for file in diff["files"]]}
                self._command("approve", {"approval": approval.id, "head": approval.head_sha, "shown": shown})

    def _extend(self, reader: Reader, standing: Standing) -> None:
        """Half as much again, as `B` in the room does, once its agent has reported and is held, or has ended."""
        runs = reader.runs(*LIVE_RUNS, agent=standing.name)
        if all(run.state is RunState.LIMITED for run in runs):
            rule = standing.rule
            about = {"scope": rule.scope, "name": standing.name, "unit": rule.unit, "window": rule.window}
            self._command("extend_budget", {**about, "amount": rule.ceiling // 2, "reason": REASON})

    def _command(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        try:
            return operator.call(self._paths.operator_socket, op, args, time_limit_s=20)
        except (Conflict, WatcherUnavailable):
            return {}  # it changed meanwhile, or the watcher is being restarted: the next look decides anew


def _is_told(event: Event) -> bool:
    """Of a run's states only that it is held, of its risk only another band."""
    facts = event.payload
    if event.kind == "risk_changed":
        return bool(facts["band"] != facts["previous"])
    return event.kind in _TOLD or (event.kind == "run_state_changed" and facts["state"] == RunState.LIMITED.value)
