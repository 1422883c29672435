"""The `fleet` that agents call. It runs alone, as ``python -I -S client.py VERB ...``; hooks run it all the time.

Standard library only, nothing of fleet_tui, and of the library only what starts fast: argparse and json would more than
double the time of a call, so arguments are parsed by hand and JSON by json's own C core.
"""

# pathlib and contextlib are slow to import; a command prints; every verb has the same parameters.
# ruff: noqa: PTH100, PTH103, PTH104, PTH110, PTH113, PTH112, PTH118, PTH120, PTH123, PTH202, PTH208, SIM105, T201, ARG001

from __future__ import annotations

import _json
import _socket
import os
import sys
import time

TYPE_CHECKING = False  # importing typing only to ask would take milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Verb: TypeAlias = Callable[[list[str], dict[str, str]], int]

VERSION = 1
MAX_FRAME = 256 * 1024
MAX_SPOOLED = 5000
ANSWER_S = 10.0
BACK_S = 1.0
GUARD_S = 5.0
PERSON_S = 25.0
# More than a person is asked to read, in JSON's ASCII.
MAX_ACT = 20_000
# A watcher that died is back within seconds: an act waits for it, so that a restart costs no agent its commit.
AWAY_S = 12.0
HELP = """fleet: how you, an agent, talk to your fleet

  fleet publish EVENT --summary TEXT [--payload JSON] [--to AGENT,...]
  fleet claim TEXT                     say what you work on, so that others keep off
  fleet handoff AGENT TEXT             pass work on
  fleet blocker TEXT [--question]      you cannot go on without a person
  fleet artifact PATH [--summary TEXT] you produced something
  fleet note TEXT                      worth remembering
  fleet inbox [--json] [--wait SECONDS] [--all]
  fleet ack [SEQ|--all]                you have read your inbox (up to SEQ)
  fleet ticket                         the text of your ticket
  fleet pr                             the pull request you review, or your ticket's: state, verdicts, gates (JSON)
  fleet landed                         what has landed since the last release, as its notes would say it
  fleet whoami                         who you are and what you may publish
  fleet hook KIND                      a vendor's hook reports (JSON on stdin; `usage`: tokens, cost, request_id)
  fleet guard [exec PROGRAM ARG...]    may this happen? (a vendor's tool call as JSON on stdin, or a program)

TEXT and JSON may be `-` (read stdin) or `@file`. Exit: 0 done or queued, 1 refused or failed, 2 wrong usage.
`fleet guard` exits with 0 when it may, and with 2 and the reason on stderr in every other case.
Examples: fleet publish pr_created --summary 'Add a login form' --payload '{"title": "Login form", "body": "..."}'
          fleet blocker --question 'Which of the two APIs shall stay?'
"""


class Stop(Exception):
    """Ends the program: a message for stderr and the exit code."""

    def __init__(self, code: int, title: str, message: str = "", hint: str = "") -> None:
        super().__init__(code, title)
        self.code = code
        text = f"fleet: {title}: {message}" if message else f"fleet: {title}"
        self.text = f"{text}\n  try: {hint}" if hint else text


# -- JSON --------------------------------------------------------------------------------------------------------------


class _Context:
    """What json's scanner asks of its decoder."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int

    def parse_constant(self, name: str) -> object:
        raise ValueError(f"{name} is not JSON")


_CONTEXT: Any = _Context()


def loads(text: str) -> object:
    """The JSON value in ``text``; ValueError if it is not one."""
    text = text.strip(" \t\r\n")
    try:
        value, end = _json.make_scanner(_CONTEXT)(text, 0)
    except (StopIteration, SystemError):
        # The C core alone cannot even say what is wrong: it takes its exception from the Python half.
        import json

        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if end != len(text):
        raise ValueError(f"more text after the value, at character {end}")
    return value


def dumps(value: object) -> str:
    """``value`` as ASCII JSON; ValueError for what JSON cannot hold."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _json.encode_basestring_ascii(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([dumps(item) for item in value]) + "]"
    if isinstance(value, dict):
        return (
            "{"
            + ",".join([f"{_json.encode_basestring_ascii(str(name))}:{dumps(item)}" for name, item in value.items()])
            + "}"
        )
    if isinstance(value, (int, float)) and value - value == 0:  # not infinite, not NaN
        return repr(value)
    raise ValueError(f"{value!r} is not JSON")


# -- the watcher, or the spool -----------------------------------------------------------------------------------------


