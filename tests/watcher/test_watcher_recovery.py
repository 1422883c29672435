"""What a killed watcher left behind is cleared away at the next start, and a lost run is replaced once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fleet_tui.domain.events import RunCrashed
from fleet_tui.domain.states import RunState, TicketState
from fleet_tui.governance.lifecycle import LOST
from fleet_tui.tmux import proctree
from fleet_tui.watcher.confinement.commands import COMMAND_MARKER
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.recovery import clear_interrupted
from tests.watcher.watcher_support import Fleet, until

_WAIT = "import signal; signal.pause()"


@pytest.fixture
def orphan(fleet: Fleet) -> Iterator[subprocess.Popen[bytes]]:
    """A gate that goes on although its watcher is dead."""
    environment = {**os.environ, COMMAND_MARKER: fleet.ctx.commands.fleet}
    process = subprocess.Popen([sys.executable, "-c", _WAIT], env=environment, start_new_session=True)
    yield process
    process.kill()
    process.wait(60)


async def test_a_gate_nobody_waits_for_is_ended(fleet: Fleet, orphan: subprocess.Popen[bytes]) -> None:
    (fleet.ctx.paths.gates / "tree").mkdir()
    # Of a program that just begins, the kernel does not tell the environment yet.
    await until(lambda: proctree.marked(COMMAND_MARKER, fleet.ctx.commands.fleet), 40)
    await clear_interrupted(fleet.ctx)
    assert await until(lambda: orphan.poll() is not None, 40)
    assert list(fleet.ctx.paths.gates.iterdir()) == []


async def test_checkouts_of_ended_runs_go_and_of_others_stay(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    (waiting,) = fleet.ctx.reader.runs(RunState.QUEUED)
    commit = await fleet.ctx.home.base()
    kept = await fleet.ctx.home.workspaces.review_checkout(waiting.id, commit)
    left = await fleet.ctx.home.workspaces.review_checkout("run-long-gone", commit)
    await clear_interrupted(fleet.ctx)
    assert kept.is_dir()
    assert not left.exists()


async def test_the_pane_of_an_ended_run_is_swept(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.ctx.tmux.ensure()
    await fleet.ctx.tmux.spawn(run.session, ["sleep", "600"], cwd=fleet.ctx.paths.state, uuid=run.pane_uuid)
    await fleet.end(run)
    await clear_interrupted(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert await fleet.ctx.tmux.panes() == []


@pytest.mark.parametrize("reason", ["signalled", f"{LOST}its tmux server ended"])
async def test_a_replacement_takes_the_ticket_over(fleet: Fleet, reason: str) -> None:
    await fleet.ticket()
    await fleet.settle()
    attempts = 1
    for _ in range(2):
        run = await fleet.queued("dev")
        await fleet.say(RunCrashed(run.id, None, 9, 0, reason), f"run:{run.id}")
        await fleet.settle()
        (successor,) = fleet.occupying()
        attempts += not reason.startswith(LOST)
        assert (successor.previous, successor.attempt) == (run.id, attempts)
        assert fleet.of_ticket().run == successor.id
        assert fleet.of_ticket().state is TicketState.IN_PROGRESS
        fleet.later(60)


async def test_an_answer_after_the_end_starts_one_run_only(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.publish(run, "blocker", "How many digits?")
    await fleet.end(run)
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.BLOCKED
    (question,) = fleet.ctx.reader.questions()
    await fleet.person.answer("kim", "answer", {"question": question.id, "text": "two"})
    await fleet.settle()
    (successor,) = fleet.occupying()
    assert "two" in successor.instructions
    assert (fleet.of_ticket().state, fleet.of_ticket().run) == (TicketState.IN_PROGRESS, successor.id)


async def test_a_replacement_hears_what_the_dead_one_was_answered(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.publish(run, "blocker", "How many digits?")
    (question,) = fleet.ctx.reader.questions()
    await fleet.person.answer("kim", "answer", {"question": question.id, "text": "exactly two"})
    await fleet.say(RunCrashed(run.id, None, 9, 0, "signalled"), f"run:{run.id}")
    await fleet.settle()
    (successor,) = fleet.occupying()
    assert successor.previous == run.id
    assert "exactly two" in successor.instructions


async def test_the_loss_of_tmux_is_told_once(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    for _ in range(3):
        await runs.observe(fleet.ctx)
    await fleet.ctx.jobs.idle()
    await runs.observe(fleet.ctx)
    assert [event.payload["runs"] for event in fleet.events("tmux_lost")] == [[run.id]]
    (crashed,) = fleet.events("run_crashed")
    assert crashed.payload["reason"].startswith(LOST), "it never had a runner: no fault of the agent's"
