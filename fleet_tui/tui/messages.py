"""Messages that travel inside the room."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from fleet_tui.readmodel.values import Picture


@dataclass
class PictureArrived(Message):
    """From the feed's thread. Only the newest one matters."""

    picture: Picture

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, PictureArrived)
