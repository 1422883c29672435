"""What a person set in the room and finds again the next time, per project: a small file beside the fleet's state."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, get_args

from fleet_widgets.wall_layout import Density

DENSITIES: tuple[Density, ...] = get_args(Density)
_MOST_BYTES = 65_536


def density_of(remembered: Remembered) -> Density:
    """How large a person wanted the tiles of the wall last."""
    wanted = remembered.get("density")
    return next((density for density in DENSITIES if density == wanted), "auto")


class Remembered:
    """``path`` is the file; None remembers nothing. A file that cannot be read holds nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def get(self, name: str) -> str:
        """What was set under ``name``; empty when nothing was."""
        value = self._read().get(name)
        return value if isinstance(value, str) else ""

    def set(self, name: str, value: str) -> None:
        """Remember ``value``; an empty one is forgotten."""
        values = self._read()
        if self._path is None or values.get(name, "") == value:
            return
        values = {**values, name: value} if value else {key: old for key, old in values.items() if key != name}
        draft = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            draft.write_text(json.dumps(values, indent=1), encoding="utf-8")
            draft.replace(self._path)
        except OSError:
            draft.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        if self._path is None:
            return {}
        try:
            with self._path.open("rb") as file:
                values = json.loads(file.read(_MOST_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return values if isinstance(values, dict) else {}
