"""Where the demos of this user lie, written down so that another terminal finds them: ``fleet --demo``."""

from __future__ import annotations

import contextlib
import fcntl
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

    @classmethod
    def of(cls, place: Path, name: str) -> DemoPlace:
        """All that a demo needs lies in ``place``, also the state that other fleets keep at home."""
        return cls(str(place / name), str(place / "state"), str(place / "run"))

    def enter(self) -> None:
        """Have this process, and all that it starts, find the demo's fleet."""
        os.environ["FLEET_STATE_HOME"] = self.state
        os.environ["FLEET_RUNTIME_DIR"] = self.runtime


def demos(home: Path) -> Path:
    """The directory of their notes below the directory of all fleets."""
    return home / "demos"


@contextlib.contextmanager
def written_down(place: DemoPlace, home: Path, *, keep: bool = False) -> Iterator[None]:
    """Until the end, ``fleet --demo`` of any terminal finds ``place``. ``home``: where all fleets keep their state;
    ``keep``: the place is not removed afterwards, whoever does that."""
    private_directory(demos(home), "state")
    note = demos(home) / f"{os.getpid()}.json"
    fd = os.open(note, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)  # the kernel drops it with this process, however that ends
    told = asdict(place) | {"keep": keep, "directory": _identity(Path(place.repository).parent)}
    os.ftruncate(fd, 0)
    os.write(fd, json.dumps(told).encode())
    try:
        yield
    finally:
        forget(note, home)
        os.close(fd)


def forget(note: Path, home: Path) -> None:
    """A demo leaves nothing: what it was the first to need goes again."""
    note.unlink(missing_ok=True)
    for directory in (demos(home), home):
        with contextlib.suppress(OSError):
            directory.rmdir()


@dataclass(frozen=True, slots=True)
class Leftover:
    """A demo whose process is gone and was given no time to clear up."""

    note: Path
    place: DemoPlace
    keep: bool

    @property
    def directory(self) -> Path:
        return Path(self.place.repository).parent


@contextlib.contextmanager
def leftovers(home: Path) -> Iterator[list[Leftover]]:
    """The demos of this user that died; nobody else clears up after them meanwhile.

    Proved dead by the lock on its note, which the kernel drops with the process: a pid may be another's by now. That
    its directory is still the one that it made is proved by the inode.
    """
    with contextlib.ExitStack() as stack:
        yield [left for note in sorted(demos(home).glob("*.json")) for left in _left(note, stack)]


def _left(note: Path, stack: contextlib.ExitStack) -> Iterator[Leftover]:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        fd = os.open(note, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        stack.callback(os.close, fd)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.fstat(fd).st_nlink:  # it has cleared up itself
            return
        told = json.loads(note.read_text(encoding="utf-8"))
        left = Leftover(note, _place(told), told["keep"] is True)
        if _is_own_file(note) and (not left.directory.exists() or _identity(left.directory) == told["directory"]):
            yield left


def _identity(directory: Path) -> list[int]:
    """What no other directory has at the same time; a link is followed nowhere."""
    info = directory.lstat()
    return [info.st_dev, info.st_ino, info.st_uid] if stat.S_ISDIR(info.st_mode) else []


def _place(told: dict[str, str]) -> DemoPlace:
    return DemoPlace(told["repository"], told["state"], told["runtime"])


def newest() -> DemoPlace | None:
    """The demo that was begun last, of those that are still there."""
    notes = [note for note in demos(state_home()).glob("*.json") if _is_own_file(note)]
    for note in sorted(notes, key=lambda note: note.lstat().st_mtime_ns, reverse=True):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            place = _place(json.loads(note.read_text(encoding="utf-8")))
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
