"""Budgets: nothing is overspent, nothing under-charged, whatever crashes; and all scopes must have room."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.amounts import UNITS, parse_amount, show_amount
from fleet_tui.domain.model import Run
from fleet_tui.domain.spending import SCOPES, WINDOWS, Rule, Scope, Spending, Window, chain, window_start_ns
from fleet_tui.domain.standing import Standing, standings
from fleet_tui.domain.states import RunState
from fleet_tui.governance import budgets
from fleet_tui.governance.budgets import SLICE_MS, Asked
from tests.examples import tried

DAY = 86_400_000_000_000
NOON = 20_000 * DAY + DAY // 2
"""UTC, in the middle of a week."""


Ledger = dict[tuple[str, str, str, int], Spending]


def run(**changes: object) -> Run:
    """A run of ``ada`` on ticket 3."""
    blank: dict[str, object] = {
        f.name: {"int": 0, "bool": False}.get(str(f.type), "" if str(f.type) == "str" else None)
        for f in dataclasses.fields(Run)
    }
    facts = {"id": "run-1", "agent": "ada", "role": "developer", "ticket": 3, "state": RunState.RUNNING}
    return Run(**{**blank, **facts, **changes})  # type: ignore[arg-type]


def cell(scope: Scope, name: str, window: Window = "total", **amounts: Any) -> Ledger:
    key = (scope, name, window, window_start_ns(window, NOON))
    return {key: Spending(*key, **amounts)}


# -- run time, in random schedules -------------------------------------------------------------------------------------


@dataclass
class World:
    """A run whose runner counts and obeys, and a watcher that looks now and then and may be dead for a while."""

    ceiling_s: int
    grace_s: int
    chance: random.Random
    charged: int = 0
    """Of all runs so far."""
    used: int = 0
    forfeited: int = 0
    crashes: int = 0
    reports: int = 0
    asked: Asked | None = None
    active: int = 0
    limit: int | None = None
    now_ns: int = NOON
    state: RunState = RunState.RUNNING
    run: Run = field(default_factory=run)

    def standing(self) -> list[Standing]:
        rule = Rule("agent", "ada", "seconds", self.ceiling_s, grace_s=self.grace_s)
        return standings([rule], cell("agent", "ada", run_ms=self.charged), [("agent", "ada")], self.now_ns)

    def buy(self, charged_ms: int) -> None:
        self.charged += charged_ms - self.run.charged_ms
        self.run = dataclasses.replace(self.run, charged_ms=charged_ms)

    def look(self) -> None:
        """What the watcher's pass does."""
        found = self.standing()
        room = budgets.room_ms(found)
        reporting = self.asked is not None and not self.asked.reported
        if self.asked is not None and reporting:
            room = max(room or 0, self.asked.until_ms - self.run.charged_ms)
        self.buy(budgets.buy(self.run.charged_ms, self.active, room))
        found = self.standing()
        if self.asked is not None and found[0].key != self.asked.standing:
            self.asked = None  # extended meanwhile
        verdict = budgets.decide(found, self.run, self.active, self.asked)
        if verdict == "refuse" and self.asked is None:
            self.asked = Asked(found[0].key, self.active, self.grace_s, reported=False)
            self.reports += 1
        self.state = RunState.LIMITED if verdict in ("exhausted", "stop") else RunState.RUNNING
        if self.asked is not None and not self.asked.reported:
            self.limit = self.asked.until_ms
        else:
            self.limit = budgets.limit_ms(self.run.charged_ms, budgets.room_ms(found), 1)

    def work(self, ms: int) -> None:
        """The runner stops by itself at its limit, watcher or not."""
        if self.state is RunState.RUNNING:
            before = self.active
            self.active = max(before, min(before + ms, self.limit if self.limit is not None else before + ms))
            self.used += self.active - before

    def end(self, *, clean: bool) -> None:
        """A clean end is settled; a crash forfeits what was bought and not used."""
        if clean:
            self.buy(self.active)
        else:
            self.crashes += 1
            self.forfeited += self.run.charged_ms - self.active
            assert self.run.charged_ms - self.active <= SLICE_MS
        self.run, self.active, self.limit, self.asked = run(charged_ms=0), 0, None, None

    @property
    def allowed_ms(self) -> int:
        return self.ceiling_s * 1000 + self.reports * self.grace_s * 1000


