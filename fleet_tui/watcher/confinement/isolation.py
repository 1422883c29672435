"""Isolation: which level works here, and what a run or a command of the watcher gets to see at L1 or L2."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import fleet_tui
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.model import PullRequest
from fleet_tui.domain.states import LIVE_RUNS, Isolation
from fleet_tui.domain.users import AgentUser
from fleet_tui.git.config_text import config_text
from fleet_tui.git.homes import gate_beside
from fleet_tui.governance import isolation as governance
from fleet_tui.paths import FleetPaths, shipped_config
from fleet_tui.settings.isolation import IsolationSettings
from fleet_tui.settings.programs import program_of
from fleet_tui.tmux import sandbox
from fleet_tui.vendors.base import Launch
from fleet_tui.watcher.confinement import agent_user
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs import reading
from fleet_tui.watcher.runs.environment import bus_directory

_OWN_FOLDERS = frozenset({"bin", "sbin"})
_TOO_MUCH = (".local", "opt", "Applications")
"""Folders of a home directory that hold more than one program's installation."""


def determine(paths: FleetPaths, settings: IsolationSettings) -> governance.Level:
    """The level that is in force here; tries a sandbox for it, which takes some ten milliseconds."""
    if settings.level == "L0":
        return governance.choose("L0", "")
    program = sandbox.bubblewrap()
    if program is None:
        return governance.choose(settings.level, "bubblewrap (bwrap) is not installed")
    home = agent_home(paths, "trial")
    view = sandbox.View(home, (home,), machine(settings), *hidden(paths, settings), settings.network is True)
    try:
        problem = sandbox.try_out(program, view)
        if problem or settings.level == "L1" or not settings.user:
            return governance.choose(settings.level, problem)
        return governance.choose(settings.level, "", settings.user, _user_problem(program, view, settings))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _user_problem(program: str, view: sandbox.View, settings: IsolationSettings) -> str:
    """Why agents cannot run as ``isolation.user``; empty when a program really did."""
    try:
        user = agent_user.find(settings.user)
    except FleetError as error:
        return error.message
    agent_user.give(view.writable, user)
    return sandbox.try_out(program, _as(view, user, settings))


def _as(view: sandbox.View, user: AgentUser, settings: IsolationSettings) -> sandbox.View:
    return replace(view, user=user, processes=settings.processes, file_bytes=settings.file_mb * 1_000_000)


def agent_home(paths: FleetPaths, agent: str) -> Path:
    """The home directory of ``agent`` at L1 and L2; made when it is missing, kept from run to run."""
    home = paths.homes / agent
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def work_of(ctx: Context, pull_request: PullRequest) -> Isolation:
    """What a pull request may be trusted with: the least that a run or a gate had which could have had a hand in it."""
    reader = ctx.reader
    involved = [
        *reader.runs(ticket=pull_request.ticket),
        *reader.runs(pr=pull_request.number),
        *reader.runs(*LIVE_RUNS),
    ]
    levels = [run.isolation for run in involved] + [gate.isolation for gate in reader.gates(pr=pull_request.number)]
    return governance.weakest(ctx.level.isolation, *filter(None, levels))


def view_of(
    paths: FleetPaths,
    settings: IsolationSettings,
    agent: str,
    run: str,
    launch: Launch,
    workspace: Path,
    control: Path,
    user: AgentUser | None = None,
) -> sandbox.View:
    """What ``run`` of ``agent`` sees: its workspace, its home, its side of the bus, and the machine's programs.

    Its workspace borrows from the repository ``control``.

    What it may write is made ``user``'s, at L2, and ours without one; so the level may change from run to run.

    Raises:
        FleetError: something of the workspace is a link that an agent could have made.
    """
    home, run_dir, gate = agent_home(paths, agent), paths.run_dir(run), gate_beside(workspace)
    _make_file(gate / "refused.log")
    writable = owned(paths, agent, run, workspace)
    _refuse_links((*writable, gate / "objects" / "info"))
    agent_user.give(writable, user)
    others = reading.places(paths, run).values()
    own = (bus_directory(run_dir), run_dir / "bin", *launch.files, *launch.reads, *others)
    gate_files = (gate, gate / "objects" / "info")
    readable = (*machine(settings), *installation(launch.program), *_borrowed(control), *gate_files, *own)
    shared = tuple((Path.home() / name, home / name) for name in settings.home if (Path.home() / name).exists())
    _refuse_links(way for _, seen in shared for way in (seen, *seen.parents) if way.is_relative_to(home))
    view = sandbox.View(workspace, writable, readable, *hidden(paths, settings), settings.network is True, shared)
    if user is None:
        return view
    # Made by bubblewrap they would be root's, and closed to the agent.
    ways = [way for _, seen in shared for way in reversed(seen.parents) if way != home and way.is_relative_to(home)]
    for way in ways:
        way.mkdir(mode=0o700, exist_ok=True)
    agent_user.give(ways, user)
    git_config = agent_user.write_git_config(run_dir, (control, gate))
    mine = (git_config, *launch.files, run_dir / "bin", *(run_dir / "bin").iterdir())
    agent_user.let_read(mine, user)
    return _as(replace(view, readable=(*readable, git_config)), user, settings)


