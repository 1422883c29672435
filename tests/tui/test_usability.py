"""What a person does in the room, with a fleet of thirty, key by key: no more keys than these, and the screen says what
it must. `what is typed as text` does not count."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.live.terminal import Terminal
from fleet_tui.domain import events as ev
from fleet_tui.settings.load import PROJECT_FILE
from fleet_tui.tmux.server import TmuxServer
from fleet_tui.tui.clipboard import Way
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.events import EventsScreen
from fleet_widgets.strip import ConfirmStrip
from tests.tui import thirty
from tests.tui.stirring import acts
from tests.tui.test_system_screen import BROKEN, answer_for
from tests.tui.thirty import ASKS, BLOCKED, CONTAINED, FAILING, HIGH, LOW, SPENDER, Hand, name, ticket
from tests.tui.tui_support import armed, opened

PROGRAM = Path(__file__).with_name("room_program.py")
ROOM = Path(__file__).parents[2] / "benchmarks" / "live" / "room.py"
Text = Callable[[Any], str]


@pytest.fixture
async def crew(world: Any) -> Any:
    thirty.fill(world)
    return world


@asynccontextmanager
async def at_the_wall(
    crew: Any, until: Any, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Any, Hand, Callable[[], list[tuple[str, Any]]]]]:
    async with opened(crew, until, size) as (app, pilot):
        yield app, Hand(pilot), lambda: crew.calls


def page(app: Any, text: Text) -> str:
    """The screen with single blanks, so that columns do not matter."""
    return " ".join(text(app).split())


async def diff_of(app: Any, until: Any, pr: int) -> None:
    def is_shown() -> bool:
        screen = app.screen
        shown = screen.diff.shown if isinstance(screen, ApprovalsScreen) and screen.diff.files else None
        return shown is not None and shown[0] == pr

    await until(is_shown)


async def test_u1_who_needs_you_and_why_is_on_the_wall(crew: Any, until: Any, text: Text) -> None:
    async with at_the_wall(crew, until) as (app, hand, _):
        rows = text(app).splitlines()
        assert "30 agents" in rows[0]
        assert "NEED YOU 6" in rows[0]
        assert f"{name(CONTAINED)} secret pattern in a diff (first of 2)" in rows[1]
        queue = "\n".join(rows[2:8])
        for who, why in (
            (name(FAILING), "same test failed 6 times in a row"),
            (name(HIGH), "APPROVE merge of PR 812"),
            (name(LOW), "APPROVE merge of PR 799"),
            (name(ASKS), "ASK keep the old API?"),
            (name(BLOCKED), "BLOCKED ticket #408: three rounds of review"),
        ):
            assert any(who in row and why in row for row in queue.splitlines()), (who, queue)
        assert hand.keys == 0


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_u1_at_other_sizes_the_first_is_named_and_the_others_are_counted(
    crew: Any, until: Any, text: Text, size: tuple[int, int]
) -> None:
    async with at_the_wall(crew, until, size) as (app, _, __):
        shown = text(app)
        assert "NEED YOU 6" in shown.splitlines()[0]
        assert "secret pattern in a diff" in shown.splitlines()[1]
        listed = [
            why for why in ("same test failed", "PR 812", "PR 799", "keep the old API?", "BLOCKED") if why in shown
        ]
        assert len(listed) == 5 or "+2 more; w = next" in shown


async def test_u2_the_low_risk_change_takes_four_keys(crew: Any, until: Any, text: Text) -> None:
    async with at_the_wall(crew, until) as (app, hand, calls):
        await hand.press("2", "w")
        await diff_of(app, until, 799)
        await hand.press("A")
        await armed(app, until)
        assert "Not seen by you: 0 of 2 files" in page(app, text)
        await hand.press("y")
        await until(lambda: bool(calls()))
        assert hand.keys == 4
    ((op, args),) = calls()
    assert (op, args["approval"], args["head"]) == ("approve", "apr-799-e", "e" * 40)
    assert args["shown"] == {
        "pr": 799, "head": "e" * 40, "base": "b" * 40, "tree": "d" * 40, "gates": "gates-1",
        "policy": "v-1234567890ab", "files": 2, "seen": ["src/keys.py", "tests/test_keys.py"],
    }  # fmt: skip


async def test_u3_the_high_risk_change_wants_the_end_of_its_commit(crew: Any, until: Any, text: Text) -> None:
    async with at_the_wall(crew, until) as (app, hand, calls):
        await hand.press("2")
        await diff_of(app, until, 812)
        assert "57 of 100 HIGH" in page(app, text)
        assert "+25 migrations: db/migrations" in page(app, text)
        await hand.press("A")
        await armed(app, until)
        for told in ("Risk 57 HIGH", "head ccccccc", "type cccc to confirm"):
            assert told in page(app, text)
        await hand.press("c", "c", "c", "c", "enter")
        await until(lambda: bool(calls()))
        assert hand.keys == 7
    assert [(op, args["approval"]) for op, args in calls()] == [("approve", "apr-812-c")]


@pytest.mark.parametrize("keys", [("y",), ("enter",), ("y", "e", "s", "enter"), ("d", "d", "d", "d", "enter")])
async def test_u3_nothing_less_approves_it(crew: Any, until: Any, keys: tuple[str, ...]) -> None:
    async with at_the_wall(crew, until) as (app, hand, _):
        await hand.press("2")
        await diff_of(app, until, 812)
        await hand.press("A")
        await armed(app, until)
        await hand.press(*keys, "escape")
        await until(lambda: app.screen.query_one(ConfirmStrip).request is None)
    assert crew.calls == []


async def test_u4_a_rejection_with_its_reason_takes_four_keys(crew: Any, until: Any) -> None:
    async with at_the_wall(crew, until) as (app, hand, calls):
        await hand.press("2")
        await diff_of(app, until, 812)
        await hand.press("R")
        await armed(app, until)
        await hand.write("too large")
        await hand.press("tab", "enter")
        await until(lambda: bool(calls()))
        assert hand.keys == 4
    assert calls() == [("reject", {"approval": "apr-812-c", "reason": "too large"})]


async def test_u5_the_agent_of_the_first_alarm_is_contained_by_three_keys(world: Any, until: Any, text: Text) -> None:
    thirty.fill(world)
    world.add(ev.draft(ev.AgentReleased(name(CONTAINED), "a false alarm", 3), f"agent:{name(CONTAINED)}"))
    async with at_the_wall(world, until) as (app, hand, calls):
        await hand.press("w")
        await until(lambda: isinstance(app.screen, AgentScreen))
        await hand.press("Q")
        await armed(app, until)
        assert f"QUARANTINE {name(CONTAINED)}" in page(app, text)
        await hand.press("y")
        await until(lambda: bool(calls()))
        assert hand.keys == 3
    assert [(op, args["agent"]) for op, args in calls()] == [("quarantine", name(CONTAINED))]


async def test_u6_a_question_is_answered_where_w_leads(crew: Any, until: Any, text: Text) -> None:
    async with at_the_wall(crew, until) as (app, hand, calls):
        while not app.message.startswith("ASK keep the old API?"):
            await hand.press("w")
            assert hand.keys <= 6
        assert isinstance(app.screen, AgentScreen)
        await hand.press("m")
        assert f"answer {name(ASKS)}: keep the old API?" in page(app, text)
        await hand.write("no, drop it")
        await hand.press("tab", "enter")
        await until(lambda: bool(calls()))
        assert hand.keys <= 9
    assert calls() == [("answer", {"question": "qst-1", "text": "no, drop it"})]


async def test_u7_one_message_to_all_of_a_role_takes_fifteen_keys(crew: Any, until: Any, text: Text) -> None:
    async with at_the_wall(crew, until) as (app, hand, calls):
        await hand.press("slash", *"role:qa", "enter", "asterisk", "m")
        await hand.write("freeze at noon")
        await hand.press("tab", "enter")
        await armed(app, until)
        for number in thirty.QA:
            assert name(number) in text(app)
        await hand.press("6", "enter")
        await until(lambda: len(calls()) == 6)
        assert hand.keys <= 15
    sent = {args["run"]: args["text"] for op, args in calls() if op == "message"}
    assert sent == {thirty.run(number): "freeze at noon" for number in thirty.QA}


async def test_u8_the_first_cause_of_a_quarantine_is_two_keys_away(crew: Any, until: Any, text: Text) -> None:
    async with at_the_wall(crew, until) as (app, hand, _):
        await hand.press("3")
        assert "secret pattern in a diff" in text(app)
        await hand.press("c")
        await until(lambda: isinstance(app.screen, EventsScreen))
        await until(lambda: "AWS access key in src/db.py:41" in text(app))
        row = next(row for row in text(app).splitlines() if "AWS access key" in row)
        assert row.startswith(">"), row
        assert hand.keys == 2


async def test_u9_what_a_ticket_cost_and_when_it_reaches_its_cap_is_one_key_away(
    crew: Any, until: Any, text: Text
) -> None:
    async with at_the_wall(crew, until) as (app, hand, _):
        await hand.press("6")
        row = next(row for row in text(app).splitlines() if f"ticket #{ticket(SPENDER)}" in row)
        assert "$4.10" in row
        assert "$5.00" in row
        assert re.search(r" \$\d\.\d\d/h +\d+m$", row), "at which pace, and when it is used up"
        assert hand.keys == 1


async def test_u11_an_alarm_goes_on_the_shelf_for_two_hours_with_a_reason(crew: Any, until: Any, text: Text) -> None:
    async with at_the_wall(crew, until) as (app, hand, calls):
        await hand.press("3", "w", "s")
        await armed(app, until)
        await hand.write("2h test is flaky, ticket 377")
        await until(lambda: "for 2h" in page(app, text))
        await hand.press("enter")
        await until(lambda: bool(calls()))
        assert hand.keys <= 4
    assert calls() == [("shelve", {"alarm": "alm-3", "for_s": 7200, "reason": "test is flaky, ticket 377"})]


async def test_u12_the_slowest_ticket_and_who_blocks_it_is_one_key_away(crew: Any, until: Any, text: Text) -> None:
    async with at_the_wall(crew, until) as (app, hand, _):
        await hand.press("4")
        await until(lambda: "slowest: #" in text(app))
        line = next(row for row in text(app).splitlines() if row.startswith("slowest: #"))
        assert app.screen.card() is not None
        assert f"#{app.screen.card().number} " in line
        assert "40:0" in line or "40m" in line
        assert app.screen.card().waits.split()[0] in line
        assert hand.keys == 1


async def test_u14_all_stop_takes_six_keys_from_any_screen(crew: Any, until: Any, text: Text) -> None:
    async with at_the_wall(crew, until) as (app, hand, calls):
        await hand.press("exclamation_mark")
        await armed(app, until)
        assert "29 runs frozen at once" in page(app, text)
        await hand.press(*"stop", "enter")
        await until(lambda: bool(calls()))
        assert hand.keys == 6
    assert [op for op, _ in calls()] == ["halt"]


async def test_no_task_needs_a_control_key() -> None:
    from fleet_tui.tui.keys.table import KEYS

    only = [key.id for key in KEYS if all("+" in one for one in key.keys.split(","))]
    assert only == ["room.redraw"], "whatever else a person must do has a plain key"


# -- in a real terminal ------------------------------------------------------------------------------------------------

ITS_OWN = {"TMUX", "TMUX_PANE", "STY", "COLUMNS", "LINES", "NO_COLOR", "VISUAL", "EDITOR"}
OUTSIDE = {key: value for key, value in os.environ.items() if key not in ITS_OWN}
LIMIT_S = 40.0


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    made = Terminal((120, 40))
    yield made
    await made.close()


async def written(terminal: Terminal, *texts: str) -> None:
    """Wait until all of these have been written to the terminal."""
    async with asyncio.timeout(LIMIT_S):
        while not all(one.encode() in terminal.written for one in texts):  # noqa: ASYNC110 - a terminal has no event
            await asyncio.sleep(0.02)


@pytest.fixture
async def tmux() -> AsyncIterator[TmuxServer]:
    server = TmuxServer(f"fleet-test-{secrets.token_hex(6)}")
    await server.ensure()
    yield server
    await server.run("kill-server")


async def test_u10_attach_to_an_agent_by_its_number_type_and_come_back(
    crew: Any, terminal: Terminal, tmux: TmuxServer
) -> None:
    session = thirty.run(ASKS)
    started = await tmux.run("new-session", "-d", "-s", session, "-x", "120", "-y", "40", "cat")
    assert started.code == 0, started.err
    terminal.open(
        [sys.executable, str(ROOM), str(crew.directory / "fleet.db"), str(crew.socket), tmux.socket_name], OUTSIDE
    )
    await written(terminal, name(ASKS), "data ok")
    keys = ("/", "1", "2", "\r", "o")
    for one in keys:
        terminal.press(one)
    assert len(keys) == 5
    await attached(tmux, 1)
    terminal.press("hello\r")
    await answers(tmux, "hello\nhello", "capture-pane", "-p", "-t", f"={session}:")
    terminal.press("\x1d")
    terminal.press("d")
    await attached(tmux, 0)
    await written(terminal, f"back from {name(ASKS)}")
    assert acts(crew) == []


async def attached(tmux: TmuxServer, number: int) -> None:
    """Wait until so many terminals show a session; the room's own links show none."""
    async with asyncio.timeout(LIMIT_S):
        while (await said(tmux, "list-clients", "-F", "#{client_control_mode}")).split().count("0") != number:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def answers(tmux: TmuxServer, text: str, *words: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while text not in await said(tmux, *words):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def said(tmux: TmuxServer, *words: str) -> str:
    return (await tmux.run(*words)).out.decode()


async def test_u15_two_keys_open_the_error_in_the_editor_at_its_line(
    crew: Any, terminal: Terminal, tmp_path: Path
) -> None:
    crew.answers["system"] = answer_for(tmp_path, BROKEN)
    file, seen, editor = tmp_path / PROJECT_FILE, tmp_path / "seen", tmp_path / "vi"
    editor.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {seen}\nsed -i 's/many/7/' \"$2\"\n")
    editor.chmod(0o755)
    argv = [sys.executable, str(PROGRAM), str(crew.directory / "fleet.db"), str(crew.socket), str(tmp_path), str(file)]
    terminal.open(argv, {**OUTSIDE, "EDITOR": str(editor)})
    await written(terminal, name(ASKS), "data ok")
    terminal.press("8")
    await written(terminal, "max_rounds")
    terminal.press("e")
    await written(terminal, "back from vi")
    assert seen.read_text().split() == ["+3", str(file)]
    assert "many" not in file.read_text()


async def test_u16_the_commit_of_a_change_is_copied_by_two_keys_and_told_where(
    crew: Any, until: Any, tmp_path: Path
) -> None:
    app = crew.room(copy_to=(Way.FILE,), saved=tmp_path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        hand = Hand(pilot)
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        await pilot.press("2")
        await diff_of(app, until, 812)
        await hand.press("y", "h")
        await until(lambda: "clip" in app.message)
        assert hand.keys == 2
    assert (tmp_path / "clip").read_text() == "c" * 40