@tried(10_000)
@given(st.integers(1, 90), st.sampled_from([0, 0, 3, 30]), st.integers(0, 2**32))
def test_random_schedules(ceiling_s: int, grace_s: int, seed: int) -> None:
    """Work, looks, crashes, clean ends, kill -9 of the watcher, clock jumps, suspend, reports, extensions."""
    world = World(ceiling_s, grace_s, random.Random(seed))
    world.look()
    for _ in range(30):
        event = world.chance.choice(
            ["work", "work", "work", "crash", "end", "dead", "jump", "suspend", "more", "report"]
        )
        if event == "work":
            world.work(world.chance.randrange(2_000))
            world.look()
        elif event == "dead":  # the watcher is killed: nobody buys, the runner goes on to its limit
            world.work(world.chance.randrange(60_000))
        elif event == "jump":
            world.now_ns += world.chance.choice([-1, 1]) * world.chance.randrange(3 * DAY)
        elif event == "suspend":
            world.now_ns += world.chance.randrange(DAY)  # the wall clock goes on, the runner's does not
        elif event == "more" and world.chance.random() < 0.3:
            world.ceiling_s += world.chance.randrange(1, 30)
        elif event == "report" and world.asked is not None:
            world.asked = dataclasses.replace(world.asked, reported=True)
        elif event in ("crash", "end") and world.state is RunState.RUNNING:
            world.look()
            world.end(clean=event == "end")
            if world.standing()[0].spent:
                break  # no new run is started
            world.look()
        assert world.used <= world.allowed_ms, "never overspent"
        assert world.charged <= world.allowed_ms
    world.look()
    assert world.charged >= world.used, "never under-charged"
    unused = max(0, world.run.charged_ms - world.active)
    assert world.charged == world.used + world.forfeited + unused
    assert unused <= max(SLICE_MS, grace_s * 1000)
    assert world.forfeited <= world.crashes * SLICE_MS, "at most one slice for each crash"


def test_the_schedules_meet_what_they_are_about() -> None:
    """Without a limit in the runner a dead watcher lets the run overspend: the property above would see it."""
    world = World(20, 0, random.Random(1))
    world.look()
    world.limit = None
    world.work(60_000)
    assert world.used > world.allowed_ms


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.none() | st.integers(0, 10**6))
def test_time_is_bought_ahead_and_never_beyond_the_ceiling(charged: int, active: int, room: int | None) -> None:
    bought = budgets.buy(charged, active, room)
    assert bought >= max(charged, active)
    if room is None and bought > charged:
        assert bought % SLICE_MS == 0
        assert 0 < bought - active <= SLICE_MS
    if room is not None:
        assert bought <= max(charged + room, active)


@given(st.integers(1, 10**6), st.integers(1, 9))
def test_the_parts_of_those_who_share_never_exceed_the_room(room: int, sharing: int) -> None:
    limits = [budgets.limit_ms(1000, room, sharing) for _ in range(sharing)]
    assert sum(limit - 1000 for limit in limits if limit is not None) <= room


# -- decisions ---------------------------------------------------------------------------------------------------------


@tried(2_000)
@given(st.data())
def test_all_scopes_must_have_room(data: st.DataObject) -> None:
    subjects = chain("run-1", "ada", "developer", 3)
    rules: list[Rule] = []
    cells: Ledger = {}
    full = False
    for scope, name in subjects:
        if data.draw(st.booleans()):
            ceiling, used = data.draw(st.integers(1, 100)), data.draw(st.integers(0, 120))
            rules.append(Rule(scope, name, "tokens", ceiling))
            cells |= cell(scope, name, input_tokens=used)
            full = full or used >= ceiling
    verdict = budgets.decide(budgets.of_run(run(), rules, cells, NOON), run(), 0, None)
    assert (verdict == "refuse") == full