def exchange(
    op: str, args: dict[str, object], request_id: str, time_limit_s: float = ANSWER_S
) -> dict[str, object] | None:
    """The watcher's answer; None when it is away. Asks again when told to slow down."""
    for _ in range(8):
        answer = _ask(_frame(op, args, request_id, os.environ.get("FLEET_TOKEN")), time_limit_s)
        if answer is None or answer.get("error") != "SlowDown":
            return answer
        time.sleep(0.5)
    return answer


def _frame(op: str, args: dict[str, object], request_id: str, token: str | None) -> bytes:
    try:
        body = dumps({"v": VERSION, "id": request_id, "op": op, "args": args, "token": token}).encode("ascii")
    except (ValueError, RecursionError) as error:
        raise Stop(2, "not JSON", str(error)) from None
    if len(body) > MAX_FRAME:
        raise Stop(1, "too long", f"{len(body)} bytes of at most {MAX_FRAME}", "put it into a file and name the file")
    return len(body).to_bytes(4, "big") + body


def _ask(frame: bytes, time_limit_s: float) -> dict[str, object] | None:
    path = os.environ.get("FLEET_SOCKET")
    if not path:
        return None
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.settimeout(time_limit_s)
        connection.connect(path)
        try:
            connection.sendall(frame)
        except BrokenPipeError:
            pass  # refused before we had written: the refusal is still there to read
        size = int.from_bytes(_receive(connection, 4), "big")
        answer = loads(_receive(connection, size).decode("ascii")) if size <= MAX_FRAME else None
        return answer if isinstance(answer, dict) else None
    except (OSError, ValueError):
        return None
    finally:
        connection.close()


