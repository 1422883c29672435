"""First-out, chatter, flood and the shelf, as pure rules; and that every alarm the code raises is explained."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import AlarmState
from fleet_tui.governance.alarms import first_out, flood, is_chattering, may_shelve
from fleet_tui.paths import shipped_config

ROOT = Path(__file__).resolve().parents[2]
S = 1_000_000_000
NOW = 10_000 * S


def alarm(
    number: int,
    *,
    about: str = "run:1",
    at_s: int = 0,
    cleared_s: int | None = None,
    priority: int = 2,
    rule: str = "idle",
    first: str | None = None,
) -> Alarm:
    state = AlarmState.ACTIVE if cleared_s is None else AlarmState.CLEARED
    cleared = None if cleared_s is None else NOW - cleared_s * S
    return Alarm(f"alarm-{number}", rule, priority, "t", "r", about, state, None, NOW - at_s * S, cleared, first)


@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["agent:a", "ticket:1", "x"]), st.booleans()), max_size=8)
)
def test_first_out_is_the_oldest_recent_one_of_the_group(made: list[tuple[int, str, bool]]) -> None:
    standing = [
        alarm(n, at_s=at_s, about=about, first="alarm-x" if follows else None)
        for n, (at_s, about, follows) in enumerate(made)
    ]
    found = first_out(standing, ("agent:a", "ticket:1"), NOW)
    fitting = [a for a in standing if a.about != "x" and a.first is None and a.raised_ns >= NOW - 120 * S]
    assert (found is None) == (not fitting)
    assert found is None or found.raised_ns == min(a.raised_ns for a in fitting)
    assert found is None or found.first is None, "no chains: everything hangs on the first"


@given(st.lists(st.integers(0, 1200), max_size=6), st.integers(1, 3))
def test_three_cycles_in_ten_minutes_chatter_but_never_priority_one(cleared: list[int], priority: int) -> None:
    history = [alarm(n, at_s=s + 1, cleared_s=s, priority=priority) for n, s in enumerate(cleared)]
    again = alarm(99, priority=priority)
    recent = sum(s <= 600 for s in cleared)
    assert is_chattering(again, history, NOW) == (priority > 1 and recent >= 3)
    assert not is_chattering(alarm(98, about="run:2"), history, NOW)


def test_a_flood_is_over_when_most_of_it_was_answered_or_went_by_itself() -> None:
    standing = [alarm(n, at_s=n) for n in range(5)]
    gone = [alarm(10 + n, at_s=100, cleared_s=50) for n in range(5)]
    assert [a.id for a in flood([*gone, *standing], NOW)] == [a.id for a in reversed(standing)], "the first stands"
    assert flood([*gone, *standing[1:], replace(standing[0], state=AlarmState.ACKNOWLEDGED)], NOW) == ()


@pytest.mark.parametrize("rule", ["observe", "socket", "spool", "pass", "job"])
def test_what_tells_whether_agents_are_watched_is_never_put_out_of_sight(rule: str) -> None:
    history = [alarm(n, rule=rule, at_s=300, cleared_s=200) for n in range(3)]
    assert not is_chattering(alarm(9, rule=rule), history, NOW)
    assert is_chattering(alarm(9, rule="idle"), [replace(a, rule="idle") for a in history], NOW)


@pytest.mark.parametrize("rule", ["budget", "budget-warning", "budget-wanted"])
def test_a_question_about_money_comes_back_however_often_it_was_answered(rule: str) -> None:
    answered = [alarm(n, rule=rule, about="agent:dev", at_s=200 * n + 60, cleared_s=200 * n) for n in range(3)]
    assert not is_chattering(alarm(9, rule=rule, about="agent:dev"), answered, NOW)


@given(st.lists(st.integers(0, 1200), max_size=30))
def test_ten_within_ten_minutes_are_a_flood_told_by_the_first(ages_s: list[int]) -> None:
    history = [alarm(n, at_s=s) for n, s in enumerate(ages_s)] + [alarm(999, rule="flood")]
    recent = [s for s in ages_s if s <= 600]
    found = flood(history, NOW)
    assert len(found) == (len(recent) if len(recent) >= 10 else 0)
    assert not found or found[0].raised_ns == NOW - max(recent) * S
    assert all(a.rule != "flood" for a in found)


@pytest.mark.parametrize(
    ("priority", "for_s", "allowed"),
    [(1, 60, False), (2, 60, True), (3, 8 * 3600, True), (3, 8 * 3600 + 1, False), (2, 0, False)],
)
def test_the_shelf_has_bounds(priority: int, for_s: int, allowed: bool) -> None:
    assert (may_shelve(alarm(1, priority=priority), for_s) is None) == allowed


def test_every_alarm_that_the_code_raises_says_what_it_means() -> None:
    shipped = yaml.safe_load((shipped_config() / "alarms.yaml").read_text("utf-8"))["alarms"]
    calls = re.compile(
        r'alarms?\.(?:ensure|keep|guarding)\(\s*(?:self\._)?ctx,\s*"([a-z-]+)"|(?<![.\w])ensure\(ctx, "([a-z-]+)"'
    )
    raised = set()
    for path in (ROOT / "fleet_tui" / "watcher").rglob("*.py"):
        raised |= {one or two for one, two in calls.findall(path.read_text("utf-8"))}
    assert len(raised) > 15
    assert raised - set(shipped) == set()
