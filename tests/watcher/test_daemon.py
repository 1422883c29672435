"""The watcher as a process: how it starts, what it leaves readable to whom, what it does about bad news."""

from __future__ import annotations

import logging
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.bus import operator
from fleet_tui.domain.errors import FleetError, SetupError
from fleet_tui.domain.states import AlarmState
from fleet_tui.paths import FleetPaths
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.watcher import spawn
from tests.watcher.watcher_support import agent, commit, configuration, git, make_repository, until

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=\w+ logger=\S+ pid=\d+ msg=")


class Daemon:
    """`fleet watcher run` in a process of its own."""

    def __init__(self, repository: Path, before: Callable[[], None] | None = None) -> None:
        self.paths = FleetPaths.of(repository)
        argv = [sys.executable, "-m", "fleet_tui", "watcher", "run", "--repo", str(repository)]
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=before
        )
        self._reader: Reader | None = None

    async def up(self) -> dict[str, Any]:
        """Wait until it answers."""

        def answer() -> dict[str, Any] | None:
            assert self.process.poll() is None, self.process.communicate()[0]
            try:
                return operator.call(self.paths.operator_socket, "status", {}, time_limit_s=5)
            except FleetError:
                return None

        status: dict[str, Any] = await until(answer, 60)
        return status

    @property
    def reader(self) -> Reader:
        if self._reader is None:
            self._reader = Reader.open(self.paths.database)
        return self._reader

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        return [event.payload for event in self.reader.events(EventFilter(kinds=kinds), after=0, limit=1_000)]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def clean_up(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        if self._reader is not None:
            self._reader.close()


@pytest.fixture
def repository(place: Path) -> Path:
    return make_repository(place, configuration([agent("dev", "developer")]))


@pytest.fixture
def daemon(repository: Path) -> Iterator[Daemon]:
    running = Daemon(repository)
    yield running
    running.clean_up()


async def test_starts_private_and_leaves_in_order(daemon: Daemon) -> None:
    status = await daemon.up()
    assert status["epoch"] == 1
    paths = daemon.paths
    for directory in (paths.state, paths.runtime):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for file in (paths.operator_socket, paths.lock):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    os.kill(daemon.process.pid, signal.SIGHUP)
    await daemon.up()
    assert daemon.end() == 0
    assert daemon.events("watcher_stopped") == [{"reason": "SIGTERM"}]
    assert not spawn.is_running(paths)
    assert not paths.operator_socket.exists()
    lines = paths.log_file.read_text().splitlines()
    assert lines
    assert all(LINE.match(line) for line in lines), lines


async def test_second_watcher_of_a_fleet_is_refused(daemon: Daemon, repository: Path) -> None:
    await daemon.up()
    second = Daemon(repository)
    out, _ = second.process.communicate(timeout=60)
    assert second.process.returncode == SetupError.exit_code, "a supervisor does not try that again"
    assert f"pid {daemon.process.pid}" in out


async def test_broken_configuration_keeps_the_last_good_one(daemon: Daemon, repository: Path) -> None:
    await daemon.up()
    config = repository / ".fleet" / "config.yaml"
    good = config.read_text()
    config.write_text(good + "\nreviews: {max_rounds: many}\n")
    (rejected,) = await until(lambda: daemon.events("config_rejected"))
    assert "config.yaml" in rejected["problems"][0]
    assert len(daemon.events("config_loaded")) == 1
    assert daemon.reader.fleet().config_problems
    (alarm,) = await until(lambda: daemon.reader.alarms(AlarmState.ACTIVE))
    told = r"config has 1 error: running on the last good version from \d\d:\d\d \(v-\w+\): "
    assert re.match(told, alarm.title)
    assert "max_rounds" in alarm.title
    await daemon.up()
    config.write_text(good + "\nlimits: {max_running: many}\n")
    await until(lambda: [alarm for alarm in daemon.reader.alarms(AlarmState.ACTIVE) if "max_running" in alarm.title])
    assert len(daemon.reader.alarms(AlarmState.ACTIVE)) == 1, "the trouble that is over is no alarm any more"
    config.write_text(good + "\nreviews: {max_rounds: 7}\n")
    loaded = await until(lambda: len(found := daemon.events("config_loaded")) == 2 and found)
    assert loaded[0]["policy"] != loaded[1]["policy"]
    assert daemon.reader.fleet().config_problems == ()
    await until(lambda: not daemon.reader.alarms(AlarmState.ACTIVE))


async def test_agents_are_recorded_as_they_are_and_as_they_become(daemon: Daemon, repository: Path) -> None:
    await daemon.up()
    (found,) = await until(lambda: daemon.events("agents_revised"), 40)
    assert [(row["agent"], row["revision"]) for row in found["revisions"]] == [("dev", 1)]
    config = repository / ".fleet" / "config.yaml"
    config.write_text(config.read_text().replace("You are dev.", "You are dev, and careful."))
    seen = await until(lambda: len(all_ := daemon.events("agents_revised")) == 2 and all_, 40)
    assert (seen[1]["act"], seen[1]["revisions"][0]["revision"]) == ("changed", 2)


@pytest.mark.slow
async def test_a_fleet_that_recorded_no_teams_knows_them_after_its_next_start(repository: Path) -> None:
    config = repository / ".fleet" / "config.yaml"
    config.write_text(config.read_text() + "\nteams:\n  - {name: web, agents: [dev]}\n")
    first = Daemon(repository)
    try:
        await first.up()
        await until(lambda: first.events("config_loaded"), 40)
    finally:
        first.process.terminate()
        first.process.wait(60)
        first.clean_up()
    with closing(sqlite3.connect(first.paths.database)) as tables, tables:
        tables.execute("UPDATE agent SET teams = '[]'")  # what a fleet of before has
    again = Daemon(repository)
    try:
        await again.up()
        found = await until(lambda: (row := again.reader.agent("dev")) and row.teams, 40)
        assert (found, len(again.events("config_loaded"))) == (("web",), 2)
    finally:
        again.clean_up()


async def test_broken_configuration_at_the_start_is_told(repository: Path) -> None:
    (repository / ".fleet" / "config.yaml").write_text("agents: [\n")
    running = Daemon(repository)
    try:
        out, _ = running.process.communicate(timeout=60)
    finally:
        running.clean_up()
    assert running.process.returncode == SetupError.exit_code, "a supervisor does not try that again"
    assert "config.yaml" in out
    assert not running.paths.database.exists()


async def test_an_error_at_work_is_in_the_log_and_in_the_exit_code(repository: Path) -> None:
    FleetPaths.of(repository).create()
    FleetPaths.of(repository).database.mkdir()
    running = Daemon(repository)
    try:
        running.process.communicate(timeout=60)
    finally:
        running.clean_up()
    assert running.process.returncode == 1
    log = running.paths.log_file.read_text()
    assert "level=ERROR" in log
    assert "the watcher failed" in log
    assert "unable to open database file" in log


async def test_new_life_has_a_new_epoch(daemon: Daemon, repository: Path) -> None:
    await daemon.up()
    daemon.process.kill()
    daemon.process.communicate()
    again = Daemon(repository)
    try:
        assert (await again.up())["epoch"] == 2
        assert again.end(signal.SIGINT) == 0
    finally:
        again.clean_up()


def test_log_is_rotated(place: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = FleetPaths.of(repository)
    paths.create()
    monkeypatch.setattr(spawn, "_LOG_BYTES", 2_000)
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level = root.level
    root.handlers = []
    try:
        spawn.configure_logging(paths, foreground=False)
        for number in range(400):
            logging.getLogger("fleet_tui.watcher").info("line %d", number)
        for handler in root.handlers:
            handler.close()
    finally:
        root.handlers = before
        root.setLevel(level)
    files = sorted(file.name for file in paths.state.glob("watcher.log*"))
    assert files == ["watcher.log", *(f"watcher.log.{number}" for number in range(1, 6))]
    assert all(file.stat().st_size <= 2_000 for file in paths.state.glob("watcher.log*"))


async def test_an_agent_s_configuration_in_the_checkout_is_not_put_in_force(daemon: Daemon, repository: Path) -> None:
    await daemon.up()
    elsewhere = repository.parent / "agent"
    git(repository.parent, "clone", "--quiet", str(repository), str(elsewhere))
    git(elsewhere, "checkout", "--quiet", "-b", "theirs")
    config = elsewhere / ".fleet" / "config.yaml"
    commit(elsewhere, {".fleet/config.yaml": config.read_text().replace("dev", "zed"), "more.py": "more = 1\n"})
    git(daemon.paths.control, "fetch", "--quiet", str(elsewhere), "theirs:refs/fleet/trial")
    git(repository, "fetch", "--quiet", str(elsewhere), "theirs:theirs")
    git(repository, "checkout", "--quiet", "theirs")
    await until(lambda: daemon.reader.alarms(AlarmState.ACTIVE, rule="checkout"), 40)
    git(repository, "checkout", "--quiet", "main")
    await until(lambda: not daemon.reader.alarms(AlarmState.ACTIVE, rule="checkout"), 40)
    loaded = daemon.events("config_loaded")
    assert {row["name"] for event in loaded for row in event["agents"]} == {"dev"}
    daemon.end()
    git(repository, "checkout", "--quiet", "theirs")
    again = Daemon(repository)
    out, _ = again.process.communicate(timeout=60)
    assert again.process.returncode == SetupError.exit_code
    assert "of an agent's branch" in out
    assert "git switch main" in out
