"""Vendors' own programs, in one story from the ticket to the merge: guarded, asked, metered, interrupted, frozen,
killed and taken up again, with a person who answers by key in the room."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.model import Run
from fleet_tui.domain.states import TicketState
from fleet_tui.vendors.input_line import asks
from tests.e2e.e2e_support import Place, stands_still
from tests.e2e.room import Room, room
from tests.e2e.vendors.trials import (
    BEGUN,
    TRIALS,
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
LIMIT_S = 120
GUARD = {"extra": [{"id": "deploys", "then": "ask", "programs": ["touch"], "reason": "touching is for grown-ups"}]}
WHY = "push only your own branch"
MESSAGE = "Go on with the long one:\nas before,\nin the same place,\nuntil it is done.\nThen tell."
LONG = "tail -f /dev/null"


def work(trial: Trial, workspace: Path) -> list[Reply]:
    """What its model says; the third and the fourth reply are broken off, one by a person and one with the program."""
    hand_over = trial.fleet("publish", event="pr_created", summary="A page")
    return [
        Reply("I begin.", (trial.shell("git push origin HEAD:main"),), Usage(500, 0, 0, 60)),
        Reply("May I?", (trial.shell("touch asked.txt"),), Usage(39, 699, 0, 19)),
        Reply("Now something long.", (trial.shell(f"echo up >long.txt; {LONG}"),), Usage(40, 700, 0, 20)),
        Reply("Something long again.", (trial.shell(f"echo up >again.txt; {LONG}"),), Usage(41, 701, 0, 21)),
        Reply("Where was I?", (trial.write(workspace / "page.md", "# Page\n"),), Usage(42, 702, 0, 22)),
        Reply("Keep it.", (trial.shell("git add page.md && git commit -q -m 'A page'"),), Usage(43, 703, 0, 23)),
        Reply("Off it goes.", (trial.shell("git push -q"),), Usage(44, 704, 0, 24)),
        Reply("Now hand it over.", (hand_over,), Usage(45, 705, 0, 25)),
        Reply("It is handed over.", usage=Usage(46, 706, 0, 26)),
    ]


def test_from_the_ticket_to_the_merge(place: Place, trial: Trial) -> None:
    """What is forbidden does not happen, whatever files of the repository say; every token is counted."""
    cast = Cast([Script("A page", work(trial, Path()))])
    place.commit(trial.hostile, "Settings of the repository")
    with serving(cast) as url:
        trial.configure(place, url, guard=GUARD)
        place.fleet("watcher", "start")
        place.ticket("A page")
        with room(place) as terminal:
            answer_in_the_room(place, terminal)
            workspace = Path(live(place).workspace)
            cast.scripts = [Script("A page", work(trial, workspace))]
            first = interrupt(place, workspace)
            freeze_and_kill(place)
            approve_in_the_room(place, terminal)
        place.until_ticket(1, TicketState.SHIPPED, LIMIT_S)
        place.until(lambda: (place.repository / "page.md").exists(), "your branch has it", LIMIT_S)
        place.until(lambda: not [one for one in place.processes() if "agent" in one], "nothing of it is left", LIMIT_S)
    assert place.git("show", "main:page.md") == "# Page"
    was_refused_and_told(place, cast)
    went_on_in_its_session(place, trial, first)
    was_metered(place, trial, cast)


def answer_in_the_room(place: Place, terminal: Room) -> None:
    """The question that the guard puts to a person: w goes there, m answers."""
    place.until(lambda: place.run("question", "list", "--json").json, "it asks for permission", LIMIT_S)
    assert live(place).state.value == "waiting"
    assert live(place).state_reason.startswith("asks for permission: ")
    terminal.until("WALL", "touch asked.txt")
    terminal.keys("w", "m")
    terminal.until("[ Send ]")
    terminal.keys(*"yes", "Tab")
    terminal.insist("Enter", lambda: bool(place.events("question_answered")), "the answer is sent")
    workspace = Path(live(place).workspace)
    place.until(lambda: (workspace / "asked.txt").exists(), "it did what it was allowed to", LIMIT_S)
    assert place.reader.messages() == [], "the yes went to whoever waited for it alone"


def interrupt(place: Place, workspace: Path) -> Run:
    """Its turn is broken off, and a message begins the next one."""
    place.until(lambda: (workspace / "long.txt").exists(), "the long command begins", LIMIT_S)
    # Its screen may not show yet that a turn is under way: then the key is refused, and a person presses again.
    place.until(lambda: place.run("agent", "interrupt", "dev").code == 0, "it is interrupted", LIMIT_S)
    place.until(lambda: place.agent_state("dev") == "waiting", "its turn is over", LIMIT_S)
    run = live(place)
    place.fleet("agent", "message", "dev", MESSAGE)
    place.until(lambda: (workspace / "again.txt").exists(), "it goes on", LIMIT_S)
    return run


def freeze_and_kill(place: Place) -> None:
    """In the middle of its next turn."""
    place.fleet("agent", "pause", "dev")
    child = place.child("dev")
    assert child is not None
    place.until(lambda: stands_still(child), "it is frozen")
    place.fleet("agent", "resume", "dev")
    place.until(lambda: not stands_still(child), "it is thawed")
    child.kill()


def approve_in_the_room(place: Place, terminal: Room) -> None:
    """2 for the approvals, A, y."""
    approval = place.until_approval(1, LIMIT_S)
    terminal.keys("2")
    terminal.until("2 APPROVALS", "PR 1 A page", approval.head_sha[:7], "you have seen")
    terminal.keys("A")
    terminal.until("APPROVE PR 1 A page", f"head {approval.head_sha[:7]}")
    terminal.insist("y", lambda: bool(place.events("approval_granted")), "the approval is granted")


def was_refused_and_told(place: Place, cast: Cast) -> None:
    assert not (place.paths.homes / "dev" / BEGUN).exists(), "no program that the repository names is started"
    (denied,) = place.events("policy_denied")
    assert WHY in denied.payload["reason"]
    asked = [body for body in cast.asked if "I begin." in body]
    assert all(WHY in body for body in asked), "the model reads why"
    assert not any(WHY in body for body in cast.asked if body not in asked), "and has it from nowhere else"


def went_on_in_its_session(place: Place, trial: Trial, first: Run) -> None:
    second = place.reader.runs(agent="dev", limit=1)[0]
    assert second.previous == first.id
    assert any(asks(prompt, MESSAGE) for prompt in prompted(place, trial)), "the proof where no hook confirms it"
    sessions = [event.payload for event in place.events("session_started")]
    assert [(one["run"], one["reason"]) for one in sessions] == [(first.id, "startup"), (second.id, "resume")]
    assert len({one["session"] for one in sessions}) == 1


def was_metered(place: Place, trial: Trial, cast: Cast) -> None:
    """Exactly what the stand-in served; of what was broken off opencode alone knows no figure."""
    replies = work(trial, Path())
    broken_off = [] if trial.counts_broken_off else replies[2:4]
    last = last_word(trial, replies)
    assert metered(place) in (served(cast, but=broken_off), served(cast, but=[*broken_off, *last]))
    assert untold(place) in (len(broken_off), len(broken_off) + len(last)), "unknown is not 0"
