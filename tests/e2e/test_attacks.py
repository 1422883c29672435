"""An agent's hostile child: what is refused, what is only noticed (L0), what is out of its reach (L1, L2)."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.tmux import sandbox
from fleet_tui.watcher.lock import read_holder
from tests import agent_user
from tests.e2e.e2e_support import ROOT, WRITES, Place, scene

pytestmark = pytest.mark.slow
BOOT = (
    f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'widgets')!r}]; "
    "from fleet_tui.cli.main import fleet; fleet(prog_name='fleet')"
)


def attacked(place: Place, level: str, user: str = "") -> tuple[dict[str, str], str]:
    """What became of each attempt of a child of ``dev``, and dev's run."""
    attack = Path(__file__).with_name("attack.py").read_text()
    place.commit({"attack.py": attack}, "Something to run")
    attacks = scene("developer", {"run": [sys.executable, "-I", "attack.py"]}, {"wait_for": "message"}, agent="dev")
    idles = scene("developer", {"wait_for": "message"}, agent="other")
    writes = scene("developer", *WRITES, agent="writer")
    place.configure(
        [attacks, idles, writes],
        agents=[{"name": name, "role": "developer"} for name in ("dev", "other", "writer")],
        isolation={"level": level, "user": user},
        limits={"denials_to_quarantine": 1000},
    )
    place.fleet("watcher", "start")
    for title in ("One", "Two", "Three"):
        place.ticket(title)
    dev, other = (place.until(lambda name=name: place.live_run(name), f"{name} runs") for name in ("dev", "other"))  # type: ignore[misc]
    assert dev.isolation == level
    approval = place.until_approval(1, 90)
    go = {
        "head": approval.head_sha,
        "boot": BOOT,
        "repository": str(place.repository),
        "state_home": str(place.root / "state"),
        "runtime_home": str(place.root / "run"),
        "home": str(place.root / "home"),
        "operator": str(place.paths.operator_socket),
        "other_socket": str(place.paths.run_dir(other.id) / "io" / "bus.sock"),
        "other_workspace": other.workspace,
        "database": str(place.paths.database),
        "watcher": read_holder(place.paths.lock)["pid"],
    }
    tree = Path(dev.workspace)
    (tree / "go.tmp").write_text(json.dumps(go))
    (tree / "go.tmp").rename(tree / "go.json")
    place.until((tree / "results.json").exists, "the attacks are over", 180)
    results: dict[str, str] = json.loads((tree / "results.json").read_text())
    return results, dev.id


def denials(place: Place) -> list[dict[str, Any]]:
    return [event.payload | {"actor": event.actor} for event in place.events("policy_denied")]


def reached_by_gate(told: dict[str, Any]) -> set[str]:
    return {f"{tried['act']} {tried['name']}" for tried in told["tried_by_gate"] if tried["reached"]}


def test_at_l0_every_act_is_refused_attributed_and_logged_and_the_rest_is_noticed(place: Place) -> None:
    results, run = attacked(place, "L0")
    for name in ("publish", "approve", "release", "by hand", "other run's socket"):
        assert "refused" in results[name] or "may not" in results[name], (name, results[name])
    acts = {(denial["act"].split()[0], denial["run"]) for denial in denials(place)}
    assert acts >= {("publish", run), ("approve", run), ("release", run)}, "each by the run that tried"
    assert {d["agent"] for d in denials(place)} == {"dev"}
    assert {d["actor"] for d in denials(place)} == {f"agent:dev/{run}"}
    for kind in ("pr_approved", "approval_granted", "agent_released"):
        assert place.events(kind) == [], kind
    # What the same user can do to the same user's files and processes cannot be refused; it does not go unnoticed.
    assert results["read database"].startswith("b'SQLite")
    assert results["signal"] == "killed"
    place.until(lambda: len(place.events("watcher_started")) == 2, "the supervisor starts the watcher again")
    assert results["edit database"] == "changed 1"
    verdict = place.run("verify")
    assert verdict.code != 0, "a changed event is found"
    assert "2" in verdict.text


def test_the_doctor_says_what_an_agent_reaches_at_l0(place: Place) -> None:
    place.configure([scene("developer")], isolation={"level": "L0"})
    done = place.run("doctor", "--security", "--json")
    assert done.code == 0, "nothing was promised"
    reached = {f"{tried['act']} {tried['name']}": tried["reached"] for tried in done.json["tried"]}
    assert (done.json["level"], reached["write your repository"], reached["write its workspace"]) == ("L0", True, True)
    assert "an agent and a gate reach what is marked -" in place.fleet("doctor", "--security")
    assert list(place.paths.workspaces.iterdir()) == list((place.paths.runtime / "runs").iterdir()) == []


