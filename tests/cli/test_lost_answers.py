"""A command whose answer never comes says what the log knows of it."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet_tui.bus import protocol
from fleet_tui.cli import common
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import Unanswered
from fleet_tui.paths import FleetPaths
from fleet_tui.store.store import Store


@contextmanager
def silent(path: Path, store: Store, *, records: bool) -> Iterator[None]:
    """Takes one request and ends the connection without an answer; records it first, if it does."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                request = protocol.parse_request(connection.recv(65536)[4:])
                if records:
                    key = protocol.request_key("operator", request.id)
                    paused = ev.draft(ev.AgentPaused("dev", "lunch"), "agent:dev", actor="operator:kim", key=key)
                    store.append([paused]).result(10)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


@pytest.fixture
def place() -> Iterator[Path]:
    """Short, because a unix socket goes into it."""
    path = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.parametrize("records", [True, False])
def test_what_the_log_knows_is_said(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], records: bool
) -> None:
    monkeypatch.setenv("FLEET_STATE_HOME", str(place / "state"))
    monkeypatch.setenv("FLEET_RUNTIME_DIR", str(place / "run"))
    (place / ".git").mkdir()
    paths = FleetPaths.of(place)
    paths.create()
    store = Store.open(paths.database, host="test", blobs=paths.blobs)
    try:
        with silent(paths.operator_socket, store, records=records):
            if records:
                common.act(place, "pause", {"agent": "dev"})
                assert capsys.readouterr().out == "done though no answer came; the log has it: agent_paused, event 1\n"
            else:
                with pytest.raises(Unanswered, match="UNKNOWN whether it will be done"):
                    common.act(place, "pause", {"agent": "dev"})
    finally:
        store.close()
