"""On the board: which tickets are work for several agents, their parts, edited and accepted through the strip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import WatcherUnavailable
from fleet_tui.governance.fanout.values import Part
from fleet_tui.readmodel.fanout import plan
from fleet_tui.tui.screens.pipeline import PipelineScreen
from fleet_tui.watcher.acts import parts_text
from tests.tui.test_pictures import SIZES, compare, masked
from tests.tui.tui_support import armed, opened

SHA = hashlib.sha256(b"text").hexdigest()
PARTS = (Part("Round in shop.py", "Round it.\n- well", ("/shop.py",)), Part("Write [b]it[/]", "", ("/docs/",), (1,)))


def told(number: int, *parts: Part, verdict: str = "2 parts") -> dict[str, Any]:
    """As the watcher answers."""
    given = [{"title": one.title, "body": one.body, "scope": one.scope, "after": one.after} for one in parts]
    given = [one | {"scope": list(one["scope"]), "after": list(one["after"])} for one in given]
    text = parts_text.written(number, parts)
    return {"ticket": number, "body_sha": SHA, "verdict": verdict, "reasons": ["it was so"], "parts": given,
            "text": text}  # fmt: skip


def answer(args: dict[str, Any]) -> dict[str, Any]:
    if "text" in args:
        return told(args["ticket"], *parts_text.read(args["text"]), verdict="as you have edited it")
    return told(8, *PARTS) if args["ticket"] == 8 else told(args["ticket"], verdict="one agent is better: it is small")


@pytest.fixture
def money(fleet: Any) -> Any:
    """#8 decomposes, #9 does not."""
    for number, title in ((8, "Money"), (9, "Small")):
        fleet.add(ev.draft(ev.TicketCreated(number, title, "x", SHA, [], [], 3), f"ticket:{number}"))
    fleet.answers |= {"plan": answer, "split": {"message": "ticket #8 is done as #10, #11"}}
    return fleet


async def at(number: int, app: Any, pilot: Any, until: Any) -> None:
    """On the board, on this ticket, of which it is known how it could be divided."""
    await pilot.press("4")
    await until(lambda: isinstance(app.screen, PipelineScreen) and app.screen._board is not None)
    app.screen.select(number)
    await until(lambda: app.screen.card() is not None and app.screen.card().number == number)
    await until(lambda: app.screen.plans.of(app.screen.card()) is not None)
    await pilot.pause()


async def test_the_board_says_which_ticket_decomposes_and_f_how(money: Any, until: Any, text: Any) -> None:
    async with opened(money, until) as (app, pilot):
        await at(9, app, pilot, until)
        await until(lambda: "2 parts: f" in text(app))
        await pilot.press("F")
        await until(lambda: "F: one agent is better for #9; f says why" in app.message)
        await pilot.press("f")
        await until(lambda: "one agent is better: it is small" in text(app))
        assert "#9 stays one ticket" in text(app)
        await pilot.press("q")
        await at(8, app, pilot, until)
        assert "in 2 parts: f shows" in text(app)
        await pilot.press("f")
        await until(lambda: "how #8 Money could be divided" in text(app))
        shown = text(app)
        for line in ("- it was so", "1. Round in shop.py", "scope      /shop.py", "2. Write [b]it[/]",
                     "after      part 1", "- well"):  # fmt: skip
            assert line in shown
        await pilot.press("f")
        await until(lambda: "READY" in text(app))


@pytest.mark.parametrize("size", [pytest.param((80, 24), marks=pytest.mark.slow), (60, 16)])
async def test_a_plan_is_accepted_through_the_strip(money: Any, until: Any, text: Any, size: Any) -> None:
    async with opened(money, until, size) as (app, pilot):
        await at(8, app, pilot, until)
        await pilot.press("f", "F")
        await armed(app, until)
        assert "DIVIDE TICKET #8 INTO 2 TICKETS" in text(app)
        await pilot.press("enter", "escape", "F")
        assert money.calls == []
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: "ticket #8 is done as #10, #11" in app.message)
        ((op, args),) = money.calls
        assert (op, args["ticket"], args["body_sha"]) == ("split", 8, SHA)
        assert args["parts"] == plan(answer({"ticket": 8})).given()


