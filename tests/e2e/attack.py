"""What a hostile child of an agent tries. Run inside the agent's process tree; standard library only.

It double-forks into a session of its own and drops its environment first, and writes what became of each attempt into
``results.json``. It begins when ``go.json`` says where things are.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

KEPT = ("FLEET_SOCKET", "FLEET_TOKEN", "FLEET_SPOOL")


def leave() -> None:
    """Into a session of its own, without a parent and without an environment."""
    if os.environ.get("ATTACK") == "1":
        return
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    own = {name: os.environ[name] for name in KEPT}
    shim = Path(os.environ["PATH"].split(os.pathsep)[0]) / "fleet"
    word = json.dumps({"env": own, "shim": str(shim)})
    os.execve(sys.executable, [sys.executable, "-I", __file__, word], {"ATTACK": "1"})


def program(*argv: str, env: dict[str, str]) -> str:
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    return f"{done.returncode} {done.stdout}{done.stderr}"


def by_hand(path: str, op: str, args: dict[str, Any]) -> str:
    body = json.dumps({"v": 1, "id": f"x{time.time_ns()}", "op": op, "args": args, "token": None}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(20)
        connection.connect(path)
        connection.sendall(len(body).to_bytes(4, "big") + body)
        return connection.recv(65536)[4:].decode()


def edit(database: str) -> str:
    connection = sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=20)
    changed = connection.execute("update event set actor = 'operator:kim' where seq = 2").rowcount
    connection.commit()
    return f"changed {changed}"


def kill(pid: int) -> str:
    os.kill(pid, 9)
    return "killed"


def attempts(go: dict[str, Any], own: dict[str, Any]) -> dict[str, Callable[[], str]]:
    cli = [sys.executable, "-I", "-c", go["boot"], "--repo", go["repository"]]
    machine = {"FLEET_STATE_HOME": go["state_home"], "FLEET_RUNTIME_DIR": go["runtime_home"], "HOME": go["home"]}
    return {
        "publish": lambda: program(own["shim"], "publish", "pr_approved", "--summary", "fine", env=own["env"]),
        "approve": lambda: program(*cli, "approval", "approve", "1", "--head", go["head"], env=machine),
        "release": lambda: program(*cli, "agent", "release", "dev", "--reason", "x", env=machine),
        "by hand": lambda: by_hand(go["operator"], "approve", {"approval": "none"}),
        "other run's socket": lambda: by_hand(go["other_socket"], "publish", {"event": "note"}),
        "read database": lambda: str(Path(go["database"]).read_bytes()[:6]),
        "read other workspace": lambda: str(list(Path(go["other_workspace"]).iterdir())),
        "signal": lambda: kill(go["watcher"]),
        "edit database": lambda: edit(go["database"]),
    }


def main() -> None:
    leave()
    own = json.loads(sys.argv[1])
    signal = Path("go.json")
    while not signal.exists():
        time.sleep(0.05)
    results = {}
    for name, attempt in attempts(json.loads(signal.read_text()), own).items():
        try:
            results[name] = attempt()
        except Exception as error:
            results[name] = f"{type(error).__name__}: {error}"
    Path("results.tmp").write_text(json.dumps(results))
    Path("results.tmp").rename("results.json")
    time.sleep(600)


main()
