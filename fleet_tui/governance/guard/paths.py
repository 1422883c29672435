"""Where a word of a command may point to, by text alone: nothing is looked up on the disk."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from pathspec import GitIgnoreSpec

from fleet_tui.governance.guard.shell import OPAQUE

_WRITERS = frozenset(
    {"tee", "rm", "rmdir", "touch", "mkdir", "chmod", "chown", "chgrp", "truncate", "shred", "unlink", "mv", "mkfifo"}
)
_COPIERS = frozenset({"cp", "ln", "install", "rsync", "scp"})
_SCRIPTS = frozenset({"-e", "-f", "--expression", "--file"})
_TARGET = (("t", "--target-directory"),)
_TARGETS = {
    **dict.fromkeys(("cp", "mv", "ln", "install"), _TARGET),
    "curl": (("o", "--output"),),
    "wget": (("O", "--output-document"), ("P", "--directory-prefix")),
    "unzip": (("d", "-d"),),
    "tar": (("C", "--directory"),),
}
"""Options that say where a program writes."""
_GREP = frozenset({"-A", "-B", "-C", "-m", "-g", "-t"})
_VALUES = {
    "touch": frozenset({"-r", "-d", "-t", "--reference", "--date"}),
    "truncate": frozenset({"-s", "-r"}),
    **dict.fromkeys(("cp", "mv", "ln", "install"), frozenset({"-t", "--target-directory"})),
    **dict.fromkeys(("grep", "egrep", "fgrep", "rg"), _GREP),
    "sed": _SCRIPTS,
    "perl": _SCRIPTS,
    "ruby": _SCRIPTS,
}
"""Options of programs that take a value which is no operand."""
_EDITS = re.compile(r"-[acdlnpsuwzEr0-9]*i|--in-place")
_SCRIPT = re.compile(r"-[acdlnpsuwzEr0-9]*[ef]$|--(expression|file)")
_RECURSIVE = re.compile(r"-[a-zA-Z]*[rRa]|--(recursive|dereference-recursive|archive)$")
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
    words = argv[1:]
    targets = tuple(value for option in _TARGETS.get(program, ()) for value in _given(words, *option))
    operands = _operands(words, _VALUES.get(program, frozenset()))
    if program in _WRITERS:
        return (*operands, *targets)
    if program in _COPIERS:
        return targets or (operands[-1:] if len(operands) > 1 else ())
    if program in _IN_PLACE and any(_EDITS.match(word) for word in words):
        has_script = any(_SCRIPT.match(word) for word in words)
        return operands if has_script else operands[1:]
    if program == "find" and "-delete" in words:
        return operands[:1] or (".",)
    if program == "dd":
        return tuple(word[3:] for word in words if word.startswith("of="))
    if program == "zip":
        return operands[:1]
    if program == "tar" and not _extracts(words):
        return tuple(word for word in _archives(words) if word != "-")
    return targets


def _extracts(words: tuple[str, ...]) -> bool:
    clusters = (word for at, word in enumerate(words) if at == 0 or word.startswith("-"))
    return any(word in {"--extract", "--get"} or (word[:2] != "--" and "x" in word) for word in clusters)


def _archives(words: tuple[str, ...]) -> Iterator[str]:
    """The archives that ``tar`` writes: ``-cf A``, ``--file=A``, and the old ``cf A``, whose values come in turn."""
    yield from _given(words, "f", "--file")
    cluster = words[0] if words and not words[0].startswith("-") else ""
    values = [letter for letter in cluster if letter in "fbCTX"]
    yield from (value for letter, value in zip(values, words[1:], strict=False) if letter == "f")


def _given(words: tuple[str, ...], letter: str, long: str) -> Iterator[str]:
    """The values of an option in each of its forms: ``-o F``, ``-xoF``, ``--output F``, ``--output=F``."""
    for at, word in enumerate(words):
        if word.startswith(f"{long}="):
            yield word.partition("=")[2]
        elif word == long:
            yield from words[at + 1 : at + 2]
        elif word[:1] == "-" and word[:2] != "--" and letter in word[1:]:
            rest = word[1:].partition(letter)[2]
            yield from (rest,) if rest else words[at + 1 : at + 2]


def searched(program: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The directories of which a well-known program reads all that is in them."""
    words = argv[1:]
    if program == "tar":
        return () if _extracts(words) else (*_given(words, "C", "--directory"), *_operands(words, frozenset()))
    if program not in {"rg", "cp", "grep", "egrep", "fgrep"}:
        return ()
    if program != "rg" and not any(_RECURSIVE.match(word) for word in words):
        return ()
    operands = _operands(words, _VALUES.get(program, frozenset()))
    if program == "cp":
        return operands[:-1]
    return operands[1:] or (".",)


def is_above(directory: str, patterns: Iterable[str], home: str) -> bool:
    """Whether something that one of the anchored patterns names may be below the absolute ``directory``."""
    named = (home + pattern[1:] if pattern.startswith("~/") else pattern for pattern in patterns)
    return any(pattern.startswith("/") and is_inside(pattern, directory) for pattern in named)


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
