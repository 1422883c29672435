"""A fleet that has run: a repository, its log, and the commands in a terminal of their own."""

from __future__ import annotations

import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.bus import protocol
from fleet_tui.domain.events import Draft
from fleet_tui.paths import FleetPaths
from fleet_tui.store.store import Store

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60
Terminal = Callable[..., str]
Asked = list[tuple[str, dict[str, Any]]]
"""What was asked of a watcher: operation and arguments."""


class Shop:
    """A repository with a configuration, and the log of its fleet, filled by hand."""

    def __init__(self, root: Path) -> None:
        self.repository = root / "shop"
        (self.repository / ".git").mkdir(parents=True)
        (self.repository / ".fleet" / "prompts").mkdir(parents=True)
        self.configure("version: 1\nagents:\n  - {name: dev, role: developer, prompt: Do it.}\n")
        self.paths = FleetPaths.of(self.repository)
        self.paths.create()
        self.store = Store.open(self.paths.database, host="test", blobs=self.paths.blobs)

    def configure(self, text: str) -> None:
        (self.repository / ".fleet" / "config.yaml").write_text(text, encoding="utf-8")

    def add(self, *drafts: Draft) -> None:
        self.store.append(list(drafts)).result(10)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    root = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp")).resolve()
    for name in [name for name in os.environ if name.startswith(("FLEET_", "GIT_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name in ("home", "state", "run"):
        (root / name).mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(root / "home"))
    monkeypatch.setenv("FLEET_STATE_HOME", str(root / "state"))
    monkeypatch.setenv("FLEET_RUNTIME_DIR", str(root / "run"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(ROOT / "widgets"))))
    made = Shop(root)
    yield made
    made.store.close()
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def terminal(shop: Shop) -> Terminal:
    """``terminal("pr", "show", "1")``: everything that the command writes to its terminal."""

    def run(*words: str, keys: str = "") -> str:
        return in_a_terminal([sys.executable, "-m", "fleet_tui", *words], shop.repository, keys)

    return run


def in_a_terminal(argv: list[str], cwd: Path, keys: str) -> str:
    ours, theirs = pty.openpty()
    mode = termios.tcgetattr(theirs)
    mode[1] &= ~termios.OPOST  # what the program wrote, without the carriage returns of the terminal
    mode[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, mode)
    os.write(ours, keys.encode())
    process = subprocess.Popen(
        argv, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    written, deadline = b"", time.monotonic() + LIMIT_S
    try:
        while select.select([ours], [], [], max(0.0, deadline - time.monotonic()))[0]:
            try:
                data = os.read(ours, 65_536)
            except OSError:  # the last one to have the terminal open has gone
                data = b""
            if not data:
                break
            written += data
        process.wait(max(0.1, deadline - time.monotonic()))
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return written.decode("utf-8")


@contextmanager
def answering(paths: FleetPaths, answer: Callable[[str, dict[str, Any]], dict[str, Any]]) -> Iterator[Asked]:
    """Somebody who answers on the operator's socket, one request after the other, and writes down what was asked."""
    asked: Asked = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(paths.operator_socket))
        server.listen()

        def serve() -> None:
            while True:
                connection, _ = server.accept()
                with connection:
                    data = connection.recv(65536)
                    if not data:
                        return
                    request = protocol.parse_request(data[4:])
                    asked.append((request.op, request.args))
                    connection.sendall(protocol.encode(answer(request.op, request.args)))

        thread = threading.Thread(target=serve)
        thread.start()
        yield asked
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(str(paths.operator_socket))
        thread.join()
