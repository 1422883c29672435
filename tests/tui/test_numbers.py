"""``#7`` is a ticket on every screen, a pull request is written ``PR 3``: their numbers must never be mistaken."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.numbers import pull_request_number
from tests.tui.conftest import approval, config, running
from tests.tui.tui_support import armed, opened

TICKETS, PULL_REQUESTS = {41, 42}, {707, 708}


@pytest.fixture
def told_apart(world: Any) -> Any:
    """Tickets and pull requests of which no number is that of the other."""
    world.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L0"), "fleet"), config({"ada": "dev", "bo": "dev"}))
    world.add(*running(41, "ada", "dev", "Add paging"), *running(42, "bo", "dev", "Rotate the keys"))
    world.add(*approval(707, 41, "ada", world.now_ns()), *approval(708, 42, "bo", world.now_ns()))
    world.add(ev.draft(ev.AlarmRaised("alm-1", "gates", 2, "the gates are broken", "mend them", "pr:707"), "pr:707"))
    world.add(ev.draft(ev.AlarmRaised("alm-2", "stuck", 2, "nobody can take it", "mend it", "ticket:41"), "ticket:41"))
    world.add(ev.draft(ev.TicketShipped(41, 707, "a" * 40), "ticket:41"))
    return world


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=str)
async def test_a_number_says_what_it_counts(told_apart: Any, until: Any, text: Any, size: tuple[int, int]) -> None:
    tickets: set[int] = set()
    pull_requests: set[int] = set()
    async with opened(told_apart, until, size) as (app, pilot):
        for keys in ("", "w", "2", "A", "escape", "R", "escape", "3", "4", "5", "6", "colon"):
            if keys:
                await pilot.press(keys)
            if keys in "AR" and keys:
                await armed(app, until)
            await pilot.pause()
            shown = text(app)
            tickets |= {int(found) for found in re.findall(r"#(\d+)", shown)}
            pull_requests |= {int(found) for found in re.findall(r"PR (\d+)", shown)}
    assert tickets == TICKETS
    assert pull_requests == PULL_REQUESTS


@pytest.mark.parametrize("text", ["3", "PR3", "pr 3", "pr:3", " PR 3 "])
def test_ways_to_write_a_pull_request(text: str) -> None:
    assert pull_request_number(text) == 3


@pytest.mark.parametrize("text", ["#3", "", "PR", "ticket:3", "-3", "\u0663", "3x", "pr:#3", "9" * 10])
def test_what_is_no_pull_request(text: str) -> None:
    assert pull_request_number(text) is None
