"""The isolation level proved by trying: a program in an agent's place, and one in a gate's, attempts each reach."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from fleet_tui.bus.identity import Caller
from fleet_tui.bus.server import BusServer
from fleet_tui.bus.sockets import listening_socket
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.hosts import USUAL_PORTS, host_rule
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.states import Isolation
from fleet_tui.domain.text import one_line
from fleet_tui.domain.users import AgentUser
from fleet_tui.governance import network
from fleet_tui.governance.isolation import Level
from fleet_tui.paths import FleetPaths
from fleet_tui.settings.isolation import IsolationSettings
from fleet_tui.tmux import reacher, sandbox
from fleet_tui.tmux.egress import Egress
from fleet_tui.vendors.base import Launch
from fleet_tui.watcher.confinement import agent_user, isolation, outlets
from fleet_tui.watcher.confinement.outlets import Outlet
from fleet_tui.watcher.runs.environment import bus_socket, install_client

_AGENT = "doctor"
_LIMIT_S = 60.0
_NOBODY = "fleet-doctor.invalid"
_METADATA = "169.254.169.254"
"""Where a cloud gives its machines their credentials."""


@dataclass(frozen=True, slots=True)
class Reach:
    """One attempt. ``needed``: the agent must reach it to work; otherwise L1 and L2 promise that it cannot."""

    name: str
    kind: Literal["read", "write", "connect", "command", "signal", "tcp", "ask"]
    target: str
    needed: bool = False


@dataclass(frozen=True, slots=True)
class _Stage:
    """A run's surroundings, and those of a command of the watcher, beside the real ones."""

    run: str
    workspace: Path
    reaches: list[Reach]
    """What is tried from the run's place."""
    checkout: Path
    home: Path
    of_command: list[Reach]
    log: Path
    """Where a proxy writes down whom it refuses."""
    services: list[Reach]
    """What listens on this machine."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an attempt; ``broken`` when the level's promise does not hold."""

    name: str
    act: str
    target: str
    needed: bool
    reached: bool
    why: str
    broken: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What was tried from an agent's place, and from that of a gate and of the set-up and teardown of workspaces."""

    agent: list[Tried]
    command: list[Tried]

    @property
    def broken(self) -> int:
        """How many promises do not hold."""
        return sum(attempt.broken for attempt in (*self.agent, *self.command))


def try_all(paths: FleetPaths, settings: IsolationSettings, level: Level) -> Report:
    """Make both surroundings beside the real ones, start the trial program in them, and take them away again.

    Raises:
        FleetError: the trial program did not answer.
    """
    user = agent_user.find(settings.user) if level.isolation is Isolation.L2 else None
    with _stage(paths, user) as stage:
        host = _of_the_host(paths, settings)
        outlet = Outlet()
        if level.isolation is not Isolation.L0:
            host += [*(stage.services if settings.network is not True else ()), *_of_hosts(settings)]
            outlet = outlets.outlet(settings, stage.log, user)
        asked, of_command = [*stage.reaches, *host], [*stage.of_command, *host]
        of_agent = of_gate = None
        if level.isolation is not Isolation.L0:
            launch = Launch((sys.executable,))
            of_agent = isolation.view_of(
                paths, settings, _AGENT, stage.run, launch, stage.workspace, paths.control, user
            )
            of_gate = isolation.view_of_command(paths, settings, stage.checkout, stage.home, [], paths.control, user)
        answers = _answers(asked, stage.workspace, of_agent, outlet)
        from_command = _answers(of_command, stage.checkout, of_gate, outlet)
    if user is not None:
        with _opened_stage() as (file, place):
            outside = _without_sandbox(paths, file, place)
            answers += asyncio.run(_answers_as(user, outside, place))
        asked += outside
    return Report(_judged(asked, answers, level.isolation), _judged(of_command, from_command, level.isolation))


