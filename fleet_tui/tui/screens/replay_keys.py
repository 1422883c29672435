"""The keys that move through a recording, on every screen."""

from __future__ import annotations

from collections.abc import Callable

from fleet_tui.tui.replay import Replay
from fleet_tui.tui.said import Said
from fleet_tui.tui.screens.places import Places


class ReplayKeys(Places):
    """A subclass draws with ``tick``."""

    said: Said | None = None
    """What the message line says, until the screen is left."""

    def tick(self) -> None:
        """Everything that time alone changes."""
        raise NotImplementedError

    def do_replay_pause(self) -> None:
        self._replayed(lambda replay: replay.pause())

    def do_replay_back(self) -> None:
        self._replayed(lambda replay: replay.jump(-1))

    def do_replay_on(self) -> None:
        self._replayed(lambda replay: replay.jump(1))

    def do_replay_slower(self) -> None:
        self._replayed(lambda replay: replay.change_speed(-1))

    def do_replay_faster(self) -> None:
        self._replayed(lambda replay: replay.change_speed(1))

    def _replayed(self, what: Callable[[Replay], None]) -> None:
        replay = self.room.context.replay
        if replay is not None:
            what(replay)
            replay.advance(self.room)
            self.said = None
            self.tick()
