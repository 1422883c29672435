"""All strips are alike: the same line says what confirms and what cancels, and Enter in a reason ends none of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet_tui.domain.model import Account
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.accounts import AccountStatus
from fleet_tui.readmodel.alarms import read_alarms
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.readmodel.values import NeedItem, NeedKind, Snapshot
from fleet_tui.tui.bulk import Bulk
from fleet_tui.tui.commands import Act
from fleet_tui.tui.present import bulk, strips
from fleet_widgets.lines import text_of, width_of
from fleet_widgets.strip import ARM_S, StripRequest
from fleet_widgets.strip_rows import foot_rows
from fleet_widgets.strip_state import Outcome, StripState

TICKET = NeedItem(NeedKind.BLOCKED, "3", 2, "dev-3", one_line("BLOCKED"), 0, None)

PARKED = AccountStatus(Account("claude-code:3fa9c1d2", "claude-code", "dev-1", "", True, 1, None, None, None, 0, 1), ())


def _bulk(number: int) -> StripRequest:
    acts = {f"agent-{at}": Act("stop", {}, "stop", f"agent-{at}") for at in range(number)}
    return bulk.strip(Bulk("stop", acts), "STOP THEM", (), acts, "X")


STRIPS: dict[str, Callable[[Snapshot, Any], StripRequest]] = {
    "approve": lambda s, _: strips.approve(s.approvals[0], (), (), 10),
    "reject": lambda s, _: strips.reject(s.approvals[0]),
    "request_changes": lambda s, _: strips.request_changes(s.approvals[0]),
    "pause": lambda s, _: strips.pause(s.tiles[0]),
    "interrupt": lambda s, _: strips.interrupt(s.tiles[0]),
    "quarantine": lambda s, _: strips.quarantine(s.tiles[0]),
    "release": lambda s, _: strips.release(s.tiles[0]),
    "stop": lambda s, _: strips.stop(s.tiles[0], 10),
    "restart": lambda s, _: strips.restart(s.tiles[0], 10),
    "extend": lambda s, _: strips.extend(s.tiles[0], s.tiles[0].budgets[0]),
    "extend_by": lambda s, _: strips.extend_by(s.tiles[0].budgets[0], "dev-1"),
    "resume_account": lambda *_: strips.resume_account(PARKED),
    "unblock": lambda *_: strips.unblock(TICKET),
    "shelve": lambda _, row: strips.shelve(row),
    "hold": lambda *_: strips.hold(3, one_line("Tidy the log")),
    "ready": lambda *_: strips.ready(3, one_line("Tidy the log")),
    "halt": lambda *_: strips.halt(3),
    "lift": lambda *_: strips.lift("me"),
    "two": lambda *_: _bulk(2),
    "many": lambda *_: _bulk(5),
}


def test_none_is_left_out() -> None:
    made = {
        name
        for name, one in vars(strips).items()
        if getattr(one, "__annotations__", {}).get("return") == "StripRequest"
    }
    assert {name for name in made if not name.startswith("_")} <= set(STRIPS)


@pytest.mark.parametrize("name", STRIPS)
async def test_what_confirms_and_what_cancels_stand_in_the_same_place(fleet: Any, name: str) -> None:
    snapshot = read_snapshot(fleet.store.reader, fleet.now_ns())
    row = read_alarms(fleet.store.reader, fleet.now_ns()).rows[0]
    request = STRIPS[name](snapshot, row)
    state = StripState(request)
    state.painted(0.0)
    aside = "   Tab = reason" if request.reason == "optional" else ""
    assert state.field == ("reason" if request.reason == "required" else request.fields[-1]), "ready to be confirmed"
    for field in request.fields if not aside else reversed(request.fields):
        assert state.field == field
        hint = text_of(foot_rows(state, 200)[-1])
        key, gap, cancels = hint.partition("     ")
        assert gap
        more = aside if field != "reason" else ""
        assert key.endswith((f" = {request.verb}{more}", f" = {request.verb} once typed{more}"))
        assert cancels.startswith("Esc ")
        assert cancels.endswith("cancels")
        alone = " Enter" if request.fields == ("reason",) else " Tab"
        assert key.startswith({"act": " y", "typed": " Enter"}.get(field, alone))
        state.press("tab", "\t", ARM_S)
    assert StripState(request).press("escape", None, 0.0) == Outcome("cancelled", "escape")


@pytest.mark.parametrize("name", STRIPS)
async def test_enter_in_a_reason_says_what_confirms(fleet: Any, name: str) -> None:
    snapshot = read_snapshot(fleet.store.reader, fleet.now_ns())
    row = read_alarms(fleet.store.reader, fleet.now_ns()).rows[0]
    request = STRIPS[name](snapshot, row)
    state = StripState(request)
    state.painted(0.0)
    if request.reason == "optional":
        state.press("tab", "\t", ARM_S)
    outcome = state.press("enter", "\r", ARM_S)
    if len(request.fields) > 1:
        assert (outcome, state.field) == (None, "reason")
        assert (
            text_of(foot_rows(state, 200)[-1])
            == f" Tab goes on, then {request.word + ' and Enter' if request.word else 'y'}"
        )
    else:
        assert outcome is not None
        assert outcome.kind == "cancelled"


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", STRIPS)
async def test_the_line_about_the_keys_is_whole_at_every_width(fleet: Any, name: str, width: int) -> None:
    snapshot = read_snapshot(fleet.store.reader, fleet.now_ns())
    row = read_alarms(fleet.store.reader, fleet.now_ns()).rows[0]
    state = StripState(STRIPS[name](snapshot, row))
    wide = text_of(foot_rows(state, 400)[-1])
    rows = foot_rows(state, width)
    assert all(width_of(value) <= width for value in rows)
    assert " ".join(" ".join(map(text_of, rows)).split()).endswith(" ".join(wide.split()))
