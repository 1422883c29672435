"""Starting and ending: environment, themes, plain terminals, hang-ups."""

from __future__ import annotations

import errno
import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.errors import UsageError
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.tui import launch
from fleet_tui.tui.app import RoomApp
from fleet_tui.tui.attach import attach_argv, clean_environment, new_window_argv
from fleet_tui.tui.context import RoomContext
from fleet_tui.tui.present.status import status_text
from fleet_tui.tui.theme import choose

ROOT = Path(__file__).parents[2]
ROOM = """
import os, sys
from pathlib import Path
from fleet_tui.tui import launch
launch.prepare_environment(os.environ)
from fleet_tui.tui.context import RoomContext
from fleet_tui.tui.theme import choose
here = Path(sys.argv[1])
look = choose(None, os.environ)
context = RoomContext(here / "fleet.db", here / "operator.sock", "fleet-test-none", look, live=False)
sys.exit(launch.run(context))
"""


@pytest.mark.parametrize(
    ("wanted", "environ", "name"),
    [
        (None, {"NO_COLOR": "1", "COLORTERM": "truecolor"}, "mono"),
        ("auto", {"TERM": "xterm-256color"}, "grey"),
        (None, {"TERM": "linux"}, "ansi"),
        ("light", {"NO_COLOR": "1"}, "light"),
    ],
)
def test_the_theme_is_chosen(wanted: str | None, environ: dict[str, str], name: str) -> None:
    assert choose(wanted, environ).palette.name == name


def test_an_unknown_theme_names_the_choices() -> None:
    with pytest.raises(UsageError, match="grey, light, contrast, ansi, mono"):
        choose("pink", {})


def test_the_environment_keeps_the_users_word() -> None:
    environ = {"TEXTUAL_FPS": "10", "SSH_CONNECTION": "x"}
    launch.prepare_environment(environ)
    assert environ["TEXTUAL_FPS"] == "10"
    assert environ["TEXTUAL_ANIMATIONS"] == "none"
    assert launch.over_ssh(environ)


def test_a_dumb_terminal_gets_no_room() -> None:
    assert not launch.can_show_a_room({"TERM": "dumb"})


async def test_the_status_has_one_fact_to_a_line(fleet: Any) -> None:
    shown = status_text(read_snapshot(fleet.store.reader, fleet.now_ns()), fleet.now_ns())
    assert "5 agents, 3 things need you" in shown
    assert "[1!] dev-3: secret pattern in a diff" in shown
    assert "* dev-1 (developer): RUN" in shown
    assert "\x1b" not in shown


def test_attaching_takes_generated_names_only() -> None:
    assert attach_argv("fleet-x", "run-1") == ["tmux", "-L", "fleet-x", "attach-session", "-t", "=run-1"]
    with pytest.raises(Exception, match="not a session of this fleet"):
        attach_argv("fleet-x", "#(reboot)")
    assert "#(x)" not in new_window_argv(["tmux"], "#(x)")
    assert clean_environment({"TMUX": "1", "TMUX_PANE": "%1", "HOME": "/h"}) == {"HOME": "/h"}


@pytest.mark.parametrize("ending", ["hangup", "terminate", "terminal closed"])
async def test_f13_the_room_ends_with_its_terminal(fleet: Any, ending: str) -> None:
    master, slave = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": f"{ROOT}:{ROOT / 'widgets'}"}
    process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick
        [sys.executable, "-c", ROOM, str(fleet.directory)],
        stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        read_until(master, b"WALL", 60)
        if ending == "terminal closed":
            os.close(master)
            master = -1
        else:
            process.send_signal(signal.SIGHUP if ending == "hangup" else signal.SIGTERM)
        assert wait(process, master, 40) in {129, 143}
    finally:
        process.kill()
        process.wait()
        if master >= 0:
            os.close(master)


def read_until(master: int, wanted: bytes, limit_s: float) -> bytes:
    seen, deadline = b"", time.monotonic() + limit_s
    while wanted not in seen:
        ready, _, _ = select.select([master], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, seen[-500:]
        seen += os.read(master, 65536)
    return seen


def wait(process: subprocess.Popen[bytes], master: int, limit_s: float) -> int | None:
    """Reads on meanwhile, as a terminal would."""
    deadline = time.monotonic() + limit_s
    while process.poll() is None and time.monotonic() < deadline:
        ready, _, _ = select.select([master] if master >= 0 else [], [], [], 0.05)
        if ready:
            try:
                os.read(master, 65536)
            except OSError:
                master = -1
    return process.poll()


@pytest.mark.parametrize("gone", [True, False])
async def test_a_terminal_that_goes_while_it_is_drawn_on_is_no_error_of_the_room(
    fleet: Any, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    """tmux wakes what runs in a session that it ends: the room draws itself anew, on nothing."""

    def draw(self: RoomApp, **_: Any) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(RoomApp, "run", draw)
    monkeypatch.setattr(launch, "terminal_is_gone", lambda: gone)
    context = RoomContext(fleet.directory / "fleet.db", fleet.directory / "operator.sock", "none", choose(None, {}))
    with nullcontext() if gone else pytest.raises(OSError, match="Input/output"):
        assert launch.run(context) == launch.EXIT_HUNG_UP
