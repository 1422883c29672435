"""The fleet's private tmux server: one session per run, found by a generated name, proven by the pane's own uuid."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_tui.domain.errors import Conflict, FleetError, SetupError
from fleet_tui.domain.ids import is_safe_id
from fleet_tui.domain.text import clean
from fleet_tui.paths import shipped_config
from fleet_tui.tmux import command

if TYPE_CHECKING:
    from fleet_tui.tmux.structure import PrivateServer

KEEPER = "keeper"
"""The hidden session that keeps the server alive and that control-mode clients attach to."""
UUID = re.compile(r"[A-Za-z0-9-]{8,64}\Z")
_PANE_ID = re.compile(r"%\d+\Z")
_FIELDS = (
    "session_name",
    "pane_id",
    "@fleet_uuid",
    "pane_pid",
    "pane_dead",
    "pane_dead_status",
    "pane_dead_signal",
    "pane_width",
    "pane_height",
    "session_attached",
)
# No field can hold a space: names, ids and uuids are generated, the rest are numbers.
PANE_FORMAT = " ".join(f"#{{{field}}}" for field in _FIELDS)
# tmux expands formats in `-c`, so the directory travels as an argument of this fixed line instead.
_IN_DIRECTORY = ("/bin/sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh")


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A living tmux server. ``pid`` and ``started_ns`` together name it: both change with a restart."""

    pid: int
    started_ns: int
    version: str


@dataclass(frozen=True, slots=True)
class PaneInfo:
    """A pane of a run as tmux reports it. ``pane_id`` is reused after a server restart; ``uuid`` is not."""

    session: str
    pane_id: str
    uuid: str
    pid: int
    dead: bool
    exit_code: int | None
    signal: int | None
    width: int
    height: int
    attached: bool


