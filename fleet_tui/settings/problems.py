"""What is wrong with a configuration, and where; and where a value came from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from fleet_tui.domain.text import one_line, reveal

ERROR: Literal["error"] = "error"
WARNING: Literal["warning"] = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. ``line`` and ``column`` count from 1; both are 0 when there is no place in a file.

    ``text`` is the offending text, one line, without control characters.
    """

    severity: Literal["error", "warning"]
    file: str
    line: int
    column: int
    text: str
    message: str
    hint: str = ""
    key: str = ""
    """The dotted key it is about; empty when it is about none."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        mark = "" if self.severity == ERROR else "warning: "
        return one_line(f"{place}: {mark}{self.message}" + (f" ({self.hint})" if self.hint else ""), 1000)

    def as_dict(self) -> dict[str, str | int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: a shipped file, a file with a line, or an environment variable."""

    layer: Literal["shipped", "user", "project", "environment"]
    file: str
    line: int = 0

    def __str__(self) -> str:
        if self.layer == "shipped":
            return "shipped"
        return f"{self.file}:{self.line}" if self.line else self.file


def running_on(since_ns: int, policy: str, now_ns: int) -> str:
    """What counts while the configuration has errors: since when, and which version. Instants are UTC."""
    since, now = (datetime.fromtimestamp(at_ns // 1_000_000_000, UTC) for at_ns in (since_ns, now_ns))
    when = since.strftime("%H:%M" if since.date() == now.date() else "%Y-%m-%d %H:%M")
    return f"running on the last good version{f' from {when}' if since_ns else ''} ({policy[:8]})"


def split_lines(source: str) -> list[str]:
    """The lines as YAML counts them in the sources that are let in."""
    return re.split("\r\n|\r|\n", source)


def line_column(source: str, position: int) -> tuple[int, int]:
    """Where the character at ``position`` stands, both from 1."""
    lines = split_lines(source[:position])
    return len(lines), len(lines[-1]) + 1


def snippet(text: str, limit: int = 60) -> str:
    """The first line of an offending text, harmless and short."""
    first = text.strip().split("\n", 1)[0]
    return one_line(first, limit)


def excerpt(problem: Problem, source: str, context: int = 2) -> str:
    """The lines around ``problem`` in ``source`` with a caret under the place; empty when there is no place."""
    if not problem.line:
        return ""
    lines = split_lines(source)
    if not lines[-1] and problem.line < len(lines):
        lines.pop()
    first, last = max(1, problem.line - context), min(len(lines), problem.line + context)
    width = len(str(last))
    shown: list[str] = []
    for number in range(first, last + 1):
        line = reveal(lines[number - 1].replace("\t", " "))[:200]
        shown.append(f"{'>' if number == problem.line else ' '} {number:>{width}} | {line}".rstrip())
        if number == problem.line:
            carets = "^" * max(1, min(len(problem.text), 60))
            shown.append(f"  {' ' * width} | {' ' * (problem.column - 1)}{carets} {one_line(problem.message, 400)}")
    return "\n".join(shown)