def test_a_level_that_is_demanded_and_not_there_is_a_broken_promise(place: Place) -> None:
    place.configure([scene("developer")], isolation={"level": "L1"})
    tools = place.root / "bin"
    tools.mkdir()
    (tools / "bwrap").write_text("#!/bin/sh\necho 'bwrap: no user namespaces here' >&2\nexit 1\n")
    (tools / "bwrap").chmod(0o755)
    place.env["PATH"] = f"{tools}{os.pathsep}{place.env['PATH']}"
    done = place.run("doctor", "--security")
    assert done.code == 1
    assert "isolation L1 is demanded and not to be had: bubblewrap refuses: bwrap: no user namespaces" in done.out
    place.fleet("watcher", "start")
    place.ticket("Work")
    place.until(lambda: place.alarm("isolation"), "the alarm says why")
    place.until(lambda: place.reader.runs(), "a run is asked for")
    assert {run.state.value for run in place.reader.runs()} == {"queued"}
    place.edit_config(isolation={"level": "auto"})
    place.until(lambda: place.live_run("dev") or place.reader.runs(agent="dev")[0].isolation, "it starts at L0")
    assert place.reader.runs(agent="dev")[0].isolation == "L0"
    place.until(lambda: place.alarm("isolation") is None, "the alarm clears")
    assert [e.payload["isolation"] for e in place.events("isolation_changed")] == ["L0"]


WORKS = sandbox.bubblewrap() is not None
if WORKS:  # where there is none, nothing runs at L1

    @pytest.mark.parametrize("level", ["L1", pytest.param("L2", marks=agent_user.only_root)])
    def test_from_l1_on_they_fail_for_want_of_reach(place: Place, level: str) -> None:
        results, run = attacked(place, level, agent_user.made().name if level == "L2" else "")
        absent = (
            "No such file",
            "unable to open",
            "not a directory",
            "no such directory",
            "No such process",
            "no log yet",
        )
        for name, said in results.items():
            if name != "publish":
                assert any(words in said for words in absent), (name, said)
        assert "may not publish pr_approved" in results["publish"], "its own socket is in reach, and refuses"
        (denial,) = denials(place)
        assert (denial["act"], denial["run"], denial["actor"]) == ("publish pr_approved", run, f"agent:dev/{run}")
        assert len(place.events("watcher_started")) == 1
        place.fleet("verify", "--deep")

    @agent_user.only_root
    def test_the_doctor_proves_l2_also_without_the_sandbox(place: Place) -> None:
        place.configure([scene("developer")], isolation={"user": agent_user.made().name})
        place.fleet("watcher", "start")
        assert "isolation L2" in place.fleet("status")
        done = place.run("doctor", "--security", "--json")
        assert (done.code, done.json["level"], done.json["ok"]) == (0, "L2", True), done.text
        reached = {f"{tried['act']} {tried['name']}" for tried in done.json["tried"] if tried["reached"]}
        assert reached == {f"write its {name}" for name in ("workspace", "spool", "gate's objects")} | {
            "connect its socket"
        }
        assert reached_by_gate(done.json) == {"write its checkout", "write its home"}
        why = {tried["name"]: tried["why"] for tried in done.json["tried"]}
        assert why["a file of mode 0600, no sandbox"] == "Permission denied"
        assert why["the operator's socket, no sandbox"] == "Permission denied"
        assert why["this process, no sandbox"] == "Operation not permitted"
        assert why["an open operator's socket"] == f"uid {agent_user.made().uid} is not the owner of this fleet"
        assert "Every promise of L2 holds here." in place.fleet("doctor", "--security")

    @agent_user.only_root
    def test_the_doctor_names_the_command_that_makes_the_user(place: Place) -> None:
        place.configure([scene("developer")], isolation={"user": "fleet-nobody-here", "level": "L2"})
        done = place.run("doctor")
        assert "isolation L2 is demanded and not to be had: there is no user fleet-nobody-here" in done.out
        assert "sudo useradd --system --no-create-home fleet-nobody-here" in done.out
        place.edit_config(isolation={"level": "auto"})
        done = place.run("doctor")
        assert "sudo useradd --system --no-create-home fleet-agent, then isolation.user: fleet-agent" in done.out

    def test_the_doctor_proves_l1_and_finds_what_a_setting_uncovers(place: Place) -> None:
        (place.root / "home" / ".ssh").mkdir()
        (place.root / "home" / ".ssh" / "id").write_text("secret")
        place.configure([scene("developer")])
        place.fleet("watcher", "start")
        done = place.run("doctor", "--security", "--json")
        assert (done.code, done.json["level"], done.json["ok"]) == (0, "L1", True), done.text
        reached = {f"{tried['act']} {tried['name']}" for tried in done.json["tried"] if tried["reached"]}
        assert reached == {f"write its {name}" for name in ("workspace", "spool", "gate's objects")} | {
            "connect its socket"
        }
        assert reached_by_gate(done.json) == {"write its checkout", "write its home"}
        host = {"the database", "the operator's socket", "tmux", "~/.ssh"}
        assert {tried["name"] for tried in done.json["tried"]} >= host
        assert {tried["name"] for tried in done.json["tried_by_gate"]} >= {*host, "a run's workspace", "a run's socket"}
        shown = ["/usr", "/bin", "/lib", "/lib64", "/etc", "~/.ssh"]
        place.edit_config(isolation={"read_only": shown})
        done = place.run("doctor", "--security")
        assert done.code == 1
        assert " x read    ~/.ssh" in done.out
        assert "2 promise(s) of L1 do not hold" in done.out, "an agent's, and a gate's"
