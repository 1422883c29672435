"""An agent without a living process shows what it did last, on the wall and on its own screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from tests.tui.test_pictures import compare, masked

RUN = "run-spare-9"


def rested(outcome: str = "finished", run: str = RUN) -> list[ev.Draft]:
    """A run of the spare agent, from its ticket to its end."""
    about, by = f"run:{run}", f"agent:spare/{run}"
    return [
        ev.draft(ev.RunQueued(run, "spare", "developer", "v", None, "ticket_ready", ticket=3, pr=2), about),
        ev.draft(ev.RunStarted(run, run, f"pane-{run}", "/w", "b", "a" * 40, "L0", 1, "0" * 64), about),
        ev.draft(ev.Note("the tests pass on my side, also those of the reader", run=run), "ticket:3", actor=by),
        ev.draft(ev.RunFinished(run, outcome, 0, None, 61_000, "exited"), about),
    ]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_on_the_wall_and_in_the_detail(
    fleet: Any, until: Any, text: Callable[[Any], str], size: tuple[int, int]
) -> None:
    fleet.add(*rested())
    app = fleet.room()
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        await pilot.press("G")
        await pilot.pause()
        assert "last run: finished 0s ago  #3 PR 2" in text(app)
        compare(f"wall_rested_{size[0]}x{size[1]}", masked(text(app)))
        await pilot.press("enter")
        await until(lambda: "1 AGENT" in text(app))
        await pilot.pause()
        assert "last run: finished 0s ago, ticket #3 / PR 2" in text(app)
        assert "note the tests pass on my side" in text(app)
        compare(f"agent_rested_{size[0]}x{size[1]}", masked(text(app)))


async def test_another_agent_and_another_run(fleet: Any, until: Any, text: Callable[[Any], str]) -> None:
    """What stands for one pane must not stay, or be missing, when the screen turns to another."""
    fleet.add(*rested(), *rested("failed", "run-spare-8"))
    app = fleet.room()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        await app.open_agent("rev")
        await until(lambda: "no run yet" in text(app))
        await app.open_agent("spare")
        await until(lambda: "last run: failed" in text(app))
        assert "no run yet" not in text(app)
        app.screen.do_agent_older()
        await until(lambda: "last run: finished" in text(app))
        await app.open_agent("rev")
        await until(lambda: "no run yet" in text(app))
        await app.open_agent("rev")
        await pilot.pause()
        assert "no run yet" in text(app)
        assert "last run" not in text(app)


async def test_two_agents_that_never_ran(fleet: Any, until: Any, text: Callable[[Any], str]) -> None:
    app = fleet.room()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        for name in ("rev", "spare"):
            await app.open_agent(name)
            await pilot.pause()
            await until(lambda: "no run yet" in text(app))


async def test_the_story_gives_way_to_the_pane(fleet: Any, until: Any, text: Callable[[Any], str]) -> None:
    fleet.add(*rested())
    app = fleet.room()
    async with app.run_test(size=(120, 40), notifications=True):
        await app.open_agent("spare")
        await until(lambda: "last run: finished" in text(app))
        fleet.add(*rested(run="run-spare-10")[:1])
        await until(lambda: "the run is queued" in text(app) and "last run: finished" in text(app))
        fleet.add(*rested(run="run-spare-10")[1:2])
        await until(lambda: "no picture yet" in text(app))
        assert "last run" not in text(app)
        fleet.add(*rested(run="run-spare-10")[2:])
        await until(lambda: "last run: finished" in text(app))
