"""``fleet log``: the limit counts events that match, whatever the filter is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.events import Draft, draft
from tests.cli.conftest import Shop

CROWD = 4_100
"""More noise than one look at the log takes in."""


def queued(run: str, agent: str) -> Draft:
    return draft(ev.RunQueued(run, agent, "developer", "shell", None, "ticket_ready", ticket=3), f"run:{run}")


def seqs(shop: Shop, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[int]:
    monkeypatch.chdir(shop.repository)
    done = CliRunner().invoke(fleet, ["log", "--json", *words])
    assert done.exit_code == 0, done.output
    return [json.loads(line)["seq"] for line in done.output.splitlines()]


@pytest.fixture
def crowded(shop: Shop) -> Shop:
    """What is looked for happened first; then very much else."""
    shop.add(
        queued("run-1", "dev"),
        draft(ev.Note("the needle", run="run-1"), "run:run-1", actor="agent:dev/run-1"),
        draft(ev.TicketReady(3), "ticket:3"),
        draft(ev.RunFinished("run-1", "finished", 0, None, 5), "run:run-1"),
        draft(ev.AgentPaused("dev", "tea"), "agent:dev", actor="operator:kim"),
        queued("run-2", "dev-2"),
        draft(ev.Note("hay"), "fleet", actor="agent:dev-2/run-2"),
    )
    shop.add(*(draft(ev.Note(f"noise {number}"), "fleet") for number in range(CROWD)))
    return shop


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--agent", "dev"), [1, 2, 4, 5]),
        (("--agent", "dev", "-n", "2"), [4, 5]),
        (("--agent", "dev", "--type", "note"), [2]),
        (("--agent", "dev-2", "-n", "1"), [7]),
        (("--ticket", "3", "-n", "1"), [3]),
        (("--type", "run_finished,agent_paused", "-n", "1"), [5]),
        (("--text", "needle", "-n", "1"), [2]),
        (("--since", "1h", "--agent", "dev", "-n", "1"), [5]),
        (("-n", "2"), [CROWD + 6, CROWD + 7]),
    ],
)
def test_the_limit_counts_what_matches(
    crowded: Shop, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], found: list[int]
) -> None:
    assert seqs(crowded, monkeypatch, *words) == found


def test_an_agent_that_never_was_is_a_mistake(crowded: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(crowded.repository)
    assert isinstance(CliRunner().invoke(fleet, ["log", "--agent", "nobody"]).exception, UsageError)


@pytest.mark.parametrize("words", [(), ("--agent", "dev"), ("--type", "note", "--agent", "dev")])
def test_following_shows_each_event_once(shop: Shop, words: tuple[str, ...]) -> None:
    shop.add(queued("run-1", "dev"), draft(ev.Note("a"), "fleet", actor="agent:dev/run-1"))
    argv = [sys.executable, "-m", "fleet_tui", "log", "--follow", "--json", *words]
    with subprocess.Popen(argv, cwd=shop.repository, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        limit = threading.Timer(30, process.kill)
        limit.start()
        lines = map(json.loads, process.stdout)
        shown = [next(lines)]
        shop.add(queued("run-2", "dev"))
        for number in range(20):
            shop.add(draft(ev.Note(f"{number}", run="run-2"), "run:run-2"))
        for event in lines:
            shown.append(event)
            if event["payload"].get("summary") == "19":
                break
        limit.cancel()
        process.terminate()
        shown += lines
    numbers = [event["seq"] for event in shown]
    assert numbers == sorted(set(numbers))
    said = [event["payload"]["summary"] for event in shown if event["kind"] == "note"]
    assert said == ["a", *map(str, range(20))]


def test_a_type_that_is_misspelt_is_told_with_its_neighbours(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.repository)
    shop.add(ev.draft(ev.FleetHalted("look", []), "fleet"))
    done = CliRunner().invoke(fleet, ["log", "--type", "gate_fialed"])
    assert isinstance(done.exception, UsageError)
    assert "gate_failed" in done.exception.hint
