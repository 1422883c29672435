"""Typed commands about runs that no key is for: what a person held up, what was lost, what takes too much memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_tui.domain.states import RunState
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.values import AgentTile
from fleet_tui.tui.agent_acts import BY_HAND
from fleet_tui.tui.commands import Act
from fleet_tui.tui.typed import Words, Wrong

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp


def tile_of(room: RoomApp, name: str) -> AgentTile:
    tiles = room.picture.snapshot.tiles if room.picture.snapshot else ()
    found = [tile for tile in tiles if tile.name.casefold() == name.casefold()]
    if not found:
        raise Wrong(f"there is no agent {one_line(name, 40)}")
    return found[0]


def start(room: RoomApp, words: Words) -> None:
    """What that means for the agent as it is then, the watcher says."""
    tile = tile_of(room, words[0])
    room.act(Act("start", {"agent": tile.name, "reason": BY_HAND}, "start", tile.name))


def restore(room: RoomApp, words: Words) -> None:
    """Without a word it says who waits. What is lost meanwhile is not meant: only what the room shows."""
    reader = room.reader()
    held = [run for run in reader.runs(RunState.QUEUED) if run.held] if reader is not None else []
    chosen = [run for run in held if not words or words[0] == "all" or run.agent == tile_of(room, words[0]).name]
    if not chosen:
        raise Wrong("nothing of that waits to be restored")
    if words:
        room.act(Act("restore", {"runs": [run.id for run in chosen]}, "restore", f"{len(chosen)} lost runs"))
        return
    who = one_line(", ".join(sorted({run.agent for run in chosen})), 100)
    room.say(f"{len(chosen)} lost runs wait ({who}): `fleet restore --plan` shows how; restore all|NAME starts", "warn")


def memory(room: RoomApp, words: Words) -> None:
    """Only more than it may take now: the watcher says what that is."""
    tile, amount = tile_of(room, words[0]), words[1].upper().removesuffix("MB")
    if not (amount.isascii() and amount.isdecimal() and 0 < len(amount) < 9):
        raise Wrong(f"{one_line(words[1], 40)} is no number of megabytes such as 800")
    args: dict[str, object] = {"agent": tile.name, "memory_mb": int(amount), "reason": "from the room"}
    room.act(Act("give_memory", args, "memory", tile.name))