@given(st.integers(1, 1000), st.integers(0, 2000))
def test_verdicts_only_get_stricter_with_use(ceiling: int, used: int) -> None:
    order = ["fine", "warn", "refuse"]
    rules = [Rule("agent", "ada", "money", ceiling)]
    found = [budgets.of_run(run(), rules, cell("agent", "ada", microusd=amount), NOON) for amount in (used, used + 1)]
    before, after = (order.index(budgets.decide(standing, run(), 0, None)) for standing in found)
    assert before <= after
    assert (before >= 1) == (used * 10 >= ceiling * 8)


def test_report_then_hold_then_end() -> None:
    rules = [Rule("agent", "ada", "tokens", 10, grace_s=30)]
    found = budgets.of_run(run(), rules, cell("agent", "ada", output_tokens=10), NOON)
    key = found[0].key
    assert budgets.decide(found, run(), 5_000, None) == "refuse"
    assert budgets.decide(found, run(), 34_999, Asked(key, 5_000, 30, reported=False)) == "refuse"
    assert budgets.decide(found, run(), 35_000, Asked(key, 5_000, 30, reported=False)) == "stop"
    assert budgets.decide(found, run(), 90_000, Asked(key, 5_000, 30, reported=True)) == "exhausted"
    at_once = budgets.of_run(
        run(),
        [Rule("fleet", "fleet", "tokens", 10, grace_s=0), *rules],
        cell("fleet", "fleet", output_tokens=10) | cell("agent", "ada", output_tokens=10),
        NOON,
    )
    assert budgets.decide(at_once, run(), 0, None) == "exhausted"
    named = budgets.to_name(at_once)
    assert named is not None
    assert named.rule.scope == "fleet"


def test_what_was_bought_may_be_used_and_a_turn_may_end() -> None:
    seconds = [Rule("agent", "ada", "seconds", 40)]
    bought = run(charged_ms=40_000)
    found = budgets.of_run(bought, seconds, cell("agent", "ada", run_ms=40_000), NOON)
    assert budgets.decide(found, bought, 30_800, None) == "warn"
    assert budgets.decide(found, bought, 40_000, None) == "refuse"
    turns = [Rule("agent", "ada", "turns", 3)]
    found = budgets.of_run(run(), turns, cell("agent", "ada", turns=3), NOON)
    assert budgets.decide(found, run(), 0, None) == "warn", "the third turn is under way"
    assert budgets.decide(found, run(state=RunState.WAITING), 0, None) == "refuse"
    found = budgets.of_run(run(), turns, cell("agent", "ada", turns=4), NOON)
    assert budgets.decide(found, run(), 0, None) == "refuse"


def test_an_extension_raises_the_ceiling_of_its_own_window_only() -> None:
    rule = Rule("agent", "a*", "money", 100, "day")
    cells = cell("agent", "ada", "day", microusd=100, more_money=50) | cell("agent", "ada", microusd=900)
    (today,) = standings([rule], cells, [("agent", "ada")], NOON)
    assert (today.used, today.ceiling, today.spent) == (100, 150, False)
    (tomorrow,) = standings([rule], cells, [("agent", "ada")], NOON + DAY)
    assert (tomorrow.used, tomorrow.ceiling) == (0, 100)


