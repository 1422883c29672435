"""The menu of single keys: one key chooses, any other closes, and none goes past it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet_widgets.key_menu import Choice, KeyMenu, menu_rows
from fleet_widgets.lines import text_of, width_of

CHOICES = (Choice("b", "branch", "agent/2-work"), Choice("h", "commit"), Choice("s", "screen"))


@pytest.mark.parametrize(("key", "chosen", "closed"), [("b", ["b"], []), ("A", [], ["A"]), ("escape", [], [""])])
async def test_one_key_chooses_and_any_other_closes(
    stage: Callable[..., Any], key: str, chosen: list[str], closed: list[str]
) -> None:
    async with stage(KeyMenu(), size=(60, 5), focus=False) as s:
        s.widget.ask("copy", CHOICES)
        await s.settle()
        assert s.widget.has_focus
        await s.pilot.press(key)
        assert not s.widget.is_open
        assert not s.widget.display
        await s.pilot.press("b")  # it is closed: nothing is chosen any more
        assert [m.key for m in s.of(KeyMenu.Chosen)] == chosen
        assert [m.key for m in s.of(KeyMenu.Closed)] == closed


def test_values_are_shown_where_all_have_room() -> None:
    wide, narrow = menu_rows("copy", CHOICES, 80), menu_rows("copy", CHOICES * 3, 60)
    assert text_of(wide[0]).startswith("copy b branch agent/2-work  h commit  s screen")
    assert "agent/2-work" not in "".join(map(text_of, narrow))
    assert text_of(wide[1]).endswith("any other key: nothing")
    assert all(len(rows) == 2 and all(width_of(row) <= 80 for row in rows) for rows in (wide, narrow))
    assert menu_rows("copy", (Choice("x", "a\x1b[2Jb"),), 20)[0][2].text == " a\x1b[2Jb"  # drawn by `to_strip` only


async def test_a_nasty_value_stays_in_its_cells(stage: Callable[..., Any], nasty: str) -> None:
    async with stage(KeyMenu(), size=(60, 5), focus=False) as s:
        s.widget.ask("copy", (Choice("b", "branch", nasty),))
        await s.settle()
        s.text()
