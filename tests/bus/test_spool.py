"""What is said while the watcher is away: in order, each once, nothing lost, nothing trusted."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fleet_tui.bus import client, spool
from fleet_tui.bus.protocol import MAX_FRAME
from fleet_tui.bus.server import BusServer
from tests.bus.bus_helpers import Agent, Handler

GOOD = {"v": 1, "id": "r1", "op": "publish", "args": {"event": "note"}, "token": None}


@pytest.fixture
def box(home: Path) -> Path:
    path = home / "run-a" / "spool"
    (path / "new").mkdir(parents=True)
    return path


def put(box: Path, number: int, text: str | bytes, name: str = "x") -> Path:
    path = box / "new" / f"{number:012d}-{name}.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def summaries(box: Path) -> list[str]:
    return [request.args["summary"] for request in spool.drain(box)]


async def test_away_and_back_in_order(agent: Agent, home: Path, served: BusServer, handler: Handler) -> None:
    box = home / "run-a" / "spool"
    await served.close()
    for number in range(12):
        done = await agent("note", f"n{number}")
        assert (done.code, done.out) == (0, "queued: the watcher is away (note)\n")
    assert summaries(box) == [f"n{number}" for number in range(12)]
    # Until it is recorded, it stays; a second look sees the same ids.
    assert spool.drain(box) == spool.drain(box)
    for request in spool.drain(box):
        spool.done(request)
        spool.done(request)
    assert spool.drain(box) == []


async def test_what_is_new_goes_behind_what_waits(
    agent: Agent, home: Path, served: BusServer, handler: Handler
) -> None:
    box = home / "run-a" / "spool"
    await served.close()
    await agent("note", "first")
    await served.listen_run("run-a", home / "run-a" / "bus.sock", lambda token: token == "token-a")
    # This watcher answers but does not drain: the order matters more than haste.
    assert (await agent("note", "second")).out.startswith("queued")
    assert handler.ops() == ["drain", "drain"], "before it is said, and once it waits with the others"
    assert summaries(box) == ["first", "second"]


async def test_watcher_that_drains_is_spoken_to_directly(
    agent: Agent, home: Path, served: BusServer, handler: Handler
) -> None:
    box = home / "run-a" / "spool"
    await served.close()
    await agent("note", "first")
    order: list[str] = []

    async def draining(_caller: object, op: str, args: dict[str, object], _id: str) -> dict[str, object]:
        if op == "drain":
            for request in spool.drain(box):
                order.append(request.args["summary"])
                spool.done(request)
        else:
            order.append(str(args["summary"]))
        return {"seq": len(order)}

    served._handler = draining
    await served.listen_run("run-a", home / "run-a" / "bus.sock", lambda token: token == "token-a")
    assert (await agent("note", "second")).out == "published note as event 2\n"
    assert order == ["first", "second"]


async def test_questions_are_not_queued(agent: Agent, home: Path) -> None:
    for arguments in (["inbox"], ["ticket"], ["whoami"], ["ack"]):
        done = await agent(*arguments)
        assert done.code == 1
        assert "the watcher is away" in done.err
    assert spool.drain(home / "run-a" / "spool") == []


async def test_hooks_are_queued_in_silence(agent: Agent, home: Path) -> None:
    done = await agent("hook", "turn_ended", stdin=b'{"session_id": "s"}')
    assert (done.code, done.out, done.err) == (0, "", "")
    (request,) = spool.drain(home / "run-a" / "spool")
    assert (request.op, request.args) == ("hook", {"kind": "turn_ended", "data": {"session_id": "s"}})


async def test_many_at_once_have_a_place_each(agent: Agent, home: Path) -> None:
    results = await asyncio.gather(*(agent("note", f"n{number}") for number in range(20)))
    assert {done.code for done in results} == {0}
    found = spool.drain(home / "run-a" / "spool")
    assert sorted(request.args["summary"] for request in found) == sorted(f"n{number}" for number in range(20))
    assert [int(request.name[:12]) for request in found] == list(range(1, 21))


async def test_token_is_not_written_to_disk(agent: Agent, home: Path) -> None:
    await agent("note", "x")
    (path,) = (home / "run-a" / "spool" / "new").iterdir()
    assert "token-a" not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


async def test_no_place_to_queue_is_a_failure(agent: Agent, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await agent("note", "x", FLEET_SPOOL="")).code == 1
    (home / "file").touch()
    blocked = await agent("note", "x", FLEET_SPOOL=str(home / "file"))
    assert blocked.code == 1
    assert "cannot queue" in blocked.err


def test_full_spool_refuses(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_SPOOL", str(box))
    monkeypatch.setattr(client, "MAX_SPOOLED", 2)
    client.spool("publish", {}, "r1")
    client.spool("publish", {}, "r2")
    with pytest.raises(client.Stop) as caught:
        client.spool("publish", {}, "r3")
    assert "the queue is full" in caught.value.text
    assert len(spool.drain(box)) == 2


def test_corrupt_entries_are_set_aside(box: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(box, 1, "not json")
    put(box, 2, json.dumps(GOOD), "good")
    put(box, 3, json.dumps(GOOD | {"actor": "operator"}))
    put(box, 4, b"\xff" * 100)
    put(box, 5, "x" * (MAX_FRAME + 1))
    put(box, 6, json.dumps(GOOD | {"op": "drain"}))
    put(box, 7, json.dumps(GOOD | {"op": "inbox", "args": {"wait_s": 20}}))
    put(box, 8, json.dumps(GOOD)[:-1])
    assert [request.name for request in spool.drain(box)] == ["000000000002-good.json"]
    assert len(list((box / "bad").iterdir())) == 7
    assert len(caplog.records) == 7
    assert [request.name for request in spool.drain(box)] == ["000000000002-good.json"]
    assert len(caplog.records) == 7


def test_links_fifos_and_directories_are_never_read(box: Path, home: Path) -> None:
    secret = home / "secret.json"
    secret.write_text(json.dumps(GOOD))
    (box / "new" / "000000000001-link.json").symlink_to(secret)
    os.mkfifo(box / "new" / "000000000002-fifo.json")
    (box / "new" / "000000000003-dir.json").mkdir()
    os.link(secret, box / "new" / "other-name.json")
    put(box, 4, json.dumps(GOOD), "good")
    assert [request.name for request in spool.drain(box)] == ["000000000004-good.json"]
    assert secret.exists()
    assert [request.name for request in spool.drain(box)] == ["000000000004-good.json"]


def test_spool_that_is_a_link_leads_nowhere(box: Path, home: Path) -> None:
    elsewhere = home / "elsewhere"
    (elsewhere / "new").mkdir(parents=True)
    put(elsewhere, 1, json.dumps(GOOD))
    (request,) = spool.drain(elsewhere)
    (box / "new").rmdir()
    (box / "new").symlink_to(elsewhere / "new")
    (home / "linked").symlink_to(elsewhere)
    (home / "file").touch()
    for path in (box, home / "linked", home / "file"):
        with pytest.raises(spool.BadSpool, match="the spool cannot be used"):
            spool.drain(path)
    # Replaced between reading and recording: nothing outside is deleted.
    (elsewhere / "new").rename(elsewhere / "old")
    (elsewhere / "new").symlink_to(elsewhere / "old")
    with pytest.raises(spool.BadSpool):
        spool.done(request)
    assert len(list((elsewhere / "old").iterdir())) == 1


def test_request_that_cannot_be_removed_is_told(box: Path) -> None:
    entry = put(box, 1, json.dumps(GOOD))
    (request,) = spool.drain(box)
    entry.unlink()
    entry.mkdir()
    with pytest.raises(spool.BadSpool, match=re.escape(entry.name)):
        spool.done(request)


def test_no_spool_is_an_empty_spool(home: Path) -> None:
    assert spool.drain(home / "absent") == []


def test_a_drain_is_bounded(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MAX_REQUESTS", 5)
    for number in range(9, 0, -1):
        put(box, number, json.dumps(GOOD | {"id": f"r{number}"}))
    first = spool.drain(box)
    assert [request.id for request in first] == [f"r{number}" for number in range(1, 6)]
    for request in first:
        spool.done(request)
    assert [request.id for request in spool.drain(box)] == [f"r{number}" for number in range(6, 10)]


def test_nothing_acknowledged_is_lost_by_kill_nine(box: Path) -> None:
    """A process that spools without end is killed at some point, again and again, and goes on with the next number."""
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("client", {client.__file__!r})
client = importlib.util.module_from_spec(spec); spec.loader.exec_module(client)
number = int(sys.argv[1])
while True:
    client.spool("publish", {{"event": "note", "summary": str(number)}}, f"r{{number}}-{{sys.argv[2]}}")
    print(number, flush=True)
    number += 1
"""
    acknowledged: list[int] = []
    for trial in range(12):
        start = acknowledged[-1] + 1 if acknowledged else 0
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(start), str(trial)],
            env=os.environ | {"FLEET_SPOOL": str(box)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        acknowledged += [int(process.stdout.readline()) for _ in range(3 + trial % 4)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().split("\n") if line.isdecimal()]
        process.wait()
        process.stdout.close()
    found = [int(text) for text in summaries(box)]
    assert set(acknowledged) <= set(found)
    assert found == sorted(found)
    # What was written and not yet acknowledged may be there as well: at most one for each kill.
    assert len(found) - len(acknowledged) <= 12
    assert not (box / "bad").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_the_spool_of_another_user_takes_that_users_files_and_nobody_elses(box: Path) -> None:
    body = b'{"v": 1, "id": "r1", "op": "publish", "args": {"summary": "%s"}, "token": null}'
    for owner, number in ((12345, 1), (0, 2), (54321, 3)):
        os.chown(put(box, number, body % str(owner).encode()), owner, owner)
    for path in (box, box / "new"):
        os.chown(path, 12345, 12345)
    assert summaries(box) == ["12345"]
    assert len(list((box / "bad").iterdir())) == 2
