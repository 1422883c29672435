"""A fleet that lives for hours: its repository, its watcher, and a person who approves and brings new tickets."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.long.agent import is_lull
from benchmarks.long.sample import Sample, clients_of, look_at, size_of
from fleet_tui.domain.states import ApprovalState, TicketState
from fleet_tui.watcher.lock import read_holder
from tests.e2e.e2e_support import Place

AGENT = Path(__file__).with_name("agent.py")
QUICK_SHARE = 0.15
"""Of the developers, so many hand their work over again and again."""
REVIEWERS = 2


class Fleet:
    """``agents`` in all. Everything is below a temporary directory and ends with :meth:`close`."""

    def __init__(self, agents: int, cycle_s: float) -> None:
        self.place = Place()
        self._cycle_s = cycle_s
        developers = max(2, agents - REVIEWERS)
        quick = max(1, round(developers * QUICK_SHARE))
        self._names = [f"quick-{n}" if n < quick else f"dev-{n:02}" for n in range(developers)]
        self._tickets = 0
        self._began_s = time.monotonic()

    def open(self) -> None:
        """Start the watcher; return when every developer is at work."""
        reviewers = [{"name": f"rev-{n}", "role": "reviewer"} for n in range(REVIEWERS)]
        developers = [{"name": name, "role": "developer"} for name in self._names]
        self.place.init_git()
        self.place.configure(
            [],
            agents=[{**agent, "vendor": "program"} for agent in (*developers, *reviewers)],
            vendors={
                "program": {"argv": [sys.executable, "-I", str(AGENT), str(self._cycle_s)], "prompt": "file"},
            },
            isolation={"level": "L0"},
            limits={"max_running": len(developers) + len(reviewers)},
        )
        for _ in self._names:
            self._bring_ticket()
        self.place.fleet("watcher", "start")
        self.place.until(lambda: all(map(self.place.live_run, self._names)), "all agents at work", 300)

    def close(self) -> None:
        self.place.close()

    def _bring_ticket(self) -> None:
        self._tickets += 1
        self.place.ticket(f"Retry uploads of kind {self._tickets}")

    def attend(self) -> None:
        """What a person does from time to time: approve what asks for it, and see to it that there is work."""
        for approval in self.place.reader.approvals(ApprovalState.REQUESTED):
            self.place.run("approval", "approve", approval.id, "--head", approval.head_sha)
        if self._tickets - len(self.place.reader.tickets(TicketState.SHIPPED)) < len(self._names):
            self._bring_ticket()

    def tmux(self, *words: str) -> list[str]:
        """The lines that the fleet's tmux server answers; none when it is gone."""
        argv = ["tmux", "-N", "-L", self.place.paths.tmux_socket_name, *words]
        done = subprocess.run(argv, env=self.place.env, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout.splitlines()

    def sample(self, room: int, written: int, load: float) -> Sample:
        """``room`` is its process, ``written`` what it has written so far."""
        watcher = int(str(read_holder(self.place.paths.lock).get("pid", 0)))
        server = int(next(iter(self.tmux("display-message", "-p", "#{pid}")), "0"))
        history = self.tmux("list-panes", "-a", "-F", "#{history_bytes}")
        paths, reader = self.place.paths, self.place.reader
        return Sample(
            at_s=time.monotonic() - self._began_s,
            lull=is_lull(time.time(), self._cycle_s),
            load=load,
            room=look_at(room),
            clients=clients_of(room),
            watcher=look_at(watcher),
            tmux=look_at(server),
            written=written,
            events=reader.last_seq(),
            database=size_of(paths.database),
            wal=size_of(paths.database.with_name(paths.database.name + "-wal")),
            panes=len(history),
            history=sum(map(int, history)),
            shipped=len(reader.tickets(TicketState.SHIPPED)),
        )
