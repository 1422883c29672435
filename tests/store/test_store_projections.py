"""The tables: what each event does to them, and that they are always the fold of the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from fleet_tui.domain import events as ev
from fleet_tui.domain.states import (
    AlarmState,
    ApprovalState,
    EffectState,
    GateState,
    MessageState,
    PullRequestState,
    RunState,
    TicketState,
    Verdict,
)
from fleet_tui.store.audit import rebuild, verify
from fleet_tui.store.projections.registry import APPLY
from fleet_tui.store.reader import Reader
from fleet_tui.store.store import Store
from tests.store import histories

HEAD, BASE = "a" * 40, "b" * 40
QUEUED = ev.RunQueued("run-1", "ada", "developer", "scripted", None, "ticket_ready", 1)
STARTED = ev.RunStarted("run-1", "s", "uuid", "/w", "agent/1-x", BASE, "L0", 2, "t" * 64)
CREATED = ev.TicketCreated(1, "Login", "excerpt", "d" * 64, ["ready", "ui"], [2], 3)
PULL = ev.PullRequestCreated(7, 1, "Login", "body", "agent/1-x", "main", "ada", "run-1", HEAD, BASE, 2, 10, 1)
APPROVAL = ev.ApprovalRequested("apr", 7, 1, HEAD, BASE, "tree", "gates", "policy", ["L0"], 99)
PLANNED = ev.EffectPlanned("eff", "merge", "cas", "main", {"head": HEAD})
ALARM = ev.AlarmRaised("al", "silence", 2, "run-1 is silent", "look at it", "run:run-1")


class Log:
    """Records payloads and reads the tables."""

    def __init__(self, store: Store) -> None:
        self.read: Reader = store.reader
        self._store = store

    def add(self, *payloads: ev.Payload, actor: str = "watcher", cause: str | None = None) -> list[ev.Event]:
        drafts = [ev.draft(payload, "fleet", actor=actor, cause=cause) for payload in payloads]
        return self._store.append(drafts).result(timeout=10)

    def ticket(self) -> Any:
        return self.read.ticket(1)

    def run(self) -> Any:
        return self.read.run("run-1")

    def pull(self) -> Any:
        return self.read.pull_request(7)


@pytest.fixture
def log(store: Store) -> Iterator[Log]:
    yield Log(store)
    assert verify(store._database).problems == []


def test_a_whole_story_ends_in_the_right_rows(log: Log) -> None:
    log._store.append(histories.story()).result(timeout=10)
    ticket, pull, run = log.read.ticket(1), log.read.pull_request(1), log.read.run("run-1")
    assert ticket is not None
    assert pull is not None
    assert run is not None
    assert (ticket.state, ticket.pr, ticket.agent, ticket.depends_on) == (TicketState.SHIPPED, 1, "ada", (2,))
    assert (pull.state, pull.merge_sha) == (PullRequestState.MERGED, "f" * 40)
    assert (run.state, run.published, run.charged_ms, run.active_ms) == (RunState.FINISHED, True, 20_000, 15_000)
    assert [gate.state for gate in log.read.gates(pr=1)] == [GateState.PASSED]
    assert [approval.state for approval in log.read.approvals(pr=1)] == [ApprovalState.USED]
    assert [effect.state for effect in log.read.effects(name="merge")] == [EffectState.DONE]
    assert [(mail.agent, mail.summary) for mail in log.read.mail("bob")] == [("bob", "see the style guide")]
    assert log.read.workspaces() == []
    assert [space.backup_ref for space in log.read.workspaces(include_removed=True)] == ["refs/backup/1"]
    assert (log.read.fleet().target_sha, log.read.fleet().watcher_running) == ("f" * 40, True)
    assert log.read.open_pull_request(1) is None
    assert log.read.next_pull_request_number() == 2


def test_ticket_moves_between_draft_and_ready_only_while_nobody_works_on_it(log: Log) -> None:
    log.add(CREATED)
    assert (log.ticket().state, log.ticket().labels) == (TicketState.DRAFT, ("ready", "ui"))
    ready = log.add(ev.TicketReady(1))[0]
    assert (log.ticket().state, log.ticket().changed_ns) == (TicketState.READY, ready.at_ns)
    log.add(ev.TicketWithdrawn(1))
    assert log.ticket().state is TicketState.DRAFT
    claimed = log.add(ev.TicketReady(1), ev.TicketClaimed(1, "ada", "run-1"), ev.TicketReady(1), ev.TicketWithdrawn(1))[
        1
    ]
    assert (log.ticket().state, log.ticket().agent, log.ticket().run) == (TicketState.IN_PROGRESS, "ada", "run-1")
    assert log.ticket().changed_ns == claimed.at_ns


def test_a_changed_ticket_keeps_its_state(log: Log) -> None:
    log.add(CREATED, ev.TicketReady(1), ev.TicketChanged(1, "New", "e", "0" * 64, [], [], 1))
    assert (log.ticket().title, log.ticket().labels, log.ticket().state) == ("New", (), TicketState.READY)
    log.add(ev.TicketCreated(1, "Newer", "e", "0" * 64, [], [], 1))
    assert (log.ticket().title, log.ticket().state) == ("Newer", TicketState.READY)


def test_unblocked_goes_on_where_the_work_stands(log: Log) -> None:
    log.add(CREATED, QUEUED, STARTED, ev.TicketClaimed(1, "ada", "run-1"), ev.TicketBlocked(1, "thin", "q-1"))
    assert (log.ticket().state, log.ticket().blocked_reason, log.ticket().question) == (
        TicketState.BLOCKED,
        "thin",
        "q-1",
    )
    log.add(ev.TicketUnblocked(1, "answered"))
    assert (log.ticket().state, log.ticket().question, log.ticket().run) == (TicketState.IN_PROGRESS, None, "run-1")
    log.add(ev.RunFinished("run-1", "finished", 0, None, 1), ev.TicketBlocked(1, "again"), ev.TicketUnblocked(1, "x"))
    assert (log.ticket().state, log.ticket().run, log.ticket().agent) == (TicketState.READY, None, None)
    log.add(PULL, ev.TicketBlocked(1, "again"), ev.TicketUnblocked(1, "x"))
    assert log.ticket().state is TicketState.IN_REVIEW


def test_a_ticket_of_an_ended_run_waits_for_the_watchers_decision(log: Log) -> None:
    log.add(CREATED, QUEUED, STARTED, ev.TicketClaimed(1, "ada", "run-1"), ev.RunCrashed("run-1", 1, None, 5, "exit"))
    assert (log.ticket().state, log.ticket().run) == (TicketState.IN_PROGRESS, "run-1")
    log.add(ev.TicketClosed(1, "no"))
    assert log.ticket().state is TicketState.CLOSED


def test_a_run_from_queue_to_end(log: Log) -> None:
    queued = log.add(QUEUED)[0]
    assert (log.run().state, log.run().queued_id, log.run().started_ns) == (RunState.QUEUED, queued.id, None)
    started = log.add(STARTED)[0]
    assert (log.run().state, log.run().session, log.run().agent_epoch) == (RunState.STARTING, "s", 2)
    assert (log.run().started_ns, log.run().host) == (started.at_ns, "host-a")
    changed = log.add(ev.RunStateChanged("run-1", "waiting", "hook", "asks"), ev.RunStopRequested("run-1", "x"))[0]
    assert (log.run().state, log.run().state_source, log.run().state_reason) == (RunState.WAITING, "hook", "asks")
    assert (log.run().state_ns, log.run().stop_requested) == (changed.at_ns, True)
    ended = log.add(ev.RunCrashed("run-1", None, 9, 700, "killed"))[0]
    assert (log.run().state, log.run().signal, log.run().active_ms) == (RunState.CRASHED, 9, 700)
    log.add(ev.RunStateChanged("run-1", "running", "screen"), ev.RunFinished("run-1", "finished", 0, None, 1), STARTED)
    assert (log.run().state, log.run().ended_ns, log.run().exit_code) == (RunState.CRASHED, ended.at_ns, None)


def test_a_stop_is_held_taken_back_and_over_with_the_run(log: Log) -> None:
    def held() -> tuple[int | None, bool, bool]:
        run = log.run()
        return run.stop_until_ns, run.stop_again, run.stop_requested

    log.add(QUEUED, STARTED, ev.RunStopHeld("run-1", "wrong track", 77, again=True))
    assert held() == (77, True, False)
    log.add(ev.RunStopUndone("run-1"))
    assert held() == (None, False, False)
    log.add(ev.RunStopHeld("run-1", "wrong track", 78), ev.RunStopRequested("run-1", "wrong track"))
    assert held() == (None, False, True)
    log.add(ev.RunStopHeld("run-1", "once more", 79))
    assert held() == (None, False, True), "it is being stopped"
    log.add(ev.RunFinished("run-1", "stopped", 0, None, 1), ev.RunStopHeld("run-1", "too late", 80))
    assert held() == (None, False, True)


def test_the_end_of_a_run_ends_what_was_held(log: Log) -> None:
    log.add(QUEUED, STARTED, ev.RunStopHeld("run-1", "wrong track", 77), ev.RunCrashed("run-1", 1, None, 5, "exit"))
    assert log.run().stop_until_ns is None


def test_charges_only_grow_and_sum_up_by_agent(log: Log) -> None:
    log.add(QUEUED, ev.RunQueued("run-2", "ada", "developer", "scripted", None, "note"))
    log.add(*(ev.RunMetered("run-1", "ada", charged) for charged in (10_000, 20_000, 20_000, 10_000)))
    log.add(ev.RunMetered("run-2", "ada", 5_000), ev.RunMetered("nobody", "ada", 5_000))
    agent = log.read.agent("ada")
    assert agent is not None
    assert (log.run().charged_ms, agent.charged_ms) == (20_000, 25_000)


def test_runs_are_listed_newest_first_and_filtered(log: Log) -> None:
    for number in range(1, 5):
        agent = "ada" if number % 2 else "bob"
        log.add(ev.RunQueued(f"run-{number}", agent, "r", "v", None, "t", ticket=number, pr=number % 3))
    log.add(ev.RunFinished("run-4", "stopped", None, 15, 0))
    assert [run.id for run in log.read.runs()] == ["run-4", "run-3", "run-2", "run-1"]
    assert [run.id for run in log.read.runs(RunState.QUEUED, agent="ada")] == ["run-3", "run-1"]
    assert [run.id for run in log.read.runs(RunState.QUEUED, RunState.STOPPED, limit=2)] == ["run-4", "run-3"]
    assert [run.id for run in log.read.runs(ticket=2)] == ["run-2"]
    assert [run.id for run in log.read.runs(pr=1)] == ["run-4", "run-1"]


def test_questions_are_asked_and_answered(log: Log) -> None:
    log.add(QUEUED, ev.Blocker("q-1", "which colour?", "run-1", "ada", 1))
    (question,) = log.read.questions()
    assert (question.summary, question.answer, log.run().published) == ("which colour?", None, True)
    answered = log.add(ev.QuestionAnswered("q-1", "green", 1))[0]
    assert log.read.questions() == []
    (question,) = log.read.questions(open_only=False)
    assert (question.answer, question.answered_ns) == ("green", answered.at_ns)
    assert log.read.question("q-1") == question


def test_a_pull_request_and_its_reviews(log: Log) -> None:
    log.add(CREATED, QUEUED, PULL)
    assert (log.pull().state, log.pull().round, log.ticket().state) == (
        PullRequestState.NEEDS_REVIEW,
        1,
        TicketState.IN_REVIEW,
    )
    assert log.read.open_pull_request(1) == log.pull()
    log.add(
        ev.PullRequestApproved(7, "bob", "run-2", "reviewer", HEAD, "fine"),
        ev.PullRequestChangesRequested(7, "bob", "run-3", "reviewer", HEAD, "not quite"),
        ev.PullRequestApproved(7, "eve", "run-4", "security", HEAD, "safe"),
    )
    verdicts = [(review.agent, review.verdict, review.summary) for review in log.read.reviews(7)]
    assert verdicts == [("bob", Verdict.CHANGES_REQUESTED, "not quite"), ("eve", Verdict.APPROVED, "safe")]
    log.add(ev.PullRequestStateChanged(7, "changes_requested", "bob", 1))
    log.add(ev.PullRequestUpdated(7, "c" * 40, BASE, "run-5", 3, 11, 2), ev.PullRequestNeedsReview(7, "c" * 40, 2))
    pull = log.pull()
    assert (pull.state, pull.head_sha, pull.round, pull.files) == (PullRequestState.NEEDS_REVIEW, "c" * 40, 2, 3)
    log.add(ev.PullRequestApproved(7, "bob", "run-6", "reviewer", "c" * 40, "now"))
    assert len(log.read.reviews(7)) == 3


def test_a_merge_is_final(log: Log) -> None:
    log.add(PULL, ev.PullRequestMerged(7, 1, HEAD, BASE, "m" * 40, "tree", "main"))
    log.add(ev.PullRequestUpdated(7, "c" * 40, BASE, "r", 1, 1, 1), ev.PullRequestStateChanged(7, "closed", "", 1))
    assert (log.pull().state, log.pull().head_sha) == (PullRequestState.MERGED, HEAD)


def test_release_keeps_the_latest_decision(log: Log) -> None:
    log.add(QUEUED, ev.ReleaseDecided(7, "rel", "run-1", HEAD, "hold", "late"))
    log.add(ev.ReleaseDecided(7, "rel", "run-9", HEAD, "merge", "now"))
    release = log.read.release(7)
    assert release is not None
    assert (release.decision, release.summary, log.run().published) == ("merge", "now", True)


def test_gates_by_pull_request_and_tree(log: Log) -> None:
    log.add(
        ev.GateStarted("g1", "tests", 7, "tree", HEAD, BASE, "make"),
        ev.GateStarted("g2", "lint", 7, "t2", HEAD, BASE, "l"),
    )
    log.add(ev.GateFailed("g1", "tests", 7, "tree", 50, None, "log", "tail", "time limit"))
    first, second = log.read.gates(pr=7)
    assert (first.state, first.exit_code, first.reason) == (GateState.FAILED, None, "time limit")
    assert (second.state, log.read.gates(tree="t2")) == (GateState.RUNNING, [second])


def test_an_approval_is_granted_undone_and_used_once(log: Log) -> None:
    log.add(APPROVAL)
    granted = log.add(ev.ApprovalGranted("apr", 7, "kim", 55))[0]
    approval = log.read.approval("apr")
    assert approval is not None
    assert (approval.state, approval.decided_by, approval.decided_ns) == (ApprovalState.HELD, "kim", granted.at_ns)
    assert (approval.hold_until_ns, approval.reasons) == (55, ("L0",))
    log.add(ev.ApprovalUndone("apr", 7, "kim"))
    approval = log.read.approval("apr")
    assert approval is not None
    assert (approval.state, approval.decided_by, approval.hold_until_ns) == (ApprovalState.REQUESTED, None, None)
    log.add(PULL, ev.ApprovalGranted("apr", 7, "kim", 55))
    log.add(ev.PullRequestMerged(7, 1, HEAD, BASE, "m" * 40, "tree", "main", "apr"))
    log.add(ev.ApprovalExpired("apr", 7), ev.ApprovalGranted("apr", 7, "eve", 1), ev.ApprovalVoided("apr", 7, "x"))
    assert [approval.id for approval in log.read.approvals(ApprovalState.USED)] == ["apr"]


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (ev.ApprovalDenied("apr", 7, "kim", "reject", "no"), ApprovalState.DENIED),
        (ev.ApprovalVoided("apr", 7, "new commits"), ApprovalState.VOIDED),
        (ev.ApprovalExpired("apr", 7), ApprovalState.EXPIRED),
    ],
)
def test_an_ended_approval_never_comes_back(log: Log, end: ev.Payload, state: ApprovalState) -> None:
    log.add(APPROVAL, end, ev.ApprovalGranted("apr", 7, "kim", 55), ev.ApprovalUndone("apr", 7, "kim"), APPROVAL)
    assert [approval.state for approval in log.read.approvals()] == [state]


def test_agents_latches_survive_configurations(log: Log) -> None:
    log.add(
        ev.AgentQuarantined("ada", "secrets", "leak", 3),
        ev.PolicyDenied("push", "no", "ada"),
        ev.AgentPaused("ada", ""),
    )
    ada = log.read.agent("ada")
    assert ada is not None
    assert (ada.configured, ada.quarantined, ada.epoch, ada.denials, ada.paused) == (False, True, 3, 1, True)
    described = {
        "name": "ada",
        "role": "dev",
        "vendor": "v",
        "subscribes_to": ["x"],
        "budget_s": 60,
        "reports_to": "eve",
    }
    log.add(ev.BudgetExtended("ada", 30, "x"), ev.ConfigLoaded("s1", "p", [described, {"name": "bob"}]))
    ada = log.read.agent("ada")
    assert ada is not None
    assert (ada.configured, ada.role, ada.subscribes_to, ada.budget_s) == (True, "dev", ("x",), 60)
    assert (ada.quarantined, ada.extended_s, ada.enabled, ada.reports_to) == (True, 30, True, "eve")
    log.add(ev.AgentReleased("ada", "looked at it", 4), ev.AgentResumed("ada", ""), ev.MailAcknowledged("ada", 9))
    log.add(ev.MailAcknowledged("ada", 4), ev.ConfigLoaded("s2", "p", [{"name": "bob"}]))
    ada = log.read.agent("ada")
    assert ada is not None
    assert (ada.quarantined, ada.epoch, ada.denials, ada.paused, ada.acked_seq) == (False, 4, 0, False, 9)
    assert [(agent.name, agent.configured) for agent in log.read.agents()] == [("ada", False), ("bob", True)]


def test_the_fleets_row(log: Log) -> None:
    assert log.read.fleet().config_sha == ""
    log.add(
        ev.WatcherStarted("1", 42, "host-a", "b", "L1"), ev.ConfigLoaded("s1", "p1", []), ev.ConfigRejected(["line 3"])
    )
    fleet = log.read.fleet()
    assert (fleet.watcher_pid, fleet.watcher_running, fleet.isolation, fleet.watcher_epoch) == (42, True, "L1", 1)
    assert (fleet.config_sha, fleet.config_problems) == ("s1", ("line 3",))
    log.add(ev.ConfigLoaded("s2", "p2", []), ev.TargetMoved("main", BASE, HEAD, "merge"))
    log.add(ev.TargetPublished("main", HEAD, "ref"), ev.WatcherStopped("asked"))
    fleet = log.read.fleet()
    assert (fleet.policy, fleet.config_problems, fleet.watcher_running) == ("p2", (), False)
    assert (fleet.target, fleet.target_sha, fleet.published_sha) == ("main", HEAD, HEAD)


def test_who_is_behind_a_subject(log: Log) -> None:
    log.add(
        QUEUED,
        CREATED,
        ev.TicketClaimed(1, "ada", "run-1"),
        ev.TicketCreated(2, "Other", "", "d" * 64, [], [], 0),
        PULL,
    )
    asked = ("run:run-1", "run:run-9", "pr:7", "pr:x' OR 1=1", "ticket:1", "ticket:2", "agent:kim", "agent:", "fleet")
    assert log.read.agents_behind(asked) == {"run:run-1": "ada", "pr:7": "ada", "ticket:1": "ada", "agent:kim": "kim"}
    assert log.read.agents_behind(()) == {}


def test_alarms_are_raised_acknowledged_cleared_and_raised_again(log: Log) -> None:
    log.add(ALARM, ev.AlarmAcknowledged("al", "kim"))
    (alarm,) = log.read.alarms(AlarmState.ACKNOWLEDGED)
    assert alarm.acknowledged_by == "kim"
    cleared = log.add(ev.AlarmCleared("al", "it spoke"), ev.AlarmAcknowledged("al", "kim"))[0]
    (alarm,) = log.read.alarms()
    assert (alarm.state, alarm.cleared_ns) == (AlarmState.CLEARED, cleared.at_ns)
    log.add(ALARM, ev.AlarmRaised("al-1", "x", 1, "t", "r", "fleet"))
    assert [(alarm.id, alarm.acknowledged_by) for alarm in log.read.alarms(AlarmState.ACTIVE)] == [
        ("al-1", None),
        ("al", None),
    ]


def test_an_effect_believes_only_the_attempt_that_holds_the_fence(log: Log) -> None:
    planned = log.add(PLANNED, cause="ev-cause")[0]
    (effect,) = log.read.effects(EffectState.READY)
    assert (effect.cause, effect.planned_ns, effect.precondition) == ("ev-cause", planned.at_ns, {"head": HEAD})
    log.add(ev.EffectAttempted("eff", 1), ev.EffectUncertain("eff", 1))
    assert [effect.state for effect in log.read.effects()] == [EffectState.UNCERTAIN]
    log.add(ev.EffectFailed("eff", 1, "was not done", retry=True), ev.EffectAttempted("eff", 2))
    log.add(ev.EffectDone("eff", 1, "stale"), ev.EffectAttempted("eff", 1))
    assert [(effect.state, effect.fence) for effect in log.read.effects()] == [(EffectState.ATTEMPTING, 2)]
    log.add(ev.EffectDone("eff", 2, "landed"), ev.EffectFailed("eff", 2, "late"), PLANNED)
    assert [(effect.state, effect.result) for effect in log.read.effects()] == [(EffectState.DONE, "landed")]
    log.add(ev.EffectPlanned("eff-2", "tell", "once", "pane"), ev.EffectAttempted("eff-2", 1))
    log.add(ev.EffectFailed("eff-2", 1, "gone"))
    assert [(effect.id, effect.error) for effect in log.read.effects(EffectState.FAILED)] == [("eff-2", "gone")]


def test_messages_and_their_receipts(log: Log) -> None:
    log.add(
        ev.MessageSent("m1", "run-1", "prompt", "hello"),
        ev.MessageSent("m2", "run-2", "answer", "yes"),
        actor="operator:k",
    )
    log.add(ev.MessageDelivered("m1", "run-1", "failed", "pane gone"))
    (message,) = log.read.messages(MessageState.QUEUED)
    assert (message.id, message.sender, message.text) == ("m2", "operator:k", "yes")
    (message,) = log.read.messages(run="run-1")
    assert (message.state, message.reason) == (MessageState.FAILED, "pane gone")
    assert log.read.message("m1") == message


def test_mail_goes_to_everyone_named_by_any_kind(log: Log) -> None:
    note = log.add(ev.Note("see a.py", to=["bob", "eve", "bob"]), actor="agent:ada/run-1")[0]
    odd = log._store.append([ev.Draft("from_the_future", {"to": ["bob"], "x": 1}, "fleet")]).result(timeout=10)[0]
    letters = log.read.mail("bob")
    assert [(mail.seq, mail.sender, mail.summary) for mail in letters] == [
        (note.seq, "agent:ada/run-1", "see a.py"),
        (odd.seq, "watcher", "from_the_future"),
    ]
    assert letters[1].payload == {"to": ["bob"], "x": 1}
    assert [mail.seq for mail in log.read.mail("bob", after_seq=note.seq)] == [odd.seq]
    assert len(log.read.mail("bob", limit=1)) == 1
    assert log.read.mail("ada") == []


def test_every_kind_of_event_is_known_to_the_tables_or_history_only() -> None:
    history_only = {
        "act_allowed", "evidence_kept", "evidence_removed", "work_discarded",
        "agent_respawned", "artifact", "body_erased", "budget_exhausted", "budget_report_asked", "budget_warning",
        "budget_extension_seconded", "claim", "hand_over_refused", "handoff", "memory_exhausted",
        "merge_failed", "note", "operator_acted", "run_interrupt_requested", "screen_unmatched", "session_started",
        "schedule_fired", "agents_revised", "teams_revised",
        "tmux_lost", "ci_failed", "ci_passed", "claim_decided", "pr_published", "check_rerun",
        "release_requested", "release_seconded", "release_declined", "release_tagged",
    }  # fmt: skip
    assert set(ev.PAYLOADS) - set(APPLY) == history_only
    assert set(APPLY) <= set(ev.PAYLOADS)


@given(histories.calls())
@settings(max_examples=60, deadline=None)
def test_tables_are_the_fold_of_the_log_after_any_history(calls: list[list[ev.Draft]]) -> None:
    with histories.directory() as directory:
        store = Store.open(directory / "fleet.db", host="h", blobs=directory)
        futures = [store.append(call) for call in calls]
        recorded = {event.seq: event for future in futures for event in future.result(timeout=10)}
        store.close()
        report = verify(directory / "fleet.db")
        assert report.problems == []
        assert report.last_seq == len(recorded) == max(recorded, default=0)
        assert rebuild(directory / "fleet.db").differences == ()
        assert verify(directory / "fleet.db").problems == []
        reader = Reader.open(directory / "fleet.db")
        assert {event.seq: event for event in reader.events(limit=1000)} == recorded
        _read_everything(reader)
        reader.close()


def _read_everything(reader: Reader) -> None:
    """Every row turns into its value, whatever the history was."""
    reader.fleet(), reader.agents(), reader.tickets(), reader.runs(), reader.pull_requests(), reader.gates()
    reader.approvals(), reader.questions(open_only=False), reader.messages(), reader.alarms(), reader.effects()
    reader.workspaces(include_removed=True)
    for number in (1, 2, 3):
        reader.reviews(number), reader.release(number), reader.open_pull_request(number)
    for agent in histories.AGENTS:
        reader.mail(agent)
