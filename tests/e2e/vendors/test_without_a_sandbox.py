"""Vendors' own programs at isolation level L0: the guard's no holds, and what it does not forbid a person is asked."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import Any

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import Place
from tests.e2e.vendors.trials import BEGUN, CLAUDE_CODE, COPILOT, GEMINI, OPENCODE, PUBLISHES, WRITES, Trial, live
from tests.vendors.standins.script import Cast, Reply, Script
from tests.vendors.standins.server import serving

pytestmark = [pytest.mark.slow, pytest.mark.vendor]
LIMIT_S = 120
ASKS = "Do you want to run this command?"
PROCEEDS = "Do you want to proceed?"


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


def test_claude_code_s_dialogs_are_answered_in_the_room_or_in_its_pane(place: Place) -> None:
    """The first answer counts: one from the room closes the dialog, one in the pane withdraws the question."""
    with serving(Cast([Script("A page", work(CLAUDE_CODE))])) as url:
        start(place, CLAUDE_CODE, url)
        (question,) = place.until(lambda: asked(place), "it asks about the commit", LIMIT_S)
        assert "git commit" in question["summary"]
        place.until(lambda: PROCEEDS in screen(place), "its dialog is open", LIMIT_S)
        place.fleet("question", "answer", question["id"], "yes")
        (second,) = place.until(lambda: others(place, question["id"]), "it asks about the hand-over", LIMIT_S)
        assert "fleet publish" in second["summary"]
        place.until(lambda: PROCEEDS in screen(place), "its dialog is open again", LIMIT_S)
        press(place, "1")
        place.until(lambda: is_over(place, second["id"]), "nobody is asked any more", LIMIT_S)
        lands(place)
    told = {event.payload["question"] for event in place.events("question_answered")}
    assert told == {question["id"]}, "what was answered in the pane was withdrawn"


@pytest.mark.parametrize(("trial", "asks"), [(COPILOT, ASKS), (GEMINI, "Allow execution of")], ids=str)
def test_dialogs_are_told_and_answered_in_the_pane(place: Place, trial: Trial, asks: str) -> None:
    with serving(Cast([Script("A page", work(trial))])) as url:
        start(place, trial, url)
        for act in ("git commit", "fleet publish"):
            place.until(lambda act=act: asks in screen(place) and act in screen(place), f"it asks about {act}", LIMIT_S)  # type: ignore[misc]
            place.until(lambda: live(place).state_reason.startswith("asks for permission"), "it is told", LIMIT_S)
            press(place, "1")
            place.until(lambda: asks not in screen(place), "it was answered", LIMIT_S)
        lands(place)


def asked(place: Place) -> Any:
    return place.run("question", "list", "--json").json


def others(place: Place, question: str) -> Any:
    """Who waits for an answer besides ``question``, which may not be over yet."""
    return [one for one in asked(place) or [] if one["id"] != question]


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
