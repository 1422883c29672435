"""An act on several without a terminal: who is asked, who is not and why, and how it is told."""

from __future__ import annotations

from fleet_tui.tui.bulk import Bulk, Result, by_reason, sort_out
from fleet_tui.tui.bulk_run import BulkRun
from fleet_tui.tui.commands import Act, Outcome
from fleet_tui.tui.present.bulk import outcome, strip, summary
from fleet_widgets.lines import text_of


def act(name: str) -> Act:
    return Act("pause", {"agent": name}, "pause", name)


def bulk(*names: str, left_out: tuple[Result, ...] = ()) -> Bulk:
    return Bulk("pause", {name: act(name) for name in names}, left_out)


def test_who_cannot_be_acted_on_is_left_out_and_its_name_is_not_said_twice() -> None:
    found = sort_out(
        "pause", [("a", "a", 1), ("b", "b", 2)], lambda one: act(str(one)), lambda one: "b is off" if one == 2 else None
    )
    assert list(found.acts) == ["a"]
    assert found.left_out == (Result("b", "b", "is off"),)
    assert found.keys == {"a", "b"}


def test_those_with_one_reason_share_it() -> None:
    results = [Result("a", "a", "x"), Result("b", "b"), Result("c", "c", "x"), Result("d", "d", "y")]
    assert list(by_reason(results)) == [("a, c", "x"), ("d", "y")]


def test_more_than_three_are_confirmed_by_their_number() -> None:
    confirms = [(strip(bulk(*names), "T", (), (), "P").confirm, strip(bulk(*names), "T", (), (), "P").word)
                for names in ("a", "abc", "abcd")]  # fmt: skip
    assert confirms == [("y", ""), ("y", ""), ("text", "4")]
    assert strip(bulk("a", "b"), "T", (), (), "X", typed=True).word == "2"


def test_what_was_not_done_is_told_first_and_nobody_is_missing() -> None:
    asked = bulk("a", "b", left_out=(Result("c", "c", "is off"),))
    results = [Result("a", "a"), Result("b", "b", "refused")]
    assert summary(asked, results) == ("pause 2 agents: 1 not done, still marked; 1 paused", "warn")
    section = outcome(asked, results)
    assert section is not None
    assert [" ".join(text_of(one).split()) for one in section.lines] == [
        "not done b: refused", "left out c: is off", "done a", "Esc closes this",
    ]  # fmt: skip
    assert outcome(bulk("a"), [Result("a", "a")]) is None


async def test_after_a_lost_answer_nobody_else_is_asked() -> None:
    asked: list[str] = []

    async def perform(one: Act) -> Outcome:
        asked.append(one.target)
        return Outcome(False, f"pause {one.target}: no answer", "warn", is_lost=True)

    names = [f"n{number}" for number in range(20)]
    run = BulkRun(bulk(*names), perform, lambda one: "n0 is gone" if one.target == "n0" else "")
    told: list[int] = []
    await run.run(lambda: told.append(len(run.results)))
    assert "n0" not in asked
    assert len(asked) < 10
    assert [result.target for result in run.results] == names
    assert run.results[0].why == "is gone"
    assert {result.why for result in run.results[1:]} == {"no answer", "not asked: the watcher does not answer"}
    assert len(told) == 20
