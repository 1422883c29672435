"""A run's first moment and the last lines of its pane: from a real tmux server, cut, clean, private, and kept once."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet_tui.domain.model import Run
from fleet_tui.readmodel.output import read_output
from fleet_tui.tmux import runner_client
from fleet_tui.tmux.records import RUNNER, RunSpec, read_exit
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.runs import ending
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, until


@pytest.fixture
async def fleet(make_fleet: MakeFleet) -> AsyncIterator[Fleet]:
    fleet = await make_fleet()
    await fleet.ctx.tmux.ensure()
    yield fleet
    await fleet.ctx.tmux.stop()


async def begun(fleet: Fleet, program: str) -> Run:
    """A run whose runner is being started on ``program`` (Python)."""
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    run_dir = fleet.ctx.paths.run_dir(run.id)
    argv, environment = (sys.executable, "-c", program), {"PATH": os.environ["PATH"], "PYTHONUTF8": "1"}
    runner_client.write_spec(run_dir, RunSpec(run.id, argv, run.workspace, environment))
    runner = runner_client.runner_argv(run_dir)
    await fleet.ctx.tmux.spawn(run.session, runner, cwd=Path(run.workspace), uuid=run.pane_uuid)
    return run


async def ended(fleet: Fleet, program: str) -> Run:
    """A run that played ``program`` (Python) to its end."""
    run = await begun(fleet, program)
    run_dir = fleet.ctx.paths.run_dir(run.id)
    await until(lambda: read_exit(run_dir) and not runner_client.runner_alive(run_dir))
    await ending.keep_output(fleet.ctx, run)
    return run


async def test_everything_written_before_the_end_is_there(fleet: Fleet) -> None:
    run = await ended(fleet, "for i in range(5000): print('line', i)\nprint('\\x1b[31mKeyError\\x1b[0m: ' + 'x' * 300)")
    path = fleet.ctx.paths.run_output(run.id)
    lines = read_output(path)
    assert lines is not None
    assert lines[-1] == "KeyError: " + "x" * 300
    assert lines[0] == f"line {5000 - ending.LINES + 1}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_flood_in_one_line_is_cut(fleet: Fleet) -> None:
    run = await ended(fleet, "print('\U0001d49c' * 30_000)\nprint('the end')")
    kept = fleet.ctx.paths.run_output(run.id).read_bytes()
    assert len(kept) <= 65_537
    assert kept.decode().splitlines()[-1] == "the end"


async def test_what_is_kept_stays(fleet: Fleet) -> None:
    run = await ended(fleet, "print('first')")
    await fleet.ctx.tmux.kill(run.session)
    await ending.keep_output(fleet.ctx, run)
    assert read_output(fleet.ctx.paths.run_output(run.id)) == ("first",)


async def test_neither_a_lost_pane_nor_a_full_disk_hinders_the_end(fleet: Fleet) -> None:
    run = await ended(fleet, "print('first')")
    other = replace(run, id="run-other", session="run-other")
    await ending.keep_output(fleet.ctx, other)
    assert not fleet.ctx.paths.run_output(other.id).exists()
    fleet.ctx.paths.run_output(run.id).unlink()
    fleet.ctx.paths.evidence.rmdir()
    await asyncio.to_thread(fleet.ctx.paths.evidence.write_text, "in the way")
    await ending.keep_output(fleet.ctx, run)


@pytest.mark.parametrize(
    ("why", "code", "refusal", "told"),
    [
        ("exited", 3, "", "exited"),
        ("exited", 0, "", "it ended without handing its work over"),
        ("exited", 0, "nothing to review: x", "it ended without handing its work over: nothing to review: x"),
        ("exited", 1, "nothing to review: x", "exited: nothing to review: x"),
    ],
)
def test_reasons(why: str, code: int, refusal: str, told: str) -> None:
    assert ending.without_result(why, code, refusal) == told


async def test_a_runner_that_says_it_lives_while_it_is_looked_for_is_not_ended(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await begun(fleet, "import signal; signal.pause()")
    run_dir = fleet.ctx.paths.run_dir(run.id)
    await until(lambda: runner_client.runner_alive(run_dir))
    record, alive = run_dir / RUNNER, runner_client.runner_alive
    hidden = record.rename(record.with_suffix(".hidden"))

    def just_before_it_said_so(where: Path) -> bool:
        seen = alive(where)
        hidden.rename(record)
        return seen

    monkeypatch.setattr(runner_client, "runner_alive", just_before_it_said_so)
    await runs.observe(fleet.ctx)
    monkeypatch.undo()
    await fleet.ctx.jobs.idle()
    assert runner_client.runner_alive(run_dir)
    assert read_exit(run_dir) is None
    assert fleet.events("run_crashed") == []
