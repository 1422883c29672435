"""The private server with real tmux: names, targets, identity, exit codes, its death, and what it lets through."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.domain.ids import is_safe_id
from fleet_tui.tmux import command
from fleet_tui.tmux.server import UUID, TmuxServer, parse_pane
from tests.tmux.tmux_support import CONFIG, python, until

NASTY = (
    *(
        "#(touch pwn_1)",
        "$(touch pwn_2)",
        "`touch pwn_3`",
        "a;touch pwn_4",
        "|| touch pwn_5",
        "& touch pwn_6",
        "> pwn_7",
    ),
    *(
        ";",
        "a;",
        "\\;",
        "a\\;",
        "#{pane_title}",
        "#{E:pane_title}",
        "#[fg=red]",
        "##",
        "#",
        "%H:%M",
        "{a,b}",
        "[a]",
        "*",
        "?",
    ),
    *(
        "-x",
        "--",
        "-",
        "-run",
        "~",
        "~root",
        "$HOME",
        "%1",
        "=keeper",
        "@0",
        "!",
        "run-1:0.0",
        "a.b",
        "a:b",
        "A",
        "a_b",
    ),
    *("'", '"', "\\", "\n", "a\nb", "\t", " ", "", "../../etc", "/", ".", "x" * 64),
    *("\x1b]52;c;AAAA\x07", "\x1b[201~", "\u202eabc", "é", "漢字", "👩\u200d💻"),
)
HOSTILE = [prefix + word for prefix in ("", "a", "run-1", "é ", "x y") for word in NASTY][:200]
assert len(HOSTILE) == 200


@pytest.fixture
def canaries(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory in which anything that gets run would leave a file."""
    monkeypatch.chdir(short_dir)
    return short_dir


async def test_ensure_starts_once(cold: TmuxServer) -> None:
    assert await cold.alive() is None
    assert await cold.panes() is None
    first = await cold.ensure()
    assert await cold.ensure() == first
    assert await cold.alive() == first
    assert await cold.panes() == []
    assert psutil.pid_exists(first.pid)
    assert abs(first.started_ns - time.time_ns()) < 60e9
    await cold.stop()
    await cold.stop()
    assert await cold.alive() is None


async def test_ensure_brings_the_keeper_back(tmux: TmuxServer) -> None:
    info = await tmux.alive()
    await tmux.run("kill-session", "-t", "=keeper")
    assert await tmux.ensure() == info
    assert (await tmux.run("has-session", "-t", "=keeper")).code == 0


async def test_a_server_in_no_terminal_and_with_no_secrets(cold: TmuxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "secret")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/agent")
    monkeypatch.setenv("TMUX", "/tmp/other,1,0")
    info = await cold.ensure()
    await cold.spawn("run-1", ("sh", "-c", "env > $0; cat", "/dev/null"), cwd=Path("/"), uuid="uuid-0001")
    environments = (await cold.run("show-environment", "-g")).out + (
        await cold.run("show-environment", "-t", "=run-1")
    ).out
    assert b"secret" not in environments
    assert b"SSH_AUTH_SOCK=" not in environments
    assert b"\nTMUX=" not in environments
    assert os.getsid(info.pid) != os.getsid(0)


def test_the_shipped_configuration_is_the_default(tmux_name: str) -> None:
    assert TmuxServer(tmux_name).config == CONFIG


