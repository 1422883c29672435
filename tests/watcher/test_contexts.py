"""How full the context of an agent is: told in steps, believed only as far as it can be."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from fleet_tui.domain.model import Run
from fleet_tui.vendors.base import Context as Filled
from fleet_tui.watcher.passes import listening
from fleet_tui.watcher.runs import contexts
from tests.watcher.conftest import MakeFleet
from tests.watcher.vendor_support import SESSION, at_work, home, hook, listened, reply

pytestmark = pytest.mark.usefixtures("short_waits")


def status_line(used: int, window: int = 200_000) -> dict[str, Any]:
    return {"context_window": {"context_window_size": window, "current_usage": {"input_tokens": used}}}


async def test_how_full_its_context_is_is_told_in_steps_and_says_nothing_of_its_state(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    await hook(fleet, run, "SessionStart", source="startup")
    assert fleet.run(run.id).context_percent is None
    transcript = home(fleet) / "projects" / "-ws" / f"{SESSION}.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_text(reply("msg_1"))
    await listened(fleet)
    now = fleet.run(run.id)
    assert (now.context_used, now.context_window, now.context_source) == (10, None, "transcript")
    heard_ns = fleet.ctx.heard_ns[run.id]
    fleet.later(5)
    for used in (20_000, 24_000, 29_999, 30_000, 12_000):
        fleet.later(5)
        await hook(fleet, run, "StatusLine", **status_line(used))
    told = [event.payload["used"] for event in fleet.events("context_filled")]
    assert told == [10, 20_000, 30_000, 12_000], "steps of 5 %, also down after a compaction"
    assert fleet.ctx.heard_ns[run.id] == heard_ns
    with transcript.open("a") as file:
        file.write(reply("msg_2", 90_000))
    await listened(fleet)
    now = fleet.run(run.id)
    assert (now.context_percent, now.context_source) == (6, "statusline"), "who knows the window is believed"


@pytest.mark.parametrize(
    ("used", "window"), [(10**11, 1), (260_000, 200_000), (10**9, None), (10, 10**11), (5, 7), (10**11, 10**11)]
)
async def test_a_context_that_cannot_be_is_not_believed(make_fleet: MakeFleet, used: int, window: int | None) -> None:
    fleet, run = await at_work(make_fleet)
    await contexts.told(fleet.ctx, run, Filled(used, window, "statusline"))
    assert fleet.events("context_filled") == []


async def test_figures_that_jump_about_do_not_fill_the_log_and_the_last_one_counts(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    await hook(fleet, run, "SessionStart", source="startup")
    for number in range(20):
        await hook(fleet, run, "StatusLine", **status_line(10_000 + 90_000 * (number % 2), 200_000 + 50_000 * number))
    assert len(fleet.events("context_filled")) == 1
    fleet.later(3)
    await listened(fleet)
    assert [event.payload["used"] for event in fleet.events("context_filled")] == [10_000, 100_000]
    fleet.later(9)
    await hook(fleet, run, "StatusLine", **status_line(100_000, 1_150_001))
    assert len(fleet.events("context_filled")) == 2, "a window that is larger by a hair is no change"
    fleet.later(9)
    for used in (500_000, 900_000):
        await hook(fleet, run, "StatusLine", **status_line(used, 1_150_000))
    await listening.finish(fleet.ctx, run)
    assert fleet.run(run.id).context_used == 900_000, "and at its end the last one"


def test_what_was_believed_before_fills_no_screen() -> None:
    told = {field.name: None for field in fields(Run)} | {"context_used": 10**11, "context_window": 1}
    assert Run(**told).context_percent == 125  # type: ignore[arg-type]
