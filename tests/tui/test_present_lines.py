"""Lines without a terminal: what the wall says of its filter and queue, and effects folded under what came first."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain.model import FleetRow
from fleet_tui.domain.spending import Rule
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.states import AlarmState, RiskBand
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.agent_filter import parse
from fleet_tui.readmodel.alarms import AlarmBoard, AlarmRow
from fleet_tui.readmodel.values import FleetSummary, Health, NeedItem, NeedKind, Picture, Snapshot
from fleet_tui.tui.present import alarms as present_alarms
from fleet_tui.tui.present import frame, wall
from fleet_tui.tui.present.budgets import tile_line
from fleet_tui.tui.present.risk import risk_mark
from fleet_widgets.lines import Line, text_of, to_strip
from fleet_widgets.palette import GREY, LINE_BOX
from tests.readmodel.test_agent_filter import TILES
from tests.readmodel.test_alarms import NOW_NS, alarm

MINUTE_NS = 60_000_000_000


def need(
    name: str, kind: NeedKind = NeedKind.QUESTION, agent: str | None = None, *, priority: int = 3, followers: int = 0
) -> NeedItem:
    """Three minutes old."""
    since_ns = NOW_NS - 3 * MINUTE_NS
    return NeedItem(kind, name, priority, agent, one_line(f"{name} waits"), since_ns, None, followers=followers)


def snapshot(*needs: NeedItem) -> Snapshot:
    fleet = FleetRow("c", "v", (), 1, "host", 1, True, "L1", "main", "a" * 40, "")
    return Snapshot(NOW_NS, 1, fleet, FleetSummary(5, (), len(needs), (), ()), TILES, needs, (), (), ())


def at(width: int, value: Line) -> str:
    """As it stands on a screen."""
    return to_strip(value, width, GREY).text


def filtered(text: str, *needs: NeedItem) -> str:
    wanted = parse(text, TILES)
    shown = [tile.name for tile in TILES if wanted.matches(tile)]
    return text_of(wall.filter_line(text, shown, snapshot(*needs)))


# -- the filter --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("role:qa", "2 of 5 agents  filter: role:qa"),
        ("role:qa state:paused", "1 of 5 agents  filter: role:qa state:paused"),
        ("!state:run dev", "1 of 5 agents  filter: !state:run dev"),
        ('"rotate keys" !role:developer', '1 of 5 agents  filter: "rotate keys" !role:developer'),
        ("nobody", "0 of 5 agents  filter: nobody"),
    ],
)
def test_the_filter_says_how_many_of_how_many_it_shows(text: str, says: str) -> None:
    assert filtered(text).startswith(says)
    assert filtered(text).endswith("Esc shows all")


def test_what_waits_outside_of_the_filter_is_told_and_what_waits_inside_is_not() -> None:
    waiting = (need("a", agent="qa-1"), need("b", agent="dev-1"), need("c"))
    assert "2 needs outside: w" in filtered("role:qa", *waiting)
    assert "1 need outside: w" in filtered("role:qa", *waiting[:2])
    assert "outside" not in filtered("role:qa", waiting[0])


def test_a_long_filter_leaves_the_count_and_the_needs_in_sight() -> None:
    wanted = wall.filter_line("state:run " * 30, ["qa-1"], snapshot(need("a")))
    assert at(60, wanted).startswith("1 of 5 agents  1 need outside: w  filter: st…  Esc shows all")
    assert len(at(60, wanted)) == 60


# -- the queue ---------------------------------------------------------------------------------------------------------

ALARM = need("alm", NeedKind.ALARM, priority=1)
QUEUE = (ALARM, *(need(str(number)) for number in range(6)))


def test_the_alarm_of_line_two_is_not_told_twice() -> None:
    assert wall.below_line_two(QUEUE) == QUEUE[1:]
    assert wall.below_line_two(QUEUE[1:]) == QUEUE[1:]
    assert wall.below_line_two(()) == ()
    assert wall.below_line_two((ALARM, ALARM)) == (ALARM,), "only the first stands there"


def test_as_much_of_the_queue_as_fits_with_where_w_is() -> None:
    assert wall.queue_part(QUEUE, 3, None) == QUEUE[1:4]
    assert wall.queue_part(QUEUE, 3, QUEUE[3]) == QUEUE[1:4], "it is in sight: nothing moves"
    assert wall.queue_part(QUEUE, 3, QUEUE[5]) == QUEUE[3:6]
    assert wall.queue_part(QUEUE, 3, ALARM) == QUEUE[1:4], "line 2 has it"
    assert wall.queue_part(QUEUE, 9, QUEUE[5]) == QUEUE[1:]


@pytest.mark.parametrize(
    ("needs", "rows", "says"),
    [
        ((), 3, "nothing waits for you"),
        (QUEUE[1:3], 3, "needs you 2: most urgent first; w = next"),
        (QUEUE[:3], 3, "needs you 3: line 2 first, then these; w = next"),
        (QUEUE, 3, "needs you 7: line 2 first, then these, +3 more; w = next"),
        (QUEUE[1:], 3, "needs you 6: most urgent first, +3 more; w = next"),
        (QUEUE, 6, "needs you 7: line 2 first, then these; w = next"),
    ],
)
def test_the_rule_counts_what_does_not_fit(needs: tuple[NeedItem, ...], rows: int, says: str) -> None:
    told = text_of(wall.queue_rule(snapshot(*needs), rows, 120))
    assert told.startswith(f"─ {says} ")
    assert ("tiles keep their place" in told) is ("more" not in says)
    assert "tiles" not in text_of(wall.queue_rule(snapshot(*needs), rows, 60)), "no room for it"


def test_a_need_is_badge_who_what_and_since_when() -> None:
    item = need("which file", agent="dev-1")
    assert at(40, wall.need_line(item, NOW_NS)).rstrip() == " <3!> dev-1 which file waits" + " " * 10 + "3m"
    assert at(40, wall.need_line(item, NOW_NS, item)).startswith("><3!> dev-1")
    long = need("x" * 100, agent="dev-1")
    assert at(40, wall.need_line(long, NOW_NS)).endswith("…  3m"), "the age stays in sight"


# -- effects under what came first -------------------------------------------------------------------------------------


def row(name: str, first: str | None = None, followers: int = 0, **of: Any) -> AlarmRow:
    return AlarmRow(alarm(name, first=first, at_ns=NOW_NS - 2 * MINUTE_NS, **of), "dev-1", followers)


def board(effects: int) -> AlarmBoard:
    return AlarmBoard((row("first", followers=effects), *(row(f"e{at}", "first") for at in range(effects)), row("own")))


def keys(effects: int, chosen: str | None = None, *, whole: bool = False) -> list[str]:
    return [item.key for item in present_alarms.items(board(effects), NOW_NS, 120, chosen=chosen, whole=whole)]


def test_few_effects_are_all_listed() -> None:
    assert keys(0) == ["first", "own"]
    assert keys(3) == ["first", "e0", "e1", "e2", "own"]
    assert keys(4) == ["first", "e0", "e1", "e2", "e3", "own"], "a line that says `1 more` would be no shorter"


def test_of_many_effects_the_rest_is_a_number_that_cannot_be_selected() -> None:
    assert keys(9) == ["first", "e0", "e1", "e2", "rest:first", "own"]
    assert keys(9, whole=True) == ["first", *(f"e{at}" for at in range(9)), "own"]
    rest = present_alarms.items(board(9), NOW_NS, 120, whole=False)[4]
    assert not rest.selectable
    assert text_of(rest.lines[0]).strip() == "↳ 6 more follow from it; x shows them"


def test_the_chosen_effect_is_never_folded() -> None:
    assert keys(9, "e7") == ["first", "e0", "e1", "e2", "e7", "rest:first", "own"]
    assert keys(5, "e4") == ["first", "e0", "e1", "e2", "e4", "rest:first", "own"]
    assert keys(9, "e1") == keys(9)


def test_effects_of_what_is_over_stand_alone() -> None:
    """Nothing stands above them any more."""
    over = AlarmBoard(tuple(row(f"e{at}", "long over") for at in range(6)))
    assert len(present_alarms.items(over, NOW_NS, 120, whole=False)) == 6


def test_an_alarm_says_whether_others_follow_from_it_or_it_from_another() -> None:
    assert "FIRST of 4" in text_of(present_alarms.alarm_line(row("a", followers=3), NOW_NS, 120))
    effect = text_of(present_alarms.alarm_line(row("b", "a"), NOW_NS, 120, below=True))
    assert " ↳ dev-1 b" in effect
    assert "follows from" not in effect, "the sign at its beginning says so"
    listed = text_of(present_alarms.alarm_line(row("b", "a"), NOW_NS, 160))
    assert "  follows from another" in listed
    alone = text_of(present_alarms.alarm_line(row("c"), NOW_NS, 120))
    assert "FIRST" not in alone
    assert "follows" not in alone


def test_what_is_over_is_listed_apart_and_never_folded() -> None:
    gone = row("gone", state=AlarmState.CLEARED)
    found = present_alarms.items(AlarmBoard(returned=(gone,)), NOW_NS, 120, whole=False)
    assert [item.key for item in found] == ["heading:returned", "gone"]
    assert "returned to normal, not acknowledged 1" in text_of(found[0].lines[0])


def test_line_two_counts_the_effects_with_what_came_first() -> None:
    picture = Picture(
        snapshot(need("alm", NeedKind.ALARM, agent="dev-1", priority=2, followers=2)), Health(NOW_NS, 0, "")
    )
    told = text_of(frame.alarm_line(picture, frame.Frame("1 WALL", 120, NOW_NS, NOW_NS)))
    assert told.startswith("(2!) dev-1 alm waits (first of 3)")
    assert "a ack" in told


def test_run_time_without_a_budget_is_called_what_it_is() -> None:
    """It is bought ahead: more than has run."""
    (span,) = tile_line(None, 20, LINE_BOX)
    assert span.text == "charged 20 s, no budget"


@pytest.mark.parametrize("width", [26, 38, 60])
def test_a_narrow_tile_cuts_the_budget_and_never_the_figure_of_the_risk(width: int) -> None:
    rule = Rule("agent", "dev-1", "tokens", 150_000)
    standing = Standing(rule, "dev-1", 0, 0, 150_000, None, estimated=False, unknown=False, per_hour=0)
    line = (*tile_line(standing, 0, LINE_BOX), *risk_mark(11, RiskBand.LOW))
    shown = at(width, line)
    assert shown.rstrip().endswith("risk 11")
    assert "0%" in shown
