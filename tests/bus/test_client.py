"""The agents' client as agents run it: a process of its own, a real socket, exit codes and words."""

from __future__ import annotations

import asyncio
import fcntl
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.bus import server, spool
from fleet_tui.bus.identity import Caller
from fleet_tui.bus.server import BusServer
from fleet_tui.bus.shim import client_argv, write_shim
from fleet_tui.domain.errors import Conflict, Refused
from tests.bus.bus_helpers import Agent, Family, Handler, until

pytestmark = pytest.mark.usefixtures("served")

SAYINGS = [
    (["note", "a", "b"], {"event": "note", "summary": "a b", "payload": {}, "to": []}),
    (["claim", "src/*.py"], {"event": "claim", "summary": "src/*.py", "payload": {}, "to": []}),
    (["handoff", "qa", "please test"], {"event": "handoff", "summary": "please test", "payload": {}, "to": ["qa"]}),
    (["blocker", "stuck"], {"event": "blocker", "summary": "stuck", "payload": {"question": False}, "to": []}),
    (
        ["blocker", "--question", "A or B?"],
        {"event": "blocker", "summary": "A or B?", "payload": {"question": True}, "to": []},
    ),
    (["publish", "pr_approved"], {"event": "pr_approved", "summary": "pr_approved", "payload": {}, "to": []}),
    (
        ["publish", "deployed", "--summary=ok", "--payload", '{"n": 1, "x": [null, true, "\\u00fc"]}', "--to", "a, b"],
        {"event": "deployed", "summary": "ok", "payload": {"n": 1, "x": [None, True, "ü"]}, "to": ["a", "b"]},
    ),
    (["note", "--", "--not-an-option"], {"event": "note", "summary": "--not-an-option", "payload": {}, "to": []}),
    (["note", "$(id) `id` ; \"'"], {"event": "note", "summary": "$(id) `id` ; \"'", "payload": {}, "to": []}),
    (["note", "@alice look"], {"event": "note", "summary": "@alice look", "payload": {}, "to": []}),
    # The spelling of existing fleets.
    (
        ["fabric", "publish", "--kind", "note", "--sender", "boss", "--summary", "hi"],
        {"event": "note", "summary": "hi", "payload": {}, "to": []},
    ),
    (
        ["fabric", "handoff", "--to", "qa", "--summary", "x"],
        {"event": "handoff", "summary": "x", "payload": {}, "to": ["qa"]},
    ),
]


@pytest.mark.parametrize(("arguments", "expected"), SAYINGS, ids=lambda value: " ".join(value)[:40])
async def test_sayings(agent: Agent, handler: Handler, arguments: list[str], expected: dict[str, object]) -> None:
    handler.answers["publish"] = {"seq": 12}
    done = await agent(*arguments)
    assert (done.code, done.out) == (0, f"published {expected['event']} as event 12\n")
    ((caller, op, args, request_id),) = handler.calls
    assert (caller.principal, op, args) == ("run:run-a", "publish", expected)
    assert len(request_id) > 20
    assert ("is ignored: your identity is known" in done.err) is ("--sender" in arguments)


async def test_text_from_stdin_and_files(agent: Agent, handler: Handler, home: Path) -> None:
    (home / "payload.json").write_text('{"title": "long"}')
    done = await agent(
        "publish", "x", "--summary", "-", "--payload", f"@{home / 'payload.json'}", stdin=b"from \xff stdin"
    )
    assert done.code == 0
    assert handler.calls[0][2]["summary"] == "from \ufffd stdin"
    assert handler.calls[0][2]["payload"] == {"title": "long"}


