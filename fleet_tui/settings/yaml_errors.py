"""PyYAML's syntax errors in words that help, with the place that a person has to look at."""

from __future__ import annotations

from typing import NamedTuple

import yaml
from yaml.error import Mark
from yaml.reader import ReaderError

from fleet_tui.settings.problems import line_column


class Explained(NamedTuple):
    message: str
    hint: str
    line: int
    column: int


# The parser's problem contains the first; what a person reads are the second and third.
_WORDS: tuple[tuple[str, str, str], ...] = (
    ("found character '\\t'", "a tab where YAML allows spaces only", "indent with spaces"),
    ("found character '@'", "a value cannot begin with `@`", "put it in quotes"),
    ("found character '`'", "a value cannot begin with a backquote", "put it in quotes"),
    ("found character '%'", "a value cannot begin with `%`", "put it in quotes"),
    (
        "mapping values are not allowed",
        "a second `:` in this line, or wrong indentation",
        "put text with `: ` in quotes; align keys of one map",
    ),
    ("could not find expected ':'", "a key without `: ` after it", "write `key: value`"),
    ("<block end>, but found '<scalar>'", "more text after a complete value", "put the whole value in quotes"),
    (
        "expected <block end>",
        "the indentation does not fit the lines above",
        "align keys of one map, and `-` of one list",
    ),
    ("expected ',' or ']'", "a list in brackets is not closed or lacks a comma", "add `,` or `]`"),
    ("expected ',' or '}'", "a map in braces is not closed or lacks a comma", "add `,` or `}`"),
    ("found unexpected end of stream", "a quote is opened here and never closed", "close it"),
    ("found unexpected document separator", "`---` or `...` inside quoted text", "indent the text"),
    (
        "found unknown escape character",
        "unknown escape after `\\` in double quotes",
        "write `\\\\`, or use single quotes",
    ),
    (
        "escape sequence of",
        "a broken `\\x`, `\\u` or `\\U` escape",
        "complete the hexadecimal digits, or use single quotes",
    ),
    ("sequence entries are not allowed", "a `-` where no list can begin", "begin the list on its own line"),
    ("block sequence entries are not allowed", "a `-` where no list can begin", "begin the list on its own line"),
    ("expected alphabetic or numeric", "`&` or `*` begins an anchor or alias in YAML", "put the value in quotes"),
    (
        "expected the node content",
        "a value is missing or begins with a character that YAML reserves",
        "put it in quotes",
    ),
    ("found undefined tag handle", "`!` begins a tag in YAML", "put the value in quotes"),
    ("found incompatible YAML document", "this YAML version is not supported", "remove the %YAML line"),
)

# Problems whose cause is where the construct began, not where the parser gave up.
_AT_CONTEXT = (
    "found unexpected end of stream",
    "could not find expected ':'",
    "expected ',' or ']'",
    "expected ',' or '}'",
)


def explain_error(error: Exception, source: str) -> Explained:
    """What ``error`` means and where, counted from 1."""
    if isinstance(error, ReaderError):
        line, column = line_column(source, error.position)
        code = f"U+{ord(error.character):04X}" if isinstance(error.character, str) else f"U+{error.character:04X}"
        return Explained(f"control character {code} is not allowed", "remove it", line, column)
    problem = str(getattr(error, "problem", None) or "not YAML")
    mark = _mark(error, problem)
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    for fragment, message, hint in _WORDS:
        if fragment in problem:
            return Explained(message, hint, line, column)
    if not isinstance(error, yaml.MarkedYAMLError):
        return Explained("a character or number that is out of range", "check the escapes in this value", line, column)
    return Explained(problem, "check quotes, brackets and indentation", line, column)


def _mark(error: Exception, problem: str) -> Mark | None:
    places: tuple[Mark | None, Mark | None] = (
        getattr(error, "problem_mark", None),
        getattr(error, "context_mark", None),
    )
    at_context = any(fragment in problem for fragment in _AT_CONTEXT)
    first, second = reversed(places) if at_context else places
    return first or second
