"""A fleet of its own for a test: a repository, a home, state and runtime directories, and the real commands."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import yaml

from fleet_tui.domain.events import Event
from fleet_tui.domain.model import Approval, Run
from fleet_tui.domain.states import LIVE_RUNS, ApprovalState, TicketState
from fleet_tui.paths import FleetPaths, fleet_id
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.tmux import proctable, proctree
from fleet_tui.tmux.records import MARKER, read_runner
from fleet_tui.watcher.lock import is_locked, read_holder

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
_HIDDEN = ("FLEET_", "GIT_", "TMUX", "XDG_", "SSH_", "NO_COLOR", "COLUMNS", "LINES")


def stands_still(process: psutil.Process) -> bool:
    """Whether a living process executes nothing; one that just begins a program (vfork) has its stop yet to take."""
    now = proctable.look_at(process.pid)
    return now is not None and not now.has_ended and proctable.stands(now)


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Place:
    """Everything a fleet touches lies under ``root``, which is short, because unix sockets go into it."""

    def __init__(self, name: str = "shop") -> None:
        self.root = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp")).resolve()
        self.repository = self.root / name
        self.repository.mkdir()
        (self.root / "home").mkdir()
        (self.root / "home" / ".gitconfig").write_text("[user]\n\tname = You\n\temail = you@example.invalid\n")
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(_HIDDEN)}
        self.env |= {
            "HOME": str(self.root / "home"),
            "FLEET_STATE_HOME": str(self.root / "state"),
            "FLEET_RUNTIME_DIR": str(self.root / "run"),
            "TERM": "xterm-256color",
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "widgets"))),
        }
        self._readers: list[Reader] = []

    # -- commands ------------------------------------------------------------------------------------------------------

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "fleet_tui", *words]

    def run(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
        limit_s: float = 180,
    ) -> Done:
        """``fleet WORDS`` in the repository."""
        done = subprocess.run(
            self.argv(*words),
            cwd=cwd or self.repository,
            env={**self.env, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def fleet(self, *words: str, stdin: str = "") -> str:
        """``fleet WORDS``, which must succeed; what it printed."""
        done = self.run(*words, stdin=stdin)
        assert done.code == 0, f"fleet {' '.join(words)[:200]}: exit code {done.code}\n{done.text}"
        return done.out

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.repository, env=self.env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str], message: str) -> str:
        """Write ``files`` into the user's checkout and commit them; the new head."""
        for name, text in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    # -- looking -------------------------------------------------------------------------------------------------------

    @property
    def paths(self) -> FleetPaths:
        name = fleet_id(self.repository)
        return FleetPaths(self.repository, name, self.root / "state" / name, self.root / "run" / name)

    @property
    def reader(self) -> Reader:
        if not self._readers:
            self._readers.append(Reader.open(self.paths.database))
        return self._readers[0]

    def events(self, *kinds: str) -> list[Event]:
        return self.reader.events(EventFilter(kinds=kinds), after=0, limit=100_000)

    def alarm(self, rule: str) -> str | None:
        """The title of the standing alarm of ``rule``."""
        return next((a.title for a in self.reader.alarms() if a.rule == rule and a.state.value != "cleared"), None)

    def ticket_state(self, number: int) -> TicketState | None:
        ticket = self.reader.ticket(number)
        return ticket.state if ticket else None

    def live_run(self, agent: str) -> Run | None:
        return next(iter(self.reader.runs(*LIVE_RUNS, agent=agent)), None)

    def agent_state(self, agent: str) -> str | None:
        run = self.live_run(agent)
        return run.state.value if run else None

    def child(self, agent: str) -> psutil.Process | None:
        """The agent's own process: the child of its runner."""
        run = self.live_run(agent)
        record = read_runner(self.paths.run_dir(run.id)) if run else None
        if record is None:
            return None
        with contextlib.suppress(psutil.NoSuchProcess):
            return next(iter(psutil.Process(record.pid).children()), None)
        return None

    def until(self, condition: Callable[[], T | None], what: str, limit_s: float = 90) -> T:
        """The first true value of ``condition``; when there is none in time, the fleet's story is shown."""
        deadline = time.monotonic() + limit_s
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {limit_s:g} s: {what}\n{self.story()}")
            time.sleep(0.02)

    def until_ticket(self, number: int, state: TicketState, limit_s: float = 90) -> None:
        self.until(lambda: self.ticket_state(number) is state, f"ticket #{number} {state.value}", limit_s)

    def until_approval(self, pr: int, limit_s: float = 90) -> Approval:
        def asked() -> Approval | None:
            return next(iter(self.reader.approvals(ApprovalState.REQUESTED, pr=pr)), None)

        return self.until(asked, f"an approval of #{pr} is requested", limit_s)

    def approve(self, pr: int) -> Approval:
        """Approve a pull request by the command line at its head; when it changed meanwhile, look again."""
        while True:
            approval = self.until_approval(pr)
            done = self.run("approval", "approve", f"PR{pr}", "--head", approval.head_sha)
            if done.code == 0:
                return approval
            changed = any(word in done.err for word in ("CHANGED", "already decided", "no open approval"))
            assert changed, done.text

    def story(self) -> str:
        """The last events, the alarms and the watcher's log, for a failing test."""
        log = self.paths.log_file
        said = log.read_text(errors="replace")[-3000:] if log.is_file() else "no watcher.log"
        return f"{self.run('log', '-n', '60').text}\n{self.run('alarm', 'list').text}\n{said}"

    # -- making --------------------------------------------------------------------------------------------------------

    def init_git(self, files: Mapping[str, str] | None = None) -> None:
        """A repository with one commit on ``main``."""
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit(files or {"README.md": "# Shop\n"}, "Start")

    def configure(
        self,
        scenes: Sequence[Mapping[str, Any]],
        *,
        agents: Sequence[Mapping[str, Any]] = (
            {"name": "dev", "role": "developer"},
            {"name": "rev", "role": "reviewer"},
        ),
        **sections: Any,
    ) -> None:
        """Write and commit a fleet of scripted agents that play ``scenes`` without pauses."""
        config = {
            "version": 1,
            "agents": [{"vendor": "scripted", "prompt": "Do it.", **agent} for agent in agents],
            "vendors": {"scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "0"]}},
            "approval": {"when": "always", "hold_s": 0},
            **sections,
        }
        self.commit(
            {
                ".fleet/config.yaml": yaml.safe_dump(config, sort_keys=False),
                ".fleet/story.yaml": yaml.safe_dump({"scenes": list(scenes)}, sort_keys=False),
                ".fleet/.gitignore": "/tickets/\n/.backup/\n",
            },
            "Add a fleet",
        )

    def tell(self, *scenes: Mapping[str, Any]) -> None:
        """What agents play from their next start on."""
        story = self.repository / ".fleet" / "story.yaml"
        story.write_text(yaml.safe_dump({"scenes": list(scenes)}, sort_keys=False))

    def edit_config(self, **sections: Any) -> None:
        """Change sections of the configuration in place; it is not committed."""
        file = self.repository / ".fleet" / "config.yaml"
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | sections, sort_keys=False))

    def ticket(self, title: str, *words: str, body: str = "Do it.") -> int:
        """A ready ticket; its number."""
        done = self.run("ticket", "new", title, "--body", body, "--ready", "--json", *words)
        assert done.code == 0, done.text
        return int(done.json["number"])

    # -- ending --------------------------------------------------------------------------------------------------------

    def processes(self) -> list[str]:
        """What of this fleet still runs: watcher, agents, tmux server."""
        left = [f"agent of {run}" for run in self._runs() if proctree.marked(MARKER, run)]
        if is_locked(self.paths.lock):
            left.append("watcher")
        if self._tmux("list-sessions") == 0:
            left.append("tmux")
        return left

    def _runs(self) -> list[str]:
        return [run.id for run in self.reader.runs(limit=10_000)] if self.paths.database.exists() else []

    def _tmux(self, *words: str) -> int:
        argv = ["tmux", "-L", self.paths.tmux_socket_name, *words]
        return subprocess.run(argv, env=self.env, capture_output=True, timeout=20, check=False).returncode

    def close(self) -> None:
        """End everything, first in order and then by force, and remove the place."""
        try:
            if is_locked(self.paths.lock):
                self.run("watcher", "stop", "--with-agents")
        finally:
            self._kill_watcher()
            for run in self._runs():
                proctree.send(proctree.marked(MARKER, run), signal.SIGKILL)
            self._tmux("kill-server")
            for reader in self._readers:
                reader.close()
            shutil.rmtree(self.root, ignore_errors=True)

    def _kill_watcher(self) -> None:
        pid = read_holder(self.paths.lock).get("pid") if is_locked(self.paths.lock) else None
        if isinstance(pid, int):
            with contextlib.suppress(psutil.NoSuchProcess):
                holder = psutil.Process(pid)
                # The supervisor first, or it would start another.
                for process in (*[p for p in holder.parents() if "--supervised" in p.cmdline()], holder):
                    process.kill()


