"""Where a word of a command may point to, by text alone: nothing is looked up on the disk."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from pathspec import GitIgnoreSpec

from fleet_tui.governance.guard.shell import OPAQUE

_WRITERS = frozenset(
    {"tee", "rm", "rmdir", "touch", "mkdir", "chmod", "chown", "chgrp", "truncate", "shred", "unlink", "mv"}
)
_COPIERS = frozenset({"cp", "ln", "install", "rsync", "scp"})
_VALUES = {"touch": frozenset({"-r", "-d", "-t", "--reference", "--date"}), "truncate": frozenset({"-s", "-r"})}
"""Options of writers that take a value."""
_IN_PLACE = frozenset({"sed", "perl", "ruby"})


def places(word: str, cwds: Iterable[str], home: str) -> Iterator[str]:
    """Absolute forms of a path as it may be meant, one for each directory that the line may stand in.

    An unknown beginning (``$HOME/.ssh``) is taken for the home directory and for each of ``cwds``.
    """
    if is_anywhere(word):
        rest = word.lstrip(OPAQUE).lstrip("/")
        yield posixpath.normpath(posixpath.join(home, rest))
        for cwd in cwds:
            yield posixpath.normpath(posixpath.join(cwd, rest))
    elif word == "~" or word.startswith("~/"):
        yield posixpath.normpath(home + word[1:])
    elif word.startswith("/"):
        yield posixpath.normpath("/" + word.lstrip("/"))
    else:
        for cwd in cwds:
            yield posixpath.normpath(posixpath.join(cwd, word))


def is_anywhere(word: str) -> bool:
    """Whether the beginning of a path is known only when the line runs."""
    return word.startswith(OPAQUE)


def forms(path: str, workspace: str, home: str) -> tuple[str, ...]:
    """The absolute ``path`` as patterns may name it: absolute, below ``~``, and below the workspace."""
    found = [path]
    for base, mark in ((home, "~"), (workspace, "")):
        if base and (path == base or path.startswith(base + "/")):
            found.append((mark + path[len(base) :]).lstrip("/") or ".")
    return tuple(found)


def is_inside(path: str, directory: str) -> bool:
    """Whether the absolute, normal ``path`` is ``directory`` or below it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def matcher(patterns: Iterable[str]) -> GitIgnoreSpec:
    """A matcher of gitignore-style patterns that ignores case, as many file systems do."""
    return GitIgnoreSpec.from_lines(pattern.lower() for pattern in patterns)


def matches(spec: GitIgnoreSpec, path: str, workspace: str, home: str) -> bool:
    """Whether one of the forms of ``path`` matches."""
    return any(spec.match_file(form.lstrip("/").lower()) for form in forms(path, workspace, home))


def written(program: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The operands that a well-known program writes to, removes or renames."""
    operands = _operands(argv[1:], _VALUES.get(program, frozenset()))
    if program in _WRITERS:
        return operands
    if program in _COPIERS:
        return operands[-1:] if len(operands) > 1 else ()
    if program in _IN_PLACE and any(word.startswith(("-i", "--in-place")) for word in argv[1:]):
        return operands[1:]
    if program == "dd":
        return tuple(word[3:] for word in argv[1:] if word.startswith("of="))
    if program in {"curl", "wget"}:
        return tuple(argv[at + 1] for at, word in enumerate(argv[:-1]) if word in {"-o", "-O", "--output"})
    return ()


def _operands(words: Iterable[str], values: frozenset[str]) -> tuple[str, ...]:
    """What is no option and no value of one."""
    rest = iter(words)
    found: list[str] = []
    for word in rest:
        if word == "--":
            found += rest
        elif word in values:
            next(rest, "")
        elif not word.startswith("-") or word == "-":
            found.append(word)
    return tuple(found)


def mentioned(argv: tuple[str, ...]) -> Iterator[str]:
    """Every argument as a path: itself, and what follows ``=``, ``@`` or ``:`` in it."""
    for word in argv[1:]:
        yield word
        for sign in "=@:":
            head, found, tail = word.partition(sign)
            if found and tail and head:
                yield tail
            if found and not head and tail:
                yield tail
