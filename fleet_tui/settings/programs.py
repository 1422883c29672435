"""Which program a configured command starts, as far as looking at it can tell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

# Of a line for the shell only a plain first word tells a program.
_PROGRAM = re.compile(r"[\w./+-]+")
_ASSIGNMENT = re.compile(r"\w+=")
_SHELL_WORDS = frozenset(
    {".", ":", "[", "break", "case", "cd", "command", "continue", "echo", "eval", "exec", "exit", "export", "false"}
    | {"for", "if", "printf", "pwd", "read", "return", "set", "shift", "source", "test", "time", "trap", "true", "type"}
    | {"ulimit", "umask", "until", "wait", "while"}
)


def program_of(command: str | Sequence[str]) -> str | None:
    """The first word of a list, or of a line for ``sh`` where it is plain and no word of the shell's own."""
    if not isinstance(command, str):
        return command[0] if command else None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    first = next((word for word in words if not _ASSIGNMENT.match(word)), "")
    return first if _PROGRAM.fullmatch(first) and first not in _SHELL_WORDS else None
