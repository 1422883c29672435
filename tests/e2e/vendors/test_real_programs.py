"""Vendors' own programs, from the ticket to the merge: guarded, asked, metered, interrupted, killed, taken up again."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.states import TicketState
from fleet_tui.vendors.input_line import asks
from tests.e2e.e2e_support import Place, stands_still
from tests.e2e.vendors.trials import (
    BEGUN,
    PUBLISHES,
    TRIALS,
    WRITES,
    Trial,
    last_word,
    live,
    metered,
    prompted,
    served,
    untold,
)
from tests.vendors.standins.script import Cast, Reply, Script, Usage
from tests.vendors.standins.server import serving

pytestmark = [pytest.mark.slow, pytest.mark.vendor, pytest.mark.parametrize("trial", TRIALS, ids=str)]
LIMIT_S = 90
MESSAGE = "Go on with the long one:\nas before,\nin the same place,\nuntil it is done.\nThen tell."


def test_from_the_ticket_to_the_merge(place: Place, trial: Trial) -> None:
    """What is forbidden does not happen, whatever files of the repository say; every token is counted."""
    work = [
        Reply("I begin.", (trial.shell("git push origin HEAD:main"),), Usage(500, 0, 0, 60)),
        Reply("Properly, then.", (trial.shell(WRITES),), Usage(40, 700, 0, 20)),
        Reply("Off it goes.", (trial.shell("git push -q"),), Usage(30, 790, 0, 15)),
        Reply(
            "Now hand it over.", (trial.fleet("publish", event="pr_created", summary="A page"),), Usage(31, 791, 0, 16)
        ),
        Reply("It is handed over.", usage=Usage(20, 800, 0, 10)),
    ]
    cast = Cast([Script("A page", work)])
    place.commit(trial.hostile, "Settings of the repository")
    with serving(cast) as url:
        trial.configure(place, url)
        place.fleet("watcher", "start")
        place.ticket("A page")
        place.until_approval(1, LIMIT_S)
        place.approve(1)
        place.until_ticket(1, TicketState.SHIPPED, LIMIT_S)
    assert not (place.paths.homes / "dev" / BEGUN).exists(), "no program that the repository names is started"
    (denied,) = place.events("policy_denied")
    assert "push only your own branch" in denied.payload["reason"]
    assert len(place.reader.runs(agent="dev")) == 1
    assert metered(place) in (served(cast), served(cast, but=last_word(trial, work)))


def test_asked_interrupted_frozen_killed_and_taken_up_again(place: Place, trial: Trial) -> None:
    guard = {"rules": [{"id": "deploys", "then": "ask", "programs": ["touch"], "reason": "touching is for grown-ups"}]}
    work = [
        Reply("May I?", (trial.shell("touch asked.txt"),), Usage(500, 0, 0, 60)),
        Reply("Now something long.", (trial.shell("echo up >long.txt; tail -f /dev/null"),), Usage(40, 700, 0, 20)),
        Reply("Something long again.", (trial.shell("echo up >again.txt; tail -f /dev/null"),), Usage(41, 701, 0, 21)),
        Reply("Where was I?", (trial.shell(WRITES),), Usage(42, 702, 0, 22)),
        Reply("Over.", (trial.shell(PUBLISHES),), Usage(44, 704, 0, 24)),
        Reply("Done.", usage=Usage(45, 705, 0, 25)),
    ]
    cast = Cast([Script("A page", work)])
    with serving(cast) as url:
        trial.configure(place, url, guard=guard)
        place.fleet("watcher", "start")
        place.ticket("A page")
        asked = lambda: place.run("question", "list", "--json").json  # noqa: E731 - read again and again
        (question,) = place.until(asked, "it asks for permission", LIMIT_S)
        assert "touch asked.txt" in question["summary"]
        assert live(place).state.value == "waiting"
        assert live(place).state_reason.startswith("asks for permission: ")
        place.fleet("question", "answer", question["id"], "yes")
        workspace = Path(live(place).workspace)
        place.until(lambda: (workspace / "asked.txt").exists(), "it did what it was allowed to", LIMIT_S)
        place.until(lambda: (workspace / "long.txt").exists(), "the long command begins", LIMIT_S)
        assert place.reader.messages() == [], "the yes went to whoever waited for it alone"
        # Its screen may not show yet that a turn is under way: then the key is refused, and a person presses again.
        place.until(lambda: place.run("agent", "interrupt", "dev").code == 0, "it is interrupted")
        place.until(lambda: place.agent_state("dev") == "waiting", "its turn is over", LIMIT_S)
        first = live(place)
        place.fleet("agent", "message", "dev", MESSAGE)
        place.until(lambda: (workspace / "again.txt").exists(), "it goes on", LIMIT_S)
        place.fleet("agent", "pause", "dev")
        child = place.child("dev")
        assert child is not None
        place.until(lambda: stands_still(child), "it is frozen")
        place.fleet("agent", "resume", "dev")
        place.until(lambda: not stands_still(child), "it is thawed")
        child.kill()
        place.until_approval(1, LIMIT_S)
        place.approve(1)
        place.until_ticket(1, TicketState.SHIPPED, LIMIT_S)
        second = place.reader.runs(agent="dev", limit=1)[0]
    assert second.previous == first.id
    assert any(asks(prompt, MESSAGE) for prompt in prompted(place, trial)), "the proof where no hook confirms it"
    sessions = [event.payload for event in place.events("session_started")]
    assert [(one["run"], one["reason"]) for one in sessions] == [(first.id, "startup"), (second.id, "resume")]
    assert len({one["session"] for one in sessions}) == 1
    broken_off = [] if trial.counts_broken_off else work[1:3]
    assert metered(place) in (served(cast, but=broken_off), served(cast, but=[*broken_off, *last_word(trial, work)]))
    assert untold(place) in (len(broken_off), len(broken_off) + len(last_word(trial, work))), "unknown is not 0"
