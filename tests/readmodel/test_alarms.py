"""How alarms are grouped and counted for their screen."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import AlarmState
from fleet_tui.readmodel.alarms import AlarmBoard, grouped, most_frequent, shares

HOUR_NS = 3_600_000_000_000
NOW_NS = 400 * 24 * HOUR_NS + HOUR_NS  # one o'clock at night


def alarm(name: str, priority: int = 2, at_ns: int = NOW_NS, first: str | None = None, **of: Any) -> Alarm:
    facts: dict[str, Any] = {"rule": "gates", "about": f"pr:{len(name)}", "state": AlarmState.ACTIVE, **of}
    return Alarm(
        id=name, priority=priority, title=name, response="", acknowledged_by=None, raised_ns=at_ns, cleared_ns=None,
        first=first, **facts,
    )  # fmt: skip


def test_a_group_stands_where_its_most_urgent_member_would_and_the_first_leads_it() -> None:
    alarms = [
        alarm("p1", 1, NOW_NS + 9),
        alarm("first", 3, NOW_NS),
        alarm("effect", 1, NOW_NS + 1, "first"),
        alarm("alone", 2, NOW_NS - 5),
        alarm("orphan", 2, NOW_NS - 4, "long over"),
    ]
    assert [one.id for one in grouped(alarms)] == ["first", "effect", "p1", "alone", "orphan"]


def test_today_begins_at_midnight_and_the_meter_looks_back_ten_minutes() -> None:
    times = (NOW_NS, NOW_NS - 599_000_000_000, NOW_NS - 601_000_000_000, NOW_NS - 2 * HOUR_NS)
    board = AlarmBoard(raised=tuple(alarm(f"a{at}", at_ns=at) for at in times))
    assert board.recent(NOW_NS) == 2
    assert len(board.today(NOW_NS)) == 3


def test_shares_and_the_most_frequent() -> None:
    found = [alarm("a", 1), alarm("b"), alarm("cc"), alarm("d", 3, rule="idle")]
    assert shares(found) == (25, 50, 25)
    assert shares([]) is None
    for priorities, told in (((1, 2, 3), (34, 33, 33)), ((1, 2, 2, 3, 3, 3, 3), (14, 29, 57))):
        assert shares([alarm(f"{n}", priority) for n, priority in enumerate(priorities)]) == told
        assert sum(told) == 100
    (kind,) = most_frequent(found)
    assert (kind.rule, kind.times, kind.subjects) == ("gates", 3, ("PR 1", "PR 2"))
