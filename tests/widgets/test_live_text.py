"""Which rows of a pane a view shows: the last text, and in a small view what stands above the agent's input box."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_widgets.lines import Line, lines_of, text_of
from fleet_widgets.live_text import LiveText

ROUND = ["╭──────────╮", "│ > type   │", "╰──────────╯"]
SQUARE = ["┌──────────┐", "│ > type   │", "└──────────┘"]
SAID = [f"said {number}" for number in range(20)]
SMALL, LARGE = 11, 12


def live(rows: list[str], height: int = 40) -> LiveText:
    text = LiveText()
    text.update(lines_of(rows), None, 0, (80, height))
    return text


def shown(text: LiveText, height: int) -> list[str]:
    return [text_of(row) for row in text.shown_tail(height)]


@pytest.mark.parametrize("box", [ROUND, SQUARE], ids=["round", "square"])
@pytest.mark.parametrize("foot", [[], ["  ? for help"], ["", "  ? for help", "  auto"]], ids=len)
@pytest.mark.parametrize("between", [[], ["", ""]], ids=len)
def test_a_small_view_ends_above_the_input_box(box: list[str], foot: list[str], between: list[str]) -> None:
    text = live([*SAID, *between, *box, *foot])
    assert shown(text, 5) == SAID[-5:]
    assert shown(text, SMALL) == SAID[-SMALL:]
    assert text.tail(5) == 15
    assert shown(text, LARGE)[-1] == (foot or box)[-1]
    assert text.tail(LARGE) == len([*SAID, *between, *box, *foot]) - LARGE


@pytest.mark.parametrize(
    "rows",
    [
        [*SAID, "╭──────────╮", "│ > one    │", "│   two    │", "╰──────────╯"],
        [*SAID, "╭──────────╮", "│ typing   │"],
        [*SAID, "│ > type   │", "╰──────────╯"],
        [*SAID, *ROUND, "a", "b", "c", "d"],
        [*ROUND, *SAID],
        SAID,
    ],
    ids=["taller box", "no bottom", "no top", "far above", "at the top", "no box"],
)
def test_what_is_no_input_box_stays_in_view(rows: list[str]) -> None:
    """A box that is drawn otherwise may be of what the agent said."""
    assert shown(live(rows), 5) == rows[-5:]


SCREENS = Path(__file__).parents[1] / "vendors" / "screens"
ABOVE = {
    "aider-idle": "Tokens: 792 sent, 4 received.",
    "claude-api-error": "● API Error",
    "claude-done": "✻ ",
    "claude-idle-after": "✻ ",
    "claude-interrupted": "⎿ \xa0Interrupted",
    "claude-running": "· Twisting…",
    "claude-running-bash": "✽ Inferring…",
    "codex-done": "Worked for",
    "codex-running": "• Working",
    "copilot-done": "/home/shop",
    "gemini-done": "✦ gemini tui done",
    "gemini-running": "⠹ Thinking...",
}
"""What the last row above the input of a program is, on screens that were recorded from the real ones."""
DIALOGS = ["claude-apikey-dialog", "claude-permission-bash", "claude-trust-dialog", "codex-approval", "copilot-trust"]


def recorded(name: str) -> list[str]:
    return (SCREENS / f"{name}.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ABOVE)
def test_inputs_of_real_programs_are_left_out(name: str) -> None:
    seen = shown(live(recorded(name), 60), 3)
    assert seen[-1].strip().startswith(ABOVE[name]), seen
    assert not [row for row in seen if row.startswith("────")], seen


@pytest.mark.parametrize("name", DIALOGS)
def test_a_question_to_the_person_is_not_taken_for_an_input(name: str) -> None:
    rows = recorded(name)
    while not rows[-1].strip():
        rows.pop()
    assert shown(live(rows, 60), 3) == rows[-3:]


def test_nothing_but_the_box_is_shown_as_it_is() -> None:
    assert shown(live(ROUND), 5) == ROUND
    assert shown(live(["", *ROUND]), 3) == ROUND


def test_blank_rows_below_the_text_do_not_count() -> None:
    text = live([*SAID, *ROUND, "", ""])
    assert shown(text, 3) == SAID[-3:]
    assert text.bottom == len(SAID) + 3
    assert shown(live([]), 5) == []
    assert shown(live(["one"]), 5) == ["one"]


def test_the_box_is_looked_for_again_when_the_screen_changes() -> None:
    text = live([*SAID, *ROUND])
    assert shown(text, 2) == SAID[-2:]
    text.update(lines_of(["gone", "", ""]), None, len(SAID), None)
    assert shown(text, 2) == [SAID[-1], "gone"]
    text.update(lines_of(["later", *SQUARE]), None, len(SAID), None)
    assert shown(text, 2) == [SAID[-1], "later"]


rows_of_screens = st.lists(st.sampled_from(["", "  ", "text", "more text", *ROUND, *SQUARE, "  ╭─╮", "│"]), max_size=30)


@given(rows_of_screens, st.integers(0, 20))
def test_a_view_is_part_of_the_screen_that_ends_in_text(rows: list[str], height: int) -> None:
    text = live(rows)
    first, seen = text.tail(height), shown(text, height)
    assert len(seen) <= height
    assert seen == rows[first : first + len(seen)]
    assert not seen or seen[-1].strip()
    written: list[Line] = [row for row in lines_of(rows) if text_of(row).strip()]
    assert bool(seen) == (bool(written) and height > 0)
