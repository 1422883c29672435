"""A program takes 300 MB where it may take 200: it is frozen, a person is asked, and with more it goes on and ships."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import APPROVES, Place, scene, stands_still

pytestmark = pytest.mark.slow
# It keeps what is too much until a person has given it more.
TAKES = """
import pathlib, subprocess, time
held = b'x' * 300_000_000
while not pathlib.Path('more.txt').exists():
    time.sleep(0.05)
open('big.txt', 'w').write(str(len(held)))
subprocess.run(['git', 'add', 'big.txt'], check=True)
subprocess.run(['git', 'commit', '-q', '-m', 'Big work'], check=True)
"""


def test_a_run_over_its_ceiling_is_frozen_until_a_person_gives_it_more(place: Place) -> None:
    agents = [{"name": "dev", "role": "developer", "vendor": "big"}, {"name": "rev", "role": "reviewer"}]
    vendors = {
        "big": {"kind": "command", "argv": [sys.executable, "-c", TAKES], "prompt": "stdin"},
        "scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "0"]},
    }
    place.configure(
        [scene("reviewer", *APPROVES)], agents=agents, vendors=vendors, limits={"memory_mb": 200, "max_running": 4}
    )
    place.fleet("watcher", "start")
    place.ticket("Big")
    title = place.until(lambda: place.alarm("memory"), "a person is asked")
    assert title.startswith("dev is frozen, its memory is at its ceiling: ")
    assert place.agent_state("dev") == "limited"
    child = place.child("dev")
    assert child is not None
    tree = [child, *child.children(recursive=True)]
    place.until(lambda: all(map(stands_still, tree)), "every process is stopped")
    assert "fleet agent memory dev MEGABYTES" in place.fleet("queue")
    told = place.fleet("agent", "explain", "dev")
    assert "of 200 MB; its runner freezes it there" in told
    listed = place.run("agent", "list", "--json").json
    assert [one["memory"] for one in listed if one["name"] == "dev"] == [{"mb": 200, "by": "watcher"}]
    assert "200 MB a run" in place.run("doctor").out
    (Path(place.reader.runs(agent="dev")[0].workspace) / "more.txt").touch()
    place.fleet("agent", "memory", "dev", "900", "--reason", "it needs them")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.until(lambda: place.alarm("memory") is None, "the alarm clears")
    assert len(place.reader.runs(agent="dev")) == 1, "nothing was killed or begun again"
    place.fleet("verify", "--deep")
