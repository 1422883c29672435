"""Agents that may talk to listed hosts alone: through a watcher that stops, dies and comes back, and by the doctor.

Everything listens on this machine, listed as an address. Collected only where bubblewrap works.
"""

from __future__ import annotations

import http.server
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.tmux import sandbox
from fleet_tui.watcher.lock import read_holder
from tests import agent_user
from tests.e2e.e2e_support import Place, scene

pytestmark = pytest.mark.slow

# Asks for what `ask.N` holds as soon as it is there; `said.N` has the answer.
ASKS = """
import itertools, os, time, urllib.error, urllib.request
for number in itertools.count():
    while not os.path.exists(f'ask.{number}'): time.sleep(0.02)
    try:
        said = urllib.request.urlopen(open(f'ask.{number}').read(), timeout=20).read().decode()
    except OSError as error:
        said = repr(error)
    open('said.tmp', 'w').write(said)
    os.rename('said.tmp', f'said.{number}')
"""


@pytest.fixture
def served() -> Iterator[int]:
    """The port of a server on this machine that answers every GET with its path."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"served {self.path}".encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


if sandbox.bubblewrap() is not None:

    def test_the_doctor_tries_what_is_listed_and_what_is_not(place: Place, served: int) -> None:
        place.configure([scene("developer")], isolation={"network": [f"127.0.0.1:{served}", "*.gone.example"]})
        done = place.run("doctor", "--security", "--json")
        assert done.code == 0, done.text
        assert done.json["ok"]
        assert done.json["network"] == [f"127.0.0.1:{served}", "*.gone.example"]
        for who in ("tried", "tried_by_gate"):
            found = {tried["name"]: (tried["reached"], tried["why"]) for tried in done.json[who]}
            assert found["a host of the list"] == (True, "")
            assert found["a service of this machine"] == (False, "Connection refused")
            assert found["an abstract socket"] == (False, "Connection refused")
            reason = "fleet: 169.254.169.254 is not in isolation.network; ask the operator"
            assert found["a cloud's credentials"] == (False, reason)
        place.edit_config(isolation={"network": ["gone.example"]})
        done = place.run("doctor", "--security")
        assert done.code == 0, done.text
        assert "+ ask     a host that is not listed         not reached: fleet: fleet-doctor.invalid is not" in done.out
        assert "network: gone.example, by a proxy" in done.out
        place.edit_config(isolation={"network": False})
        done = place.run("doctor", "--security")
        assert done.code == 0, done.text
        assert "network: none" in done.out
        assert "+ tcp     a service of this machine         not reached" in done.out

    @pytest.mark.parametrize("level", ["L1", pytest.param("L2", marks=agent_user.only_root)])
    def test_an_agent_keeps_its_hosts_whatever_becomes_of_the_watcher(place: Place, served: int, level: str) -> None:
        place.commit({"asks.py": ASKS}, "Something to run")
        place.configure(
            [scene("developer", {"run": [sys.executable, "-I", "asks.py"]})],
            agents=[{"name": "dev", "role": "developer"}],
            isolation={
                "level": level,
                "user": agent_user.made().name if level == "L2" else "",
                "network": [f"127.0.0.1:{served}", "*.example.com"],
            },
        )
        place.fleet("watcher", "start")
        place.ticket("Work")
        run = place.until(lambda: place.live_run("dev"), "it runs")
        asked = iter(range(100))

        def ask(url: str) -> str:
            number, tree = next(asked), Path(run.workspace)
            (tree / "ask.tmp").write_text(url)
            (tree / "ask.tmp").rename(tree / f"ask.{number}")
            place.until((tree / f"said.{number}").exists, f"an answer to {url}")
            return (tree / f"said.{number}").read_text()

        url = f"http://127.0.0.1:{served}"
        assert ask(f"{url}/first") == "served /first"
        assert "403: 'fleet: example.com is not in isolation.network" in ask("http://example.com/")
        place.until(lambda: place.events("policy_denied"), "the refusal is told")
        place.fleet("watcher", "stop")
        assert ask(f"{url}/stopped") == "served /stopped"
        assert "Tunnel connection failed: 403 fleet: evil.example is not" in ask("https://evil.example/")
        place.fleet("watcher", "start")
        place.until(lambda: len(place.events("policy_denied")) == 2, "what was refused meanwhile is told")
        os.kill(int(str(read_holder(place.paths.lock)["pid"])), signal.SIGKILL)
        assert ask(f"{url}/killed") == "served /killed"
        place.until(lambda: len(place.events("watcher_started")) == 3, "it comes back")
        assert ask(f"{url}/back") == "served /back"
        told = place.events("policy_denied")
        assert [event.payload["act"] for event in told] == ["connect example.com:80", "connect evil.example:443"]
        assert {(event.actor, event.payload["run"]) for event in told} == {(f"agent:dev/{run.id}", run.id)}
        assert place.live_run("dev") is not None
        assert "connect evil.example:443: evil.example is not in isolation.network" in place.fleet("log")