def _receive(connection: _socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(min(65536, size - len(parts)))
        if not part:
            raise OSError("the connection ended without an answer")
        parts += part
    return bytes(parts)


def spool_names() -> list[str]:
    """Names of what waits in the spool, oldest first."""
    home = os.environ.get("FLEET_SPOOL")
    try:
        return sorted(name for name in os.listdir(f"{home}/new") if name.endswith(".json")) if home else []
    except OSError:
        return []


def spool(op: str, args: dict[str, object], request_id: str) -> None:
    """Put the request behind those that wait. It is whole or absent, whenever this process dies."""
    import fcntl

    home = os.environ.get("FLEET_SPOOL")
    if not home:
        raise Stop(
            1,
            "the watcher is away",
            "it does not answer, and FLEET_SPOOL, where this could wait for it, is not set",
            "try again later",
        )
    body = _frame(op, args, request_id, None)[4:]
    try:
        for directory in (home, f"{home}/tmp", f"{home}/new"):  # noqa: S108 - the spool's own
            os.makedirs(directory, 0o700, exist_ok=True)
        lock = os.open(f"{home}/lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = spool_names()
        if len(waiting) >= MAX_SPOOLED:
            raise Stop(1, "the queue is full", f"{len(waiting)} messages wait for the watcher", "wait until it is back")
        last = int(waiting[-1].partition("-")[0]) if waiting else 0
        draft = os.path.join(home, "tmp", request_id)
        _write(draft, body)
        os.rename(draft, f"{home}/new/{last + 1:012d}-{request_id}.json")
        os.close(lock)
    except (OSError, ValueError) as error:
        raise Stop(1, "cannot queue", f"the watcher is away and {home}: {error}", "try again later") from None


def _write(path: str, body: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(body)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tell(op: str, args: dict[str, object], time_limit_s: float = ANSWER_S) -> dict[str, object] | None:
    """Say something that must not be lost, after everything said before; None when it was queued."""
    request_id = f"cli-{os.urandom(16).hex()}"
    if spool_names():
        # What waits was said earlier. The watcher takes it in first, or this goes behind it.
        exchange("drain", {}, f"cli-{os.urandom(16).hex()}", time_limit_s)
    answer = None if spool_names() else exchange(op, args, request_id, time_limit_s)
    if answer is None:
        spool(op, args, request_id)
        # A watcher that came back meanwhile has looked into the spool already, and looks again only when it is told.
        _ask(_frame("drain", {}, f"cli-{os.urandom(16).hex()}", os.environ.get("FLEET_TOKEN")), BACK_S)
        return None
    return _accepted(answer)


def ask(op: str, args: dict[str, object], time_limit_s: float = ANSWER_S) -> dict[str, object]:
    """Ask something that only the watcher knows."""
    answer = exchange(op, args, f"cli-{os.urandom(16).hex()}", time_limit_s)
    if answer is None:
        raise Stop(
            1, "the watcher is away", "it does not answer, so this cannot be known now", "go on, and ask again later"
        )
    return _accepted(answer)


def _accepted(answer: dict[str, object]) -> dict[str, object]:
    if answer.get("ok") is True:
        return answer
    raise Stop(1, *(show(answer.get(name, "")) for name in ("title", "message", "hint")))


# -- arguments ---------------------------------------------------------------------------------------------------------

VALUES = frozenset({"summary", "payload", "to", "wait", "event", "kind", "sender", "agent", "path", "id"})
SWITCHES = frozenset({"json", "all", "question", "help"})


def parse(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Positional arguments, and options by name; a switch has the value ``""``."""
    words: list[str] = []
    options: dict[str, str] = {}
    rest = iter(arguments)
    for word in rest:
        if word == "-h":
            options["help"] = ""
        elif word == "--":
            words.extend(rest)
        elif not word.startswith("--"):
            words.append(word)
        else:
            name, equals, value = word[2:].partition("=")
            if name in VALUES:
                value = value if equals else next(rest, "\0")
                if value == "\0":
                    raise Stop(2, "missing value", f"--{name} needs one", "fleet help")
            elif name not in SWITCHES or equals:
                raise Stop(2, "unknown option", word, "fleet help")
            options[name] = value
    return words, options


def text_of(value: str) -> str:
    """``value``, or what it points to: ``-`` is stdin, ``@file`` a file (text that only looks like one is itself)."""
    if value == "-":
        return sys.stdin.buffer.read(MAX_FRAME).decode("utf-8", "replace")
    if value.startswith("@") and os.path.isfile(value[1:]):
        with open(value[1:], "rb") as file:
            return file.read(MAX_FRAME).decode("utf-8", "replace")
    # Arguments that are not UTF-8 arrive as lone surrogates, which no reader could store.
    return value.encode("utf-8", "replace").decode("utf-8")


def show(value: object) -> str:
    """``value`` as text that cannot steer the terminal it is printed on."""
    text = value if isinstance(value, str) else dumps(value)
    return "".join([c for c in text if c in "\n\t" or not (c < " " or "\x7f" <= c <= "\x9f")])


def _words(words: list[str], options: dict[str, str], usage: str) -> str:
    text = text_of(" ".join(words) if words else options.get("summary", ""))
    if not text.strip():
        raise Stop(2, "text missing", "", usage)
    return text


# -- verbs -------------------------------------------------------------------------------------------------------------


def say(event: str, summary: str, payload: dict[str, object] | None = None, to: list[str] | None = None) -> int:
    answer = tell("publish", {"event": event, "summary": summary, "payload": payload or {}, "to": to or []})
    if answer is None:
        print(f"queued: the watcher is away ({event})")
    else:
        number = f" as event {show(answer['seq'])}" if answer.get("seq") else ""
        print(show(answer.get("message") or f"published {event}{number}"))
    return 0


def publish(words: list[str], options: dict[str, str]) -> int:
    event = words[0] if words else options.get("event") or options.get("kind") or ""
    if not event or len(words) > 1:
        raise Stop(2, "one EVENT is expected", " ".join(words), "fleet publish EVENT --summary TEXT")
    summary = text_of(options.get("summary", event))
    try:
        payload = loads(text_of(options["payload"])) if "payload" in options else {}
    except ValueError as error:
        raise Stop(2, "--payload is not JSON", str(error), """--payload '{"title": "..."}'""") from None
    if not isinstance(payload, dict):
        raise Stop(2, "--payload must be a JSON object", "", """--payload '{"title": "..."}'""")
    return say(event, summary, payload, [name for name in options.get("to", "").replace(" ", "").split(",") if name])


def remark(event: str) -> Verb:
    def verb(words: list[str], options: dict[str, str]) -> int:
        text = _words(words, options, f"fleet {event} TEXT")
        return say(event, text, {"question": "question" in options} if event == "blocker" else None)

    return verb


def handoff(words: list[str], options: dict[str, str]) -> int:
    to = options["to"] if "to" in options else (words.pop(0) if words else "")
    if not to:
        raise Stop(2, "AGENT missing", "", "fleet handoff AGENT TEXT")
    return say("handoff", _words(words, options, "fleet handoff AGENT TEXT"), None, to.split(","))


def artifact(words: list[str], options: dict[str, str]) -> int:
    path = words[0] if words else options.get("path", "")
    if not path:
        raise Stop(2, "PATH missing", "", "fleet artifact PATH [--summary TEXT]")
    if not os.path.exists(path):
        raise Stop(1, "no such file", path)
    payload: dict[str, object] = {"path": text_of(os.path.abspath(path)), "bytes": os.path.getsize(path)}
    return say("artifact", text_of(options.get("summary", path)), payload)


def inbox(words: list[str], options: dict[str, str]) -> int:
    try:
        deadline_s = time.monotonic() + float(options.get("wait", "0"))
    except ValueError:
        raise Stop(2, "--wait needs seconds", options["wait"]) from None
    while True:
        left_s = max(0.0, deadline_s - time.monotonic())
        wait_s = int(min(left_s, 20))
        answer = ask("inbox", {"all": "all" in options, "wait_s": wait_s}, ANSWER_S + wait_s)
        messages = answer.get("messages")
        if messages or left_s <= 0 or not isinstance(messages, list):
            break
        time.sleep(min(1.0, left_s))
    if answer.get("more"):
        print("fleet: more is waiting: acknowledge these, then look again", file=sys.stderr)
    if "json" in options:
        print(dumps(messages))
        return 0
    for mail in messages if isinstance(messages, list) else []:
        print(show(f"{mail.get('seq')} {mail.get('kind')} from {mail.get('sender')}: {mail.get('summary')}"))
    if not messages:
        print("nothing new")
    return 0


def ack(words: list[str], options: dict[str, str]) -> int:
    number = words[0] if words else options.get("id", "")
    if number and not number.lstrip("#").isdecimal():
        raise Stop(2, "SEQ is a number", number, "fleet ack 12, or fleet ack --all")
    answer = ask("ack", {"seq": int(number.lstrip("#")) if number else None})
    print(show(answer.get("message") or "acknowledged"))
    return 0


def whoami(words: list[str], options: dict[str, str]) -> int:
    for name, value in ask("whoami", {}).items():
        if name != "ok":
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            print(f"{name}: {show(shown)}")
    return 0


def ticket(words: list[str], options: dict[str, str]) -> int:
    after: object = 0
    while isinstance(after, int):  # a long one comes in parts
        answer = ask("ticket", {"after": after})
        sys.stdout.write(show(answer.get("text", "")))
        after = answer.get("next")
    print()
    return 0


def pr(words: list[str], options: dict[str, str]) -> int:
    print(dumps({name: value for name, value in ask("pr", {}).items() if name != "ok"}))
    return 0


def landed(words: list[str], options: dict[str, str]) -> int:
    print(show(ask("landed", {}).get("text", "")))
    return 0


def hook(words: list[str], options: dict[str, str]) -> int:
    """Prints nothing: what a hook prints, some vendors show to their model."""
    if len(words) != 1:
        raise Stop(2, "one KIND is expected", " ".join(words), "fleet hook turn_ended < hook.json")
    data: object = {}
    if not sys.stdin.isatty():
        text = sys.stdin.buffer.read(4 * MAX_FRAME).decode("utf-8", "replace")
        try:
            data = loads(text) if text.strip() else {}
        except ValueError:
            data = {}
    if words[0] == "usage":
        return report_usage(data)
    fields = data if isinstance(data, dict) else {}
    # What is long says nothing about the state; of a tool's input it is known which question it was about.
    small = {
        name: value
        for name, value in fields.items()
        if len(dumps(value)) <= (MAX_ACT if name == "tool_input" else 2000)
    }
    if words[0] in PASSING:
        exchange("hook", {"kind": words[0], "data": small}, f"cli-{os.urandom(16).hex()}", 1.0)
        return 0
    answer = tell("hook", {"kind": words[0], "data": small}, 3.0)
    if answer is not None and answer.get("refused"):
        # Exit code 2 is how hooks of several vendors keep a prompt from beginning a turn.
        print(f"fleet: refused: {show(answer['refused'])}", file=sys.stderr)
        return 2
    return 0


PASSING = frozenset({"StatusLine"})
"""What is told again soon: while the watcher is away it is not kept, and nobody waits."""


def report_usage(data: object) -> int:
    """One report of what a request used, or a list of them; each is counted once by its ``request_id``. 1 at a ceiling,
    which is not the 2 that would keep a vendor's program from ending its turn."""
    refused = None
    reports = data if isinstance(data, list) else [data]
    for report in reports:
        if not isinstance(report, dict):
            raise Stop(2, "a report is a JSON object", "", "fleet hook usage < usage.json")
        fields = {name: report[name] for name in USAGE if report.get(name) is not None}
        answer = tell("usage", fields, 3.0)
        refused = (answer or {}).get("refused") or refused
    if refused:
        print(f"fleet: counted, and no more: {show(refused)}", file=sys.stderr)
        return 1
    return 0


USAGE = (
    "model", "input_tokens", "output_tokens", "cache_read", "cache_write", "cost_microusd", "turn", "request_id",
    "reasoning_tokens",
)  # fmt: skip


def guard(arguments: list[str]) -> int:
    """Fails closed: whatever goes wrong on the way to a clear yes is a no, with exit code 2, which stops a vendor's
    tool call."""
    answer: dict[str, object] = {}
    try:
        answer = _judged(arguments)
        verdict, reason = str(answer.get("verdict")), answer.get("reason") or ""
    except Stop as stop:
        verdict, reason = "deny", stop.text
    except BaseException as error:
        verdict, reason = "deny", f"the guard failed: {show(str(error) or type(error).__name__)}"
    if verdict != "deny" and isinstance(answer.get("stdout"), str) and answer.get("code") == 0:
        print(answer["stdout"])  # in the words of the vendor whose hook this is
        return 0
    if verdict in ("allow", "gone"):
        return 0
    print(f"fleet: {'not yet' if verdict == 'ask' else 'refused'}: {show(reason)}", file=sys.stderr)
    return 2


def _judged(arguments: list[str]) -> dict[str, object]:
    if arguments[:1] == ["exec"]:
        call: object = {"tool_name": "exec", "tool_input": {"argv": arguments[1:]}}
    elif arguments:
        return _no("usage: fleet guard < call.json, or fleet guard exec PROGRAM ARG...")
    else:
        call = loads(sys.stdin.buffer.read(MAX_FRAME).decode("utf-8"))
    if not isinstance(call, dict):
        return _no("the tool call is not a JSON object")
    args = {
        "tool": call.get("tool_name"),
        "input": call.get("tool_input"),
        "cwd": call.get("cwd") or os.getcwd(),  # noqa: PTH109
    }
    if call.get("hook_event_name"):
        args["hook"] = call["hook_event_name"]
    limit_s = GUARD_S
    while True:
        answer = _asked_in_time(args, limit_s)
        if answer is None:
            return _no("the watcher is away, and without it nobody can say whether this may happen")
        if answer.get("ok") is not True:
            return _no(answer.get("message") or "the watcher refused")
        if answer.get("verdict") != "wait":
            return answer
        args["waiting"], limit_s = answer.get("question"), PERSON_S


def _no(reason: object) -> dict[str, object]:
    return {"verdict": "deny", "reason": reason}


def _asked_in_time(args: dict[str, object], limit_s: float) -> dict[str, object] | None:
    """The watcher's answer; None when it stays away, at once when the run is over (its directory is gone)."""
    request_id, away_from = f"cli-{os.urandom(16).hex()}", time.monotonic() + AWAY_S
    while True:
        answer = exchange("guard", args, request_id, limit_s)
        home = os.path.dirname(os.environ.get("FLEET_SOCKET", ""))
        if answer is not None or not os.path.isdir(home) or time.monotonic() >= away_from:
            return answer
        time.sleep(0.2)


VERBS: dict[str, Verb] = {
    "publish": publish, "handoff": handoff, "artifact": artifact, "inbox": inbox, "ack": ack, "whoami": whoami,
    "ticket": ticket, "pr": pr, "landed": landed, "hook": hook, "claim": remark("claim"), "note": remark("note"),
    "blocker": remark("blocker"),
}  # fmt: skip


def run(arguments: list[str]) -> int:
    if arguments[:1] == ["fabric"]:
        arguments = arguments[1:]
    name = arguments[0] if arguments else "help"
    if name == "guard":
        return guard(arguments[1:])
    if name in ("help", "-h", "--help"):
        print(HELP, end="")
        return 0
    verb = VERBS.get(name)
    if verb is None:
        raise Stop(2, f"`{show(name)}` is not for agents", "this is the agents' client", "fleet help")
    words, options = parse(arguments[1:])
    if "help" in options:
        print(HELP, end="")
        return 0
    for ignored in ("sender", "agent"):
        if ignored in options:
            print(f"fleet: --{ignored} is ignored: your identity is known", file=sys.stderr)
    return verb(words, options)


def main() -> int:
    try:
        return run(sys.argv[1:])
    except Stop as stop:
        print(stop.text, file=sys.stderr)
        return stop.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0


if __name__ == "__main__":
    sys.exit(main())
