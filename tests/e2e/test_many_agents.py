"""One act on several agents by the command line, with a watcher that decides about each."""

from __future__ import annotations

import pytest

from tests.e2e.e2e_support import REVIEWER, Place, scene

pytestmark = pytest.mark.slow
AGENTS = [
    {"name": "dev-1", "role": "developer"},
    {"name": "dev-2", "role": "developer"},
    {"name": "rev", "role": "reviewer"},
]
WAITS = scene("developer", {"wait_for": "message"})


def states(place: Place, *words: str) -> dict[str, str]:
    return {row["name"]: row["state"] for row in place.run("agent", "list", "--json", *words).json}


def test_what_is_selected_is_acted_on_and_each_answer_is_the_watcher_s_own(place: Place) -> None:
    place.configure([WAITS, REVIEWER], agents=AGENTS, teams=[{"name": "web", "agents": ["dev-1", "rev"]}])
    place.fleet("watcher", "start")
    place.ticket("One")
    place.until(lambda: place.agent_state("dev-1") == "running", "dev-1 works")
    assert states(place, "--team", "web") == {"dev-1": "RUN", "rev": "IDLE"}
    done = place.run("agent", "message", "dev-*", "fetch first", "--json")
    assert done.code == 3, done.text
    assert [(one["agent"], one["result"]) for one in done.json["results"]] == [("dev-1", "done"), ("dev-2", "failed")]
    assert "dev-2: nothing is running" in done.err
    assert place.fleet("agent", "pause", "--select", "team:web") == "dev-1 is paused\nrev is paused\n"
    assert states(place, "--select", "state:paused") == {"dev-1": "PAUS", "rev": "PAUS"}
    again = place.run("agent", "pause", "--all", "--json").json["results"]
    assert [one["result"] for one in again] == ["unchanged", "done", "unchanged"]
    assert place.run("agent", "resume", "--all", "--except", "rev").code == 0
    assert states(place, "--select", "state:paused") == {"rev": "PAUS"}
    stopped = place.run("agent", "stop", "--select", "role:developer", "--json").json["results"]
    assert [one["result"] for one in stopped] == ["done", "unchanged"]
    place.until(lambda: place.agent_state("dev-1") is None, "its run ends")
    started = place.run("agent", "start", "--all", "--json").json["results"]
    assert [(one["agent"], one["result"]) for one in started] == [
        ("dev-1", "done"),
        ("dev-2", "unchanged"),
        ("rev", "done"),
    ]
    assert started[0]["message"] == "dev-1 begins ticket #1 again"
    place.until(lambda: place.agent_state("dev-1") == "running", "dev-1 works again")
    place.edit_config(teams=[{"name": "web", "agents": ["dev-2"]}])
    place.until(lambda: list(states(place, "--select", "team:web")) == ["dev-2"], "the other team is in force")
    place.fleet("verify", "--deep")


def test_a_team_is_made_acted_on_and_put_back_while_the_fleet_works(place: Place) -> None:
    place.configure([WAITS, REVIEWER], agents=AGENTS)
    place.fleet("watcher", "start")
    place.ticket("One")
    place.until(lambda: place.agent_state("dev-1") == "running", "dev-1 works")
    fills = ("--set", "run_command=make run", "--set", "test_command=make test")
    words = ("--agents", "dev-1", "--from", "qa=qa-engineer", *fills)
    made = place.run("team", "create", "web", *words, "--vendor", "scripted", "--json")
    assert made.code == 0, made.text
    assert (made.json["members"], made.json["at_most"]) == (["dev-1", "qa"], "3h00 a day")
    place.until(lambda: states(place, "--select", "team:web") == {"dev-1": "RUN", "qa": "IDLE"}, "it is in force")
    assert place.fleet("team", "pause", "web") == "dev-1 is paused\nqa is paused\n"
    assert place.run("team", "show", "web", "--json").json["agents"][0]["state"] == "PAUS"
    assert place.fleet("team", "start", "web") == "dev-1 goes on\nqa goes on\n"
    stopped = place.run("team", "stop", "web", "--json").json["results"]
    assert [(one["agent"], one["result"]) for one in stopped] == [("dev-1", "done"), ("qa", "unchanged")]
    place.until(lambda: place.agent_state("dev-1") is None, "its run ends")
    place.fleet("team", "add", "web", "rev")
    place.fleet("team", "remove", "web")
    place.until(lambda: place.run("agent", "list", "--team", "web").code == 2, "it is gone")
    assert "dev-1, qa, rev" in place.fleet("team", "rollback", "web")
    rows = place.run("team", "revisions", "web", "--json").json
    assert [(row["act"], row["agents"]) for row in rows] == [
        ("created", ["dev-1", "qa"]),
        ("edited", ["dev-1", "qa", "rev"]),
        ("removed", None),
        ("rolled back", ["dev-1", "qa", "rev"]),
    ]
    assert all(row["actor"].startswith("operator:") for row in rows)
    place.fleet("verify", "--deep")
