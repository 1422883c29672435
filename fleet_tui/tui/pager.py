"""Reading a copy of a text in the person's pager."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import SafeText
from fleet_tui.tui.lending import run_in_terminal

_USUAL = ("less", "more")
_MEND = "export PAGER=less"


def pager_argv(environ: Mapping[str, str], file: Path) -> list[str]:
    """The command that shows ``file``. What is in ``PAGER`` is words, not a line for a shell.

    Raises:
        FleetError: no pager is named and none of the usual ones is there, or what is named cannot be read.
    """
    named = environ.get("PAGER") or next(filter(shutil.which, _USUAL), "")
    try:
        words = shlex.split(named)
    except ValueError as error:
        raise FleetError("PAGER cannot be read", f"{named!r}: {error}", _MEND) from error
    if not words:
        raise FleetError("no pager is known", "PAGER is not set, and there is no less", _MEND)
    # A pager that leaves by itself when all fits on one screen would be gone before anybody has read it.
    stay = ["-+F"] if Path(words[0]).name == "less" else []
    return [*words, *stay, str(file)]


async def page(app: App[Any], name: str, text: SafeText) -> str:
    """Let the person read ``text``; the line that says so. The copy lies in a file ``name`` until then.

    Raises:
        FleetError: there is no pager, it failed, or this terminal cannot be handed over.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="fleet-") as directory:  # for its owner only
            file = Path(directory) / name
            file.write_text(text, encoding="utf-8", newline="")
            file.chmod(0o400)
            argv = pager_argv(os.environ, file)
            await run_in_terminal(app, argv, "the pager", _MEND)
    except OSError as error:
        raise FleetError("no copy could be made", str(error), "look at the disk, or set TMPDIR") from error
    return f"back from {Path(argv[0]).name}"
