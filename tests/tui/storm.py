"""Everything at once: keys typed ahead, sizes down to one cell, rows that come and go, a watcher that goes away."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from textual import events
from textual.geometry import Size

from fleet_tui.domain.errors import FleetError, WatcherUnavailable
from tests.tui.stirring import Stirring

NAMED = {"enter": "\r", "tab": "\t", "space": " ", "slash": "/", "colon": ":", "exclamation_mark": "!", "comma": ",",
         "question_mark": "?", "full_stop": ".", "grave_accent": "`", "asterisk": "*", "plus": "+", "minus": "-",
         "left_square_bracket": "[", "right_square_bracket": "]", "left_curly_bracket": "{", "less_than_sign": "<",
         "right_curly_bracket": "}", "greater_than_sign": ">", "left_parenthesis": "(",
         "right_parenthesis": ")"}  # fmt: skip
PLAIN = ("escape", "backspace", "delete", "up", "down", "left", "right", "home", "end", "pageup", "pagedown",
         "shift+tab", "ctrl+d", "ctrl+u", "ctrl+l", "ctrl+p", "ctrl+a", "ctrl+e", "ctrl+k", "ctrl+w", "f1",
         "shift+down", "shift+end")  # fmt: skip
LETTERS = "abcdfghijklmnprstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""All but `q`, which leaves, `o`, which attaches, and `e`, which opens an editor."""
PASTES = ("dev-1", "type:gate since:1h", "two\nlines", "#44", "[red]x[/]", "\u202e\x1b[31m", "x" * 300, "")
WORDS = ("filter", "agent dev-1", "ticket 3", "pr 1", "density large", "theme light", "stop marked", "help", "7", "zz")
SIZES = ((80, 24), (120, 40), (200, 60), (60, 16), (40, 8), (20, 5), (1, 1), (2, 1), (1, 30), (200, 1), (300, 3))
LOOKS = 40
"""So many steps are told of a storm that ended a room."""


class Storm:
    """Each `once` does one thing to a room and to the fleet behind it; ``done`` are the last of them."""

    def __init__(self, world: Any, app: Any, seed: int, *, recorded: bool = False) -> None:
        self._world, self._app = world, app
        self._chance = random.Random(seed)
        self._stir = Stirring(world, seed)
        self._keys = [*LETTERS, *NAMED, *PLAIN, *PLAIN]
        self._usual = dict(world.answers)
        self._recorded = recorded
        self.done: deque[str] = deque(maxlen=LOOKS)

    def once(self) -> None:
        acts: list[tuple[int, Callable[[], str]]] = [
            (10, self._burst), (4, self._screen), (3, self._size), (5, self._row), (1, self._paste), (1, self._typed),
            (1, self._later), (1, self._watcher), (1, self._mouse),
        ]  # fmt: skip
        if self._recorded:  # nothing comes into a recording
            acts = [(weight, act) for weight, act in acts if act not in (self._row, self._later, self._watcher)]
        act = self._chance.choices([act for _, act in acts], [weight for weight, _ in acts])[0]
        self.done.append(f"{act.__name__}: {act()}")

    def _press(self, *names: str) -> str:
        for name in names:
            character = NAMED.get(name, name if len(name) == 1 else None)
            self._app.post_message(events.Key(name, character))
        return " ".join(names)

    def _burst(self) -> str:
        return self._press(*self._chance.choices(self._keys, k=self._chance.randint(1, 25)))

    def _screen(self) -> str:
        keys = self._chance.choice(("1", "2", "3", "4", "5", "6", "7", "8", "w", "escape", "question_mark", "colon"))
        return self._press(keys, *self._chance.choices(self._keys, k=self._chance.randint(0, 4)))

    def _size(self) -> str:
        width, height = self._chance.choice(SIZES)
        if self._chance.random() < 0.3:
            width, height = self._chance.randint(1, 220), self._chance.randint(1, 70)
        size = Size(width, height)
        self._app.post_message(events.Resize(size, size))
        return f"{width}x{height}"

    def _row(self) -> str:
        for _ in range(self._chance.randint(1, 4)):
            self._stir.once()
        self._app.feed.poke()
        return ""

    def _paste(self) -> str:
        text = self._chance.choice(PASTES)
        self._app.post_message(events.Paste(text))
        return repr(text)

    def _typed(self) -> str:
        word = self._chance.choice(WORDS)
        return self._press("colon", *("space" if letter == " " else letter for letter in word), "enter")

    def _later(self) -> str:
        self._world.offset_ns += self._chance.choice((0, 1, 5, 47, 3600)) * 1_000_000_000
        self._app._tick()
        return str(self._world.offset_ns)

    def _watcher(self) -> str:
        """Each question is answered, refused, or of another form."""
        names = self._chance.sample(sorted(self._usual), k=self._chance.randint(0, 3))
        trouble: list[FleetError | dict[str, Any]] = [WatcherUnavailable("no watcher", "nobody", "fleet up"), {}]
        self._world.answers |= self._usual | {name: self._chance.choice(trouble) for name in names}
        return " ".join(names)

    def _mouse(self) -> str:
        width, height = self._app.size
        x, y = self._chance.randrange(max(1, width)), self._chance.randrange(max(1, height))
        for kind in self._chance.choice(((events.MouseDown, events.MouseUp), (events.MouseScrollDown,))):
            self._app.post_message(kind(None, x, y, 0, 0, 1, False, False, False, x, y))
        return f"{x},{y}"


async def stormed(world: Any, app: Any, seed: int, steps: int, *, recorded: bool = False) -> None:
    """``steps`` of a storm over a room that is open. Raises what ended the room, with what had been done to it."""
    storm = Storm(world, app, seed, recorded=recorded)
    for step in range(steps):
        storm.once()
        if step % 3 == 0:
            await asyncio.sleep(0.001 * (step % 7))
        if step % 20 == 0:
            await _taken(app)
        if not app.is_running or app._exception is not None:
            break
    await _taken(app)
    if app._exception is not None:
        app._exception.add_note(f"seed {seed}, last steps:\n" + "\n".join(storm.done))
    assert app.is_running, "\n".join(storm.done)


async def _taken(app: Any) -> None:
    """All that was typed so far has had its effect, or the room is over."""
    async with asyncio.timeout(120):
        while app.is_running and app._exception is None and (app.keyboard.busy or app._message_queue.qsize()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
