"""A run's directory belongs to its agent: whatever it made of it, the watcher starts, tells, and hears the others."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fleet_tui.bus import spool
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.forge.local import LocalForge
from fleet_tui.tmux import runner_client
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.runs.environment import bus_directory, bus_socket
from tests.watcher.conftest import MakeFleet
from tests.watcher.test_daemon import Daemon
from tests.watcher.watcher_support import Fleet, agent, configuration, make_repository, until

TEAM = [agent("bad", "developer"), agent("good", "developer")]


def say(run_dir: Path, text: str, number: int = 1) -> Path:
    """What the agents' client leaves while the watcher is away."""
    new = run_dir / "spool" / "new"
    new.mkdir(parents=True, exist_ok=True)
    body = {"v": 1, "id": f"r{number}", "op": "publish", "args": {"event": "note", "summary": text}, "token": None}
    entry = new / f"{number:012d}-r{number}.json"
    entry.write_text(json.dumps(body))
    return entry


def spool_is_a_file(run_dir: Path) -> None:
    shutil.rmtree(run_dir / "spool")
    (run_dir / "spool").write_text("no directory")


def spool_is_a_link(run_dir: Path) -> None:
    (run_dir / "spool").rename(run_dir / "elsewhere")
    (run_dir / "spool").symlink_to(run_dir / "elsewhere")


def new_is_a_link(run_dir: Path) -> None:
    (run_dir / "spool" / "new").rename(run_dir / "elsewhere")
    (run_dir / "spool" / "new").symlink_to(run_dir / "elsewhere")


def new_is_read_only(run_dir: Path) -> None:
    (run_dir / "spool" / "new").chmod(0o500)


def new_is_unreadable(run_dir: Path) -> None:
    (run_dir / "spool" / "new").chmod(0o300)


def place_of_the_socket_is_read_only(run_dir: Path) -> None:
    bus_directory(run_dir).chmod(0o500)


def socket_is_a_directory(run_dir: Path) -> None:
    bus_socket(run_dir).unlink()
    bus_socket(run_dir).mkdir()


@pytest.fixture
async def two(make_fleet: MakeFleet) -> tuple[Fleet, Run, Run]:
    """Runs of ``bad`` and ``good``, each with a note in its spool."""
    fleet = await make_fleet(TEAM)
    for _ in TEAM:
        await fleet.ticket()
    await fleet.settle()
    bad, good = await fleet.queued("bad"), await fleet.queued("good")
    for run in (bad, good):
        say(fleet.ctx.paths.run_dir(run.id), f"from {run.agent}")
    return fleet, bad, good


def summaries(fleet: Fleet) -> list[str]:
    return [event.payload["summary"] for event in fleet.events("note")]


@pytest.mark.parametrize("damage", [spool_is_a_file, spool_is_a_link, new_is_a_link])
async def test_bad_spool_is_told_and_the_others_are_heard(
    two: tuple[Fleet, Run, Run], damage: Callable[[Path], None]
) -> None:
    fleet, bad, good = two
    damage(fleet.ctx.paths.run_dir(bad.id))
    for _ in range(3):
        for run in (bad, good):
            await fleet.desk.drain(run.id)
    assert summaries(fleet) == ["from good"]
    (alarm,) = fleet.alarms()
    assert (alarm.rule, alarm.about) == ("spool", f"run:{bad.id}")
    assert "spool" in alarm.title


async def test_alarm_goes_when_the_spool_is_good_again(two: tuple[Fleet, Run, Run]) -> None:
    fleet, bad, _ = two
    spool_is_a_file(fleet.ctx.paths.run_dir(bad.id))
    await fleet.desk.drain(bad.id)
    assert len(fleet.alarms("spool")) == 1
    (fleet.ctx.paths.run_dir(bad.id) / "spool").unlink()
    say(fleet.ctx.paths.run_dir(bad.id), "mended")
    await fleet.desk.drain(bad.id)
    assert fleet.alarms() == []
    assert summaries(fleet) == ["mended"]


