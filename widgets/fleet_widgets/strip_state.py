"""What a confirmation strip does with keys: a pure state machine, so that "no key sequence acts by accident" can be
tested.

Keys are Textual's names (``enter``, ``tab``, ``escape``, ``backspace``, ``a``); times are seconds on any one
monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from fleet_widgets.lines import Line

Confirm = Literal["y", "yes", "last4", "text", "reason"]
Reason = Literal["none", "optional", "required"]
Field = Literal["reason", "typed", "act", "changed"]
Why = Literal["key", "empty", "escape", "changed", "replaced", "blur"]

ARM_S = 0.3
_MAX_TYPED, _MAX_REASON = 64, 500


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text that is being typed would mean; ``ok`` False when it cannot be confirmed as it is."""

    text: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class StripRequest:
    """What is asked.

    ``confirm``: `y` one key; `yes` type the word; `last4` type ``expected``, the last four of a commit; `text` type
    ``expected`` (a name, a count); `reason` Enter behind the reason itself, for what changes nothing but one's own
    books. ``opening_key`` opened the strip and never confirms. ``presets`` are reasons on
    keys 1-5. ``passes`` are keys handed to the screen while the strip stays open (`]` next unseen file, `d` what
    changed). ``label`` names the first field where it is no reason; ``reads`` tells below it what its text would
    mean. ``id`` is free for the caller and comes back in the messages. ValueError when a request could not be
    confirmed safely.
    """

    title: str
    lines: tuple[Line, ...]
    confirm: Confirm = "y"
    expected: str = ""
    reason: Reason = "none"
    opening_key: str = ""
    presets: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()
    label: str = "reason"
    reads: Callable[[str], Reading] | None = None
    verb: str = "confirm"
    id: str = ""

    def __post_init__(self) -> None:
        """Refuse what would make an accident possible."""
        if self.confirm == "y" and self.opening_key == "y":
            raise ValueError("a strip opened by y cannot be confirmed by y")
        if self.confirm in ("last4", "text") and not self.expected.strip():
            raise ValueError(f"confirm={self.confirm!r} needs the expected text")
        if self.confirm == "last4" and len(self.expected) != 4:
            raise ValueError("confirm='last4' needs exactly four characters")
        if self.confirm == "reason" and self.reason != "required":
            raise ValueError("confirm='reason' needs a required reason")

    @property
    def word(self) -> str:
        """What must be typed; empty for a one-key strip."""
        return {"y": "", "reason": "", "yes": "yes"}.get(self.confirm, self.expected.strip())

    @property
    def how(self) -> str:
        """What confirms in the last field."""
        return f"{self.word} and Enter" if self.word else "y"

    @property
    def fields(self) -> tuple[Field, ...]:
        """The places Tab goes through; the last one confirms, and it is the first to have the keys where a reason may
        stay away."""
        if self.confirm == "reason":
            return ("reason",)
        last: Field = "typed" if self.word else "act"
        return (last,) if self.reason == "none" else ("reason", last)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The strip ends (`confirmed`, `cancelled` with ``why``) or hands ``key`` on (`passed`)."""

    kind: Literal["confirmed", "cancelled", "passed"]
    why: Why = "key"
    key: str = ""


@dataclass(slots=True)
class StripState:
    """One open strip. ``armed_at`` is None until it was painted; of the keys before that instant only Escape and the
    text of a reason count."""

    request: StripRequest
    armed_at: float | None = None
    field: Field = field(init=False)
    reason: str = ""
    typed: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Begin with the reason only where there must be one: else the strip is ready to be confirmed."""
        self.field = self.request.fields[0 if self.request.reason == "required" else -1]

    @property
    def reading(self) -> Reading | None:
        """What the text of the first field means; None where nothing is read from it, or it is empty."""
        return self.request.reads(self.reason) if self.request.reads and self.reason.strip() else None

    def painted(self, now: float) -> None:
        """The strip is on screen since ``now``."""
        if self.armed_at is None:
            self.armed_at = now + ARM_S

    def invalidate(self, text: str) -> None:
        """The object changed: nothing can be confirmed any more, and keys count only after this was painted."""
        self.field, self.note, self.armed_at = "changed", text, None

    def press(self, key: str, character: str | None, time: float) -> Outcome | None:
        """What a key pressed at ``time`` brings about; None: the strip stays open."""
        if key == "escape":
            return Outcome("cancelled", "changed" if self.field == "changed" else "escape")
        if self.armed_at is None or time < self.armed_at:
            self._type_ahead(key, character)
            return None
        self.note = self.note if self.field == "changed" else ""
        if key in self.request.passes and (self.field != "reason" or not self.reason):
            return Outcome("passed", key=key)
        match self.field:
            case "changed":
                return Outcome("cancelled", "changed")
            case "act":
                return self._act(key)
            case "typed":
                return self._type(key, character)
            case "reason":
                return self._explain(key, character)

    def _type_ahead(self, key: str, character: str | None) -> None:
        """Text that comes with the opening key goes into a reason, where it confirms nothing; all else is dropped."""
        if self.field == "reason" and key not in ("tab", "shift+tab", "enter"):
            self._explain(key, character)

    def _act(self, key: str) -> Outcome | None:
        if key in ("tab", "shift+tab") and len(self.request.fields) > 1:
            self.field = "reason"
            return None
        # Enter alone never acts; after a reason was written and Tab pressed it is no longer alone.
        if key == "y" or (key == "enter" and self.reason.strip()):
            return self._confirm()
        return Outcome("cancelled", "key")

    def _type(self, key: str, character: str | None) -> Outcome | None:
        if key in ("tab", "shift+tab"):
            self.field = self.request.fields[0]
        elif key != "enter":
            self.typed = _edited(self.typed, key, character, _MAX_TYPED)
        elif not self.typed.strip():
            return Outcome("cancelled", "empty")
        elif self.typed.strip() == self.request.word:
            return self._confirm()
        else:
            self.note = f"this is not {self.request.word}"
        return None

    def _explain(self, key: str, character: str | None) -> Outcome | None:
        if key in ("tab", "shift+tab"):
            self.field = self.request.fields[-1]
        elif key == "enter":
            if self.request.confirm == "reason":
                return self._confirm() if self.reason.strip() else Outcome("cancelled", "empty")
            # It neither confirms nor cancels here: whoever leaves a reason out is told what confirms.
            self.note = f"Tab goes on, then {self.request.how}"
        elif not self.reason and character in tuple("12345")[: len(self.request.presets)]:
            self.reason = self.request.presets[int(character or "1") - 1]
        else:
            self.reason = _edited(self.reason, key, character, _MAX_REASON)
        return None

    def _confirm(self) -> Outcome | None:
        if self.request.reason == "required" and not self.reason.strip():
            self.field, self.note = "reason", f"{_article(self.request.label)} is needed"
            return None
        reading = self.reading
        if reading is not None and not reading.ok:
            self.field, self.note = "reason", reading.text
            return None
        return Outcome("confirmed")


def _edited(text: str, key: str, character: str | None, limit: int) -> str:
    if key == "backspace":
        return text[:-1]
    if character is not None and character.isprintable() and len(text) < limit:
        return text + character
    return text


def _article(label: str) -> str:
    return f"{'an' if label[:1] in 'aeiou' else 'a'} {label}"
