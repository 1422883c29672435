"""The runner with a real sandbox in a real pseudo-terminal; collected where bubblewrap works (see conftest.py)."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import termios
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from fleet_tui.domain.users import AgentUser
from fleet_tui.tmux import proctable, records, runner_client, sandbox
from fleet_tui.tmux.memory import used
from fleet_tui.tmux.sandbox import View
from tests import agent_user
from tests.tmux.test_tmux_sandbox import MACHINE
from tests.tmux.tmux_support import ROOT, PtyRun, python, until

PROGRAM = sandbox.bubblewrap()


@pytest.fixture(autouse=True, params=["", pytest.param("another user", marks=agent_user.only_root)])
def other(request: pytest.FixtureRequest, pty_run: PtyRun) -> AgentUser | None:
    """Everything here holds as ourselves (L1) and as another user (L2)."""
    user = agent_user.made() if request.param else None
    USERS[pty_run.dir] = user
    if user is not None:
        os.chown(pty_run.dir, user.uid, user.gid)
    return user


USERS: dict[Path, AgentUser | None] = {}


def contained(run: PtyRun, argv: Sequence[str], **options: object) -> None:
    """Start ``argv`` in a sandbox whose writable directory is the run's."""
    assert PROGRAM is not None
    view = View(run.dir, (run.dir,), MACHINE, user=USERS[run.dir])
    line = sandbox.wrap(PROGRAM, view, argv)
    spec = records.RunSpec(run.dir.name, line, str(run.dir), {"PATH": os.environ["PATH"]}, sandboxed=True)
    runner_client.write_spec(run.dir, spec)
    run.launch()


def inside(record: records.RunnerRecord) -> list[psutil.Process]:
    """The processes in the sandbox, as seen from outside."""
    found = psutil.Process(record.child_pid).children(recursive=True)
    return [p for p in found if p.name() != "bwrap" and p.status() != psutil.STATUS_ZOMBIE]


async def test_a_sandbox_shows_only_what_it_should(pty_run: PtyRun, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    code = f"""
import json, os
pids = [int(n) for n in os.listdir('/proc') if n.isdigit()]
def writes(path):
    try: open(path, 'w').close(); return True
    except OSError: return False
facts = dict(pids=len(pids), secret=os.path.exists({str(tmp_path / "secret")!r}), tmp=os.listdir('/tmp'),
    outside=[p for p in ('/x', '/usr/x', '/etc/x', '/proc/sys/kernel/hostname', '/proc/sysrq-trigger') if writes(p)],
    caps=[l for l in open('/proc/self/status') if l.startswith('CapEff')][0].split()[1])
json.dump(facts, open('facts', 'w'))
"""
    contained(pty_run, python(code))
    assert await pty_run.ended() == 0
    facts = json.loads((pty_run.dir / "facts").read_text())
    assert facts["pids"] <= 3
    assert (facts["secret"], facts["outside"], facts["caps"]) == (False, [], "0" * 16)
    # Only the way to the run's own directory, and to this checkout where it lies there too.
    ways = {path.relative_to("/tmp").parts[0] for path in (pty_run.dir, ROOT) if path.is_relative_to("/tmp")}
    assert set(facts["tmp"]) == ways


@pytest.mark.parametrize("code", [0, 3])
async def test_the_exit_code_comes_through(pty_run: PtyRun, code: int) -> None:
    contained(pty_run, ("sh", "-c", f"exit {code}"))
    assert await pty_run.ended() == code


async def test_a_sandboxed_agent_is_asked_to_end_before_it_is_killed(pty_run: PtyRun) -> None:
    code = "import signal, sys; signal.signal(15, lambda *_: (open('said', 'w').write('bye'), sys.exit(0)))"
    contained(pty_run, python(f"{code}\nopen('up', 'w')\nwhile True: signal.pause()"))
    await pty_run.up()
    await until((pty_run.dir / "up").exists)
    record = await runner_client.stop(pty_run.dir)
    assert (pty_run.dir / "said").read_text() == "bye"
    assert record is not None
    assert (record.reason, record.survivors) == ("stopped", 0)


async def test_freeze_thaw_and_kill_reach_daemons_inside(pty_run: PtyRun) -> None:
    daemon = "import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork(): os._exit(0)\n"
    contained(pty_run, python(f"{daemon} time.sleep(600)\ntime.sleep(600)"))
    record = await pty_run.up()
    processes: list[psutil.Process] = []

    def on_its_own() -> bool:
        """The daemon's maker is gone, which was a child of the first one."""
        processes[:] = inside(record)
        return len(processes) == 2 and not {p.ppid() for p in processes} & {p.pid for p in processes}

    await until(on_its_own)
    assert (await runner_client.freeze(pty_run.dir)).complete
    assert {p.status() for p in processes} == {psutil.STATUS_STOPPED}
    await runner_client.thaw(pty_run.dir)
    assert psutil.STATUS_STOPPED not in {p.status() for p in processes}
    for process in processes:
        assert runner_client.find_run([process, *process.parents()], {"run-a": record}) == "run-a"
    ended = await runner_client.stop(pty_run.dir, grace_s=0.2)
    assert ended is not None
    assert not any(p.is_running() for p in processes)


async def test_nothing_outlives_a_killed_runner(pty_run: PtyRun) -> None:
    """At L0 a daemon without its environment gets away; the end of the namespace is the end of everybody in it."""
    daemon = "import os\nif os.fork() == 0:\n os.setsid()\n os.fork() and os._exit(0)\n"
    sleeper = " os.execve('/bin/sleep', ['sleep', '600'], {})\nimport time; time.sleep(600)"
    contained(pty_run, python(daemon + sleeper))
    record = await pty_run.up()
    await until(lambda: any(p.name() == "sleep" for p in inside(record)))
    processes = inside(record)
    os.kill(record.pid, signal.SIGKILL)
    await until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes))


