"""What an ended run showed last: text that the watcher kept as evidence. It is a picture, not a fact."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.domain.text import SafeText, clean

_MOST_BYTES = 200_000


def read_output(path: Path) -> tuple[SafeText, ...] | None:
    """The lines kept at ``path`` (``FleetPaths.run_output``), clean, oldest first; None when nothing was kept.

    Raises:
        OSError: they are there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    return tuple(SafeText(line) for line in clean(data.decode("utf-8", "replace")).splitlines())
