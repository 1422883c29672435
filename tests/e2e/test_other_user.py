"""Agents as another user of the machine (isolation L2): the whole loop, containment, and what is left of them."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fleet_tui.domain.states import RunState, TicketState
from fleet_tui.domain.users import AgentUser
from tests import agent_user
from tests.e2e.e2e_support import DEVELOPER, PLAIN, REVIEWER, REWORKS, WRITES, Place, scene

pytestmark = [pytest.mark.slow, agent_user.only_root]


@pytest.fixture
def user() -> AgentUser:
    return agent_user.made()


def owners(tree: Path) -> Iterator[tuple[Path, int]]:
    for folder, _, files in os.walk(tree):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            yield path, path.lstat().st_uid


def test_a_ticket_from_ready_to_merged(place: Place, user: AgentUser) -> None:
    place.configure(PLAIN, isolation={"user": user.name}, approval={"when": "sensitive", "hold_s": 0})
    place.fleet("watcher", "start")
    number = place.ticket("Write it down")
    place.until_ticket(number, TicketState.SHIPPED, 90)
    landed = place.repository / "notes" / f"{number}.md"
    place.until(landed.exists, "it is in the person's checkout")
    assert landed.read_text() == "# Write it down\n"
    assert {run.isolation for run in place.reader.runs(limit=100)} == {"L2"}
    assert {event.payload["isolation"] for event in place.events("run_started", "watcher_started")} == {"L2"}
    assert place.events("approval_requested") == [], "no person is needed for want of isolation"
    assert place.events("policy_denied") == []
    assert {uid for _, uid in owners(place.repository)} == {os.getuid()}, "what landed is the person's"
    place.fleet("verify", "--deep")


def test_the_agent_has_the_other_user_and_its_runner_has_not(place: Place, user: AgentUser) -> None:
    facts = (
        "import json, os, resource, sys\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "facts = dict(uids=os.getresuid(), gids=os.getresgid(), groups=os.getgroups(), home=os.environ['HOME'],\n"
        "    user=os.environ['USER'], caps=status['CapEff'].strip(), nnp=status['NoNewPrivs'].strip(),\n"
        "    limits=[resource.getrlimit(resource.RLIMIT_NPROC)[1], resource.getrlimit(resource.RLIMIT_FSIZE)[1]])\n"
        "print('said', file=open('/dev/stderr', 'w'))\n"
        "json.dump(facts, open('facts.tmp', 'w')); os.rename('facts.tmp', 'facts.json')\n"
    )
    place.commit({"facts.py": facts}, "Something to run")
    place.configure(
        [scene("developer", {"run": ["python3", "-I", "facts.py"]}, {"wait_for": "message"})],
        agents=[{"name": "dev", "role": "developer"}],
        isolation={"user": user.name, "level": "L2", "processes": 500, "file_mb": 7},
    )
    place.fleet("watcher", "start")
    place.ticket("Look")
    run = place.until(lambda: place.live_run("dev"), "it runs")
    file = Path(run.workspace) / "facts.json"
    place.until(file.exists, "it looked")
    found = json.loads(file.read_text())
    assert found["uids"] == [user.uid] * 3
    assert found["gids"] == [user.gid] * 3
    assert (found["groups"], found["caps"], found["nnp"]) == ([], "0" * 16, "1")
    assert found["limits"] == [500, 7_000_000]
    assert (found["user"], found["home"]) == (user.name, str(place.paths.homes / "dev"))
    assert file.lstat().st_uid == user.uid
    child = place.until(lambda: place.child("dev"), "its first process")
    assert child.uids().real == os.getuid(), "the sandbox is ours"
    assert child.parent().uids().real == os.getuid(), "so is the runner"  # type: ignore[union-attr]

    def below() -> set[int]:
        with contextlib.suppress(psutil.NoSuchProcess):  # the program that looked may just end: look again
            return {p.uids().real for p in child.children(recursive=True)[1:]}
        return set()

    assert place.until(below, "its processes") == {user.uid}
    run_dir = place.paths.run_dir(run.id)
    mine = {path.name: path.lstat().st_uid for path in run_dir.iterdir()}
    assert {name for name, uid in mine.items() if uid != os.getuid()} == {"spool"}
    assert stat.S_IMODE((run_dir / "io").lstat().st_mode) == 0o710
    assert stat.S_IMODE(run_dir.lstat().st_mode) == 0o700
    gate = Path(run.workspace).parent / "gate.git"
    assert {p.name for p in gate.iterdir() if p.lstat().st_uid == user.uid} == {"objects", "refs", "refused.log"}


def test_what_is_said_while_the_watcher_is_away_arrives_once(place: Place, user: AgentUser) -> None:
    place.commit({"wait.sh": "touch here; while [ ! -e go ]; do sleep 0.05; done\n"}, "Something to run")
    says = {"publish": {"event": "blocker", "summary": "which one?"}}
    place.configure(
        [scene("developer", {"run": ["sh", "wait.sh"]}, says, {"wait_for": "message"})],
        isolation={"user": user.name, "level": "L2", "network": False},
    )
    place.fleet("watcher", "start")
    place.ticket("Write it down")
    run = place.until(lambda: place.live_run("dev"), "it runs")
    place.until((Path(run.workspace) / "here").exists, "it waits")
    place.fleet("watcher", "stop")
    (Path(run.workspace) / "go").touch()
    new = place.paths.run_dir(run.id) / "spool" / "new"
    said = place.until(lambda: list(new.glob("*.json")), "it is queued")
    assert {path.lstat().st_uid for path in said} == {user.uid}
    place.fleet("watcher", "start")
    place.until(lambda: place.events("blocker"), "it arrives")
    place.until(lambda: not list(new.iterdir()), "the queue is empty")
    assert [event.payload["summary"] for event in place.events("blocker")] == ["which one?"]


def test_an_agent_is_heard_by_a_watcher_that_started_after_it(place: Place, user: AgentUser) -> None:
    place.commit({"wait.sh": "touch here; while [ ! -e go ]; do sleep 0.05; done\n"}, "Something to run")
    waits = scene("developer", {"run": ["sh", "wait.sh"]}, *WRITES)
    place.configure([waits, REVIEWER], isolation={"user": user.name, "level": "L2"})
    place.fleet("watcher", "start")
    place.ticket("Write it down")
    run = place.until(lambda: place.live_run("dev"), "it runs")
    place.until((Path(run.workspace) / "here").exists, "it waits")
    place.fleet("watcher", "stop")
    place.fleet("watcher", "start")
    place.until((place.paths.run_dir(run.id) / "io" / "bus.sock").exists, "its socket is there again")
    (Path(run.workspace) / "go").touch()
    place.until(lambda: place.events("pr_created"), "it is heard")
    assert not list((place.paths.run_dir(run.id) / "spool" / "new").glob("*.json")), "over its socket"


def test_containment_evidence_and_discard_reach_files_of_the_other_user(place: Place, user: AgentUser) -> None:
    shut = (
        "import os\nos.makedirs('deep/er'); open('deep/er/secret', 'w').write('kept')\n"
        "os.chmod('deep/er/secret', 0o600); os.chmod('deep/er', 0o700)\nopen('done', 'w')\n"
    )
    place.commit({"shut.py": shut}, "Something to run")
    place.configure(
        [scene("developer", {"run": ["python3", "-I", "shut.py"]}, {"wait_for": "message"})],
        agents=[{"name": "dev", "role": "developer"}],
        isolation={"user": user.name, "level": "L2"},
    )
    place.fleet("watcher", "start")
    place.ticket("Shut it")
    run = place.until(lambda: place.live_run("dev"), "it runs")
    tree = Path(run.workspace)
    place.until((tree / "done").exists, "it has written")
    place.fleet("agent", "quarantine", "dev", "--reason", "a look")
    place.until(lambda: place.events("evidence_kept"), "evidence is kept")
    kept = place.events("evidence_kept")[0].payload
    assert kept["backup_ref"]
    show = ["--git-dir", str(place.paths.control), "show", f"{kept['backup_ref']}:deep/er/secret"]
    assert place.git(*show) == "kept"
    place.until(lambda: not tree.stat().st_mode & 0o222, "the workspace is held")
    assert {path.stat().st_mode & 0o222 for path, _ in owners(tree / "deep")} == {0}
    assert (tree / "deep" / "er" / "secret").lstat().st_uid == user.uid
    names = place.paths.evidence / kept["folder"] / "environment.txt"
    assert "FLEET_TOKEN" in names.read_text(), "processes of the other user are looked into"
    place.fleet("agent", "discard", "dev", "--reason", "enough", "--yes")
    place.until(lambda: place.reader.runs(agent="dev")[-1].state is RunState.STOPPED, "the run is over")


def test_the_level_may_change_from_run_to_run(place: Place, user: AgentUser) -> None:
    """What was the other user's becomes ours again and the other way round; neither keeps git from working."""
    rejects = ({"publish": {"event": "pr_changes_requested", "summary": "Once more."}}, "stop")
    rounds = [scene("developer", *REWORKS, trigger="pr_changes_requested"), DEVELOPER]
    place.configure(
        [*rounds, scene("reviewer", *rejects)], isolation={"level": "L2", "user": user.name}, reviews={"max_rounds": 9}
    )
    place.fleet("watcher", "start")
    number = place.ticket("Change")

    def levels() -> list[str]:
        """Of the author's runs, the newest first."""
        return [run.isolation for run in place.reader.runs(agent="dev", limit=100)]

    def change(level: str) -> None:
        place.edit_config(isolation={"level": level, "user": user.name})
        place.until(lambda: place.events("isolation_changed")[-1:], "the level changed")
        place.until(lambda: place.events("isolation_changed")[-1].payload["isolation"] == level, level)
        place.until(lambda: levels()[0] == level, f"the author works at {level}", 60)

    place.until(lambda: "L2" in levels(), "the author works at L2")
    for level in ("L1", "L0", "L2"):
        change(level)
    place.tell(*rounds, REVIEWER)
    place.approve(1)
    place.until_ticket(number, TicketState.SHIPPED, 90)
    assert place.events("policy_denied") == []