def _answers(asked: list[Reach], cwd: Path, view: sandbox.View | None, outlet: Outlet) -> list[str]:
    """What the trial program says, in a sandbox with this ``view`` and ``outlet`` or without one."""
    said = json.dumps([[reach.kind, reach.target] for reach in asked])
    argv: tuple[str, ...] = (sys.executable, "-I", "-S", reacher.__file__, said)
    if view is not None:
        program = sandbox.bubblewrap()
        if program is None:
            raise FleetError("no isolation", "bubblewrap (bwrap) is gone", "install it again")
        argv = sandbox.wrap(program, view, argv)
    egress = Egress(outlet.proxy, {})
    environment = {**os.environ, **outlet.environment, **egress.environment}
    with subprocess.Popen(
        argv,
        cwd=cwd,
        env=environment,
        pass_fds=egress.handles,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            egress.take()
            out, err = process.communicate(timeout=_LIMIT_S)
        finally:
            process.kill()
            egress.end()
            if egress.pid is not None:
                os.waitpid(egress.pid, 0)
    if process.returncode != 0:
        why = one_line(err.decode("utf-8", "replace"), 400)
        raise FleetError("the trial program did not run", why, "see docs/security.md")
    return [str(why) for why in json.loads(out)]


def _judged(asked: list[Reach], answers: list[str], level: Isolation) -> list[Tried]:
    return [_judgement(reach, why, level) for reach, why in zip(asked, answers, strict=True)]


def _judgement(reach: Reach, why: str, level: Isolation) -> Tried:
    reached = not why
    broken = reach.needed is not reached if level is not Isolation.L0 else reach.needed and not reached
    return Tried(reach.name, reach.kind, reach.target.replace("\0", "@"), reach.needed, reached, one_line(why), broken)


# -- L2: what the other user alone keeps out, were there no sandbox ----------------------------------------------------


@contextlib.contextmanager
def _opened_stage() -> Iterator[tuple[Path, Path]]:
    """A file of ours with mode 0600 and a place for a socket, in a directory that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="fleet-doctor-") as name:
        place = Path(name)
        place.chmod(0o711)
        (place / "private").touch(mode=0o600)
        yield place / "private", place / "bus" / "operator.sock"


def _without_sandbox(paths: FleetPaths, file: Path, operator: Path) -> list[Reach]:
    real = Reach("the operator's socket, no sandbox", "connect", str(paths.operator_socket))
    return [
        Reach("a file of mode 0600, no sandbox", "read", str(file)),
        Reach("the state directory, no sandbox", "read", str(paths.state)),
        *([real] if paths.operator_socket.exists() else []),
        Reach("an open operator's socket", "command", str(operator)),
        Reach("this process, no sandbox", "signal", str(os.getpid())),
    ]


async def _answers_as(user: AgentUser, asked: list[Reach], operator: Path) -> list[str]:
    """Try ``asked`` as ``user``, while an operator's socket that everybody may connect to is served at ``operator``."""

    async def obey(caller: Caller, op: str, args: dict[str, Any], request: str) -> dict[str, Any]:
        del caller, op, args, request
        return {}

    bus = BusServer(obey, lambda _pid: None)
    await bus.listen_operator(operator)
    try:
        operator.parent.chmod(0o711)
        operator.chmod(0o666)
        pid, reader = _start_as(user, asked)
        try:
            with os.fdopen(reader, "rb") as said:
                raw = await asyncio.to_thread(said.read)
        finally:
            await asyncio.to_thread(os.waitpid, pid, 0)
    finally:
        await bus.close()
    if not raw:
        raise FleetError("the trial program did not run", f"nobody can become {user.name}", "see docs/security.md")
    return [str(why) for why in json.loads(raw)]


def _start_as(user: AgentUser, asked: list[Reach]) -> tuple[int, int]:
    """A child of ours as ``user``, and where its answers arrive. Nothing is started: it may not be able to read even
    the interpreter."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    try:
        os.setgroups([])
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
        os.write(writer, json.dumps([reacher.attempt(reach.kind, reach.target) for reach in asked]).encode())
    finally:
        os._exit(0)


# -- the surroundings --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _stage(paths: FleetPaths, user: AgentUser | None) -> Iterator[_Stage]:
    """A run of nobody's: workspace, gate, socket, spool; a neighbour with the same; a checkout with its home."""
    own, other = new_id("doctor"), new_id("doctor")
    # `.new-` is what the watcher tidies away should we be killed.
    place = Path(tempfile.mkdtemp(prefix=".new-doctor-", dir=paths.workspaces))
    run_dirs = [paths.run_dir(own), paths.run_dir(other)]
    try:
        for name in ("own", "other"):
            for folder in ("tree", "gate.git/objects/info", "gate.git/refs", "gate.git/hooks"):
                (place / name / folder).mkdir(parents=True)
            (place / name / "tree" / "file").write_text("x", encoding="utf-8")
            (place / name / "gate.git" / "hooks" / "pre-receive").write_text("#!/bin/sh\n", encoding="ascii")
        checkout, home = place / "checkout", place / "home"
        checkout.mkdir(mode=0o700)
        home.mkdir(mode=0o700)
        with contextlib.ExitStack() as sockets:
            services = [sockets.enter_context(service) for service in (_service(), _abstract_socket(own))]
            for run_dir in run_dirs:
                run_dir.mkdir(mode=0o700)
                install_client(run_dir)
                sockets.enter_context(_listening(bus_socket(run_dir), user))
            reaches = _staged(paths, place, *run_dirs)
            of_command = _of_command(reaches, checkout, home)
            tree, log = place / "own" / "tree", place / "network.log"
            yield _Stage(own, tree, reaches, checkout, home, of_command, log, services)
    finally:
        for leftover in (place, *run_dirs, paths.homes / _AGENT):
            shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def _listening(path: Path, user: AgentUser | None) -> Iterator[None]:
    with listening_socket(path, user):
        yield


@contextlib.contextmanager
def _service() -> Iterator[Reach]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Reach("a service of this machine", "tcp", str(listener.getsockname()[1]))


@contextlib.contextmanager
def _abstract_socket(name: str) -> Iterator[Reach]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        yield Reach("an abstract socket", "connect", f"\0{name}")


def _of_hosts(settings: IsolationSettings) -> list[Reach]:
    """What is asked of the proxy, where there is one: a listed host, which may be out of order, and others."""
    if isinstance(settings.network, bool):
        return []
    rules = [host_rule(text) for text in settings.network]
    listed = [f"{str(replace(rule, ports=USUAL_PORTS)).replace('*', 'www')}:{rule.ports[0]}" for rule in rules[:1]]
    others = [f"{_NOBODY}:443"] if network.name_refusal(rules, _NOBODY, 443) else []
    inside = [f"{_METADATA}:80"] if network.name_refusal(rules, _METADATA, 80) else []
    return [
        *(Reach("a host of the list", "ask", target, needed=True) for target in listed),
        *(Reach("a host that is not listed", "ask", target) for target in others),
        *(Reach("a cloud's credentials", "ask", target) for target in inside),
    ]


def _staged(paths: FleetPaths, place: Path, own: Path, other: Path) -> list[Reach]:
    gate = place / "own" / "gate.git"
    return [
        Reach("its workspace", "write", str(place / "own" / "tree"), needed=True),
        Reach("its socket", "connect", str(bus_socket(own)), needed=True),
        Reach("its spool", "write", str(own / "spool"), needed=True),
        Reach("its gate's objects", "write", str(gate / "objects"), needed=True),
        Reach("its gate's hook", "write", str(gate / "hooks" / "pre-receive")),
        Reach("another workspace", "read", str(place / "other" / "tree" / "file")),
        Reach("another run's socket", "connect", str(bus_socket(other))),
        Reach("another run's spool", "write", str(other / "spool")),
        Reach("the state directory", "write", str(paths.state)),
        Reach("the runtime directory", "write", str(paths.runtime)),
    ]


def _of_command(reaches: list[Reach], checkout: Path, home: Path) -> list[Reach]:
    """A command has a place of its own, and no part in any run's."""
    own = [Reach(f"its {path.name}", "write", str(path), needed=True) for path in (checkout, home)]
    theirs = [replace(reach, name=reach.name.replace("its ", "a run's "), needed=False) for reach in reaches]
    return [*own, *theirs]


def _of_the_host(paths: FleetPaths, settings: IsolationSettings) -> list[Reach]:
    """What is really there now; what is not (no watcher, no tmux) cannot be tried."""
    tmux = Path(os.environ.get("TMUX_TMPDIR", "/tmp")) / f"tmux-{os.getuid()}" / paths.tmux_socket_name  # noqa: S108
    secrets = [Path.home() / name for name in (".ssh", ".config", ".gitconfig", ".netrc", ".aws", ".docker", ".gnupg")]
    candidates = [
        *(Reach("the database", act, str(paths.database)) for act in ("read", "write")),
        Reach("the control repository's settings", "read", str(paths.control / "config")),
        Reach("the control repository's heads", "write", str(paths.control / "refs" / "heads")),
        Reach("evidence", "read", str(paths.evidence)),
        Reach("the operator's socket", "connect", str(paths.operator_socket)),
        Reach("tmux", "connect", str(tmux)),
        Reach("your repository", "read", str(paths.repository / ".git")),
        Reach("your repository", "write", str(paths.repository)),
        Reach("your home directory", "write", str(Path.home())),
        *(Reach(f"~/{path.name}", "read", str(path)) for path in secrets if path.name not in settings.home),
        Reach("system directories", "write", "/usr"),
        Reach("the kernel's settings", "write", "/proc/sys/kernel/core_pattern"),
        Reach("password hashes", "read", "/etc/shadow"),
    ]
    there = [reach for reach in candidates if Path(reach.target).exists() and _holds_something(Path(reach.target))]
    return [*there, Reach("a process outside", "signal", str(os.getpid()))]


def _holds_something(path: Path) -> bool:
    try:
        return not path.is_dir() or any(path.iterdir())
    except OSError:
        return False
