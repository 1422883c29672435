"""Whatever names, titles and reasons are like: every row is as wide as it may be, ``…`` tells what was cut off, the
columns of a table stay in line, and what decides (state, age, risk, what needs you) is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from fleet_tui.domain.events import Event
from fleet_tui.domain.model import Approval, PullRequest
from fleet_tui.domain.spending import Rule
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.states import AlarmState, ApprovalState, PullRequestState, RiskBand
from fleet_tui.domain.text import SafeText, one_line
from fleet_tui.readmodel.alarms import AlarmBoard, AlarmRow
from fleet_tui.readmodel.budgets import BudgetBoard
from fleet_tui.readmodel.flow import FlowSummary, Stage
from fleet_tui.readmodel.held import newest
from fleet_tui.readmodel.pipeline import Board, Column, TicketCard
from fleet_tui.readmodel.system import Fault
from fleet_tui.readmodel.values import (
    AgentTile,
    ApprovalCard,
    Doing,
    Health,
    LastRun,
    NeedItem,
    NeedKind,
    Other,
    Picture,
)
from fleet_tui.tui.present import agent as agent_page
from fleet_tui.tui.present import alarms, approvals, budget_table, events, frame, pipeline, strips, system, wall
from fleet_widgets.board_view import BAND_CELL, COLUMN_MIN
from fleet_widgets.lines import CUT, Line, text_of, to_strip, width_of
from fleet_widgets.palette import GREY
from fleet_widgets.strip_rows import body_rows, foot_rows, title_row
from fleet_widgets.strip_state import StripState
from fleet_widgets.wall_layout import MICRO_MIN, SMALL_MIN
from tests.readmodel.test_agent_filter import tile
from tests.readmodel.test_alarms import alarm
from tests.tui.test_present_lines import snapshot

WIDTHS = (60, 80, 120, 200)
FEW, MANY = 10, 400
NOW_NS = 400 * 86_400_000_000_000
MINUTE_NS = 60_000_000_000
FLOW = FlowSummary(3, 60, {Stage.DEV: 3_600}, 60, {Stage.REVIEW: 3})
SINCE_NS = NOW_NS - 12 * MINUTE_NS
BOX = GREY.box
PIECES = (
    "x",
    "long word ",
    "\u4f60\u597d",
    "e\u0301\u0301",
    "[b]",
    "\x1b[2J",
    "\u202e",
    "\U0001f680",
    "\u0639\u0631",
    "-",
)
NAMES = st.builds(lambda piece, times: (piece * times)[:63], st.sampled_from(("a", "dev-", "qa1-")), st.integers(1, 63))
"""Of agents and roles: what the configuration lets through."""
TEXTS = st.builds(
    lambda piece, times, end: one_line(piece * times + end, 200),
    st.sampled_from(PIECES), st.sampled_from((1, 3, 9, 30, 200)), st.sampled_from(("", "z")),
)  # fmt: skip


@dataclass(frozen=True)
class Hostile:
    """What others chose; all else is known."""

    width: int
    agent: str
    role: str
    vendor: str
    title: SafeText
    reason: SafeText
    band: RiskBand


HOSTILE = st.builds(
    Hostile, st.sampled_from(WIDTHS), NAMES, NAMES, NAMES, TEXTS, TEXTS, st.sampled_from(list(RiskBand))
)
Rows = Iterator[tuple[int, Line, tuple[str, ...]]]
"""Each with its width, and what must be in it."""


# -- the screens -------------------------------------------------------------------------------------------------------


def standing(of: Hostile, window: Any = "day", used: int = 400, unit: Any = "seconds") -> Standing:
    rule = Rule("agent", of.agent, unit, 1_000, window)
    return Standing(rule, of.agent, 0, used, 1_000, None, True, True, 300)


def one_tile(of: Hostile, **more: Any) -> AgentTile:
    facts: dict[str, Any] = {
        "vendor": of.vendor, "model": of.title, "since_ns": SINCE_NS, "badge": 1, "badge_open": True, "ticket": 4711,
        "ticket_title": of.title, "pr": 12, "more_runs": 2, "risk": 57, "risk_band": of.band, "reason": of.reason,
        "budgets": (standing(of),), "doing": Doing.ASK,
    }  # fmt: skip
    return tile(of.agent, of.role, **{**facts, **more})


def on_the_wall(of: Hostile) -> Rows:
    made = wall.wall_tile(one_tile(of), NOW_NS, BOX)
    limited = wall.wall_tile(one_tile(of, doing=Doing.LIMITED, source="account"), NOW_NS, BOX)
    for width in {SMALL_MIN[0], of.width // 2, of.width}:
        yield width, made.head, ("? ", "[1!]", "ASK 12m")
        yield from ((width, value, ()) for value in (*made.rows, *limited.rows))
        if of.band in (RiskBand.HIGH, RiskBand.CRITICAL):
            yield width, made.rows[1], (f"risk 57 {of.band.upper()}",)
    yield MICRO_MIN, made.narrow or (), ("[1!]", "? ", "ASK", "12m")
    yield max(40, of.width // 3), made.cell, ("[1!]", "? ", "ASK", "12m", "#4711")


def needs(of: Hostile) -> Iterator[NeedItem]:
    yield NeedItem(NeedKind.QUESTION, "q", 3, of.agent, of.title, SINCE_NS, None)
    yield NeedItem(NeedKind.ALARM, "a", 1, None, of.title, SINCE_NS, None, about=f"vendor {of.reason}", followers=3)


def in_the_queue(of: Hostile) -> Rows:
    for need in needs(of):
        mark = "<3!>" if need.kind is NeedKind.QUESTION else "[1!]"
        yield of.width, wall.need_line(need, NOW_NS, need), (">", mark, "12m")
    shown = (of.agent,)
    yield of.width, wall.filter_line(of.title, shown, snapshot(*needs(of))), ("1 of 5 agents", "need", "Esc shows all")
    yield of.width, wall.queue_rule(snapshot(*needs(of)), 1, of.width), ("needs you 2",)


def around(of: Hostile) -> Rows:
    """The four lines of the frame."""
    health = Health(NOW_NS, 0, "", others=(Other(of.title, "", True),))
    picture = Picture(snapshot(*needs(of)), health)
    notes = frame.notes(only_looks=True, muted_ns=MINUTE_NS, others=health.others, width=of.width)
    known = frame.Frame("1 WALL", of.width, NOW_NS, NOW_NS, notes=notes)
    yield of.width, frame.top_line(picture, known), ("1 WALL", "NEED YOU 2", "data ok")
    yield of.width, frame.alarm_line(picture, known), ("[1!]", "12m", "a ack")
    held = replace(card(of).approval, state=ApprovalState.HELD, hold_until_ns=NOW_NS + 10**9)
    stopping = one_tile(of, run="run", stops_ns=NOW_NS + 2 * 10**9)
    for picked, must in (((), "PR 12 lands in 1 s"), ((stopping,), " stops in 2 s")):
        here = replace(snapshot(), approvals=(replace(card(of), approval=held),), tiles=picked)
        one = frame.message_line(of.title, "normal", newest(here, NOW_NS), NOW_NS, "3 marked")
        yield of.width, one, (must, "u undo", "3 marked")


def on_the_agents_page(of: Hostile) -> Rows:
    yield of.width, agent_page.headline(one_tile(of), NOW_NS), ("[1!]", "ASK 12m")
    ended = LastRun("run", "crashed", SINCE_NS, 4711, 12)  # type: ignore[arg-type]
    yield of.width, events.last_run_line(ended, NOW_NS), ("crashed 12m ago",)


def card(of: Hostile) -> ApprovalCard:
    approval = Approval(
        "apr", 12, 4711, "c" * 40, "b" * 40, "d" * 40, "g", "v-1", (f"touches {of.reason}",), ApprovalState.REQUESTED,
        SINCE_NS, NOW_NS + MINUTE_NS, None, None, None, "", "", of.band, 2, ("operator:kim",),
    )  # fmt: skip
    change = PullRequest(
        12, 4711, of.title, of.reason, f"agent/{of.agent}", "main", of.agent, "run", "c" * 40, "b" * 40,
        PullRequestState.GATED, "", 1, 31, 902, 238, None, SINCE_NS, SINCE_NS, 57, of.band, (), "c" * 40,
    )  # fmt: skip
    return ApprovalCard(approval, change, of.title, (), (), None)


def in_the_queue_of_decisions(of: Hostile) -> Rows:
    danger = () if of.band is RiskBand.LOW else (f"risk 57 {of.band.upper()}",)
    other = Other(of.reason, "apr", True)
    (narrow,) = approvals.card_item(card(of), NOW_NS, wide=False, other=other).lines
    yield of.width - 1, narrow, ("<3!>", "PR 12", "risk 57", "sensitive", "DECIDES", "12m")
    first, second = approvals.card_item(card(of), NOW_NS, wide=True, other=other).lines
    yield of.width - 1, first, ("<3!>", "PR 12", "DECIDES", "12m")
    if of.width >= 80:
        yield of.width - 1, second, ("sensitive", "persons 1/2", *danger)


def in_the_list_of_alarms(of: Hostile) -> Rows:
    about: dict[str, Any] = {"about": f"agent:{of.agent}", "title": of.title, "response": of.reason}
    active = replace(alarm("a", 1, SINCE_NS), **about)
    shelved = replace(
        alarm("s", 2, SINCE_NS), **about, state=AlarmState.SHELVED, shelved_reason=of.reason, shelved_until_ns=NOW_NS
    )
    cleared = replace(alarm("c", 3, SINCE_NS), **about, state=AlarmState.CLEARED, cleared_ns=NOW_NS - 2 * MINUTE_NS)
    for one, followers, must in (
        (active, 3, ("[1!]", " 12m ", "FIRST of 4")), (shelved, 0, ("z(2)", " 12m ", "until ")),
        (cleared, 0, ("<3!>", " 12m ", "gone 2m ago")),
    ):  # fmt: skip
        row = AlarmRow(one, of.agent, followers)
        yield of.width - 1, alarms.alarm_line(row, NOW_NS, of.width, below=True), must
    yield (
        of.width,
        alarms.meter(AlarmBoard(raised=(replace(active, raised_ns=NOW_NS),)), NOW_NS, of.width, BOX),
        ("last 10 min", "today 1"),
    )


def ticket(of: Hostile, **more: Any) -> TicketCard:
    facts: dict[str, Any] = {
        "since_ns": SINCE_NS, "agent": of.agent, "doing": Doing.ASK, "pr": 12, "risk": 57, "round": 2,
        "waits": of.reason, "you": True, "old": True,
    }  # fmt: skip
    return TicketCard(4711, of.title, **{"stage": Stage.DEV, **facts, **more})


def on_the_board(of: Hostile) -> Rows:
    cards = (ticket(of), ticket(of, you=False), ticket(of, stage=Stage.READY, draft=True))
    column = Column(Stage.DEV, cards, 24, 60)
    (shown,) = pipeline.columns(Board((column,), FLOW), NOW_NS)
    in_bands = of.width < COLUMN_MIN * 6
    width = (of.width // (of.width // BAND_CELL) if in_bands else of.width // 6) - 2
    musts = (("#4711", "?", "12m", "!", "YOU"), ("#4711", "?", "12m", "!"), ("#4711", "draft"))
    for one, must in zip(shown.cards, musts, strict=True):
        yield width, one.lines[0], must
        yield from ((width, value, ()) for value in one.lines[1:])
    yield of.width, shown.band, ("DEV 2/24", "oldest 12m")
    yield of.width, pipeline.selected_line(ticket(of), NOW_NS), ("#4711", "DEV 12m", "ASK", "PR 12", "risk 57")
    board = Board((column,), FLOW)
    first, *more = pipeline.flow_lines(board, NOW_NS)
    yield of.width, first, ("slowest: #4711 in DEV 12m",)
    yield from ((of.width, value, ()) for value in more)


def in_the_table_of_budgets(of: Hostile) -> Rows:
    standings = [standing(of), standing(of, "week", 1_200), standing(of, "total", 1), standing(of, unit="tokens")]
    musts = (("day", "40%", "cap in"), ("week", "120%", "used up"), ("  0%", "cap in"), ("40%", "cap in"))
    for one, must in zip(budget_table.items(standings, of.width, BOX), musts, strict=True):
        told = tuple(part.removeprefix("cap in") for part in must)
        yield of.width - 1, one.lines[0], told
    fleet = replace(standing(of), rule=Rule("fleet", "", "tokens", 10**9, "day"), used=1_200_000_000, ceiling=10**9)
    for of_fleet, must in (
        (fleet, ("120%", "used up")),
        (replace(fleet, used=10**8, per_hour=10**6), ("10%", "cap in")),
    ):
        (value,) = budget_table.fleet_lines(BudgetBoard((of_fleet,)), NOW_NS, of.width, BOX)
        yield of.width, value, must


def note(subject: str, said: str) -> Event:
    return Event(7, "id", NOW_NS, "host", "note", "watcher", subject, None, None, 1, {"summary": said}, "", "")


def in_the_log(of: Hostile) -> Rows:
    for subject in (f"agent:{of.agent}", f"run:{of.agent}", f"vendor:{of.title}"):
        event = note(subject, of.reason)
        yield of.width - 1, events.event_line(event), ("note",)
        yield of.width // 2, events.event_line(event, compact=True), ("note",)


def on_screen_8(of: Hostile) -> Rows:
    fault = Fault(True, of.title, 41, 9, of.reason, of.reason, of.reason, of.reason, of.reason)
    for value in system.fault_item(fault).lines:
        yield of.width - 1, value, ("x ",) if "x " in text_of(value)[:2] else ()


def in_strips(of: Hostile) -> Rows:
    one = one_tile(of)
    for request in (
        strips.stop(one, 10), strips.release(one), strips.restart(one, 10), strips.extend(one, one.budgets[0]),
        strips.approve(card(of), (), (of.title,), 10), strips.reject(card(of)), strips.halt(3),
    ):  # fmt: skip
        state = StripState(request)
        yield of.width, title_row(state, BOX), ("armed in",)
        for value in (*body_rows(state, of.width), *foot_rows(state, of.width)):
            assert width_of(value) <= of.width, "it is wrapped, not cut"
            yield of.width, value, ()
        told = " ".join(" ".join(map(text_of, foot_rows(state, of.width))).split())
        assert f"= {request.verb}" in told
        assert "cancels" in told


SCREENS: tuple[Callable[[Hostile], Rows], ...] = (
    on_the_wall, in_the_queue, around, on_the_agents_page, in_the_queue_of_decisions, in_the_list_of_alarms,
    on_the_board, in_the_table_of_budgets, in_the_log, on_screen_8, in_strips,
)  # fmt: skip


# -- what holds for all of them ----------------------------------------------------------------------------------------


def holds(examples: int, body: Callable[[Hostile], None]) -> None:
    settings(max_examples=examples, deadline=None)(given(HOSTILE)(body))()


many = pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])


@many
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
def test_what_decides_is_there_and_what_is_cut_says_so(screen: Callable[[Hostile], Rows], examples: int) -> None:
    def check(of: Hostile) -> None:
        for width, value, musts in screen(of):
            shown = to_strip(value, width, GREY).text
            assert cell_len(shown) == width
            wanted = min(width_of(value), width_of(text_of(value).rstrip()))  # of blanks nobody says that they are cut
            assert CUT in shown or wanted <= width, (width, shown)
            missing = [must for must in musts if must not in shown]
            assert not missing, (width, missing, shown)

    holds(examples, check)


def start_of(value: Line, width: int, words: str) -> int:
    """In which cell ``words`` begin."""
    return cell_len(to_strip(value, width, GREY).text.partition(words)[0])


@many
def test_columns_of_the_budgets_stay_in_line(examples: int) -> None:
    def check(of: Hostile) -> None:
        short = replace(of, agent="a")
        rows = [standing(one, window) for one in (of, short) for window in ("day", "total")]
        lines = [item.lines[0] for item in budget_table.items(rows, of.width, BOX)]
        # The list has a column of its own for the cursor.
        head = start_of(budget_table.header(of.width), of.width, "used") - 1
        assert {start_of(one, of.width - 1, "~400 s ") for one in lines} == {head}
        assert len({start_of(one, of.width - 1, "40%") for one in lines}) == 1

    holds(examples, check)


@many
def test_columns_of_the_log_and_of_the_evidence_stay_in_line(examples: int) -> None:
    def check(of: Hostile) -> None:
        subjects = (f"agent:{of.agent}", f"vendor:{of.title}", "pr:1")
        rows = [note(subject, "said") for subject in subjects]
        assert len({start_of(events.event_line(row), 200, "note ") for row in rows}) == 1

    holds(examples, check)