@contextlib.contextmanager
def opened(name: str = "shop") -> Iterator[Place]:
    """A place that is ended and removed afterwards, whatever happened."""
    place = Place(name)
    try:
        yield place
    finally:
        place.close()


# -- scenes that many tests share --------------------------------------------------------------------------------------


def scene(role: str, *steps: Any, **when: Any) -> dict[str, Any]:
    return {"when": {"role": role, **when}, "steps": list(steps)}


WRITES: tuple[Any, ...] = (
    {"write": {"path": "notes/{ticket}.md", "text": "# {title}\n"}},
    {"commit": "{title}"},
    "push",
    {"publish": {"event": "pr_created", "summary": "{title}"}},
    "stop",
)
APPROVES: tuple[Any, ...] = ({"publish": {"event": "pr_approved", "summary": "Good."}}, "stop")
REWORKS: tuple[Any, ...] = (
    {"write": {"path": "notes/{ticket}-{round}.md", "text": "again\n"}},
    {"commit": "Round {round}"},
    "push",
    {"publish": {"event": "pr_created", "summary": "round {round}"}},
    "stop",
)
DEVELOPER = scene("developer", *WRITES)
REVIEWER = scene("reviewer", *APPROVES)
PLAIN = (DEVELOPER, REVIEWER)
