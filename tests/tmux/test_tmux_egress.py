"""A sandbox whose only way out is a proxy: a real runner, real bubblewrap, a stand-in server on this machine.

Collected where bubblewrap works (see conftest.py).
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import psutil
import pytest

from fleet_tui.domain.users import AgentUser
from fleet_tui.settings.isolation import IsolationSettings
from fleet_tui.tmux import records, runner_client, sandbox
from fleet_tui.watcher.confinement import outlets
from tests import agent_user
from tests.tmux.test_tmux_sandbox import MACHINE
from tests.tmux.tmux_support import PtyRun, until

Start = Callable[..., None]


@pytest.fixture
def served() -> Iterator[int]:
    """The port of a server on this machine that answers every GET."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"served {self.path} for {self.headers['Host']}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["L1", pytest.param("L2", marks=agent_user.only_root)])
def start(request: pytest.FixtureRequest, pty_run: PtyRun) -> Start:
    """Start a shell line in a sandbox that may talk to ``hosts`` alone: as ourselves, and as another user."""
    user: AgentUser | None = agent_user.made() if request.param == "L2" else None
    work = pty_run.dir / "work"
    work.mkdir()
    if user is not None:
        os.chown(work, user.uid, user.gid)

    def started(line: str, hosts: Sequence[str], **env: str) -> None:
        program = sandbox.bubblewrap()
        assert program is not None
        settings = IsolationSettings(network=tuple(hosts))
        view = sandbox.View(work, (work,), MACHINE, network=settings.network is True, user=user)
        argv = sandbox.wrap(program, view, ("sh", "-c", line))
        spec = records.RunSpec(pty_run.dir.name, argv, str(pty_run.dir), {"PATH": os.environ["PATH"], **env})
        spec = replace(spec, sandboxed=True, grace_s=1.0)
        records.write_spec(pty_run.dir, outlets.with_outlet(spec, settings, outlets.log_of(pty_run.dir), user))
        pty_run.launch()

    return started


def text(run: PtyRun, name: str) -> str:
    return (run.dir / "work" / name).read_text(errors="replace")


def refused(run: PtyRun) -> list[dict[str, Any]]:
    return [json.loads(line) for line in outlets.log_of(run.dir).read_text().splitlines()]


def proxies(run: PtyRun) -> list[psutil.Process]:
    """The proxy processes of the run, however they were left."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(outlets.log_of(run.dir)) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


async def test_a_listed_host_is_reached_as_programs_do_it(pty_run: PtyRun, start: Start, served: int) -> None:
    url = f"http://127.0.0.1:{served}"
    start(
        f"curl -sS {url}/plain >plain 2>&1; curl -sS --proxytunnel {url}/tunnel >tunnel 2>&1;"
        f"python3 -I -c 'import urllib.request as u; print(u.urlopen(\"{url}/urllib\").read())' >urllib 2>&1;"
        f"git ls-remote {url}/git >git 2>&1; echo $? >>git",
        [f"127.0.0.1:{served}"],
    )
    assert await pty_run.ended() == 0
    assert text(pty_run, "plain") == f"served /plain for 127.0.0.1:{served}"
    assert text(pty_run, "tunnel") == f"served /tunnel for 127.0.0.1:{served}"
    assert "served /urllib" in text(pty_run, "urllib")
    assert text(pty_run, "git") == "0\n", "what it got names no refs"
    assert refused(pty_run) == []
    assert proxies(pty_run) == []


async def test_nobody_else_is_and_the_agent_is_told_why(pty_run: PtyRun, start: Start, served: int) -> None:
    get = "import sys, urllib.request as u; u.urlopen(sys.argv[1])"
    start(
        f"python3 -I -c '{get}' https://example.com/ >tunnel 2>&1; curl -sS http://127.0.0.1:{served}/ >other 2>&1;"
        "curl -sS http://169.254.169.254/latest >metadata 2>&1; true",
        ["api.anthropic.com", "localhost:1"],
        no_proxy="",
    )
    assert await pty_run.ended() == 0
    reason = "fleet: example.com is not in isolation.network; ask the operator"
    assert f"Tunnel connection failed: 403 {reason}" in text(pty_run, "tunnel")
    assert [told["target"] for told in refused(pty_run)] == ["example.com:443", "169.254.169.254:80"]
    assert text(pty_run, "metadata") == "fleet: 169.254.169.254 is not in isolation.network; ask the operator\n"
    assert "Failed to connect" in text(pty_run, "other") or "Couldn't connect" in text(pty_run, "other"), (
        "its own loopback is not asked of the proxy, and not this machine's"
    )


async def test_without_the_proxy_nothing_is_reached(pty_run: PtyRun, start: Start, served: int) -> None:
    """Neither a service of this machine, nor an abstract socket, nor the handed-out end of the proxy."""
    name = f"\0fleet-test-{os.getpid()}"
    tries = f"""