@pytest.mark.parametrize("works", [True, False])
async def test_starts_in_a_scope_of_its_own_where_that_works(
    cold: TmuxServer, short_dir: Path, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    fake = short_dir / "systemd-run"
    run = 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"' if works else "exit 1"
    fake.write_text(f'#!/bin/sh\necho "$@" > {short_dir}/asked\n{run}\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{short_dir}:{os.environ['PATH']}")
    assert await cold.ensure() == await cold.alive()
    asked = (short_dir / "asked").read_text()
    assert asked.startswith("--user --scope --quiet --collect")
    assert f"-L {cold.socket_name}" in asked


async def test_configuration_is_in_force(tmux: TmuxServer) -> None:
    async def option(*words: str) -> str:
        return (await tmux.run("show-options", *words)).out.decode().strip()

    assert (await tmux.run("show-messages")).err in {"", "no current client"}
    assert await option("-sv", "set-clipboard") == "off"
    assert await option("-gwv", "allow-rename") == "off"
    assert await option("-gwv", "remain-on-exit") == "on"
    assert await option("-gwv", "monitor-activity") == "on"
    assert await option("-gv", "activity-action") == "any"
    assert await option("-gv", "history-limit") == "5000"
    assert await option("-gv", "set-titles") == "off"
    assert await option("-gv", "prefix") == "C-]"
    assert await option("-sv", "default-terminal") in {"tmux-256color", "screen-256color"}
    keys = (await tmux.run("list-keys", "-T", "prefix")).out.decode()
    assert "kill" not in keys
    assert "detach-client" in keys


async def test_hostile_session_names_are_refused(tmux: TmuxServer, canaries: Path) -> None:
    for name in (name for name in HOSTILE if not is_safe_id(name)):
        with pytest.raises(ValueError):
            await tmux.spawn(name, ("cat", "-"), cwd=canaries, uuid="uuid-0001")
        with pytest.raises(ValueError):
            await tmux.kill(name)
        with pytest.raises(ValueError):
            tmux.attach_argv(name)
        if not UUID.match(name):
            with pytest.raises(ValueError):
                await tmux.spawn("run-1", ("cat", "-"), cwd=canaries, uuid=name)
    assert await tmux.panes() == []
    assert list(canaries.iterdir()) == []


async def test_hostile_arguments_arrive_unchanged(tmux: TmuxServer, canaries: Path) -> None:
    code = "import json, sys; json.dump(sys.argv[1:], open('.args', 'w')); open('.done', 'w'); sys.stdin.read()"
    await tmux.spawn("run-1", (*python(code), *HOSTILE), cwd=canaries, uuid="uuid-0001")
    await until((canaries / ".done").exists)
    assert json.loads((canaries / ".args").read_text()) == HOSTILE
    assert [path.name for path in canaries.iterdir() if path.name.startswith("pwn")] == []


async def test_last_argument_may_end_in_a_semicolon(tmux: TmuxServer, canaries: Path) -> None:
    for index, word in enumerate((";", "a;", "\\;", ";;", "new-session;")):
        argv = ("sh", "-c", 'printf %s "$1" > "$0"; exec cat', f"{index}", word)
        await tmux.spawn(f"run-{index}", argv, cwd=canaries, uuid=f"uuid-000{index}")
        path = canaries / f"{index}"
        await until(lambda path=path, word=word: path.exists() and path.read_text() == word)  # type: ignore[misc]
    assert len(await tmux.panes() or []) == 5


async def test_hostile_directories_are_entered_literally(tmux: TmuxServer, canaries: Path) -> None:
    names = [name for name in NASTY if name.strip(".") and "/" not in name]
    for index, name in enumerate(names):
        inside = canaries / "dirs" / name
        inside.mkdir(parents=True)
        await tmux.spawn(f"run-{index}", ("touch", ".here"), cwd=inside, uuid=f"uuid-{index:04}")
    for name in names:
        await until((canaries / "dirs" / name / ".here").exists)
    assert list(canaries.rglob("pwn_[0-9]")) == []


async def test_a_single_word_is_no_shell_line(tmux: TmuxServer, canaries: Path) -> None:
    program = canaries / "touch pwn_1; true"
    program.write_text("#!/bin/sh\ntouch ran; exec cat\n")
    program.chmod(0o755)
    await tmux.spawn("run-1", (str(program),), cwd=canaries, uuid="uuid-0001")
    await until((canaries / "ran").exists)
    assert not (canaries / "pwn_1").exists()


async def test_spawn_is_idempotent_by_uuid(tmux: TmuxServer) -> None:
    pane = await tmux.spawn("run-1", ("cat", "-"), cwd=Path("/"), uuid="uuid-0001", width=77, height=11)
    assert (pane.session, pane.uuid, pane.dead, pane.width, pane.height) == ("run-1", "uuid-0001", False, 77, 11)
    assert await tmux.spawn("run-1", ("cat", "-"), cwd=Path("/"), uuid="uuid-0001") == pane
    with pytest.raises(Conflict):
        await tmux.spawn("run-1", ("cat", "-"), cwd=Path("/"), uuid="uuid-0002")
    assert await tmux.panes() == [pane]
    for session, uuid, argv in (
        ("keeper", "uuid-0001", ("cat",)),
        ("run-2", "a b", ("cat",)),
        ("run-2", "uuid-0001", ()),
    ):
        with pytest.raises(ValueError):
            await tmux.spawn(session, argv, cwd=Path("/"), uuid=uuid)


async def test_targets_do_not_match_by_prefix(tmux: TmuxServer) -> None:
    for name in ("agent-1", "agent-10"):
        await tmux.spawn(name, ("cat", "-"), cwd=Path("/"), uuid=f"uuid-{name}")
    await tmux.kill("agent-1")
    await tmux.kill("agent-1")
    await tmux.kill("agent")
    assert [pane.session for pane in await tmux.panes() or []] == ["agent-10"]
    pane = await tmux.spawn("agent-1", ("cat", "-"), cwd=Path("/"), uuid="uuid-new-1")
    assert pane.session == "agent-1"


async def test_exit_codes_and_signals_are_kept(tmux: TmuxServer) -> None:
    # Ten quick ends: a tmux built with utempter loses the news of about a third of them until something else ends.
    for code in range(10):
        await tmux.spawn(f"run-{code}", ("sh", "-c", f"exit {code}"), cwd=Path("/"), uuid=f"uuid-000{code}")
    await tmux.spawn("run-k", ("sh", "-c", "kill -9 $$"), cwd=Path("/"), uuid="uuid-kill")

    async def all_known() -> bool:
        panes = {pane.session: pane for pane in await tmux.panes() or []}
        known = [panes[f"run-{code}"].exit_code == code for code in range(10)]
        return all(known) and panes["run-k"].dead and panes["run-k"].signal in {9, None}

    await until(all_known)


async def test_capture_tells_the_panes_life_not_its_id(tmux: TmuxServer) -> None:
    argv = ("sh", "-c", "printf 'one\\n\\033[31mtwo\\033[m\\n'; for i in $(seq 60); do echo line $i; done; exec cat")
    pane = await tmux.spawn("run-1", argv, cwd=Path("/"), uuid="uuid-0001", height=10)

    async def complete() -> bool:
        return "line 60" in await tmux.capture(pane)

    await until(complete)
    assert "two" not in await tmux.capture(pane)
    assert "one\ntwo\nline 1\n" in await tmux.capture(pane, history=100)
    assert "\x1b[31mtwo" in await tmux.capture(pane, history=100, colour=True)
    await tmux.stop()
    await tmux.ensure()
    other = await tmux.spawn("run-2", ("cat", "-"), cwd=Path("/"), uuid="uuid-0002")
    assert other.pane_id == pane.pane_id  # ids begin again with the server
    with pytest.raises(Conflict):
        await tmux.capture(pane)


async def test_a_killed_server_is_unreachable_not_empty(tmux: TmuxServer) -> None:
    info = await tmux.alive()
    assert info is not None
    await tmux.spawn("run-1", ("cat", "-"), cwd=Path("/"), uuid="uuid-0001")
    os.kill(info.pid, signal.SIGKILL)
    await until(lambda: not psutil.pid_exists(info.pid) or psutil.Process(info.pid).status() == psutil.STATUS_ZOMBIE)
    assert await tmux.panes() is None
    assert await tmux.alive() is None
    again = await tmux.ensure()
    assert (again.pid, again.started_ns) != (info.pid, info.started_ns)
    assert await tmux.panes() == []


async def test_a_stuck_server_is_an_error_in_time(tmux: TmuxServer) -> None:
    info = await tmux.alive()
    assert info is not None
    impatient = TmuxServer(tmux.socket_name, config=CONFIG, limit_s=0.3)
    os.kill(info.pid, signal.SIGSTOP)
    try:
        with pytest.raises(FleetError, match="does not answer"):
            await impatient.panes()
    finally:
        os.kill(info.pid, signal.SIGCONT)

    async def answers() -> bool:
        with contextlib.suppress(FleetError):  # on a machine with much to do, 0.3 s are not enough each time
            return await impatient.panes() == []
        return False

    await until(answers)


@pytest.mark.parametrize(("says", "title"), [("tmux 3.1c", "tmux is too old"), ("tmux 2.9", "tmux is too old")])
async def test_an_old_tmux_is_refused(
    cold: TmuxServer, short_dir: Path, monkeypatch: pytest.MonkeyPatch, says: str, title: str
) -> None:
    fake = short_dir / "tmux"
    fake.write_text(f"#!/bin/sh\necho {says}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{short_dir}:{os.environ['PATH']}")
    with pytest.raises(FleetError, match=title) as caught:
        await cold.ensure()
    assert "tmux" in caught.value.hint


async def test_a_missing_tmux_is_explained(cold: TmuxServer, short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(short_dir))
    with pytest.raises(FleetError, match="tmux is missing") as caught:
        await cold.ensure()
    assert "tmux" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "version"),
    [("tmux 3.3a", (3, 3)), ("tmux next-3.6", (3, 6)), ("tmux openbsd-7.4", (7, 4)), ("tmux master", None)],
)
def test_versions(text: str, version: tuple[int, int] | None) -> None:
    assert command.parse_version(text) == version


