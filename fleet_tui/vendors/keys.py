"""What a terminal sends, as keys: bracketed pastes, text, Enter, Escape, Ctrl-C."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal

_PASTE_START, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])")
_CONTROLS: dict[int, KeyName] = {
    0x03: "interrupt", 0x0A: "newline", 0x0D: "enter", 0x08: "backspace", 0x7F: "backspace",
}  # fmt: skip

KeyName = Literal["text", "paste", "enter", "newline", "escape", "interrupt", "backspace"]


@dataclass(frozen=True, slots=True)
class Key:
    name: KeyName
    text: str = ""


class KeyDecoder:
    """Bytes in, in any pieces; keys out. Sequences that mean nothing here are dropped."""

    def __init__(self) -> None:
        self._waiting = b""
        self._text = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> list[Key]:
        """The keys that are complete with ``data``."""
        self._waiting += data
        keys: list[Key] = []
        while self._waiting:
            key, used = self._next()
            if used == 0:
                break
            self._waiting = self._waiting[used:]
            if key is not None:
                keys.append(key)
        return keys

    def flush(self) -> list[Key]:
        """Called when nothing followed for a moment: an escape byte that stands alone is the Escape key."""
        if self._waiting != b"\x1b":
            return []
        self._waiting = b""
        return [Key("escape")]

    def _next(self) -> tuple[Key | None, int]:
        """The key at the front, if it is one, and the bytes used; 0 bytes when more are needed."""
        data = self._waiting
        if data.startswith(_PASTE_START):
            end = data.find(_PASTE_END)
            if end < 0:
                return None, 0
            text = data[len(_PASTE_START) : end].decode("utf-8", "replace")
            return Key("paste", text.replace("\r\n", "\n").replace("\r", "\n")), end + len(_PASTE_END)
        if data[0] == 0x1B:
            return self._escape(data)
        if data[0] in _CONTROLS:
            return Key(_CONTROLS[data[0]]), 1
        if data[0] < 0x20:
            return None, 1
        end = next((index for index, byte in enumerate(data) if byte < 0x20 or byte == 0x7F), len(data))
        text = self._text.decode(data[:end])
        return (Key("text", text) if text else None), end

    def _escape(self, data: bytes) -> tuple[Key | None, int]:
        match = _SEQUENCE.match(data)
        if match:
            return None, match.end()
        if len(data) == 1 or (data[1:2] == b"[" and len(data) < 32):
            return None, 0
        return Key("escape"), 1


class InputBox:
    """The line that is being written. A long paste is shown by its size, as vendors do."""

    def __init__(self) -> None:
        self.text = ""
        self._folded = ""

    def press(self, key: Key) -> str | None:
        """Apply ``key``; the text when it was submitted, which empties the box."""
        if key.name == "enter":
            submitted, self.text, self._folded = self.text, "", ""
            return submitted if submitted.strip() else None
        if key.name == "paste":
            lines = key.text.count("\n")
            self._folded = f"[Pasted text +{lines} lines]" if lines > 3 else ""
        self.text += "\n" if key.name == "newline" else key.text
        if key.name == "backspace":
            self.text, self._folded = self.text[:-1], ""
        return None

    @property
    def shown(self) -> str:
        return self._folded or self.text.replace("\n", " ")
