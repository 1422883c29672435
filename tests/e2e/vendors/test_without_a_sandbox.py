"""Vendors' own programs at isolation level L0: the guard's no holds, and what it does not forbid a person is asked."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import Any

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import Place
from tests.e2e.vendors.trials import BEGUN, COPILOT, OPENCODE, PUBLISHES, WRITES, Trial, live
from tests.vendors.standins.script import Cast, Reply, Script
from tests.vendors.standins.server import serving

pytestmark = [pytest.mark.slow, pytest.mark.vendor]
LIMIT_S = 120
ASKS = "Do you want to run this command?"


def work(trial: Trial) -> list[Reply]:
    return [
        Reply("I begin.", (trial.shell("git push origin HEAD:main"),)),
        Reply("Properly, then.", (trial.shell(WRITES),)),
        Reply("Off it goes.", (trial.shell(PUBLISHES),)),
        Reply("Done."),
    ]


def start(place: Place, trial: Trial, url: str) -> None:
    place.commit(trial.hostile, "Settings of the repository")
    trial.configure(place, url, isolation={"level": "L0"})
    place.fleet("watcher", "start")
    place.ticket("A page")


def lands(place: Place) -> None:
    place.until_approval(1, LIMIT_S)
    assert place.reader.runs(agent="dev")[0].isolation == "L0"
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED, LIMIT_S)
    assert not (place.paths.homes / "dev" / BEGUN).exists(), "no program that the repository names is started"
    (denied,) = place.events("policy_denied")
    assert "push only your own branch" in denied.payload["reason"]


def test_opencode_s_dialogs_are_answered_in_the_room(place: Place) -> None:
    with serving(Cast([Script("A page", work(OPENCODE))])) as url:
        start(place, OPENCODE, url)
        for act in ("git commit", "fleet publish"):
            (question,) = place.until(lambda: asked(place), f"it asks about {act}", LIMIT_S)
            assert act in question["summary"]
            place.fleet("question", "answer", question["id"], "yes")
            place.until(partial(is_over, place, question["id"]), "it was answered", LIMIT_S)
        lands(place)


def test_copilot_s_dialogs_are_told_and_answered_in_its_pane(place: Place) -> None:
    with serving(Cast([Script("A page", work(COPILOT))])) as url:
        start(place, COPILOT, url)
        for act in ("git commit", "fleet publish"):
            place.until(lambda act=act: ASKS in screen(place) and act in screen(place), f"it asks about {act}", LIMIT_S)  # type: ignore[misc]
            place.until(lambda: live(place).state_reason.startswith("asks for permission"), "it is told", LIMIT_S)
            press(place, "1")
            place.until(lambda: ASKS not in screen(place), "it was answered", LIMIT_S)
        lands(place)


def asked(place: Place) -> Any:
    return place.run("question", "list", "--json").json


def is_over(place: Place, question: str) -> bool:
    """Whether it waits no more; the next one may have come by then."""
    return all(one["id"] != question for one in asked(place))


def screen(place: Place) -> str:
    """What the author's pane shows; nothing before there is one."""
    run = place.live_run("dev")
    return _tmux(place, "capture-pane", "-p", "-t", run.session) if run is not None and run.session else ""


def press(place: Place, key: str) -> None:
    _tmux(place, "send-keys", "-t", live(place).session, key)


def _tmux(place: Place, *words: str) -> str:
    argv = ["tmux", "-L", place.paths.tmux_socket_name, *words]
    return subprocess.run(argv, env=place.env, capture_output=True, text=True, timeout=60, check=False).stdout
