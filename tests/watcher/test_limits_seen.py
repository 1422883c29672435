"""A usage limit of which a dialog in the pane alone tells: parked with the dialog open, answered when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from fleet_tui.domain.model import Run
from fleet_tui.domain.states import Isolation, RunState
from fleet_tui.governance.isolation import Level
from fleet_tui.watcher.passes import looking, walls
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, until

RECORDED = Path(__file__).parents[1] / "vendors" / "screens" / "gemini-limit.txt"
"""Gemini CLI 0.61.0, whose service said that it takes an hour."""
SHOW = 'stty -icanon -echo; clear; cat "$1"; while true; do dd bs=1 count=1 2>/dev/null >>"$2"; done'
"""A program that draws what stands in a file and writes down each key."""
LIMITS = {"account_gap_s": 1, "account_proof_s": 1, "account_backoff_s": [300]}


@pytest.fixture
def keys(place: Path) -> Path:
    (place / "keys").touch()
    return place / "keys"


async def shown(make_fleet: MakeFleet, place: Path, keys: Path, screen: str) -> tuple[Fleet, Run]:
    """A run of Gemini CLI whose pane shows ``screen``."""
    vendors = {"gemini": {"kind": "gemini", "argv": ["gemini"]}}
    fleet = await make_fleet([agent("dev", "developer", vendor="gemini")], vendors=vendors, limits=LIMITS)
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    (place / "screen").write_text(screen.rstrip("\n"))
    await fleet.ctx.tmux.ensure()
    argv = ["sh", "-c", SHOW, "sh", str(place / "screen"), str(keys)]
    await fleet.ctx.tmux.spawn(run.session, argv, cwd=place, uuid=run.pane_uuid)
    last = screen.rstrip().split("\n")[-1].strip()

    async def is_drawn() -> bool:
        return any([last in await fleet.ctx.tmux.capture(pane) for pane in await fleet.ctx.tmux.panes() or []])

    await until(is_drawn, 40)
    return fleet, run


async def looked(fleet: Fleet) -> None:
    """Two looks, between which the dialog has stood for long enough; what follows from them."""
    for _ in range(2):
        await look(fleet)
    await walls.keep(fleet.ctx)


async def look(fleet: Fleet) -> None:
    fleet.later(2.1)
    await looking.look(fleet.ctx)
    await fleet.ctx.jobs.idle()


def recorded() -> str:
    """The dialog as it stands in a pane of 80 columns, where its frame is cut off, an hour before it is over."""
    screen = "\n".join(line[:78] for line in RECORDED.read_text().split("\n"))
    assert "Access resets at 2:04 PM UTC." in screen
    over = datetime.now() + timedelta(hours=1)  # in the machine's own zone, as the program says it
    return screen.replace("2:04 PM UTC", f"{over.hour % 12 or 12}:{over:%M %p}")


async def test_parked_with_its_dialog_open_and_the_request_is_made_again_once(
    make_fleet: MakeFleet, place: Path, keys: Path
) -> None:
    fleet, run = await shown(make_fleet, place, keys, recorded())
    await look(fleet)
    await walls.keep(fleet.ctx)
    assert fleet.events("account_limited") == [], "a picture may be half drawn"
    await looked(fleet)
    (met,) = fleet.events("account_limited")
    assert (met.payload["source"], met.payload["reason"]) == ("screen", "Usage limit reached for all Pro models.")
    assert met.payload["reset_ns"] - met.at_ns > 3_000 * 10**9, "Access resets at ..."
    await look(fleet)
    now = fleet.run(run.id)
    assert (now.state, now.state_source) == (RunState.LIMITED, "account")
    assert fleet.alarms("dialog") == []
    (account,) = fleet.ctx.reader.accounts()
    await fleet.person.answer("kim", "resume_account", {"account": account.id})
    fleet.later(2)
    await walls.keep(fleet.ctx)
    assert fleet.run(run.id).state is RunState.RUNNING
    assert fleet.ctx.reader.messages() == [], "its turn was not cut off: nobody has to tell it to go on"
    await looked(fleet)
    await until(lambda: keys.read_text() == "1", 40)
    assert fleet.run(run.id).state_reason == "its dialog makes the request again"
    assert len(fleet.events("account_limited")) == 1
    await looked(fleet)
    assert keys.read_text() == "1", "one that stands there after that is another limit"
    assert len(fleet.events("account_limited")) == 2
    assert fleet.run(run.id).state is RunState.LIMITED


async def test_another_model_is_a_person_s_choice(make_fleet: MakeFleet, place: Path, keys: Path) -> None:
    screen = recorded().replace("Keep trying", "Switch to gemini-2.5-flash")
    fleet, run = await shown(make_fleet, place, keys, screen)
    await looked(fleet)
    await look(fleet)
    (account,) = fleet.ctx.reader.accounts()
    await fleet.person.answer("kim", "resume_account", {"account": account.id})
    fleet.later(2)
    await walls.keep(fleet.ctx)
    for _ in range(10):
        await look(fleet)
    assert keys.read_text() == ""
    (alarm,) = fleet.alarms("dialog")
    assert alarm.title == "dev: gemini asks what to do at its usage limit"
    assert fleet.run(run.id).state is RunState.RUNNING