class TmuxServer:
    """The tmux server on ``tmux -L <socket_name>``. Methods raise FleetError when tmux fails or hangs."""

    def __init__(self, socket_name: str, *, config: Path | None = None, limit_s: float = command.LIMIT_S) -> None:
        if not is_safe_id(socket_name):
            raise ValueError(f"not a safe socket name: {socket_name!r}")
        self.socket_name = socket_name
        self._config = config
        self._limit_s = limit_s
        self._checked = False

    # -- the server itself ---------------------------------------------------------------------------------------------

    async def ensure(self) -> ServerInfo:
        """Start the server, or its keeper session, if needed; idempotent.

        Raises:
            SetupError: tmux is missing or older than 3.2.
            FleetError: it does not start.
        """
        await self._check_version()
        info = await self.alive()
        if info is not None and await self._has_keeper():
            return info
        await self._start(fresh=info is None)
        info = await self.alive()
        if info is None:
            raise FleetError("tmux did not start", f"socket {self.socket_name}", "see `fleet doctor`")
        return info

    async def alive(self) -> ServerInfo | None:
        """What answers on the socket; None when nobody listens."""
        result = await self.run("display-message", "-p", "#{pid} #{start_time} #{version}")
        if result.unreachable:
            return None
        fields = self._checked_text(result, "display-message").split()
        if len(fields) != 3:
            return None
        return ServerInfo(int(fields[0]), int(fields[1]) * 1_000_000_000, fields[2])

    async def stop(self) -> None:
        """Kill the server and every session in it, and wait for its end; nothing happens when there is none."""
        tmux = await self._structure()
        where = await self.run("display-message", "-p", "#{socket_path}")
        # A server on its way out answers in several ways, so only the check below counts.
        await asyncio.to_thread(tmux.cmd, "kill-server")
        deadline = time.monotonic() + self._limit_s
        while await self.alive() is not None:
            if time.monotonic() > deadline:
                raise FleetError("tmux does not stop", f"socket {self.socket_name}", "see `fleet doctor`")
            await asyncio.sleep(0.02)
        # tmux leaves its socket behind; nobody will start a server on it again if the fleet is gone for good.
        socket = Path(where.out.decode("utf-8", "surrogateescape").strip())
        if where.code == 0 and socket.name == self.socket_name and socket.is_socket():
            socket.unlink(missing_ok=True)

    # -- sessions ------------------------------------------------------------------------------------------------------

    async def spawn(
        self, session: str, argv: Sequence[str], *, cwd: Path, uuid: str, width: int = 120, height: int = 40
    ) -> PaneInfo:
        """Run ``argv`` in a new detached session whose pane carries ``uuid``; idempotent for the same uuid.

        Raises:
            ValueError: ``session`` or ``uuid`` is not a generated id, or an argument cannot be passed.
            Conflict: the session exists with another uuid.
        """
        if not is_safe_id(session) or session == KEEPER:
            raise ValueError(f"not a safe session name: {session!r}")
        if not UUID.match(uuid) or not argv:
            raise ValueError(f"not a pane uuid, or nothing to run: {uuid!r}")
        existing = await self._pane_of(session, uuid)
        if existing is not None:
            return existing
        target = f"={session}:"
        words = [command.literal(word) for word in (*_IN_DIRECTORY, str(cwd), *argv)]
        size = ("-x", str(width), "-y", str(height))
        tmux = await self._structure()
        # One invocation, so that no session can be left behind without its uuid.
        done = await asyncio.to_thread(
            tmux.cmd,
            *("new-session", "-d", "-s", session, "-n", "run", "-c", "/", *size, "--", *words, ";"),
            *("set-option", "-p", "-t", target, "@fleet_uuid", uuid),
        )
        pane = await self._pane_of(session, uuid)
        if pane is None:
            raise _failed("new-session", " ".join(done.stderr))
        return pane

    async def panes(self) -> list[PaneInfo] | None:
        """Every pane that carries a uuid, in one cheap call; None (not an empty list) if the server is unreachable."""
        panes = await self._list()
        if panes and any(pane.dead and pane.exit_code is None and pane.signal is None for pane in panes):
            # A tmux built with utempter can miss the SIGCHLD of a pane; the end of any job makes it look again.
            await self.run("run-shell", ":")
            return await self._list()
        return panes

    async def _list(self) -> list[PaneInfo] | None:
        result = await self.run("list-panes", "-a", "-F", PANE_FORMAT)
        if result.unreachable:
            return None
        lines = self._checked_text(result, "list-panes").splitlines()
        return [pane for pane in map(parse_pane, lines) if pane is not None]

    async def kill(self, session: str) -> None:
        """End ``session`` and its processes (by hang-up); nothing happens when there is none."""
        if not is_safe_id(session) or session == KEEPER:
            raise ValueError(f"not a run's session: {session!r}")
        tmux = await self._structure()
        done = await asyncio.to_thread(tmux.cmd, "kill-session", target=f"={session}")
        error = " ".join(done.stderr)
        if error and not re.search(r"can't find session|no server running|error connecting|no current", error):
            raise _failed("kill-session", error)

    def attach_argv(self, session: str) -> list[str]:
        """The command that shows ``session`` in a terminal; it drops ``TMUX``, so it works inside another tmux too."""
        if not is_safe_id(session):
            raise ValueError(f"not a safe session name: {session!r}")
        drop = ["env", "-u", "TMUX", "-u", "TMUX_PANE"]
        return [*drop, *self.argv("attach-session", "-t", f"={session}")]

    async def capture(self, pane: PaneInfo, *, history: int = 0, colour: bool = False, joined: bool = False) -> str:
        """The pane's screen after up to ``history`` lines above it; with ``colour`` the text holds SGR sequences.

        ``joined`` makes lines whole again that were wrapped at the pane's width.

        Raises:
            Conflict: the pane id now belongs to another pane.
        """
        flags = [*(["-e"] if colour else []), *(["-J"] if joined else [])]
        result = await self.run(
            *("display-message", "-p", "-t", pane.pane_id, "#{@fleet_uuid}", ";"),
            *("capture-pane", "-p", *flags, "-S", str(-history), "-t", pane.pane_id),
        )
        uuid, _, text = result.out.decode("utf-8", "replace").partition("\n")
        if uuid != pane.uuid:
            raise Conflict("the pane is gone", f"{pane.pane_id} of {pane.session}", "look at the run again")
        self._checked_text(result, "capture-pane")
        return text if colour else clean(text)

    # -- below ---------------------------------------------------------------------------------------------------------

    def argv(self, *words: str) -> list[str]:
        """A complete tmux command line for this server; ``;`` as a word of its own separates commands."""
        return [command.locate(), "-u", "-L", self.socket_name, "-f", str(self.config), *words]

    async def run(self, *words: str, stdin: bytes | None = None) -> command.Result:
        """Run tmux commands on this server without starting it."""
        return await command.run(self.argv(*words), stdin=stdin, limit_s=self._limit_s)

    @property
    def config(self) -> Path:
        if self._config is None:
            self._config = shipped_config() / "tmux.conf"
        return self._config

    async def _structure(self) -> PrivateServer:
        def load() -> PrivateServer:
            from fleet_tui.tmux.structure import PrivateServer

            return PrivateServer(socket_name=self.socket_name, config_file=str(self.config), tmux_bin=command.locate())

        return await asyncio.to_thread(load)

    async def _check_version(self) -> None:
        if self._checked:
            return
        text = (await command.run([command.locate(), "-V"])).out.decode("ascii", "replace").strip()
        version = command.parse_version(text)
        if version is not None and version < command.OLDEST:
            raise SetupError("tmux is too old", f"{text}; 3.2 or newer is needed", command.install_hint())
        self._checked = True

    async def _has_keeper(self) -> bool:
        return (await self.run("has-session", "-t", f"={KEEPER}")).code == 0

    async def _start(self, *, fresh: bool) -> None:
        # `env` makes it two words: a single one would be handed to a shell.
        argv = self.argv(
            "new-session", "-d", "-s", KEEPER, "-n", KEEPER, "-c", "/", "-x", "80", "-y", "24", "env", "cat"
        )
        scope = shutil.which("systemd-run") if fresh else None
        if scope is not None and await self._start_in_scope(scope, argv):
            return
        result = await command.run(argv, limit_s=10.0)
        if result.code != 0 and "duplicate session" not in result.err:
            raise _failed("new-session", result.err)

    async def _start_in_scope(self, scope: str, argv: list[str]) -> bool:
        # In the watcher's own cgroup, a restart of its unit would kill every agent.
        options = ("--user", "--scope", "--quiet", "--collect", f"--description=fleet tmux {self.socket_name}")
        try:
            result = await command.run([scope, *options, "--", *argv], limit_s=10.0)
        except FleetError:
            return False
        return result.code == 0

    async def _pane_of(self, session: str, uuid: str) -> PaneInfo | None:
        # With the colon: without it tmux takes `=agent-1` for a window, then for a prefix of the session `agent-10`.
        result = await self.run("list-panes", "-s", "-t", f"={session}:", "-F", PANE_FORMAT)
        if result.code != 0:
            return None
        lines = result.out.decode("ascii", "replace").splitlines()
        for line in lines:
            pane = parse_pane(line)
            if pane is not None and pane.uuid == uuid:
                return pane
        raise Conflict("the session is taken", f"{session} has another pane uuid", "use a new session name")

    def _checked_text(self, result: command.Result, what: str) -> str:
        if result.code != 0:
            raise _failed(what, result.err)
        return result.out.decode("utf-8", "replace")


def parse_pane(line: str) -> PaneInfo | None:
    """One line of :data:`PANE_FORMAT`; None when the pane is not one of ours or the line is not understood."""
    fields = line.split(" ")
    if len(fields) != len(_FIELDS) or not UUID.match(fields[2]) or not _PANE_ID.match(fields[1]):
        return None
    session, pane_id, uuid, pid, dead, status, signal, width, height, attached = fields
    return PaneInfo(
        session=session,
        pane_id=pane_id,
        uuid=uuid,
        pid=int(pid),
        dead=dead == "1",
        exit_code=_number(status),
        signal=_number(signal),
        width=int(width),
        height=int(height),
        attached=attached not in {"", "0"},
    )


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _failed(what: str, error: str) -> FleetError:
    if "protocol version mismatch" in error:
        return FleetError(
            "tmux was updated while the fleet ran",
            "the running server speaks another protocol",
            "let the agents finish, then `fleet down` and `fleet up`",
        )
    return FleetError(f"tmux {what} failed", clean(error, 300) or "no message", "see `fleet doctor`")
