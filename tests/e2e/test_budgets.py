"""Agents that come to the end of their budget: asked for a report, held, given more; or stopped. kill -9 on the way."""

from __future__ import annotations

import contextlib
import os
import signal
from copy import deepcopy
from typing import Any

import psutil
import pytest

from fleet_tui.domain.states import TicketState
from fleet_tui.tmux.records import read_spec
from fleet_tui.watcher.lock import read_holder
from tests.e2e.e2e_support import REVIEWER, WRITES, Place, scene, stands_still

pytestmark = pytest.mark.slow
USES = {"usage": {"model": "claude-sonnet-4-5", "input_tokens": 900, "output_tokens": 100, "request_id": "req-1"}}
TOKENS = {"scope": "agent", "name": "dev", "unit": "tokens", "ceiling": 1000, "grace_s": 20}
REPORTS = scene("developer", {"ask": "Done: a plan. Left: the page."}, *WRITES, trigger="message")


def row(place: Place, **wanted: Any) -> dict[str, Any]:
    (found,) = [r for r in place.run("budget", "--json").json if all(r[name] == v for name, v in wanted.items())]
    return dict(found)


def _belongs_to(place: Place, process: psutil.Process) -> bool:
    """Whether the process was started for this very fleet: nobody else's may be killed."""
    with contextlib.suppress(psutil.Error):
        return process.environ().get("FLEET_STATE_HOME") == place.env["FLEET_STATE_HOME"]
    return False


def test_asked_for_a_report_paused_extended_by_a_person_and_on_it_goes(place: Place) -> None:
    place.configure([REPORTS, scene("developer", USES, deepcopy(USES)), REVIEWER], budgets=[TOKENS])
    place.fleet("watcher", "start")
    place.ticket("Work")
    place.until(lambda: place.agent_state("dev") == "limited", "it reported and is held")
    child = place.child("dev")
    assert child is not None
    place.until(lambda: stands_still(child), "it is frozen")
    assert len(place.events("budget_warning")) == 1
    assert len(place.events("budget_report_asked")) == 1
    assert len(place.events("usage_reported")) == 1 + 2, "the request once, and two prompts that were taken up"
    (question,) = place.run("question", "list", "--json").json
    assert question["summary"] == "Done: a plan. Left: the page."
    tokens = row(place, name="dev", unit="tokens")
    assert (tokens["used"], tokens["ceiling"], tokens["exhausted"]) == (1000, 1000, True)
    assert "the budget of agent dev is used up: 1.0k tokens of 1.0k tokens" in place.fleet("status")
    done = place.fleet("budget", "extend", "agent:dev", "5k", "--reason", "worth it")
    assert "agent dev may use 5.0k tokens more" in done
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.until(lambda: place.alarm("budget") is None, "the alarm clears")
    assert place.run("question", "list", "--json").json == []
    (extension,) = place.events("budget_extended")
    assert (extension.actor.startswith("operator:"), extension.payload["reason"]) == (True, "worth it")
    place.fleet("verify", "--deep")


def test_one_that_ignores_it_is_stopped_after_the_grace(place: Place) -> None:
    deaf = scene("developer", USES, {"run": ["sleep", "600"]})
    place.configure([deaf, REVIEWER], budgets=[{**TOKENS, "grace_s": 2}])
    place.fleet("watcher", "start")
    place.ticket("Work")
    place.until(lambda: place.events("run_finished"), "it is stopped")
    (end,) = place.events("run_finished")
    assert end.payload["outcome"] == "stopped"
    (stop,) = place.events("run_stop_requested")
    assert "gave no report" in stop.payload["reason"]
    queued = place.until(lambda: place.reader.runs(limit=1)[0].trigger == "ticket_ready", "it waits for its budget")
    assert queued
    assert place.live_run("dev") is None
    place.tell(scene("developer", *WRITES), REVIEWER)
    place.fleet("budget", "extend", "dev", "50k")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)


def test_a_dead_watcher_lets_nobody_overspend_and_the_books_are_right_after_it(place: Place) -> None:
    """Its runner stops the run at the last instant that was paid for; the next watcher finds the same ledger."""
    budgets = [{"scope": "fleet", "unit": "seconds", "ceiling": 12, "grace_s": 0}]
    place.configure([scene("developer", {"run": ["sleep", "600"]}), REVIEWER], budgets=budgets)
    place.fleet("watcher", "start")
    place.ticket("Work")
    place.until(lambda: place.events("run_metered"), "its first slice is bought")
    child = place.until(lambda: place.child("dev"), "the agent's process")
    started = place.live_run("dev")
    assert started is not None
    assert read_spec(place.paths.run_dir(started.id)).limit_ms == 12_000, "whether or not anybody tells it more"
    holder = read_holder(place.paths.lock)
    assert holder is not None
    pid = int(str(holder["pid"]))
    parent = psutil.Process(pid).parent()
    if parent is not None and _belongs_to(place, parent):
        os.kill(parent.pid, signal.SIGKILL)  # its supervisor, which would start it again
    os.kill(pid, signal.SIGKILL)
    place.until(lambda: stands_still(child), "it stops by itself")
    place.fleet("watcher", "start")
    place.until(lambda: place.agent_state("dev") == "limited", "it is held")
    fleet = row(place, scope="fleet")
    assert (fleet["used"], fleet["exhausted"]) == (12, True)
    run = place.live_run("dev")
    assert run is not None
    assert 12_000 <= run.charged_ms <= 12_200, "by its runner, not when a watcher next looked"
    place.fleet("verify", "--deep")


def test_a_short_run_costs_what_it_took(place: Place) -> None:
    place.configure(
        [scene("developer", *WRITES), REVIEWER], budgets=[{"scope": "fleet", "unit": "seconds", "ceiling": 900}]
    )
    place.fleet("watcher", "start")
    place.ticket("Work")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    runs = place.until(lambda: [r for r in place.reader.runs(agent="dev") if r.ended_ns], "the run has ended")
    assert runs[0].charged_ms == runs[0].active_ms
    assert runs[0].charged_ms % 10_000 != 0
    place.until(lambda: all(r.ended_ns for r in place.reader.runs()) or None, "the reviewer's run has ended too")
    used_s = sum(r.charged_ms for r in place.reader.runs()) // 1000
    assert row(place, scope="fleet")["used"] == used_s