@given(st.integers(0, 2**62), st.sampled_from([*WINDOWS, "hour"]))
def test_windows_hold_their_instant_and_tile_the_line(now_ns: int, window: str) -> None:
    start = window_start_ns(window, now_ns)
    assert start <= now_ns
    assert window_start_ns(window, start) == start
    size = {"hour": DAY // 24, "day": DAY, "week": 7 * DAY}.get(window)
    if size:
        assert now_ns < start + size
        assert window_start_ns(window, start + size) == start + size


def test_weeks_begin_on_monday() -> None:
    start = datetime.fromtimestamp(window_start_ns("week", NOON) / 1e9, UTC)
    assert (start.weekday(), start.hour, start.minute) == (0, 0, 0)


def test_burn_rate_and_time_to_the_ceiling() -> None:
    hour_ns = DAY // 24
    start = window_start_ns("hour", NOON)
    now = start + hour_ns // 2
    cells: dict[tuple[str, str, str, int], Spending] = {}
    for window, at, money in (("total", 0, 300), ("hour", start, 100), ("hour", start - hour_ns, 200)):
        key = ("agent", "ada", window, at)
        cells[key] = Spending(*key, first_ns=now - 5 * hour_ns, microusd=money)
    (standing,) = standings([Rule("agent", "ada", "money", 500)], cells, [("agent", "ada")], now)
    assert standing.per_hour == 200, "this half hour's hundred and half of the hour before"
    assert standing.left_s == 3600
    young = {key: dataclasses.replace(value, first_ns=now - hour_ns // 6) for key, value in cells.items() if key[3]}
    total = ("agent", "ada", "total", 0)
    young = {k: v for k, v in young.items() if v.start_ns == start} | {
        total: Spending(*total, first_ns=now - hour_ns // 6, microusd=100)
    }
    (standing,) = standings([Rule("agent", "ada", "money", 500)], young, [("agent", "ada")], now)
    assert standing.per_hour == 600, "a hundred in ten minutes"


def test_a_first_request_is_no_rate_and_run_time_lasts_no_longer_than_itself() -> None:
    now, hour = NOON + DAY // 48, window_start_ns("hour", NOON)
    cells: dict[tuple[str, str, str, int], Spending] = {}
    for window, start in (("total", 0), ("hour", hour)):
        key = ("agent", "ada", window, start)
        cells[key] = Spending(*key, first_ns=now - 10_000_000_000, microusd=10_000_000, run_ms=10_000)
    rules = [Rule("agent", "*", "money", 40_000_000), Rule("agent", "*", "seconds", 600)]
    money, time = standings(rules, cells, [("agent", "ada")], now, {("agent", "ada")})
    assert money.per_hour == 60_000_000, "ten dollars in ten minutes at most, not 3600 an hour"
    assert time.left_s == 590
    resting = standings(rules, cells, [("agent", "ada")], now, ())
    assert [standing.left_s for standing in resting] == [None, None], "nobody spends: it lasts"


# -- amounts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("600", (None, 600)), ("10m", ("seconds", 600)), ("1.5h", ("seconds", 5400)), ("$5", ("money", 5_000_000)),
        ("$0.000001", ("money", 1)), ("500k", ("tokens", 500_000)), ("2M", ("tokens", 2_000_000)),
        ("20 turns", ("turns", 20)),
    ],
)  # fmt: skip
def test_amounts_are_read(text: str, expected: tuple[str | None, int]) -> None:
    assert parse_amount(text) == expected


@pytest.mark.parametrize(
    "text", ["", "-5", "1.5", "five", "$5k", "1e9", "10 parsecs", "$0.0000001", "9" * 16, "0.5 turns"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_amount(text)


@given(st.sampled_from(UNITS), st.integers(0, 10**15))
def test_every_amount_can_be_shown(unit: str, amount: int) -> None:
    shown = show_amount(unit, amount)
    assert 1 <= len(shown) <= 30
    assert shown.isascii()


def test_amounts_are_never_shown_larger_than_they_are() -> None:
    assert show_amount("money", 4_109_999) == "$4.10"
    assert show_amount("money", 1) == "$0.000001"
    assert show_amount("tokens", 1_999_999) == "1.9M tokens"
    assert show_amount("seconds", 3_900) == "1h05"
    assert {show_amount(unit, 0) for unit in UNITS} == {"$0.00", "0 tokens", "0 s", "0 turns"}
    assert len(SCOPES) == 5
