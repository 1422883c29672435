"""The one place where an act is confirmed: nothing happens by a key typed ahead, by repeat, by Enter or by Space alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.message import Message

from fleet_widgets.base import LineWidget
from fleet_widgets.lines import Line

Confirm = Literal["y", "yes", "last4", "text"]
Reason = Literal["none", "optional", "required"]
ARM_S = 0.3


@dataclass(frozen=True, slots=True)
class StripRequest:
    """What is asked. ``confirm``: `y` one key; `yes` type the word; `last4` type ``expected`` (four characters);
    `text` type ``expected`` (a name, a count). ``opening_key`` never confirms. ``presets`` are reasons on keys 1-5."""

    title: str
    lines: tuple[Line, ...]
    confirm: Confirm = "y"
    expected: str = ""
    reason: Reason = "none"
    opening_key: str = ""
    presets: tuple[str, ...] = ()
    verb: str = "confirm"
    id: str = ""
    """Free for the caller: comes back in the messages."""


class ConfirmStrip(LineWidget, can_focus=True):
    """Hidden until `ask`; takes and traps the focus, gives it back when it ends. Its height is ``size`` of the request."""

    request: StripRequest | None

    @dataclass
    class Confirmed(Message):
        strip: ConfirmStrip
        request: StripRequest
        reason: str

    @dataclass
    class Cancelled(Message):
        """``why``: `key`, `empty`, `escape`, `changed`, `replaced`, `blur`."""

        strip: ConfirmStrip
        request: StripRequest
        why: str

    def ask(self, request: StripRequest) -> None:
        """Show the strip. An open one is cancelled first (why `replaced`)."""

    def invalidate(self, text: str) -> None:
        """The object changed: the strip shows ``CHANGED while you looked: text`` and can only be closed."""

    def cancel(self, why: str = "escape") -> None: ...
