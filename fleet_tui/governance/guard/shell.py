"""What a shell line runs, from its syntax tree: commands with their words unquoted, and where they read and write.

The tree is that of shfmt (``shfmt --to-json``). Words that only the running shell knows (``$VAR``, ``$(...)``, globs)
hold ``OPAQUE`` where the unknown part is, and ``GLOB`` where it is names of files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet_tui.governance.guard.directories import HERE, Place
from fleet_tui.governance.guard.text import GLOB, OPAQUE, is_unknown

Node = Mapping[str, Any]
_WRITING = frozenset({">", ">>", "&>", "&>>", ">|", "<>", ">&"})
_READING = frozenset({"<", "<>"})
_HERE = frozenset({"<<", "<<-"})
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}
_ANSI_C = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c.|.)", re.DOTALL)
_UNQUOTED = re.compile(r"\\(.)|([*?\[])|(\{(?!\}))", re.DOTALL)
_IN_DOUBLE_QUOTES = re.compile(r'\\([$`"\\\n])')


@dataclass(frozen=True, slots=True)
class Command:
    """One program with its arguments. ``stdin`` is the text it reads from a here-document, where that is known."""

    argv: tuple[str, ...]
    environment: tuple[str, ...] = ()
    """Names of variables set for it."""
    assigned: tuple[tuple[str, str], ...] = ()
    """Those variables with their values."""
    writes: tuple[str, ...] = ()
    """Targets of its redirections."""
    reads: tuple[str, ...] = ()
    piped: bool = False
    """Whether its input comes from a pipe or a here-document."""
    stdin: str | None = None
    places: tuple[Place, ...] = HERE
    """Where it may run, from where the line began."""
    substituted: bool = False
    """Whether one of its arguments is what another program puts out (``<(...)``)."""
    fed: bool = False
    """Whether it gets more arguments from its input."""

    @property
    def unknown(self) -> bool:
        """Whether a part of its arguments is known only when it runs."""
        return self.fed or any(is_unknown(word) for word in self.argv)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Every command of a line in the order in which it is written; ``problem`` says why that may not be all."""

    commands: tuple[Command, ...]
    problem: str = ""


Parse = Callable[[str], Parsed]
"""Parses one line. What governance decides on is handed to it; it starts no parser itself."""


@dataclass(frozen=True, slots=True)
class Around:
    """What holds for a node because of those around it."""

    piped: bool = False
    redirects: tuple[Node, ...] = ()


def command_of(node: Node, around: Around, places: tuple[Place, ...]) -> Command:
    """A simple command, or a redirection without one."""
    piped, redirects = around.piped, (*around.redirects, *node.get("Redirs", ()))
    argv = words(node)
    assigned = _assigned(node.get("Assigns", ()))
    # What a variable is set to may be the name of a file that is read by it.
    writes, reads = [], [value for assign in node.get("Assigns", ()) for value in _values(assign)]
    stdin: str | None = None
    for redirect in redirects:
        operator, target = redirect.get("Op"), _word(redirect.get("Word") or {})
        if operator in _HERE:
            stdin, piped = _here_document(redirect), True
        elif operator == "<<<":
            stdin, piped = target, True
        elif not (operator == ">&" and (target.isdecimal() or target == "-")):
            writes += [target] * (operator in _WRITING)
            reads += [target] * (operator in _READING)
    substituted = any(
        part.get("Type") == "ProcSubst" for word in node.get("Args", ()) for part in word.get("Parts", ())
    )
    names = tuple(name for name, _ in assigned)
    return Command(argv, names, assigned, tuple(writes), tuple(reads), piped, stdin, places, substituted)


def named(node: Node) -> Command:
    """What ``export``, ``declare`` and ``for`` give names to."""
    if node.get("Type") == "ForClause":
        loop = node.get("Loop") or {}
        return Command((), reads=tuple(_word(word) for word in loop.get("Items") or ()))
    named = [assign for assign in node.get("Args", ()) if assign.get("Name")]
    assigned = _assigned(named)
    names = tuple(name for name, _ in assigned)
    return Command((), names, assigned, reads=tuple(value for one in named for value in _values(one)))


def _assigned(assigns: Sequence[Node]) -> tuple[tuple[str, str], ...]:
    return tuple((_name(assign), "".join(_values(assign))) for assign in assigns)


def _values(assign: Node) -> Iterator[str]:
    elements = (assign.get("Array") or {}).get("Elems") or ()
    for word in (assign.get("Value"), *(element.get("Value") for element in elements)):
        if word:
            yield _word(word)


def words(call: Node) -> tuple[str, ...]:
    """The arguments of a simple command, unquoted."""
    return tuple(_word(word) for word in call.get("Args", ()))


def _here_document(redirect: Node) -> str:
    """Its text. Nothing is replaced in it when a part of the delimiter is quoted."""
    delimiter = (redirect.get("Word") or {}).get("Parts", ())
    quoted = any(part.get("Type") != "Lit" or "\\" in str(part.get("Value", "")) for part in delimiter)
    parts = (redirect.get("Hdoc") or {}).get("Parts", ())
    return "".join(str(part.get("Value", "")) if quoted else _double_quoted(part) for part in parts)


def _name(assign: Node) -> str:
    name = assign.get("Name") or {}
    return str(name.get("Value", OPAQUE))


def _word(word: Node) -> str:
    """The word as the program will get it."""
    text = "".join(_parts(word.get("Parts", ())))
    return "[" if text == GLOB and _is_bracket(word) else text


def _is_bracket(word: Node) -> bool:
    """Whether it is the program of ``[ -f x ]``, which stands for no name of a file."""
    return [part.get("Value") for part in word.get("Parts", ())] == ["["]


def _parts(parts: Sequence[Node]) -> Iterator[str]:
    for part in parts:
        kind, value = part.get("Type"), str(part.get("Value", ""))
        if kind == "Lit":
            yield _UNQUOTED.sub(_unquote, value)
        elif kind == "SglQuoted":
            yield _ANSI_C.sub(_ansi_c, value) if part.get("Dollar") else value
        elif kind == "DblQuoted":
            yield from map(_double_quoted, part.get("Parts", ()))
        else:
            yield OPAQUE


def _double_quoted(part: Node) -> str:
    if part.get("Type") != "Lit":
        return OPAQUE
    return _IN_DOUBLE_QUOTES.sub(lambda match: match.group(1).strip("\n"), str(part.get("Value", "")))


def _unquote(match: re.Match[str]) -> str:
    if match.group(1):
        return match.group(1).strip("\n")
    return GLOB if match.group(2) else OPAQUE


def _ansi_c(match: re.Match[str]) -> str:
    code = match.group(1)
    if code[0] in "xuU" and len(code) > 1:
        return _character(int(code[1:], 16))
    if code[0] in "01234567":
        return _character(int(code, 8))
    return _ESCAPES.get(code, code)


def _character(code: int) -> str:
    return chr(code) if code <= 0x10FFFF else "\ufffd"