def view_of_command(
    paths: FleetPaths,
    settings: IsolationSettings,
    tree: Path,
    home: Path,
    commands: Iterable[str | Sequence[str]],
    control: Path,
    user: AgentUser | None = None,
) -> sandbox.View:
    """What ``commands`` of the watcher see: ``tree`` and ``home``, which they may write to, and the machine's programs.

    Of the person's home directory and of the fleet nothing, but for what a clone in ``tree`` borrows from ``control``.
    What is written to is made ``user``'s, at L2, and ours without one.

    Raises:
        FleetError: ``tree`` is a link that an agent could have made.
    """
    _refuse_links((tree, home))
    borrowed = _borrowed(control) if (tree / ".git").exists() else ()
    if user is not None and borrowed:
        (home / ".gitconfig").write_text(config_text({"safe.directory": str(control)}), encoding="utf-8")
    agent_user.give((tree, home), user)
    found = (program_of(command) for command in commands)
    # A relative path is one of the tree's.
    programs = (word for word in found if word is not None and ("/" not in word or Path(word).is_absolute()))
    readable = (*machine(settings), *(path for program in programs for path in installation(program)), *borrowed)
    view = sandbox.View(tree, (tree, home), readable, *hidden(paths, settings), settings.network is True)
    return view if user is None else _as(view, user, settings)


def view_of_repository(paths: FleetPaths, settings: IsolationSettings, place: Path, control: Path) -> sandbox.View:
    """What a git sees that serves from the repository in ``place``, where an agent writes: it, the objects that it
    borrows from ``control``, and the machine's programs. Nothing can be written to, and there is no network.

    It runs as the user whose the repository is: at L2 the agents'.

    Raises:
        FleetError: ``place`` is a link that an agent could have made; OSError when it is gone.
    """
    _refuse_links((place,))
    objects = place / "objects"
    user = agent_user.owner_of(objects if objects.is_dir() and not objects.is_symlink() else place)
    readable = (*machine(settings), *installation("git"), place, control / "objects")
    return sandbox.View(Path("/"), (), readable, *hidden(paths, settings), network=False, user=user)


def _borrowed(control: Path) -> tuple[Path, ...]:
    """What a clone needs of the control repository: objects, and heads to fetch. Settings and other refs stay out."""
    return (control / "objects", control / "refs" / "heads", control / "HEAD")


def owned(paths: FleetPaths, agent: str, run: str, workspace: Path) -> tuple[Path, ...]:
    """What ``run`` of ``agent`` may write to."""
    gate = gate_beside(workspace)
    gate_parts = (gate / "objects", gate / "refs", gate / "refused.log")
    return (workspace, agent_home(paths, agent), paths.run_dir(run) / "spool", *gate_parts)


def _make_file(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))


def _refuse_links(paths: Iterable[Path]) -> None:
    """What was an agent's before could have been exchanged for a way out.

    Raises:
        FleetError: one of ``paths`` is a link.
    """
    for path in paths:
        if path.is_symlink():
            raise FleetError("unsafe workspace", f"{path} is a link that an agent may have made", "remove it")


def machine(settings: IsolationSettings) -> tuple[Path, ...]:
    """Programs and libraries of this machine, this Python and this program."""
    package = Path(fleet_tui.__file__).resolve().parent
    configured = [Path(path).expanduser() for path in settings.read_only]
    resolver = Path("/etc/resolv.conf")
    names = [resolver.resolve()] if resolver.is_symlink() else []
    configured += [path.resolve() for path in configured if path.is_symlink()]
    return tuple(dict.fromkeys([*configured, *sandbox.interpreter(), package, shipped_config(), *names]))


def hidden(paths: FleetPaths, settings: IsolationSettings) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """The directories and the files that are not shown, even inside something that is."""
    shown = {Path(path).expanduser() for path in settings.read_only}
    parents = {paths.state.parent, paths.runtime.parent} - shown
    tmux = [Path(os.environ["TMUX_TMPDIR"])] if os.environ.get("TMUX_TMPDIR") else []
    own = {paths.state, paths.runtime, *parents, paths.repository, *paths.others, Path.home(), *tmux} - {Path("/")}
    found = {Path(match) for pattern in settings.hidden for match in glob.glob(str(Path(pattern).expanduser()))}  # noqa: PTH207 - from the root
    everything = _both_names(own | found)
    directories = sorted(path for path in everything if path.is_dir())
    return tuple(directories), tuple(sorted(path for path in everything if path.is_file() and not path.is_symlink()))


def _both_names(paths: Iterable[Path]) -> set[Path]:
    """Each path as it is written and where it really is: a directory may be shown under either."""
    return {name for path in paths for name in (path, path.resolve()) if name.exists()}


def installation(program: str) -> tuple[Path, ...]:
    """What must be seen for ``program`` (a path or a name on PATH) to run: its folder, where that holds little else."""
    found = shutil.which(program)
    if found is None:
        return ()
    here, real, home = Path(found), Path(found).resolve(), Path.home()
    wide = {Path("/"), home, *(home / name for name in _TOO_MUCH), *home.parents}
    shown: list[Path] = [here]
    for path in (here, real):
        folder = path.parent.parent if path.parent.name in _OWN_FOLDERS else path.parent
        if "node_modules" in path.parts:
            folder = Path(*path.parts[: path.parts.index("node_modules")])
        shown.append(path if folder in wide or path.parent in wide else folder)
    return tuple(dict.fromkeys(shown))
