"""Record twenty seconds of the control room: docs/story.cast (asciicast v2; play it with ``asciinema play``).

A real demo fleet works; what a person types goes through a real terminal. An agent writes into the pipeline's
configuration and puts a key into the repository: ``w Q y`` contains it. Then ``2 w A y`` approves a pull request of low
risk, which lands in ten seconds unless ``u`` takes it back, as here.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import getpass
import json
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyte
import yaml

from fleet_tui.demo import project
from fleet_tui.domain.states import RiskBand
from fleet_tui.paths import FleetPaths
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.readmodel.values import NeedKind, Snapshot
from fleet_tui.store.reader import Reader
from fleet_tui.watcher import spawn

CAST = Path(__file__).resolve().parent.parent / "docs" / "story.cast"
COLUMNS, ROWS = 120, 40
PLAN = project.Plan(agents=12, hold_s=10)
MOMENT_LIMIT_S, STEP_LIMIT_S, LINGER_S = 180.0, 20.0, 3.0


@dataclass(frozen=True)
class Step:
    """Press ``key`` once ``sees`` is on the screen and a person has had ``reads_s`` to read it."""

    sees: str
    reads_s: float
    key: str


STORY = (
    Step("NEED YOU", 2.5, "w"),
    Step("1 AGENT", 2.5, "Q"),
    Step("y = quarantine", 1.5, "y"),
    Step("QUAR", 2.0, "2"),
    Step("hunk", 1.0, "w"),
    Step("hunk", 1.5, "A"),
    Step("y = approve", 1.5, "y"),
    Step("lands in", 2.5, "u"),
)
LAST = "undo"


def main() -> None:
    place = Path(tempfile.mkdtemp(prefix="fleet-", dir="/tmp")).resolve()
    os.environ["FLEET_STATE_HOME"] = str(place / "state")
    os.environ["FLEET_RUNTIME_DIR"] = str(place / "run")
    paths = project.create(place, PLAN)
    let_a_person_decide(paths.repository)
    try:
        spawn.start(paths)
        wait_for_the_moment(paths)
        recorded = record(paths)
    finally:
        spawn.stop(paths, with_agents=True)
        shutil.rmtree(place, ignore_errors=True)
    hide(recorded, place)
    check(recorded, place)
    CAST.write_text(recorded.as_text(), encoding="utf-8")
    print(f"{CAST.name}: {recorded.events[-1][0]:.0f} s, {len(recorded.events)} pieces, {CAST.stat().st_size} bytes")


def let_a_person_decide(repository: Path) -> None:
    """In this story the fleet raises the alarm and leaves what follows to the person: it does not quarantine by itself,
    and no budget is in the way."""
    path = repository / ".fleet" / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    del config["budgets"]
    config["risk"] = {"bands": {"critical": 101}}
    config["limits"]["denials_to_quarantine"] = 1000
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    subprocess.run(["git", "commit", "-aqm", "A person decides"], cwd=repository, check=True, timeout=60)


def wait_for_the_moment(paths: FleetPaths) -> None:
    """Until an alarm about an agent of high risk is the most urgent thing, and two approvals wait."""
    deadline_s = time.monotonic() + MOMENT_LIMIT_S
    with contextlib.closing(Reader.open(paths.database)) as reader:
        while time.monotonic() < deadline_s:
            snapshot = read_snapshot(reader, time.time_ns())
            if is_the_moment(snapshot):
                return
            time.sleep(0.2)
    raise SystemExit(f"record_story: the moment did not come: {[str(item.title) for item in snapshot.needs]}")


def is_the_moment(snapshot: Snapshot) -> bool:
    first = next(iter(snapshot.needs), None)
    if first is None or first.kind is not NeedKind.ALARM or first.agent is None:
        return False
    tile = snapshot.tile(first.agent)
    risky = tile is not None and tile.risk_band is RiskBand.HIGH
    return risky and sum(item.kind is NeedKind.APPROVAL for item in snapshot.needs) >= 2


@dataclass
class Recording:
    """What a terminal was sent, with seconds since it was opened; keys are marks."""

    events: list[tuple[float, str, str]] = field(default_factory=list)

    def as_text(self) -> str:
        head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "fleet: contain an agent, approve a change",
                "env": {"TERM": "xterm-256color", "SHELL": "/bin/sh"}}  # fmt: skip
        rows = [head, *([round(at_s, 3), kind, text] for at_s, kind, text in self.events)]
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def record(paths: FleetPaths) -> Recording:
    recorded, screen = Recording(), pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    with room_in_a_terminal(paths) as descriptor:
        decoder, started_s = codecs.getincrementaldecoder("utf-8")("replace"), time.monotonic()

        def listen(until_s: float) -> None:
            while (left_s := until_s - time.monotonic()) > 0:
                if select.select([descriptor], [], [], left_s)[0]:
                    text = decoder.decode(os.read(descriptor, 65_536))
                    recorded.events.append((time.monotonic() - started_s, "o", text))
                    stream.feed(text)

        def look_for(words: str) -> None:
            deadline_s = time.monotonic() + STEP_LIMIT_S
            while not any(words in row for row in screen.display):
                if time.monotonic() > deadline_s:
                    raise SystemExit(f"record_story: never seen: {words}\n" + "\n".join(screen.display))
                listen(time.monotonic() + 0.05)

        for step in STORY:
            look_for(step.sees)
            if step is STORY[0]:
                # The story begins with the first picture, not with the start of an interpreter.
                started_s = time.monotonic()
                recorded.events = [(0.0, "o", "".join(text for _, _, text in recorded.events))]
            listen(time.monotonic() + step.reads_s)
            recorded.events.append((time.monotonic() - started_s, "m", step.key))
            os.write(descriptor, step.key.encode())
        look_for(LAST)
        listen(time.monotonic() + LINGER_S)
    return recorded


@contextlib.contextmanager
def room_in_a_terminal(paths: FleetPaths) -> Iterator[int]:
    """The descriptor of the terminal's other end."""
    descriptor, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    own = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR", "TMUX"}}
    room = [sys.executable, "-m", "fleet_tui", "--repo", str(paths.repository)]
    process = subprocess.Popen(
        # Opened by the leader of a session, it becomes the controlling terminal.
        ["/bin/sh", "-c", 'exec "$@" <>"$0" >&0 2>&1', os.ttyname(other), *room],
        stdin=subprocess.DEVNULL, start_new_session=True,
        env={**own, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"},
    )  # fmt: skip
    try:
        yield descriptor  # ``other`` stays open: until the room has opened it too, nobody could read
    finally:
        process.send_signal(signal.SIGTERM)
        while process.poll() is None and select.select([descriptor], [], [], 1.0)[0]:
            os.read(descriptor, 65_536)
        process.wait(20)
        os.close(other)
        os.close(descriptor)


def hide(recorded: Recording, place: Path) -> None:
    """The demo's place gets another name, as wide as its own."""
    public = f"/home/you/{'textkit-demo-of-fleet'[: len(str(place)) - 10]}"
    assert len(public) == len(str(place))
    recorded.events = [(at_s, kind, text.replace(str(place), public)) for at_s, kind, text in recorded.events]


def check(recorded: Recording, place: Path) -> None:
    """Nothing of this machine is in it, also not in parts that arrived one after the other."""
    text = "".join(text for _, _, text in recorded.events)
    found = [word for word in (str(place), str(Path.home()), socket.gethostname(), sys.prefix) if word in text]
    name = getpass.getuser()
    found += [f"operator:{name}"] if f"operator:{name}" in text else []
    if found:
        raise SystemExit(f"record_story: the recording names {', '.join(found)}")


if __name__ == "__main__":
    main()
