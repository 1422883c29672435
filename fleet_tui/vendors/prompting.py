"""The first prompt of a run on its way to a program: a file, and an argument that is taken for no command."""

from __future__ import annotations

import os
from pathlib import Path

from fleet_tui.domain.text import SafeText

ARGUMENT_LIMIT = 100_000
"""Bytes of a prompt as an argument; Linux refuses one of 128 KiB."""
# The first character of a prompt means something else to several vendors: a command, a shell line, a memory, a file.
_SPECIAL_STARTS = "-/!#@"


def plain_start(prompt: SafeText) -> SafeText:
    """``prompt`` with a beginning that no vendor takes for a command."""
    plain = prompt.lstrip()
    return SafeText(f"Your instructions:\n\n{plain}" if plain[:1] in tuple(_SPECIAL_STARTS) else plain)


def as_argument(prompt: str, prompt_file: Path) -> str:
    """``prompt`` itself, or where to read it when it is too long for an argument."""
    if len(prompt.encode()) <= ARGUMENT_LIMIT:
        return prompt
    return f"Read the file {prompt_file} and carry out the instructions in it."


def write_prompt(run_dir: Path, prompt: str) -> Path:
    """Put ``prompt`` into the run's directory, and say where."""
    path = run_dir / "prompt.md"
    draft = run_dir / "prompt.md.tmp"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(prompt)
    draft.replace(path)
    return path
