"""Where the demos of this user lie, written down so that another terminal finds them: ``fleet --demo``."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from fleet_tui.paths import FleetPaths, private_directory, state_home

_CLIP = "clip"
"""What was copied last: no file that a person named."""


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """What a terminal must know of a demo: its repository, and what its environment says of the directories."""

    repository: str
    state: str
    runtime: str

    def enter(self) -> None:
        """Have this process, and all that it starts, find the demo's fleet."""
        os.environ["FLEET_STATE_HOME"] = self.state
        os.environ["FLEET_RUNTIME_DIR"] = self.runtime


def demos(home: Path) -> Path:
    """The directory of their notes below the directory of all fleets."""
    return home / "demos"


@contextlib.contextmanager
def written_down(place: DemoPlace, home: Path) -> Iterator[None]:
    """Until the end, ``fleet --demo`` of any terminal finds ``place``. ``home``: where all fleets keep their state."""
    private_directory(demos(home), "state")
    note = demos(home) / f"{os.getpid()}.json"
    note.write_text(json.dumps(asdict(place)), encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)
        for directory in (demos(home), home):  # a demo leaves nothing: what it was the first to need goes again
            with contextlib.suppress(OSError):
                directory.rmdir()


def newest() -> DemoPlace | None:
    """The demo that was begun last, of those that are still there."""
    notes = [note for note in demos(state_home()).glob("*.json") if _is_own_file(note)]
    for note in sorted(notes, key=lambda note: note.lstat().st_mtime_ns, reverse=True):
        with contextlib.suppress(OSError, ValueError, TypeError):
            place = DemoPlace(**json.loads(note.read_text(encoding="utf-8")))
            if (Path(place.repository) / ".fleet").is_dir():
                return place
    return None


def keep_saved(paths: FleetPaths, into: Path) -> list[Path]:
    """Move what a person had the room write down (``:handover``, ``:snapshot``) to ``into``; where it is now.

    Raises:
        OSError: it cannot be written there; what is not told of lies where it was.
    """
    kept = []
    for file in sorted(paths.saved.glob("*")):
        if _is_own_file(file) and file.name != _CLIP:
            kept.append(_unused(into / file.name))
            shutil.move(file, kept[-1])
    return kept


def _unused(wanted: Path) -> Path:
    names = (wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}") for number in range(2, 1000))
    return next((path for path in (wanted, *names) if not path.exists() and not path.is_symlink()), wanted)


def _is_own_file(path: Path) -> bool:
    info = path.lstat()
    return stat.S_ISREG(info.st_mode) and info.st_uid == os.getuid()