async def test_request_that_cannot_be_removed_does_not_hold_up_the_next(
    two: tuple[Fleet, Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, bad, _ = two
    run_dir = fleet.ctx.paths.run_dir(bad.id)
    say(run_dir, "second", 2)
    taken = spool.drain

    def replaced_meanwhile(directory: Path) -> list[spool.SpooledRequest]:
        requests = taken(directory)
        entry = directory / "new" / requests[0].name
        entry.unlink()
        entry.mkdir()  # what no unlink removes, whoever asks
        return requests

    monkeypatch.setattr(spool, "drain", replaced_meanwhile)
    await fleet.desk.drain(bad.id)
    assert summaries(fleet) == ["from bad", "second"]
    (alarm,) = fleet.alarms()
    assert alarm.rule == "spool"
    assert [entry.name for entry in (run_dir / "spool" / "new").iterdir()] == ["000000000001-r1.json"]


async def test_run_with_a_bad_spool_can_end(two: tuple[Fleet, Run, Run]) -> None:
    fleet, bad, good = two
    spool_is_a_file(fleet.ctx.paths.run_dir(bad.id))
    await runs.observe(fleet.ctx)  # neither has a process
    await fleet.ctx.jobs.idle()
    assert {fleet.run(run.id).state for run in (bad, good)} == {RunState.CRASHED}
    assert len(fleet.alarms("spool")) == 1


async def test_run_that_cannot_be_looked_at_does_not_hide_the_others(
    two: tuple[Fleet, Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, bad, good = two
    alive = runner_client.runner_alive

    def fails_for_bad(run_dir: Path) -> bool:
        if run_dir.name == bad.id:
            raise OSError("what nobody thought of")
        return alive(run_dir)

    monkeypatch.setattr(runner_client, "runner_alive", fails_for_bad)
    await runs.observe(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert fleet.run(good.id).state is RunState.CRASHED
    (alarm,) = fleet.alarms("observe")
    assert alarm.about == f"run:{bad.id}"


@pytest.mark.parametrize("record", ["runner.json", "exit.json"])
async def test_records_that_are_no_records_are_passed_over(two: tuple[Fleet, Run, Run], record: str) -> None:
    fleet, bad, good = two
    os.mkfifo(fleet.ctx.paths.run_dir(bad.id) / record)  # who reads it waits for its writer for ever
    (fleet.ctx.paths.run_dir(good.id) / record).write_text("[" * 200_000)
    await runs.observe(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert {fleet.run(run.id).state for run in (bad, good)} == {RunState.CRASHED}
    assert fleet.alarms() == []


# -- the process ------------------------------------------------------------------------------------------------------


def obey_permissions() -> None:
    """Give up root's privilege of reading and writing everything, for the program that follows."""
    if sys.platform == "linux":
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


DAMAGES = {
    "file": spool_is_a_file,
    "link": spool_is_a_link,
    "read-only": new_is_read_only,
    "unreadable": new_is_unreadable,
    "place": place_of_the_socket_is_read_only,
    "directory": socket_is_a_directory,
}
"""What each agent, by its name, makes of its directory."""


@pytest.fixture
async def away(place: Path) -> AsyncIterator[Daemon]:
    """A killed watcher, with agents that go on."""
    vendors = {"shell": {"argv": ["sh", "-c", "sleep 600"], "prompt": "file"}}
    team = [agent(name, "developer") for name in (*DAMAGES, "good")]
    repository = make_repository(place, configuration(team, vendors=vendors))
    daemon = Daemon(repository, before=obey_permissions)
    try:
        await daemon.up()
        forge = LocalForge(daemon.paths.tickets)
        for member in team:
            await forge.create_ticket(f"Ticket for {member['name']}", "Do it.", ["ready"])
        await until(lambda: len(daemon.reader.runs(RunState.RUNNING)) == len(team), 120)
        daemon.process.kill()
        daemon.process.communicate()
        yield daemon
    finally:
        daemon.clean_up()
        for run_dir in daemon.paths.run_dir("x").parent.glob("*"):
            for directory in (run_dir, bus_directory(run_dir)):
                directory.chmod(0o700)


async def test_watcher_starts_whatever_agents_made_of_their_directories(away: Daemon) -> None:
    found = {run.agent: run for run in away.reader.runs(*LIVE_RUNS)}
    for name, run in found.items():
        say(away.paths.run_dir(run.id), f"from {name}")
    for name, damage in DAMAGES.items():
        damage(away.paths.run_dir(found[name].id))
    again = Daemon(away.paths.repository, before=obey_permissions)
    try:
        await again.up()

        def told() -> set[str]:
            return {alarm["about"] for alarm in again.events("alarm_raised")}

        damaged = {f"run:{found[name].id}" for name in DAMAGES}
        await until(lambda: told() >= damaged, 40)
        await until(lambda: "from good" in [note["summary"] for note in again.events("note")], 40)
        assert told() == damaged
        assert again.end() == 0
    finally:
        again.clean_up()