async def test_the_terminal_works_inside(pty_run: PtyRun) -> None:
    """Its size changes, Ctrl-C arrives, and an interactive shell has job control."""
    code = """
import os, signal, sys, time
seen = []
signal.signal(signal.SIGWINCH, lambda *_: seen.append(os.get_terminal_size(0).columns))
signal.signal(signal.SIGINT, lambda *_: seen.append('int'))
open('up', 'w').write(str(os.isatty(0)))
while len(seen) < 2: time.sleep(0.01)
open('seen', 'w').write(repr(seen))
"""
    contained(pty_run, python(code))
    await pty_run.up()
    await until((pty_run.dir / "up").exists)
    fcntl.ioctl(pty_run.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 111, 0, 0))
    pty_run.type(b"\x03")
    assert await pty_run.ended() == 0
    assert sorted((pty_run.dir / "seen").read_text()) == sorted("[111, 'int']")


async def test_a_shell_inside_has_job_control(pty_run: PtyRun) -> None:
    contained(pty_run, ("bash", "--norc", "-i"))
    await pty_run.up()
    pty_run.type(b"sleep 600 & \n jobs > jobs.txt; echo done >> jobs.txt\n kill %1; fg; exit 7\n")
    assert await pty_run.ended() == 7
    assert "Running" in (pty_run.dir / "jobs.txt").read_text()


async def test_an_agent_that_stops_itself_is_woken(pty_run: PtyRun) -> None:
    contained(pty_run, python("import os; os.kill(os.getpid(), 19); open('on', 'w')"))
    assert await pty_run.ended() == 0
    assert (pty_run.dir / "on").exists()


async def test_the_terminal_can_be_opened_by_its_names(pty_run: PtyRun, other: AgentUser | None) -> None:
    code = """
import os
for name in ('/dev/stderr', '/dev/tty'):
    print('hello', file=open(name, 'w'))
open('uids', 'w').write(str(set(os.getresuid())))
"""
    contained(pty_run, python(code))
    assert await pty_run.ended() == 0
    assert (pty_run.dir / "uids").read_text() == str({other.uid if other else os.getuid()})


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm"])
async def test_files_in_the_memory_of_a_sandbox_count(pty_run: PtyRun, place: str) -> None:
    size = 50_000_000
    code = f"open('{place}/big', 'wb').write(b'x' * {size})\nopen('written', 'w').close()\nimport time\ntime.sleep(600)"
    contained(pty_run, python(code))
    await pty_run.up()
    await until((pty_run.dir / "written").exists, 40)
    inside = proctable.descendants(proctable.look(), [pty_run.pid])
    assert size <= used(inside) < 3 * size
