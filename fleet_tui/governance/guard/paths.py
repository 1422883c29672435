"""Where a word of a command may point to, by text alone: nothing is looked up on the disk."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from pathspec import GitIgnoreSpec

from fleet_tui.governance.guard.options import given, operands, options
from fleet_tui.governance.guard.targets import TARGETS, targets
from fleet_tui.governance.guard.text import OPAQUE

_SCRIPTS = options("e: f: expression: file: E n r s z p a l w i:: in-place::")
_GREP = options("A: B: C: m: g: t: e f n i v c l L r R w x o q s H h E F P a")
_TAR = options("f: file: C: directory: X: exclude-from: exclude: T: files-from: b: c x t r u z j J v p P O S W k m h")
_TABLES = {
    **dict.fromkeys(("grep", "egrep", "fgrep", "rg"), _GREP),
    **dict.fromkeys(("sed", "perl", "ruby"), _SCRIPTS),
    "cp": TARGETS["cp"].options,
}
_NO_OPTIONS = options("")
_EDITS = re.compile(r"-[acdlnpsuwzEr0-9]*i|--in-place")
_SCRIPT = re.compile(r"-[acdlnpsuwzEr0-9]*[ef]$|--(expression|file)")
_RECURSIVE = re.compile(r"-[a-zA-Z]*[rRa]|--(recursive|dereference-recursive|archive)$")
_ABSOLUTE = re.compile(r"-?[a-zA-Z]*P|--absolute-names$")
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
    """The files and directories that a well-known program writes to, removes or renames."""
    words = argv[1:]
    if program in _IN_PLACE and any(_EDITS.match(word) for word in words):
        has_script = any(_SCRIPT.match(word) for word in words)
        return operands(words, _SCRIPTS)[0 if has_script else 1 :]
    if program == "dd":
        return tuple(word[3:] for word in words if word.startswith("of="))
    if program == "tar":
        return tuple(_tar(words))
    below = (operands(words, _NO_OPTIONS)[:1] or (".",)) if program == "find" and "-delete" in words else ()
    return (*below, *targets(program, words))


def _tar(words: tuple[str, ...]) -> Iterator[str]:
    """The archive that ``tar`` writes, or where it unpacks: anywhere with absolute names."""
    if not _extracts(words):
        yield from (word for word in _archives(words) if word != "-")
        return
    yield from given(words, _TAR, ("-C", "--directory"))
    if any(_ABSOLUTE.match(word) for at, word in enumerate(words) if at == 0 or word[:1] == "-"):
        yield "/"


def _extracts(words: tuple[str, ...]) -> bool:
    clusters = (word for at, word in enumerate(words) if at == 0 or word.startswith("-"))
    return any(word in {"--extract", "--get"} or (word[:2] != "--" and "x" in word) for word in clusters)


def _archives(words: tuple[str, ...]) -> Iterator[str]:
    """The archives that ``tar`` writes: ``-cf A``, ``--file=A``, and the old ``cf A``, whose values come in turn."""
    yield from given(words, _TAR, ("-f", "--file"))
    cluster = words[0] if words and not words[0].startswith("-") else ""
    values = [letter for letter in cluster if letter in "fbCTX"]
    yield from (value for letter, value in zip(values, words[1:], strict=False) if letter == "f")


def searched(program: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The directories of which a well-known program reads all that is in them."""
    words = argv[1:]
    if program == "tar":
        return () if _extracts(words) else (*given(words, _TAR, ("-C", "--directory")), *operands(words, _NO_OPTIONS))
    if program not in {"rg", "cp", "grep", "egrep", "fgrep"}:
        return ()
    if program != "rg" and not any(_RECURSIVE.match(word) for word in words):
        return ()
    found = operands(words, _TABLES[program])
    if program == "cp":
        return found[:-1]
    return found[1:] or (".",)


def is_above(directory: str, patterns: Iterable[str], home: str) -> bool:
    """Whether something that one of the anchored patterns names may be below the absolute ``directory``."""
    named = (home + pattern[1:] if pattern.startswith("~/") else pattern for pattern in patterns)
    return any(pattern.startswith("/") and is_inside(pattern, directory) for pattern in named)


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
