"""What is said of an agent that a person starts when a start would change nothing, or may not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, FleetError, NothingToDo, Refused
from fleet_tui.domain.model import CANNOT_START
from fleet_tui.domain.states import RunState
from fleet_tui.governance.begin import as_it_is, hindrance
from tests.governance.test_dispatch import agent, run

DEV = agent("dev")


@pytest.mark.parametrize(
    ("changes", "halted", "says", "hint"),
    [
        ({}, "", "", ""),
        ({"paused": True}, "", "", ""),
        ({"quarantined": True, "quarantine_reason": "a key"}, "", "quarantined: a key", "fleet agent release dev"),
        ({"configured": False}, "", "in the configuration no more", "fleet agent create"),
        ({"enabled": False}, "", "`enabled: false`", "fleet agent edit dev"),
        ({}, "a fire", "all stop: a fire", "fleet halt --lift"),
    ],
)
def test_what_is_in_its_way(changes: dict[str, Any], halted: str, says: str, hint: str) -> None:
    found = hindrance(replace(DEV, **changes), halted)
    if not says:
        assert found is None
        return
    assert isinstance(found, Refused)
    assert says in found.message
    assert hint in found.hint


@pytest.mark.parametrize(
    ("changes", "kind", "says", "hint"),
    [
        (None, NothingToDo, "idle", "fleet ticket ready"),
        ({"state": RunState.RUNNING, "ticket": 3}, NothingToDo, "at work on ticket #3", "explain dev"),
        ({"state": RunState.QUEUED}, NothingToDo, "as soon as there is room", "explain dev"),
        ({"state": RunState.RUNNING, "stop_requested": True}, Conflict, "ends", "when it has ended"),
        ({"state": RunState.LIMITED, "state_reason": "no budget"}, Conflict, "no budget", "fleet budget extend dev"),
        (
            {"state": RunState.LIMITED, "state_source": "account", "state_reason": "parked"},
            Conflict, "parked", "fleet account list",
        ),
        ({"state": RunState.QUEUED, "held": True, "state_reason": "lost"}, Conflict, "lost", "fleet restore dev"),
        (
            {"state": RunState.QUEUED, "state_reason": f"{CANNOT_START}x is not on PATH"},
            Conflict, "x is not on PATH", "fleet doctor",
        ),
    ],
)  # fmt: skip
def test_what_is_said_when_nothing_is_to_be_done(
    changes: dict[str, Any] | None, kind: type[FleetError], says: str, hint: str
) -> None:
    found = as_it_is(DEV, [] if changes is None else [run("dev", **changes)])
    assert type(found) is kind
    assert says in found.message
    assert hint in found.hint
