"""Reading a configuration file: regular, small, UTF-8, and for a repository's files inside the repository."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from fleet_tui.settings.document import MAX_BYTES, decode
from fleet_tui.settings.problems import ERROR, Problem


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The text of a file, or why there is none. ``missing``: there is no such file."""

    text: str = ""
    problem: Problem | None = None
    missing: bool = False


def read_text(path: Path, shown: str, *, inside: Path | None = None) -> ReadFile:
    """The text of ``path``; ``shown`` is its name in problems; ``inside`` confines it after links are resolved."""
    try:
        # Without O_NONBLOCK a FIFO planted in the file's place would hold the reader for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return _dangling(path, shown)
    except OSError as error:
        return _failed(shown, _words(error), _advice(error, shown))
    try:
        return _read(descriptor, path, shown, inside)
    except OSError as error:
        return _failed(shown, _words(error), _advice(error, shown))
    finally:
        os.close(descriptor)


def _read(descriptor: int, path: Path, shown: str, inside: Path | None) -> ReadFile:
    info = os.fstat(descriptor)
    if stat.S_ISDIR(info.st_mode):
        return _failed(shown, "is a directory", "put a file in its place")
    if not stat.S_ISREG(info.st_mode):
        return _failed(shown, "is not a regular file", "put a regular file in its place")
    if inside is not None and not path.resolve().is_relative_to(inside.resolve()):
        return _failed(shown, "is a link that leads outside the repository", "put the file itself there")
    if info.st_size > MAX_BYTES:
        return _failed(shown, f"is larger than {MAX_BYTES // 1024} KiB", "split off what does not belong there")
    with os.fdopen(os.dup(descriptor), "rb") as file:
        data = file.read(MAX_BYTES + 1)
    text, problem = decode(data[:MAX_BYTES], shown)
    return ReadFile(text, problem)


def _dangling(path: Path, shown: str) -> ReadFile:
    if path.is_symlink():
        return _failed(shown, "is a link to nothing", "put the file itself there")
    return ReadFile(missing=True)


def _failed(shown: str, message: str, hint: str) -> ReadFile:
    return ReadFile(problem=Problem(ERROR, shown, 0, 0, "", message, hint))


def _words(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "may not be read: permission denied"
    return f"cannot be read: {error.strerror or error}"


def _advice(error: OSError, shown: str) -> str:
    return f"chmod u+r {shown}" if isinstance(error, PermissionError) else "check the path"
