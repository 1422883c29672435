"""What each step of a story does. Files are confined to the workspace; only a `run` given as text passes a shell."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_tui.vendors.misbehave import MISBEHAVE

if TYPE_CHECKING:
    from fleet_tui.vendors.player import Player

_MAIL_RETRY_S = 2


def _say(player: Player, text: str) -> None:
    player.say(player.fill(text))


def _think(player: Player, seconds: float) -> None:
    player.spin(seconds * player.chance.uniform(0.8, 1.2))


def _spin(player: Player, seconds: float) -> None:
    player.spin(seconds)


def _write(player: Player, fields: dict[str, str]) -> None:
    path = _inside(player, fields["path"], "Write")
    if path is None:
        return
    text = player.fill(fields["text"])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        player.show(f"cannot write: {error.strerror}", "bad")
        return
    player.show(f"Wrote {len(text.splitlines())} lines", "good")


def _patch(player: Player, fields: dict[str, str]) -> None:
    path = _inside(player, fields["path"], "Edit")
    if path is None:
        return
    old, new = player.fill(fields["replace"]), player.fill(fields["with"])
    try:
        text = path.read_text(encoding="utf-8")
        if old not in text:
            player.show("the text to replace is not there", "bad")
            return
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        player.show(f"cannot edit: {error}", "bad")
        return
    player.terminal.add("\n".join([f"    - {line}" for line in old.splitlines()]), "bad")
    player.terminal.add("\n".join([f"    + {line}" for line in new.splitlines()]), "good")


def _delete(player: Player, name: str) -> None:
    path = _inside(player, name, "Delete")
    if path is None:
        return
    try:
        path.unlink()
    except OSError as error:
        player.show(f"cannot delete: {error.strerror}", "bad")


def _inside(player: Player, name: str, verb: str) -> Path | None:
    """The path in the workspace, announced; None (with a complaint) for one that leads out or into git's own files."""
    name = player.fill(name)
    player.terminal.add(f"● {verb}({name})", "bold")
    try:
        path = (player.workspace / name).resolve()
    except (OSError, ValueError) as error:  # a NUL in it, links in a circle
        player.show(f"no path: {error}", "bad")
        return None
    if path.is_relative_to(player.workspace) and path.relative_to(player.workspace).parts[:1] not in ((), (".git",)):
        return path
    player.show("outside the workspace", "bad")
    return None


def _run(player: Player, command: str | list[str]) -> None:
    if isinstance(command, list):
        argv = [player.fill(part) for part in command]
        player.command(argv, title=shlex.join(argv))
        return
    # Values are data from outside: in a text for a shell they would be code, so they are not filled in.
    player.command(["/bin/sh", "-c", command], title=command)


def _commit(player: Player, message: str) -> None:
    message = player.fill(message)
    player.command(["git", "add", "--all"])
    identity = []
    if player.command(["git", "config", "user.email"]).code != 0:
        identity = ["-c", f"user.name={player.values['agent']}", "-c", "user.email=agent@fleet.invalid"]
    player.command(
        ["git", *identity, "commit", "--quiet", "-m", message], title=f"git commit -m {shlex.quote(message)}"
    )


def _push(player: Player, _value: None) -> None:
    player.command(["git", "push", "--quiet", "origin", "HEAD"], title="git push origin HEAD")


def _publish(player: Player, fields: dict[str, Any]) -> None:
    payload = json.loads(
        json.dumps(fields.get("payload", {}), default=str), object_hook=lambda found: _filled(player, found)
    )
    arguments = ["publish", fields["event"], "--summary", player.fill(fields["summary"]) or fields["event"]]
    if payload:
        arguments += ["--payload", json.dumps(payload)]
    if fields["to"]:
        arguments += ["--to", ",".join(fields["to"])]
    player.fleet(*arguments, title=f"fleet publish {fields['event']}")


def _filled(player: Player, found: dict[str, Any]) -> dict[str, Any]:
    return {name: player.fill(value) if isinstance(value, str) else value for name, value in found.items()}


def _ask(player: Player, question: str) -> None:
    player.values["answer"] = player.ask(player.fill(question))


def _usage(player: Player, fields: dict[str, Any]) -> None:
    report = {"request_id": f"scripted-{player.values.get('run', '')}-{player.next_request()}", **fields}
    player.command(["fleet", "hook", "usage"], stdin=json.dumps(report).encode())


def _wait_for(player: Player, what: str) -> None:
    if what == "message":
        player.values["message"] = player.next_message()
        return
    while True:
        finished = player.fleet("inbox", "--json", "--wait", "15")
        messages = _messages(finished.output) if finished.code == 0 else []
        if messages:
            player.values["message"] = str(messages[0].get("summary", ""))
            player.fleet("ack", "--all")
            return
        if finished.code != 0:
            player.terminal.pump(_MAIL_RETRY_S)


def _messages(output: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(output)
    except ValueError:
        return []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _misbehave(player: Player, kind: str) -> None:
    MISBEHAVE[kind](player)


def _stop(_player: Player, code: int) -> None:
    raise SystemExit(code)


PLAY: dict[str, Callable[[Player, Any], None]] = {
    "say": _say,
    "think": _think,
    "spin": _spin,
    "write": _write,
    "patch": _patch,
    "delete": _delete,
    "run": _run,
    "commit": _commit,
    "push": _push,
    "publish": _publish,
    "ask": _ask,
    "usage": _usage,
    "wait_for": _wait_for,
    "misbehave": _misbehave,
    "stop": _stop,
}
