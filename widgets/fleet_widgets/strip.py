"""The one place where an act is confirmed: nothing happens by a key typed ahead, or by Enter or Space alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Unpack

from textual import events
from textual._time import get_time  # the clock that stamps key events; no public name gives it
from textual.strip import Strip
from textual.widget import Widget

from fleet_widgets.base import LineWidget, WidgetMessage, WidgetOptions
from fleet_widgets.lines import BLANK, Line, to_strip
from fleet_widgets.strip_rows import body_rows, foot_rows, title_row
from fleet_widgets.strip_state import ARM_S, Confirm, Outcome, Reading, Reason, StripRequest, StripState, Why

__all__ = [
    "ARM_S",
    "Confirm",
    "ConfirmStrip",
    "Reading",
    "Reason",
    "StripRequest",
    "Why",
]  # the value types belong here

_SHARE = 0.6  # of the screen: what is decided about stays in view
_SCROLL = {"up": -1, "down": 1, "pageup": -5, "pagedown": 5}


class ConfirmStrip(LineWidget, can_focus=True):
    """Hidden until :meth:`ask`. Takes the focus and all keys, gives the focus back when it ends.

    ``clock`` is for tests; it must run like the times of key events.
    """

    DEFAULT_CSS = """
    ConfirmStrip { display: none; height: auto; }
    """

    @dataclass
    class Confirmed(WidgetMessage):
        """The person did what the request asked for."""

        request: StripRequest
        reason: str

    @dataclass
    class Cancelled(WidgetMessage):
        """Nothing is to be done. ``why``: `key`, `empty`, `escape`, `changed`, `replaced` or `blur`."""

        request: StripRequest
        why: Why

    @dataclass
    class Passed(WidgetMessage):
        """A key of ``request.passes`` was pressed; the strip stays open."""

        request: StripRequest
        key: str

    def __init__(self, *, clock: Callable[[], float] = get_time, **options: Unpack[WidgetOptions]) -> None:
        super().__init__(**options)
        self._clock = clock
        self._state: StripState | None = None
        self._before: Widget | None = None
        self._body: list[Line] = []
        self._foot: list[Line] = []
        self._offset_rows = 0
        self._wrapped_at = 0

    @property
    def request(self) -> StripRequest | None:
        """What is being asked; None while hidden."""
        return self._state.request if self._state else None

    @property
    def armed(self) -> bool:
        """Whether a key pressed now counts."""
        armed_at = self._state.armed_at if self._state else None
        return armed_at is not None and get_time() >= armed_at

    def ask(self, request: StripRequest) -> None:
        """Show the strip and take the focus. One that is open is cancelled first (`replaced`)."""
        before = self.screen.focused if self._state is None else self._before
        self.cancel("replaced")
        self._before = before
        self._state, self._offset_rows = StripState(request), 0
        self.display = True
        self._lay_out(self.size.width or self.app.size.width)
        self.screen.set_focus(self)

    def invalidate(self, text: str) -> None:
        """The object changed: the strip shows ``CHANGED while you looked: text`` and can only be closed."""
        if self._state is not None:
            self._state.invalidate(text)
            self._offset_rows = 0
            self._lay_out(self.size.width)

    def cancel(self, why: Why = "escape") -> None:
        """Close without acting; nothing when hidden."""
        if self._state is not None:
            request = self._close()
            self.post_message(self.Cancelled(self, request, why))

    # --- keys ----------------------------------------------------------------------------------------------------

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        """All keys belong to an open strip, so bindings (even priority ones) leave them alone."""
        return self._state is not None

    def on_key(self, event: events.Key) -> None:
        """Hand the key to the state machine with the time at which it was pressed."""
        if self._state is None:
            return
        event.stop()
        event.prevent_default()
        if event.key in _SCROLL and self._overflow() > 0:
            self._scroll(_SCROLL[event.key])
            return
        outcome = self._state.press(event.key, event.character, event.time)
        if outcome is None:
            self._lay_out(self.size.width)
        else:
            self._end(outcome)

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text never confirms and never cancels."""
        event.stop()
        event.prevent_default()

    def focus_changed(self) -> None:
        """Keys count only after the strip was painted with the focus. Focus that went elsewhere in the room cancels; a
        terminal that lost the focus keeps the strip."""
        if self._state is None:
            return
        if self.has_focus:
            self._state.armed_at = None
            self.refresh()
        elif self.app.app_focus and self.screen.focused is not self:
            self.cancel("blur")

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self._scroll(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self._scroll(-1)

    def _end(self, outcome: Outcome) -> None:
        if self._state is None:
            return
        if outcome.kind == "passed":
            self.post_message(self.Passed(self, self._state.request, outcome.key))
        elif outcome.kind == "cancelled":
            self.cancel(outcome.why)
        else:
            reason = self._state.reason.strip()
            request = self._close()
            self.post_message(self.Confirmed(self, request, reason))

    def _close(self) -> StripRequest:
        """Hide, give the focus back; the request that was open."""
        if self._state is None:
            raise RuntimeError("the strip is not open")
        request, before = self._state.request, self._before
        self._state, self._before = None, None
        if self.screen.focused is self:
            self.screen.set_focus(before if before is not None and before.is_attached else None)
        self.display = False
        return request

    # --- drawing -------------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Lines wrap at another width."""
        if event.size.width != self._wrapped_at:
            self._lay_out(event.size.width)

    def restyled(self) -> None:
        """Rules and signs depend on the palette."""
        self._lay_out(self.size.width)

    def strip(self, y: int) -> Strip:
        """Row ``y``: title, as much of the body as fits, the fields and hints."""
        if self._state is not None and self._state.armed_at is None and y == 0:
            # Only painting arms the strip: what was never on screen can never be confirmed.
            self.call_after_refresh(self._painted, self._state)
        return to_strip(self._row(y), self.size.width, self.palette)

    def _painted(self, state: StripState) -> None:
        if state is self._state and state.armed_at is None:
            state.painted(self._clock())
            self.set_timer(ARM_S, self._tell_armed)

    def _tell_armed(self) -> None:
        self.refresh_rows([0])

    def _row(self, y: int) -> Line:
        if self._state is None:
            return BLANK
        if y == 0:
            more = f"{self._overflow()} more lines: down, up" if self._overflow() > 0 else ""
            return title_row(self._state, self.palette.box, more, armed=self.armed)
        room = max(0, self.size.height - 1 - len(self._foot))
        if y <= room:
            at = self._offset_rows + y - 1
            return self._body[at] if at < len(self._body) else BLANK
        at = y - 1 - room
        return self._foot[at] if at < len(self._foot) else BLANK

    def _lay_out(self, width: int) -> None:
        if self._state is None:
            return
        self._wrapped_at = width
        self._body = body_rows(self._state, width)
        self._foot = foot_rows(self._state, width)
        most = max(2 + len(self._foot), int(self.app.size.height * _SHARE))
        self.styles.height = min(most, 1 + len(self._body) + len(self._foot))
        self._scroll(0)
        self.refresh()

    def _overflow(self) -> int:
        """Rows of the body that do not fit."""
        return len(self._body) - max(0, self.size.height - 1 - len(self._foot))

    def _scroll(self, rows: int) -> None:
        offset = min(max(0, self._offset_rows + rows), max(0, self._overflow()))
        if offset != self._offset_rows:
            self._offset_rows = offset
            self.refresh()
