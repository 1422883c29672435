"""The table itself, and its look-ups for the footer, the palette and Textual."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from fleet_tui.tui.keys import everywhere
from fleet_tui.tui.keys.key import EVERYWHERE, Key
from fleet_tui.tui.keys.on_agents import AGENTS, URGENT
from fleet_tui.tui.keys.on_lists import LISTS, PANES

KEYS: tuple[Key, ...] = (*everywhere.ROWS, *URGENT, *LISTS, *AGENTS, *PANES)
"""In the order of hints and help; a screen's own go before those of everywhere (`keys_for`)."""


def keys_for(scope: str) -> tuple[Key, ...]:
    """The rows that work on a screen: its own first, then those of everywhere."""
    own = tuple(key for key in KEYS if scope in key.scopes and scope != EVERYWHERE)
    return own + tuple(key for key in KEYS if EVERYWHERE in key.scopes)


def textual_bindings(scope: str) -> list[BindingType]:
    """The rows of a screen as Textual's bindings; the action looks the row up again by its id."""
    return [
        Binding(key.keys, f"do('{key.id}')", key.label, id=key.id, tooltip=key.tooltip, show=key.hint)
        for key in keys_for(scope)
    ]


def by_id(identity: str) -> Key:
    return next(key for key in KEYS if key.id == identity)
