"""What a run at L1 sees, what happens where the level cannot be had, and what a merge may be trusted with."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.states import Isolation, PullRequestState, RunState
from fleet_tui.governance.isolation import Level, choose
from fleet_tui.settings.isolation import IsolationSettings
from fleet_tui.tmux.sandbox import View
from fleet_tui.vendors.base import Launch
from fleet_tui.watcher.confinement import isolation
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.runs.environment import bus_directory, install_client
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet

L1 = Level(Isolation.L1, "for the test")


async def view(fleet: Fleet, settings: IsolationSettings | None = None) -> View:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    install_client(fleet.ctx.paths.run_dir(run.id))
    settings = settings or fleet.ctx.settings.isolation
    return isolation.view_of(
        fleet.ctx.paths, settings, run.agent, run.id, Launch(("sh",)), Path(run.workspace), fleet.ctx.paths.control
    )


def covered(path: Path, shown: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(other) for other in shown)


async def test_nothing_of_the_fleet_is_shown_but_the_run_s_own(fleet: Fleet) -> None:
    seen, paths = await view(fleet), fleet.ctx.paths
    (run,) = fleet.occupying()
    shown = (*seen.writable, *seen.readable)
    for secret in (
        paths.database,
        paths.control / "config",
        paths.control / "refs" / "fleet",
        paths.operator_socket,
        paths.evidence,
        paths.blobs,
        paths.workspaces / "2",
        paths.run_dir("run-other"),
        paths.run_dir(run.id) / "spec.json",
        paths.run_dir(run.id) / "runner.sock",
        paths.repository,
        paths.homes / "lee",
        Path.home() / ".gitconfig",
    ):
        assert not covered(secret, shown), secret
    assert seen.cwd == Path(run.workspace)
    assert covered(seen.cwd / "app.py", seen.writable)
    assert covered(paths.homes / "dev" / ".cache", seen.writable)
    gate = seen.cwd.parent / "gate.git"
    for fixed in ("config", "hooks/pre-receive", "fleet-allowed", "HEAD"):
        assert not covered(gate / fixed, seen.writable), fixed
    assert gate / "objects" / "info" in seen.readable, "what it borrows from is not its to change"
    assert bus_directory(paths.run_dir(run.id)) in seen.readable


async def test_a_wide_setting_does_not_uncover_the_fleet(fleet: Fleet, place: Path) -> None:
    seen = await view(fleet, IsolationSettings(read_only=(str(place), "/usr")))
    for secret in (fleet.ctx.paths.state, fleet.ctx.paths.runtime, fleet.ctx.paths.repository, Path.home()):
        assert secret in seen.hidden_dirs


async def test_configured_secrets_are_hidden_by_kind(fleet: Fleet, place: Path) -> None:
    (place / "keys").mkdir()
    (place / "one.key").write_text("x")
    seen = await view(fleet, IsolationSettings(read_only=("/usr",), hidden=(f"{place}/keys", f"{place}/*.key")))
    assert place / "keys" in seen.hidden_dirs
    assert place / "one.key" in seen.hidden_files


async def test_names_of_the_home_directory_are_seen_in_the_agent_s(fleet: Fleet) -> None:
    (Path.home() / ".login").mkdir()
    seen = await view(fleet, IsolationSettings(read_only=("/usr",), home=(".login", ".absent")))
    assert seen.shared == ((Path.home() / ".login", fleet.ctx.paths.homes / "dev" / ".login"),)


async def test_nothing_is_opened_through_a_link(fleet: Fleet, place: Path) -> None:
    await view(fleet)
    (run,) = fleet.occupying()
    log = Path(run.workspace).parent / "gate.git" / "refused.log"
    log.unlink()
    log.symlink_to(place / "home" / ".gitconfig")
    with pytest.raises(FleetError, match="link"):
        isolation.view_of(
            fleet.ctx.paths,
            IsolationSettings(),
            run.agent,
            run.id,
            Launch(("sh",)),
            Path(run.workspace),
            fleet.ctx.paths.control,
        )


def test_a_program_is_seen_with_its_installation_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    node = home / ".nvm" / "v20"
    package = node / "lib" / "node_modules" / "claude" / "cli.js"
    for program in (package, home / ".local" / "bin" / "tool", home / "solo"):
        program.parent.mkdir(parents=True) if not program.parent.is_dir() else None
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    (node / "bin").mkdir()
    (node / "bin" / "claude").symlink_to(package)
    monkeypatch.setenv("HOME", str(home))
    assert set(isolation.installation(str(node / "bin" / "claude"))) >= {node, node / "lib"}
    for program in (home / ".local" / "bin" / "tool", home / "solo"):
        assert isolation.installation(str(program)) == (program,)
    assert isolation.installation("no-such-program") == ()


async def test_without_the_level_that_is_demanded_nothing_starts(fleet: Fleet) -> None:
    fleet.ctx.level = choose("L1", "bubblewrap (bwrap) is not installed")
    await fleet.ticket()
    await fleet.settle()
    await runs.start_queued(fleet.ctx)
    await fleet.ctx.jobs.idle()
    (run,) = fleet.occupying()
    assert run.state is RunState.QUEUED, "no attempt is used up"
    (alarm,) = fleet.alarms("isolation")
    assert "bwrap" in alarm.title
    fleet.ctx.level = Level(Isolation.L1, "installed")
    fleet.ctx.ending = True  # nothing shall start in this test
    await runs.start_queued(fleet.ctx)
    assert fleet.alarms("isolation") == []


async def test_a_gate_at_l0_makes_a_person_look(make_fleet: MakeFleet) -> None:
    """It ran the branch's code with the reach of the watcher."""
    gates = [{"name": "test", "run": "true"}]
    fleet = await make_fleet(approval={"when": "sensitive", "hold_s": 0, "sensitive_paths": []}, gates=gates)
    await fleet.ticket()
    await fleet.settle()
    fleet.ctx.level = L1
    await fleet.author({"app.py": "print('two')\n"})
    fleet.ctx.level = Level(Isolation.L0, "for the test")
    await fleet.settle()
    fleet.ctx.level = L1
    await fleet.verdict("lee")
    await fleet.settle()
    assert {gate.isolation for gate in fleet.ctx.reader.gates()} == {"L0"}
    assert any("isolation L0" in reason for reason in fleet.open_approval().reasons)


@pytest.mark.parametrize("weak", ["author", "reviewer", "neighbour"])
async def test_a_run_at_l0_makes_a_person_look(make_fleet: MakeFleet, weak: str) -> None:
    """Whoever could have forged it: the one who wrote it, who read it, or who was there."""
    fleet = await make_fleet(approval={"when": "sensitive", "hold_s": 0, "sensitive_paths": []})
    low = Level(Isolation.L0, "for the test")
    await fleet.ticket()
    await fleet.settle()
    fleet.ctx.level = low if weak == "author" else L1
    await fleet.author({"app.py": "print('two')\n"})
    await fleet.settle()
    fleet.ctx.level = low if weak == "reviewer" else L1
    await fleet.verdict("lee")
    if weak == "neighbour":
        await fleet.ticket("Another")
        fleet.ctx.level = low
        await fleet.settle(without=frozenset({"observe runs", "start runs", "messages", "land"}))
        await fleet.queued("dev")
    fleet.ctx.level = L1
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED
    assert any("isolation L0" in reason for reason in fleet.open_approval().reasons)
