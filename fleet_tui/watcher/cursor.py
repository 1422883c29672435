"""How far the event log has been scanned for subscriptions; losing it can only skip a scan, never repeat a run."""

from __future__ import annotations

from pathlib import Path


class Cursor:
    """A sequence number in a small file, replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._value: int | None = None

    def read(self, default: int) -> int:
        """The stored position; ``default`` when there is none yet (which is then stored)."""
        if self._value is None:
            try:
                self._value = int(self._path.read_text())
            except (OSError, ValueError):
                self.write(default)
        return default if self._value is None else self._value

    def write(self, position: int) -> None:
        if position != self._value:
            temporary = self._path.with_suffix(".tmp")
            temporary.write_text(str(position))
            temporary.replace(self._path)
            self._value = position