@pytest.mark.slow
async def test_a_text_that_changes_while_one_looks_divides_nothing(money: Any, until: Any, text: Any) -> None:
    async with opened(money, until) as (app, pilot):
        await at(8, app, pilot, until)
        await pilot.press("F")
        strip = await armed(app, until)
        money.add(ev.draft(ev.TicketChanged(8, "Money", "y", "1" * 64, [], [], 3), "ticket:8"))
        app.feed.poke()
        await until(lambda: strip._state is not None and strip._state.field == "changed")
        assert "its text is another now" in text(app)
        await pilot.press("y")
        await pilot.pause()
        assert money.calls == []


EDITOR = """\
#!/bin/sh
sed -i '{change}' "$1"
"""


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    program = tmp_path / "editor"
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(program))

    def does(change: str) -> None:
        program.write_text(EDITOR.format(change=change))
        program.chmod(0o755)

    return does


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@pytest.mark.slow
async def test_the_parts_are_edited_before(
    money: Any, until: Any, text: Any, editor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(money, until) as (app, pilot):
        monkeypatch.setattr(app, "suspend", _nothing)  # a test has no terminal that could be handed over
        await at(8, app, pilot, until)
        editor("s/Round in/Round well in/")
        await pilot.press("e")
        await until(lambda: "#8: 2 parts as you edited them; F makes them tickets" in app.message)
        editor("s/colour/x/")
        await pilot.press("e")
        await until(lambda: "nothing was changed" in app.message)
        editor("s/Round well in/Round very well in/; s/^  after:/  before:/")
        await pilot.press("e")
        await until(lambda: "not a part" in app.message)
        editor("s/before:/after:/")  # what could not be used is there again
        await pilot.press("e")
        await until(lambda: "2 parts as you edited them" in app.message)
        await pilot.press("F")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: [op for op, _ in money.calls] == ["split"])
        assert [one["title"] for one in money.calls[0][1]["parts"]] == ["Round very well in shop.py", "Write [b]it[/]"]


@pytest.mark.slow
async def test_an_emptied_file_gives_it_up(
    money: Any, until: Any, text: Any, editor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(money, until) as (app, pilot):
        monkeypatch.setattr(app, "suspend", _nothing)
        await at(8, app, pilot, until)
        editor("d")
        await pilot.press("e")
        await until(lambda: "#8: given up; what is proposed stands again" in app.message)
        await at(8, app, pilot, until)
        assert len(app.screen.plans.of(app.screen.card()).parts) == 2


async def test_what_is_under_way_is_not_divided_and_nothing_is_while_frozen(money: Any, until: Any) -> None:
    money.answers["plan"] = WatcherUnavailable("the watcher is not running", "nobody listens", "fleet up")
    async with opened(money, until) as (app, pilot):
        await pilot.press("4")
        await until(lambda: isinstance(app.screen, PipelineScreen) and app.screen._board is not None)
        app.screen.select(3)
        await pilot.pause()
        await pilot.press("f")
        await until(lambda: "f: #3 is under way: only what nobody has begun is divided" in app.message)
        app.screen.select(8)
        await pilot.pause()
        await pilot.press("F")
        await until(lambda: "how #8 could be divided is not known yet" in app.message)
        assert money.calls == []


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_a_plan_looks_like(money: Any, until: Any, text: Any, size: tuple[int, int]) -> None:
    async with opened(money, until, size) as (app, pilot):
        await at(9, app, pilot, until)  # which is asked about last
        await at(8, app, pilot, until)
        await pilot.press("f")
        await until(lambda: "1. Round in shop.py" in text(app))
        await pilot.pause()
        compare(f"plan_{size[0]}x{size[1]}", masked(text(app)))
