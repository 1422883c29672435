"""Who agents run as at L2, and what is made that user's: nothing through a link, nothing more than it needs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.states import Isolation
from fleet_tui.domain.users import AgentUser
from fleet_tui.settings.isolation import IsolationSettings
from fleet_tui.tmux import sandbox
from fleet_tui.vendors.base import Launch
from fleet_tui.watcher.confinement import agent_user, isolation
from fleet_tui.watcher.runs.environment import agent_environment, install_client
from tests import agent_user as machine
from tests.watcher.watcher_support import Fleet

OTHER = AgentUser(12345, 12346, "other")
pytestmark = machine.only_root


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("root", "root is root", "sudo useradd --system --no-create-home fleet-agent"),
        ("no-such-user", "there is no user no-such-user", "sudo useradd --system --no-create-home no-such-user"),
    ],
)
def test_who_cannot_be_it_is_told_with_what_to_type(name: str, message: str, hint: str) -> None:
    with pytest.raises(FleetError, match=message) as caught:
        agent_user.find(name)
    assert caught.value.hint == hint


def test_a_umask_that_hides_the_control_repository_is_told() -> None:
    before = os.umask(0o077)
    try:
        with pytest.raises(FleetError, match="umask 077 keeps"):
            agent_user.find(machine.made().name)
    finally:
        os.umask(before)


def test_who_may_not_become_another_is_told() -> None:
    code = (
        "import os; os.setgid(12345); os.setuid(12345)\n"
        "from fleet_tui.domain.errors import FleetError\n"
        "from fleet_tui.watcher.confinement import agent_user\n"
        "try: agent_user.find('fleet-agent')\n"
        "except FleetError as error: print(error.message, '|', error.hint)\n"
    )
    # Imported before it is left: the interpreter may lie where nobody else can read.
    code = code.replace("import os; os", "import os, pwd\nfrom fleet_tui.watcher.confinement import agent_user\nos", 1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "only a watcher that root runs may start programs as another user" in done.stdout, done.stderr


def test_all_below_is_given_and_taken_back_and_no_link_is_followed(tmp_path: Path) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir()
    (outside / "mine").touch()
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "file").touch(mode=0o600)
    (tree / "a" / "link").symlink_to(outside)
    (tree / "top").symlink_to(outside / "mine")
    agent_user.give([tree, tmp_path / "absent"], OTHER)
    owned = {path.lstat().st_uid for path in (tree, *tree.rglob("*"))}
    assert owned == {12345}
    assert {path.stat().st_uid for path in (outside, outside / "mine")} == {0}
    agent_user.give([tree], None)
    assert {path.lstat().st_uid for path in (tree, *tree.rglob("*"))} == {0}
    (tree / "later").symlink_to(outside)
    agent_user.give([tree / "later"], OTHER)
    assert outside.stat().st_uid == 0


async def test_only_what_an_agent_needs_is_made_its_own(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    ctx, workspace = fleet.ctx, Path(run.workspace)
    run_dir, gate = ctx.paths.run_dir(run.id), workspace.parent / "gate.git"
    install_client(run_dir)
    prompt = run_dir / "prompt.md"
    prompt.touch(mode=0o600)
    launch = Launch(("sh",), files=(prompt,))
    view = isolation.view_of(ctx.paths, IsolationSettings(), "dev", run.id, launch, workspace, ctx.paths.control, OTHER)
    assert view.user == OTHER
    theirs = {workspace, ctx.paths.homes / "dev", run_dir / "spool", gate / "objects", gate / "refs"}
    theirs.add(gate / "refused.log")
    near = {p for folder in (ctx.paths.state, run_dir, gate, workspace.parent) for p in folder.iterdir()} | theirs
    assert {path for path in near if path.lstat().st_uid == 12345} == theirs
    for path in (prompt, run_dir / "gitconfig", run_dir / "bin" / "fleet"):
        assert (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o042) == (0, 12346, 0o040), path
    for path in (ctx.paths.state, ctx.paths.runtime, workspace.parent):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, "nobody gets there without the sandbox"
    for path in (gate / "hooks" / "pre-receive", gate / "config", gate / "fleet-allowed"):
        assert (path.stat().st_uid, path.stat().st_mode & 0o022) == (0, 0), path
    assert agent_user.of_run(run_dir) == AgentUser(12345, 12346)
    view = isolation.view_of(ctx.paths, IsolationSettings(), "dev", run.id, launch, workspace, ctx.paths.control)
    assert view.user is None
    assert {path for path in near if path.lstat().st_uid == 12345} == set(), "at L1 all of it is ours again"


async def test_its_git_is_told_whose_repositories_it_may_use(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    run_dir = fleet.ctx.paths.run_dir(run.id)
    agent = fleet.ctx.settings.agent("dev")
    environment = agent_environment(run, agent, run_dir, Path(run.workspace), "t", {}, Path("/h"), OTHER)
    assert environment["GIT_CONFIG_SYSTEM"] == str(run_dir / "gitconfig")
    assert "GIT_CONFIG_NOSYSTEM" not in environment
    assert (environment["USER"], environment["LOGNAME"], environment["HOME"]) == ("other", "other", "/h")


async def test_a_home_that_an_agent_made_a_way_out_of_is_refused(fleet: Fleet, place: Path) -> None:
    """The sandbox is made by root at L2: it must not be led through a link when it makes room for a shared file."""
    (place / "home" / ".config" / "tool").mkdir(parents=True)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    install_client(fleet.ctx.paths.run_dir(run.id))
    home = isolation.agent_home(fleet.ctx.paths, "dev")
    settings = IsolationSettings(home=(".config/tool",))
    isolation.view_of(
        fleet.ctx.paths, settings, "dev", run.id, Launch(("sh",)), Path(run.workspace), fleet.ctx.paths.control, OTHER
    )
    assert (home / ".config").stat().st_uid == 12345, "it may keep other things there"
    (home / ".config").rmdir()
    (home / ".config").symlink_to("/oldroot/etc")
    with pytest.raises(FleetError, match="link"):
        isolation.view_of(
            fleet.ctx.paths,
            settings,
            "dev",
            run.id,
            Launch(("sh",)),
            Path(run.workspace),
            fleet.ctx.paths.control,
            OTHER,
        )


async def test_the_level_is_tried_with_a_program_that_really_becomes_the_user(fleet: Fleet) -> None:
    settings = IsolationSettings(user=machine.made().name, read_only=fleet.ctx.settings.isolation.read_only)
    level = isolation.determine(fleet.ctx.paths, settings)
    assert (level.isolation, level.refusal) == (Isolation.L2, "")
    assert not (fleet.ctx.paths.homes / "trial").exists()
    level = isolation.determine(fleet.ctx.paths, settings.model_copy(update={"user": "no-such-user"}))
    assert (level.isolation, level.refusal) == (Isolation.L1, "")
    assert "there is no user no-such-user" in level.why
    level = isolation.determine(fleet.ctx.paths, settings.model_copy(update={"user": "root", "level": "L2"}))
    assert "root is root" in level.refusal


def test_the_sandbox_has_no_way_back_up(tmp_path: Path) -> None:
    program, user = sandbox.bubblewrap(), machine.made()
    assert program is not None
    os.chown(tmp_path, user.uid, user.gid)
    shown = (*(Path(path) for path in ("/usr", "/bin", "/lib", "/lib64", "/etc")), *sandbox.interpreter())
    view = sandbox.View(tmp_path, (tmp_path,), shown, user=user)
    code = (
        "import os\n"
        "for act in (lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: os.kill(1, 9),\n"
        "            lambda: os.chown('.', 0, 0), lambda: open('/proc/1/environ').read(),\n"
        "            lambda: open('/proc/sys/kernel/core_pattern', 'w')):\n"
        "    try: act(); print('done')\n"
        "    except OSError as error: print(error.strerror)\n"
    )
    argv = sandbox.wrap(program, view, (sys.executable, "-I", "-S", "-c", code))
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    words = {"Operation not permitted", "Permission denied", "Read-only file system"}
    assert len(done.stdout.splitlines()) == 6, done.stderr
    assert set(done.stdout.splitlines()) <= words
