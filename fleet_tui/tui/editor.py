"""The person's editor, for the fleet's own configuration files and no others."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App

from fleet_tui.domain.errors import FleetError
from fleet_tui.tui.lending import run_in_terminal

_GO_TO_LINE = frozenset({"vi", "vim", "nvim", "nano", "emacs", "emacsclient", "micro", "kak", "joe", "ne"})
"""Editors that take ``+LINE`` before the file."""
_USUAL = ("nano", "vi", "vim")


def editor_argv(environ: Mapping[str, str], path: Path, line: int) -> list[str]:
    """The command that opens ``path``, at ``line`` where the editor is known to take one.

    Raises:
        FleetError: no editor is named and none of the usual ones is there, or what is named cannot be read.
    """
    named = environ.get("VISUAL") or environ.get("EDITOR") or next(filter(shutil.which, _USUAL), "")
    try:
        words = shlex.split(named)
    except ValueError as error:
        raise FleetError("EDITOR cannot be read", f"{named!r}: {error}", "export EDITOR=nano") from error
    if not words:
        raise FleetError("no editor is known", "neither VISUAL nor EDITOR is set", "export EDITOR=nano")
    at = [f"+{line}"] if line > 0 and Path(words[0]).name in _GO_TO_LINE else []
    return [*words, *at, str(path)]


async def edit(app: App[Any], path: Path, line: int) -> str:
    """Let the person edit ``path``; the line that says how it went.

    Raises:
        FleetError: there is no editor, it failed, or this terminal cannot be handed over.
    """
    argv = editor_argv(os.environ, path, line)
    await run_in_terminal(app, argv, "the editor", f"type: {shlex.join(argv)}")
    return f"back from {Path(argv[0]).name}; a changed file is read by the watcher at once"
