"""The user's keymap laid over the table, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet_tui.tui.keys.key import EVERYWHERE, SCOPES, Key
from fleet_tui.tui.keys.names import shown
from fleet_tui.tui.keys.table import KEYS

FORBIDDEN = frozenset(
    [f"ctrl+{letter}" for letter in "abhijmsgtonwk"]
    + [
        "ctrl+space",
        "ctrl+left_square_bracket",
        "ctrl+backslash",
        "ctrl+right_square_bracket",
        "shift+enter",
        "ctrl+enter",
    ]
    + [f"f{number}" for number in range(1, 25)]
    + [f"ctrl+{arrow}" for arrow in ("up", "down", "left", "right")]
)
"""Keys that multiplexers take, terminals cannot tell apart, or small keyboards lack."""


def effective(keymap: Mapping[str, str]) -> dict[str, str]:
    """Id → keys, with the user's keymap laid over the table."""
    return {key.id: keymap.get(key.id, key.keys) for key in KEYS}


def problems(keymap: Mapping[str, str], keys: Iterable[Key] = KEYS) -> list[str]:
    """What is wrong with a keymap: unknown ids, forbidden keys, two acts on one key of one screen.

    Textual accepts all of these silently, and drops a binding without a word when two meet.
    """
    table = tuple(keys)
    known = {key.id for key in table}
    found = [f"ui.keymap.{identity}: there is no such key id" for identity in keymap if identity not in known]
    owners: dict[tuple[str, str], str] = {}
    for key in table:
        for one in keymap.get(key.id, key.keys).split(","):
            found += _forbidden(key.id, one.strip())
            for scope in _reach(key):
                owner = owners.setdefault((scope, one.strip()), key.id)
                if owner != key.id:
                    found.append(f"ui.keymap: {shown(one.strip())} is both {owner} and {key.id} on {scope}")
    return list(dict.fromkeys(found))


def _reach(key: Key) -> tuple[str, ...]:
    return SCOPES if EVERYWHERE in key.scopes else key.scopes


def _forbidden(identity: str, key: str) -> list[str]:
    if not key:
        return [f"ui.keymap.{identity}: no key is given"]
    if key in FORBIDDEN or key.startswith(("alt+", "meta+")) or "+alt+" in key:
        return [f"ui.keymap.{identity}: {key} may not be bound: terminals or multiplexers take it"]
    return []
