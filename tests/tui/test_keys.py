"""The one table of keys: every row works somewhere, nothing is forbidden, nothing clashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.tui.keys.key import EVERYWHERE, SCOPES
from fleet_tui.tui.keys.keymap import FORBIDDEN, problems
from fleet_tui.tui.keys.table import KEYS, by_id, keys_for
from fleet_tui.tui.present.help import keys_markdown
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.alarms import AlarmsScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.base import RoomScreen
from fleet_tui.tui.screens.budgets import BudgetsScreen
from fleet_tui.tui.screens.events import EventsScreen
from fleet_tui.tui.screens.help import HelpScreen
from fleet_tui.tui.screens.new_agent import NewAgentScreen
from fleet_tui.tui.screens.wall import WallScreen

SCREENS: tuple[type[RoomScreen], ...] = (
    WallScreen,
    AgentScreen,
    ApprovalsScreen,
    AlarmsScreen,
    BudgetsScreen,
    NewAgentScreen,
    EventsScreen,
    HelpScreen,
)


@pytest.mark.parametrize("screen", SCREENS)
def test_every_row_of_a_screen_has_its_method(screen: type[RoomScreen]) -> None:
    missing = [key.id for key in keys_for(screen.scope) if not callable(getattr(screen, key.method, None))]
    assert missing == []


def test_s8_no_forbidden_key_and_no_clash() -> None:
    assert problems({}) == []
    assert len({key.id for key in KEYS}) == len(KEYS)
    assert {"ctrl+b", "ctrl+a", "ctrl+h", "f1", "ctrl+right_square_bracket"} <= FORBIDDEN


def test_capitals_act_and_small_letters_do_not() -> None:
    """`N` only moves: the way back of `n`, as everywhere."""
    for key in KEYS:
        first = key.keys.split(",")[0]
        if len(first) == 1 and first.isalpha() and first != "N":
            assert key.acts == first.isupper(), key.id


def test_every_scope_is_known() -> None:
    assert all(set(key.scopes) <= set(SCOPES) for key in KEYS)


@pytest.mark.parametrize(
    ("keymap", "says"),
    [
        ({"agent.fly": "F"}, "there is no such key id"),
        ({"agent.attach": "ctrl+b"}, "may not be bound"),
        ({"agent.attach": "alt+o"}, "may not be bound"),
        ({"agent.attach": "w"}, "is both need.next and agent.attach"),
        ({"agent.attach": "P"}, "is both"),
        ({"agent.attach": ""}, "no key is given"),
    ],
)
def test_bad_keymaps_are_reported(keymap: dict[str, str], says: str) -> None:
    found = problems(keymap)
    assert any(says in problem for problem in found), found


def test_a_good_keymap_is_accepted() -> None:
    assert problems({"agent.attach": "O", "need.next": "n"}) != []  # n belongs to the approvals
    assert problems({"agent.attach": "O"}) == []


def test_acts_are_off_while_frozen() -> None:
    from fleet_tui.tui.keys.key import Here

    here = Here(EVERYWHERE, frozen="off: no answer")
    assert all(key.why_not(here) == "off: no answer" for key in KEYS if key.acts)
    assert by_id("screen.events").why_not(here) is None


def test_the_page_of_keys_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "keys.md"
    assert page.read_text(encoding="utf-8") == keys_markdown(), (
        "run: python -m fleet_tui.tui.present.help > docs/keys.md"
    )