import os, socket, json
facts = dict(links=sorted(os.listdir('/sys/class/net')) if os.path.isdir('/sys/class/net') else [])
def attempt(family, target):
    with socket.socket(family) as s:
        s.settimeout(5)
        try: s.connect(target); return 'reached'
        except OSError as error: return error.strerror
facts['service'] = attempt(socket.AF_INET, ('127.0.0.1', {served}))
facts['outside'] = attempt(socket.AF_INET, ('1.1.1.1', 443))
facts['abstract'] = attempt(socket.AF_UNIX, {name!r})
facts['proxy'] = attempt(socket.AF_INET, ('127.0.0.1', {sandbox.PROXY_PORT}))
facts['handles'] = [n for n in os.listdir('/proc/self/fd') if n not in '012' and os.path.exists('/proc/self/fd/' + n)]
facts['told'] = 'FLEET_NETWORK_FD' in os.environ
json.dump(facts, open('facts', 'w'))
"""
    (pty_run.dir / "work" / "tries.py").write_text(tries)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(name)
        listening.listen()
        start("python3 -I tries.py", ["127.0.0.1:1"])
        assert await pty_run.ended() == 0
    facts = json.loads(text(pty_run, "facts"))
    assert facts["service"] == "Connection refused"
    assert facts["outside"] == "Network is unreachable"
    assert facts["abstract"] == "Connection refused"
    assert facts["proxy"] == "reached"
    assert (facts["handles"], facts["told"]) == ([], False)


async def test_a_killed_runner_leaves_no_proxy(pty_run: PtyRun, start: Start) -> None:
    start("curl -sS http://evil.example/; touch up; sleep 600", ["example.com"])
    await until((pty_run.dir / "work" / "up").exists)
    (proxy,) = proxies(pty_run)
    assert proxy.uids().real == (pty_run.dir / "work").stat().st_uid, "at L2 it is not root's"
    os.kill(pty_run.pid, signal.SIGKILL)
    await until(lambda: proxies(pty_run) == [])


async def test_a_proxy_that_dies_is_replaced_and_who_asks_meanwhile_waits(
    pty_run: PtyRun, start: Start, served: int
) -> None:
    start(
        f"touch up; while [ ! -e go ]; do sleep 0.02; done; curl -sS http://127.0.0.1:{served}/again >said 2>&1",
        [f"127.0.0.1:{served}"],
    )
    await until((pty_run.dir / "work" / "up").exists)
    (proxy,) = await until(lambda: proxies(pty_run))
    proxy.kill()
    (pty_run.dir / "work" / "go").touch()
    assert await pty_run.ended() == 0
    assert text(pty_run, "said") == f"served /again for 127.0.0.1:{served}"


async def test_freeze_stop_and_end_take_the_proxy_along(pty_run: PtyRun, start: Start) -> None:
    start("touch up; sleep 600", ["example.com"])
    await until((pty_run.dir / "work" / "up").exists)
    (proxy,) = await until(lambda: proxies(pty_run))
    assert (await runner_client.freeze(pty_run.dir)).complete
    assert proxy.status() == psutil.STATUS_STOPPED
    await runner_client.thaw(pty_run.dir)
    await until(lambda: proxy.status() != psutil.STATUS_STOPPED)
    record = await runner_client.stop(pty_run.dir, grace_s=30)
    assert record is not None
    assert (record.reason, record.survivors) == ("stopped", 0)
    assert not proxy.is_running()
