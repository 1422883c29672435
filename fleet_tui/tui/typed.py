"""The palette's commands that take words: how they are told apart, and what is said of a wrong one.

Words are data: they are split at spaces and compared, never run by a shell and never read as markup.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp

Words = tuple[str, ...]


class Wrong(ValueError):
    """What was typed cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Typed:
    """``usage`` begins with the command's own words, which are in small letters; CAPITALS stand for what is typed.

    Of the arguments at least ``least`` are needed; beyond ``most`` the rest belongs to the last.
    """

    usage: str
    told: str
    run: Callable[[RoomApp, Words], object]
    least: int = 1
    most: int = 1

    @property
    def name(self) -> Words:
        return tuple(word for word in self.usage.split() if word.isalpha() and word.islower())

    async def perform(self, room: RoomApp, words: Words) -> None:
        """Do it, or say on the message line how it is used and what was wrong."""
        if len(words) < self.least:
            room.say(f"usage: {self.usage}", "warn")
            return
        try:
            result = self.run(room, words)
            if inspect.isawaitable(result):
                await result
        except Wrong as wrong:
            room.say(one_line(f"{' '.join(self.name)}: {wrong}; usage: {self.usage}", 300), "warn")


def match(query: str, commands: Sequence[Typed]) -> tuple[Typed, Words] | None:
    """The command that ``query`` begins with, and its arguments; the longest name counts."""
    words = tuple(query.split())
    found = [typed for typed in commands if words[: len(typed.name)] == typed.name]
    if not found:
        return None
    typed = max(found, key=lambda one: len(one.name))
    rest = query.split(None, len(typed.name) + typed.most - 1)[len(typed.name) :]
    return typed, tuple(word.strip() for word in rest)
