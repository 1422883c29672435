"""Private tmux servers with panes, and a log with running agents and a watcher that answers, for the real room."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet_tui.bus.server import BusServer
from fleet_tui.domain import events as ev
from fleet_tui.domain.spending import Rule
from fleet_tui.store.store import Store
from fleet_tui.tmux.server import KEEPER, TmuxServer

SHA = "a" * 40
SLEEPER = ("sh", "-c", "stty -echo -onlcr; exec cat >/dev/null")


@dataclass(frozen=True, slots=True)
class Pane:
    """Where to write, and how large it is."""

    id: str
    tty: str
    width: int
    height: int


class Server:
    """One server on a socket of its own; ``close`` ends it by name."""

    _count = 0

    def __init__(self, name: str = "") -> None:
        Server._count += 1
        # A socket that was used would race with its dying server.
        self.name = name or f"bench-{os.getpid()}-{Server._count}"
        self._tmux = TmuxServer(self.name)

    async def open(self) -> int:
        """Start it; its process id."""
        info = await self._tmux.ensure()
        return info.pid

    async def own_sessions(self, number: int, width: int = 80, height: int = 24) -> list[Pane]:
        """A session per pane, each marked as the fleet's panes are."""
        for start in range(0, number, 20):
            words: list[str] = []
            for at in range(start, min(number, start + 20)):
                words += ["new-session", "-d", "-s", f"run-{at:04}", "-x", str(width), "-y", str(height), *SLEEPER, ";"]
                words += ["set-option", "-p", "-t", f"=run-{at:04}:", "@fleet_uuid", uuid(at), ";"]
            await self._run(*words)
        return await self._panes("-a", "-f", f"#{{!=:#{{session_name}},{KEEPER}}}")

    async def tiled(self, number: int, size: tuple[int, int]) -> list[Pane]:
        """All panes in the one window of session ``tiled``."""
        columns, rows = str(size[0]), str(size[1])
        await self._run("new-session", "-d", "-s", "tiled", "-x", columns, "-y", rows, *SLEEPER)
        for _ in range(number - 1):
            words = ["split-window", "-d", "-t", "=tiled:", *SLEEPER, ";", "select-layout", "-t", "=tiled:", "tiled"]
            await self._run(*words)
        return await self._panes("-s", "-t", "=tiled:")

    async def close(self) -> None:
        await self._tmux.run("kill-server")
        (Path(os.environ.get("TMUX_TMPDIR", "/tmp")) / f"tmux-{os.getuid()}" / self.name).unlink(missing_ok=True)

    async def client_flags(self) -> list[str]:
        """Of every client that is attached."""
        return (await self._tmux.run("list-clients", "-F", "#{client_flags}")).out.decode().splitlines()

    def attach_argv(self) -> list[str]:
        return self._tmux.attach_argv("tiled")

    async def sizes_now(self) -> list[Pane]:
        """Panes of the tiled window, as large as they are since a terminal shows it."""
        return await self._panes("-s", "-t", "=tiled:")

    async def _panes(self, *which: str) -> list[Pane]:
        form = "#{pane_id} #{pane_tty} #{pane_width} #{pane_height}"
        done = await self._tmux.run("list-panes", *which, "-F", form)
        found = [line.split() for line in done.out.decode().splitlines()]
        panes = [Pane(one, tty, int(width), int(height)) for one, tty, width, height in found]
        return sorted(panes, key=lambda pane: int(pane.id[1:]))

    async def _run(self, *words: str) -> None:
        done = await self._tmux.run(*words)
        if done.code != 0:
            raise RuntimeError(done.err)


def uuid(number: int) -> str:
    return f"bench-{number:04}"


class World:
    """A log in which ``number`` agents run, and the socket at which a watcher would answer."""

    def __init__(self, place: Path, number: int, socket: Path | None = None) -> None:
        self.database, self.socket = place / "fleet.db", socket or place / "operator.sock"
        self._store = Store.open(self.database, host="bench", blobs=place / "blobs")
        names = [f"agent-{at:03}" for at in range(number)]
        self._store.append([ev.draft(ev.WatcherStarted("1.0", 1, "bench", "boot", "L0"), "fleet"), config(names)])
        for at, name in enumerate(names):
            last = self._store.append(running(at, name))
        last.result(30)

    async def open(self) -> None:
        self._bus = BusServer(self._answer, lambda _: None)
        await self._bus.listen_operator(self.socket)

    async def close(self) -> None:
        await self._bus.close()
        self._store.close()

    async def _answer(self, caller: object, op: str, args: dict[str, Any], request: str) -> dict[str, Any]:
        del caller, args, request
        return {"pid": 1, "isolation": "L0"} if op == "status" else {}


def config(names: list[str]) -> ev.Draft:
    agents: list[dict[str, Any]] = [
        {"name": name, "role": "developer", "vendor": "claude-code", "model": None, "enabled": True,
         "max_concurrent": 1, "department": None, "reports_to": None, "subscribes_to": [], "budget_s": 3600}
        for name in names
    ]  # fmt: skip
    budgets = [Rule("agent", name, "seconds", 3600).as_dict() for name in names]
    return ev.draft(ev.ConfigLoaded("0" * 64, "v-bench0000000", agents, budgets), "fleet")


def running(at: int, agent: str) -> list[ev.Draft]:
    """A ticket in the hands of an agent whose run is under way."""
    run, number = f"run-{at:04}", at + 1
    about, ticket = f"run:{run}", f"ticket:{number}"
    return [
        ev.draft(
            ev.TicketCreated(number, f"Retry uploads of kind {number}", "Text.", "0" * 64, ["ready"], [], 0), ticket
        ),
        ev.draft(ev.TicketReady(number), ticket),
        ev.draft(ev.RunQueued(run, agent, "developer", "claude-code", None, "ticket_ready", ticket=number), about),
        ev.draft(ev.TicketClaimed(number, agent, run), ticket),
        ev.draft(ev.RunStarted(run, run, uuid(at), "/w", f"agent/{number}", SHA, "L0", 1, "0" * 64), about),
        ev.draft(ev.RunStateChanged(run, "running", "hook"), about),
        ev.draft(ev.RunMetered(run, agent, 600_000), about),
    ]


def load(spec: bytes, driver: Path, python: str) -> subprocess.Popen[bytes]:
    """Start the load on its own; it ends by itself."""
    process = subprocess.Popen([python, "-I", str(driver)], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(spec)
    process.stdin.close()
    return process


def pause_until(at_s: float) -> float:
    """Seconds left until ``at_s`` on the monotonic clock."""
    return max(0.0, at_s - time.monotonic())