@pytest.mark.parametrize("line", ["", "run-1 %1", "a b c d e f g h i j", "run-1 x uuid-0001 1 0   80 24 0"])
def test_strange_lines_are_no_panes(line: str) -> None:
    assert parse_pane(line) is None


async def test_attach_from_inside_another_tmux_and_leave_by_key(
    tmux: TmuxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX", "/tmp/other,1,0")
    monkeypatch.setenv("TERM", "xterm-256color")
    await tmux.spawn("run-1", ("cat", "-"), cwd=Path("/"), uuid="uuid-0001")
    terminal, other = pty.openpty()
    person = subprocess.Popen(tmux.attach_argv("run-1"), stdin=other, stdout=other, stderr=other)  # noqa: ASYNC220
    os.close(other)
    seen = bytearray()
    os.set_blocking(terminal, False)

    def shows(text: bytes) -> bool:
        with contextlib.suppress(OSError):
            seen.extend(os.read(terminal, 65536))
        return text in seen

    async def attached() -> bool:
        shows(b"")
        return any(pane.attached for pane in await tmux.panes() or [])

    await until(attached)
    os.write(terminal, b"\x1b]0;title\x07hello\r")
    await until(lambda: shows(b"hello"))
    seen.clear()
    for number in range(20):
        os.write(terminal, b"more %d\r" % number)
    await until(lambda: shows(b"more 19"))
    assert b"\x07" not in seen  # activity must not ring the bell of whoever watches
    os.write(terminal, b"\x1dd")
    await until(lambda: (shows(b""), person.poll())[1] is not None)
    assert person.returncode == 0
    os.close(terminal)
    assert [pane.dead for pane in await tmux.panes() or []] == [False]


async def test_a_stopped_server_leaves_no_socket(tmux: TmuxServer) -> None:
    socket = Path((await tmux.run("display-message", "-p", "#{socket_path}")).out.decode().strip())
    assert socket.is_socket()
    await tmux.stop()
    assert not socket.exists()
    await tmux.stop()
    await tmux.ensure()
    assert socket.is_socket()