async def test_artifact_names_a_file_that_exists(agent: Agent, handler: Handler, home: Path) -> None:
    (home / "report.txt").write_text("12345")
    assert (await agent("artifact", str(home / "report.txt"))).code == 0
    assert handler.calls[0][2]["payload"] == {"path": str(home / "report.txt"), "bytes": 5}
    missing = await agent("artifact", str(home / "none.txt"))
    assert (missing.code, missing.err) == (1, f"fleet: no such file: {home / 'none.txt'}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["up"], "`up` is not for agents: this is the agents' client"),
        (["agent", "pause"], "`agent` is not for agents"),
        (["publish"], "one EVENT is expected"),
        (["publish", "a", "b"], "one EVENT is expected: a b"),
        (["publish", "x", "--payload", "{"], "--payload is not JSON: Expecting property name"),
        (["publish", "x", "--payload", '{"a": "b'], "--payload is not JSON: Unterminated string"),
        (["publish", "x", "--payload", "[" * 100_000], "--payload is not JSON: nested too deeply"),
        (["publish", "x", "--payload", "[1]"], "--payload must be a JSON object"),
        (["publish", "x", "--payload", "NaN"], "--payload is not JSON"),
        (["publish", "x", "--colour", "red"], "unknown option: --colour"),
        (["publish", "x", "--summary"], "missing value: --summary needs one"),
        (["note"], "text missing"),
        (["note", "  "], "text missing"),
        (["handoff"], "AGENT missing"),
        (["handoff", "qa"], "text missing"),
        (["artifact"], "PATH missing"),
        (["ack", "seven"], "SEQ is a number: seven"),
        (["inbox", "--wait", "long"], "--wait needs seconds: long"),
        (["hook"], "one KIND is expected"),
        (["fabric", "tasks"], "`tasks` is not for agents"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_wrong_usage(agent: Agent, handler: Handler, arguments: list[str], message: str) -> None:
    done = await agent(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err
    assert handler.calls == []


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"], ["-h"], ["publish", "--help"], ["publish", "-h"]])
async def test_help(agent: Agent, arguments: list[str]) -> None:
    done = await agent(*arguments)
    assert done.code == 0
    assert done.out.startswith("fleet: how you, an agent, talk to your fleet")


async def test_refusals_are_words_on_stderr(agent: Agent, handler: Handler, home: Path) -> None:
    handler.errors["publish"] = Refused("not allowed", "a developer may not approve", "ask a reviewer")
    done = await agent("publish", "pr_approved")
    assert (done.code, done.out) == (1, "")
    assert done.err == "fleet: not allowed: a developer may not approve\n  try: ask a reviewer\n"
    handler.errors["publish"] = Conflict("changed", "the head moved")
    assert (await agent("publish", "pr_approved")).err == "fleet: changed: the head moved\n"
    assert spool.drain(home / "run-a" / "spool") == []


async def test_answers_cannot_steer_the_terminal(agent: Agent, handler: Handler) -> None:
    evil = "\x1b]52;c;eA==\x07\x9b2J\x1b[3Jx"
    handler.answers["inbox"] = {"messages": [{"seq": 1, "kind": "note", "sender": "qa", "summary": evil}]}
    handler.answers["ticket"] = {"text": evil}
    handler.answers["whoami"] = {"agent": evil, "may_publish": [evil]}
    handler.errors["publish"] = Refused(evil, evil, evil)
    for arguments in (["inbox"], ["inbox", "--json"], ["ticket"], ["whoami"], ["note", "x"]):
        done = await agent(*arguments)
        assert not set(done.out + done.err) & {"\x1b", "\x07", "\x9b"}


async def test_reading_verbs(agent: Agent, handler: Handler) -> None:
    mail = {"seq": 4, "kind": "note", "sender": "agent:qa/run-9", "summary": "all green", "payload": {"n": 1}}
    handler.answers["inbox"] = {"messages": [mail]}
    handler.answers["ticket"] = {"text": "#3 Log in\n\nBody ü"}
    handler.answers["whoami"] = {"agent": "dev", "ticket": None, "may_publish": ["note", "pr_created"]}
    handler.answers["ack"] = {"message": "read up to 4"}
    assert (await agent("inbox")).out == "4 note from agent:qa/run-9: all green\n"
    assert json.loads((await agent("inbox", "--json", "--all")).out) == [mail]
    assert (await agent("ticket")).out == "#3 Log in\n\nBody ü\n"
    assert (await agent("whoami")).out == "agent: dev\nticket: null\nmay_publish: note, pr_created\n"
    handler.answers["landed"] = {"text": "**Landed**\n\n- `T\x1b[31m` (#1, PR 1)"}
    assert (await agent("landed")).out == "**Landed**\n\n- `T[31m` (#1, PR 1)\n"
    assert (await agent("ack", "#4")).out == "read up to 4\n"
    assert (await agent("ack", "--all")).code == 0
    asked = [args for _, op, args, _ in handler.calls if op in ("inbox", "ack")]
    assert asked == [{"all": False, "wait_s": 0}, {"all": True, "wait_s": 0}, {"seq": 4}, {"seq": None}]


async def test_inbox_waits_until_mail_comes(agent: Agent, handler: Handler) -> None:
    handler.answers["inbox"] = {"messages": []}
    waiting = asyncio.create_task(agent("inbox", "--wait", "60"))
    await asyncio.wait_for(handler.arrived.wait(), 60)
    handler.answers["inbox"] = {"messages": [{"seq": 1, "kind": "note", "sender": "x", "summary": "here"}]}
    assert (await asyncio.wait_for(waiting, 60)).out == "1 note from x: here\n"
    assert handler.calls[0][2]["wait_s"] == 20


async def test_hooks_say_nothing_and_send_small_fields_only(agent: Agent, handler: Handler) -> None:
    data = {
        "session_id": "s",
        "tool_input": {"command": "x" * 50_000},
        "context_window": {"used_percentage": 12},
        "last_assistant_message": "y" * 5000,
        "stop": True,
        "n": 1,
    }
    done = await agent("hook", "turn_ended", stdin=json.dumps(data).encode())
    assert (done.code, done.out, done.err) == (0, "", "")
    assert handler.calls[0][2] == {
        "kind": "turn_ended",
        "data": {"session_id": "s", "context_window": {"used_percentage": 12}, "stop": True, "n": 1},
    }
    for stdin in (b"", b"not json", b"[1]", b"\xff\xfe", b'{"a": 1} x'):
        assert (await agent("hook", "turn_ended", stdin=stdin)).code == 0
    assert [call[2]["data"] for call in handler.calls[1:]] == [{}] * 5


async def test_slow_down_is_waited_out(agent: Agent, handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BURST", 1)
    monkeypatch.setattr(server, "RATE_PER_S", 2.0)
    results = await asyncio.gather(*(agent("note", str(number)) for number in range(3)))
    assert [done.code for done in results] == [0, 0, 0]
    assert sorted(args["summary"] for _, _, args, _ in handler.calls) == ["0", "1", "2"]


async def test_too_long_is_said_at_once(agent: Agent, handler: Handler) -> None:
    done = await agent("note", "-", stdin=b"x" * 300_000)
    assert done.code == 1
    assert "put it into a file" in done.err
    assert handler.calls == []


async def test_arguments_that_are_not_utf8_arrive_as_text(agent: Agent, handler: Handler) -> None:
    process = await asyncio.create_subprocess_exec(*client_argv(), "note", b"caf\xe9", env=agent.environment)
    assert await asyncio.wait_for(process.wait(), 60) == 0
    assert handler.calls[0][2]["summary"].startswith("caf")
    json.dumps(handler.calls[0][2], ensure_ascii=False).encode()


async def test_shim_on_path(agent: Agent, handler: Handler, home: Path) -> None:
    shim = write_shim(home / "a dir; 'quoted'" / "bin")
    assert write_shim(shim.parent) == shim
    process = await asyncio.create_subprocess_exec(str(shim), "note", "via shim", env=agent.environment)
    assert await asyncio.wait_for(process.wait(), 60) == 0
    assert handler.calls[0][2]["summary"] == "via shim"


@pytest.mark.parametrize("away", [False, True])
async def test_modules_that_a_saying_loads(agent: Agent, away: bool) -> None:
    """Agents' hooks pay for each of them on every tool call; benchmarks/bus_client.py has the times."""
    interpreter, *flags, script = client_argv()
    process = await asyncio.create_subprocess_exec(
        interpreter, *flags, "-X", "importtime", script, "publish", "x", "--payload", '{"a": 1}',
        env=agent.environment | ({"FLEET_SOCKET": "/nonexistent"} if away else {}), stderr=subprocess.PIPE,
    )  # fmt: skip
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    loaded = {line.rpartition("|")[2].strip() for line in err.decode().splitlines() if "|" in line}
    of_the_interpreter = {"imported package", "zipimport", "winreg", "linecache"}
    encodings = {name for name in loaded if name.startswith(("encodings", "_frozen_importlib"))}
    own = {
        "__future__",
        "_json",
        "_socket",
        "fcntl",
        "os",
        "time",
        "stat",
        "_stat",
        "posixpath",
        "genericpath",
        "errno",
    }
    builtin = {"_abc", "abc", "io", "_io", "codecs", "_codecs", "_collections_abc", "posix", "marshal", "_thread"}
    more = {"_weakref", "_warnings", "_signal", "_imp", "sys", "builtins", "encodings"}
    assert loaded - of_the_interpreter - encodings - own - builtin - more == set()


async def test_closing_bus_in_the_middle_queues_the_saying(
    agent: Agent, handler: Handler, served: BusServer, home: Path
) -> None:
    """The answer is lost, so it is unknown whether it was recorded: the same id goes into the spool."""
    handler.answers["publish"] = {"seq": 1}
    release = asyncio.Event()

    async def recorded_then_cut(caller: Caller, op: str, args: dict[str, Any], request_id: str) -> dict[str, Any]:
        await handler(caller, op, args, request_id)
        await release.wait()
        return {}

    served._handler = recorded_then_cut
    telling = asyncio.create_task(agent("note", "once"))
    await asyncio.wait_for(handler.arrived.wait(), 60)
    await served.close()
    done = await asyncio.wait_for(telling, 60)
    assert (done.code, done.out) == (0, "queued: the watcher is away (note)\n")
    (waiting,) = spool.drain(home / "run-a" / "spool")
    assert waiting.id == handler.calls[0][3]


async def test_what_is_queued_while_the_watcher_comes_back_is_heard(
    agent: Agent, handler: Handler, served: BusServer, family: Family, home: Path
) -> None:
    await served.close()
    run_dir = home / "run-a"
    (run_dir / "spool").mkdir(parents=True, mode=0o700)
    with (run_dir / "spool" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another saying of the same agent
        telling = asyncio.create_task(agent("blocker", "A or B?"))
        await until(lambda: (run_dir / "spool" / "new").is_dir())  # nobody answered it
        back = BusServer(handler, family)
        await back.listen_run("run-a", run_dir / "bus.sock", lambda token: token == "token-a")
        assert spool.drain(run_dir / "spool") == []
    done = await telling
    assert (done.code, done.out) == (0, "queued: the watcher is away (blocker)\n")
    assert handler.ops() == ["drain"]
    assert len(spool.drain(run_dir / "spool")) == 1
    await back.close()


async def test_a_long_ticket_comes_in_parts(agent: Agent, handler: Handler) -> None:
    text = "#3 Log in\n\n" + "x" * 50
    parts = {start: {"text": text[start : start + 20], "next": start + 20} for start in (0, 20, 40)}
    parts[60] = {"text": text[60:], "next": None}
    handler.answers["ticket"] = lambda args: parts[args["after"]]
    assert (await agent("ticket")).out == text + "\n"


async def test_what_is_told_again_soon_is_not_kept_for_a_watcher_that_is_away(
    agent: Agent, handler: Handler, served: BusServer, home: Path
) -> None:
    window = {"context_window_size": 200_000}
    said = json.dumps({"context_window": window}).encode()
    assert (await agent("hook", "StatusLine", stdin=said)).code == 0
    ((_, op, args, _),) = handler.calls
    assert (op, args["kind"], args["data"]) == ("hook", "StatusLine", {"context_window": window})
    await served.close()
    done = await agent("hook", "StatusLine", stdin=said)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert spool.drain(home / "run-a" / "spool") == []
