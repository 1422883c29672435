"""What a person does to agents by the command line, seen in the processes and in the outcome."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import psutil
import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import DEVELOPER, PLAIN, REVIEWER, WRITES, Place, scene, stands_still

pytestmark = pytest.mark.slow
WAITS = scene("developer", {"wait_for": "message"}, *WRITES)
WORKS = scene("developer", {"run": ["sleep", "600"]})


def tree(place: Place, agent: str = "dev") -> list[psutil.Process]:
    """The agent's processes, once its own command runs too."""

    def whole() -> list[psutil.Process] | None:
        child = place.child(agent)
        with contextlib.suppress(psutil.NoSuchProcess):  # one that came and went meanwhile: look again
            below = child.children(recursive=True) if child else []
            return [child, *below] if child and any(process.name() == "sleep" for process in below) else None
        return None

    return place.until(whole, f"{agent} and its command run")


def all_stopped(processes: list[psutil.Process]) -> bool:
    """Of those that are still there; the first, the agent's own, must be."""
    assert processes[0].is_running()
    there = [process for process in processes if process.is_running()]
    return all(stands_still(process) for process in there)


def test_a_question_is_answered_by_the_ticket_s_number(place: Place) -> None:
    answers = {"write": {"path": "answer.md", "text": "{answer}"}}
    place.configure([scene("developer", {"ask": "Two or three?"}, answers, *WRITES), REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("Count")
    place.until_ticket(1, TicketState.BLOCKED)
    (question,) = place.run("question", "list", "--json").json
    assert (question["agent"], question["ticket"], question["summary"]) == ("dev", 1, "Two or three?")
    assert "dev: ASK Two or three?" in place.fleet("status")
    place.fleet("question", "answer", "#1", "Three, $(touch /tmp/x); `id`")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.until(lambda: (place.repository / "answer.md").exists(), "the answer lands")
    assert (place.repository / "answer.md").read_text() == "Three, $(touch /tmp/x); `id`"
    again = place.run("question", "answer", "#1", "Four")
    assert (again.code, "ticket #1 asks nothing" in again.err) == (2, True)
    by_id = place.run("question", "answer", question["id"], "Four")
    assert (by_id.code, "already answered" in by_id.err) == (1, True)


def test_pause_freezes_every_process_and_resume_thaws_them(place: Place) -> None:
    place.configure([WORKS])
    place.fleet("watcher", "start")
    place.ticket("Work")
    processes = tree(place)
    place.fleet("agent", "pause", "dev", "--reason", "lunch")
    place.until(lambda: all_stopped(processes), "all processes are stopped")
    place.until(lambda: place.agent_state("dev") == "paused", "the run is paused")
    assert "PAUS" in place.fleet("agent", "list")
    twice = place.run("agent", "pause", "dev")
    assert (twice.code, "already paused" in twice.err) == (1, True)
    place.fleet("agent", "resume", "dev")
    place.until(lambda: not any(stands_still(p) for p in processes), "all go on")
    place.until(lambda: place.agent_state("dev") == "running", "the run goes on")


def test_an_interrupted_agent_stays_and_takes_the_next_message(place: Place) -> None:
    place.configure([scene("developer", *WRITES, trigger="message"), WORKS, REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("Work")
    processes = tree(place)
    said = place.fleet("agent", "interrupt", "dev")
    assert said == "Escape was sent to dev; its turn is over, the run stays\n"
    place.until(lambda: not processes[-1].is_running(), "the command of the turn is ended")
    assert processes[0].is_running()
    assert place.agent_state("dev") == "waiting"
    again = place.run("agent", "interrupt", "dev")
    assert (again.code, "waits for input" in again.err) == (1, True)
    place.fleet("agent", "message", "dev", "go on")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.until(lambda: place.live_run("dev") is None, "nothing runs any more")
    assert place.run("agent", "interrupt", "dev").code == 1
    assert place.run("verify", "--deep").code == 0


def test_quarantine_freezes_and_release_starts_anew(place: Place) -> None:
    place.configure([WORKS, REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("Work")
    processes = tree(place)
    place.fleet("agent", "quarantine", "dev", "--reason", "odd pushes")
    place.until(lambda: all_stopped(processes), "all processes are stopped")
    assert "dev QUARANTINED: odd pushes" in place.fleet("status")
    assert "quarantined: odd pushes" in place.fleet("agent", "explain", "dev")
    assert place.run("agent", "release", "dev").code == 2, "a release needs a reason"
    place.tell(DEVELOPER, REVIEWER)
    place.fleet("agent", "release", "dev", "--reason", "it was a test")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    assert not any(process.is_running() for process in processes)
    assert [run.trigger for run in place.reader.runs(agent="dev")] == ["ticket_ready"] * 2
    place.until(lambda: place.alarm("quarantine") is None, "the alarm clears")
    place.fleet("verify", "--deep")


def test_a_stopped_agent_s_ticket_waits_until_it_is_marked_ready(place: Place) -> None:
    place.configure([WORKS, REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("Work")
    processes = tree(place)
    place.fleet("agent", "stop", "dev", "--reason", "wrong track")
    place.until_ticket(1, TicketState.BLOCKED)
    assert not any(process.is_running() for process in processes)
    assert "dev was stopped; mark it ready" in place.fleet("ticket", "show", "1")
    nothing = place.run("agent", "stop", "dev")
    assert (nothing.code, "nothing is running" in nothing.err) == (1, True)
    place.tell(*PLAIN)
    place.fleet("ticket", "ready", "1")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)


def test_an_exhausted_budget_freezes_and_an_extension_thaws(place: Place) -> None:
    budgets = [{"scope": "agent", "name": "dev", "unit": "seconds", "ceiling": 5, "grace_s": 0}]
    place.configure([WAITS, REVIEWER], budgets=budgets)
    place.fleet("watcher", "start")
    place.ticket("Work")
    child = place.until(lambda: place.child("dev"), "the agent's process")
    place.until(lambda: place.agent_state("dev") == "limited", "the budget is used up")
    place.until(lambda: stands_still(child), "it is frozen")
    assert "the budget of agent dev is used up: 5 s of 5 s" in place.fleet("status")
    (row,) = place.run("budget", "--json").json
    assert (row["name"], row["used"], row["ceiling"], row["exhausted"]) == ("dev", 5, 5, True)
    run = place.live_run("dev")
    assert run is not None
    assert run.charged_ms <= 5_100, "stopped by its own runner, not when the watcher next looked"
    place.fleet("budget", "extend", "dev", "600", "--reason", "nearly done")
    place.until(lambda: not stands_still(child), "it goes on")
    place.until(lambda: place.alarm("budget") is None, "the alarm clears")
    place.fleet("agent", "message", "dev", "go on")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.fleet("verify", "--deep")
    none = place.run("budget", "extend", "rev", "600")
    assert (none.code, "rev has no budget" in none.err) == (1, True)


@pytest.mark.parametrize("words", [("pause",), ("stop",), ("message", "hello"), ("quarantine", "--reason", "x")])
def test_an_unknown_agent_is_answered_with_the_known_ones(place: Place, words: tuple[str, ...]) -> None:
    place.configure(PLAIN)
    place.fleet("watcher", "start")
    done = place.run("agent", words[0], "ghost", *words[1:])
    assert done.code == 2
    assert "no such agent: ghost" in done.err
    assert "agents: dev, rev" in done.err


def test_two_persons_approve_one_of_them_by_signature(place: Place, tmp_path: Path) -> None:
    key = tmp_path / "lou"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    approval = {
        "hold_s": 0,
        "rules": [{"name": "two", "quorum": 2}],
        "signers": [{"name": "lou", "key": key.with_suffix(".pub").read_text().strip()}],
    }
    place.configure([scene("developer", *WRITES), REVIEWER], approval=approval)
    place.fleet("watcher", "start")
    place.ticket("Count")
    asked = place.until_approval(1)
    said = place.fleet("approval", "approve", "1", "--head", asked.head_sha[:8])
    assert "1 of 2 persons approve PR 1; it waits for another one" in said
    twice = place.run("approval", "approve", "1", "--head", asked.head_sha[:8])
    assert (twice.code, "already approved by you" in twice.err) == (1, True)
    # Lou signs on another machine what `fleet approval statement` printed, and somebody hands it in.
    statement = tmp_path / "one"
    statement.write_text(place.fleet("approval", "statement", "1"))
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "fleet", "-f", str(key), str(statement)], check=True)
    signature = f"{statement}.sig"
    place.fleet("approval", "approve", "1", "--head", asked.head_sha[:8], "--signature", signature)
    place.until_ticket(1, TicketState.SHIPPED)
    (granted,) = place.events("approval_granted")
    assert granted.actor == "signer:lou"
