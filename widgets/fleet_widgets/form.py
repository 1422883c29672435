"""A form in one widget: fields below each other, one line each, and buttons. What is done with it is for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

from textual import events
from textual.strip import Strip

from fleet_widgets.base import LineWidget, WidgetMessage, WidgetOptions
from fleet_widgets.cells import cells, part, plain
from fleet_widgets.lines import BLANK, Line, Span, to_strip

_LONGEST = 400
_STEPS = {"down": 1, "up": -1, "tab": 1, "shift+tab": -1, "enter": 1}


@dataclass(frozen=True, slots=True)
class Field:
    """One line to fill in. With ``choices`` the value is one of them, else it is typed. ``hint`` stands behind it;
    ``problem`` instead, where there is one."""

    key: str
    label: str
    value: str = ""
    hint: str = ""
    choices: tuple[str, ...] = ()
    problem: str = ""


class Form(LineWidget, can_focus=True):
    """Tab and the arrows go through fields and buttons; Enter presses a button, in a field it goes on.

    In a field letters are text. Left and right move in it, or through its choices; Delete empties it.
    """

    @dataclass
    class Changed(WidgetMessage):
        """A field has another value."""

        key: str
        value: str

    @dataclass
    class Left(WidgetMessage):
        """The cursor left a field."""

        key: str

    @dataclass
    class Pressed(WidgetMessage):
        """Enter on a button, or a click on the chosen one."""

        button: str

    @dataclass
    class Out(WidgetMessage):
        """Tab behind the last button (``by`` 1), or back before the first field (-1)."""

        by: int

    def __init__(self, **options: Unpack[WidgetOptions]) -> None:
        super().__init__(**options)
        self._fields: tuple[Field, ...] = ()
        self._buttons: tuple[str, ...] = ()
        self._at = 0
        """Of the fields and then the buttons, the one that has the cursor."""
        self._caret = 0
        self._top = 0
        self._drawn: list[Line] = []
        """What stands on each row, to find the rows that differ."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """What it shows."""
        return self._fields

    @property
    def current(self) -> str:
        """The key of the field, or the button, that has the cursor; empty while there is none."""
        return next(iter(self._keys()[self._at : self._at + 1]), "")

    def set_fields(self, fields: Sequence[Field], buttons: Sequence[str]) -> None:
        """Replace all. The cursor stays with its key, and in its text as far as that goes."""
        if (tuple(fields), tuple(buttons)) == (self._fields, self._buttons):
            return
        before, text = self.current, self._text()
        self._fields, self._buttons = tuple(fields), tuple(buttons)
        keys = self._keys()
        self._at = keys.index(before) if before in keys else min(self._at, max(0, len(keys) - 1))
        if before != self.current or text != self._text():
            self._caret = len(self._text())
        self._redraw()

    def go_to(self, key: str) -> None:
        """Put the cursor on a field or button; an unknown one is ignored."""
        if key in self._keys():
            self._move_to(self._keys().index(key))

    # -- keys --------------------------------------------------------------------------------------------------------

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        """Letters belong to the field that has the cursor."""
        return self._field() is not None and character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """What is the form's own goes no further."""
        if self._press(event.key, event.character):
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Into the field, on one line."""
        event.stop()
        field = self._field()
        if field is not None and not field.choices:
            self._type(field, " ".join(event.text.split()))

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there; on the button that has it, it presses."""
        row = self._top + event.y
        if row < len(self._fields):
            self._move_to(row)
        elif row == len(self._fields) + 1:
            at = self._button_at(event.x)
            if at is not None and at == self._at:
                self._push()
            elif at is not None:
                self._move_to(at)

    def _press(self, key: str, character: str | None) -> bool:
        field = self._field()
        if key == "enter" and field is None:
            self._push()
        elif key in _STEPS:
            self._step(_STEPS[key], leaves=key in ("tab", "shift+tab"))
        elif key == "pagedown":
            self._move_to(len(self._fields))
        elif key == "pageup":
            self._move_to(0)
        elif field is None:
            return self._on_buttons(key)
        elif field.choices:
            return self._choose(field, key, character)
        else:
            return self._edit(field, key, character)
        return True

    def _on_buttons(self, key: str) -> bool:
        by = {"left": -1, "h": -1, "right": 1, "l": 1, "k": -1, "j": 1}.get(key)
        if by is not None:
            self._step(by, leaves=False)
        return by is not None

    def _choose(self, field: Field, key: str, character: str | None) -> bool:
        choices = field.choices
        at = choices.index(field.value) if field.value in choices else -1
        if key in ("left", "right", "space"):
            self._set(field, choices[(at + (-1 if key == "left" else 1)) % len(choices)])
            return True
        if character is None or not character.isprintable():
            return False
        order = [*choices[at + 1 :], *choices[: at + 1]]
        found = next((one for one in order if one.rpartition("/")[2].casefold().startswith(character.casefold())), None)
        if found is not None:
            self._set(field, found)
        return True

    def _edit(self, field: Field, key: str, character: str | None) -> bool:
        text, at = field.value, self._caret
        if key in ("left", "right", "home", "end"):
            self._caret = {"left": max(0, at - 1), "right": min(len(text), at + 1), "home": 0, "end": len(text)}[key]
            self._redraw()
        elif key == "backspace":
            self._caret = max(0, at - 1)
            self._set(field, text[: self._caret] + text[at:])
        elif key == "delete":
            self._caret = 0
            self._set(field, "")
        elif character is not None and character.isprintable():
            self._type(field, character)
        else:
            return False
        return True

    def _type(self, field: Field, text: str) -> None:
        text = text[: _LONGEST - len(field.value)]
        at, self._caret = self._caret, self._caret + len(text)
        self._set(field, field.value[:at] + text + field.value[at:])

    def _set(self, field: Field, value: str) -> None:
        self._fields = tuple(replace(one, value=value) if one.key == field.key else one for one in self._fields)
        self._redraw()
        self.post_message(self.Changed(self, field.key, value))

    def _push(self) -> None:
        self.post_message(self.Pressed(self, self.current))

    # -- moving ------------------------------------------------------------------------------------------------------

    def _step(self, by: int, *, leaves: bool) -> None:
        to = self._at + by
        if 0 <= to < len(self._keys()):
            self._move_to(to)
        elif leaves:
            self._tell_left()
            self.post_message(self.Out(self, by))

    def _move_to(self, at: int) -> None:
        if at != self._at:
            self._tell_left()
            self._at = at
            self._caret = len(self._text())
            self._redraw()

    def _tell_left(self) -> None:
        if self._field() is not None:
            self.post_message(self.Left(self, self.current))

    def _keys(self) -> list[str]:
        return [*(field.key for field in self._fields), *self._buttons]

    def _field(self) -> Field | None:
        return self._fields[self._at] if self._at < len(self._fields) else None

    def _text(self) -> str:
        field = self._field()
        return field.value if field is not None else ""

    # -- drawing -----------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._redraw()
        self.refresh()

    def focus_changed(self) -> None:
        """The cursor shows only where the keys go; with them it leaves the field."""
        self._redraw()
        if not self.has_focus:
            self._tell_left()

    def strip(self, y: int) -> Strip:
        """Row ``y``: a field, or the buttons."""
        return to_strip(self._line(y), self.size.width, self.palette, dim=self.dimmed)

    def _redraw(self) -> None:
        rows, height = len(self._fields) + 2, max(1, self.size.height)
        row = self._at if self._at < len(self._fields) else rows - 1
        self._top = min(max(self._top, row - height + 1, 0), row)
        self._top = min(self._top, max(0, rows - height))
        before, self._drawn = self._drawn, [self._line(y) for y in range(self.size.height)]
        self.refresh_rows(y for y, line in enumerate(self._drawn) if y >= len(before) or before[y] != line)

    def _line(self, y: int) -> Line:
        row = self._top + y
        if row < len(self._fields):
            return self._row(row)
        return self._button_row() if row == len(self._fields) + 1 else BLANK

    def _row(self, at: int) -> Line:
        field, here = self._fields[at], self.has_focus and at == self._at
        wide = max((cells(plain(one.label)) for one in self._fields), default=0)
        label = plain(field.label) + " " * (wide - cells(plain(field.label)))
        sign = Span(self.palette.box.pointer if here else " ", "focus")
        opening, closing = ("<", ">") if field.choices else ("[", "]")
        room = max(8, min(60, self.size.width - wide - 6))
        value = self._value(field, room, here=here)
        told = Span(f"  {field.problem or field.hint}", "warn" if field.problem else "quiet")
        return (
            *(sign, Span(f" {label} ", "focus" if here else "quiet"), Span(opening, "quiet")),
            Span(value, "input" if here else "normal"),
            *(Span(closing, "quiet"), told),
        )

    def _value(self, field: Field, room: int, *, here: bool) -> str:
        """As much of the value as there is room for: the part around the caret."""
        if not here or field.choices:
            return part(plain(field.value), 0, room)
        before, after = plain(field.value[: self._caret]), plain(field.value[self._caret :])
        shown = part(before, max(0, cells(before) - room + 1), room - 1)
        return part(f"{shown}_{after}", 0, room)

    def _button_row(self) -> Line:
        spans: list[Span] = []
        for index, name in enumerate(self._buttons):
            chosen = self.has_focus and self._at == len(self._fields) + index
            sign = self.palette.box.pointer if chosen else " "
            spans += [Span(f"  {sign} ", "focus"), Span(f"( {name} )", "focus" if chosen else "normal")]
        return tuple(spans)

    def _button_at(self, x: int) -> int | None:
        end = 0
        for index, name in enumerate(self._buttons):
            end += cells(plain(name)) + 8
            if x < end:
                return len(self._fields) + index
        return None
