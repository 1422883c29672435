"""Asking a program for its version where it finds nothing to work on: an empty directory, and no word of a fleet."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from typing import IO

from fleet_tui.domain.text import one_line

LIMIT_S = 10.0
_MOST_BYTES = 4_096
_MOST_CHARACTERS = 80
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "USER", "XDG_CONFIG_HOME", "XDG_DATA_HOME")


def ask_version(program: str, *, limit_s: float = LIMIT_S) -> str | None:
    """The first line of what ``program --version`` says, clean and cut; None when it says nothing or fails.

    Raises:
        OSError: it cannot be started.
        TimeoutError: it did not end within ``limit_s`` seconds; it and its process group are gone.
    """
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"TERM": "dumb"}
    with tempfile.TemporaryDirectory(prefix="fleet-") as place, contextlib.ExitStack() as files:
        out, err = (files.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        process = subprocess.Popen(
            [program, "--version"],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        # Not every program knows --version; that it starts is enough.
        return (_first_line(out) or _first_line(err)) if code == 0 else None


def _first_line(file: IO[bytes]) -> str | None:
    file.seek(0)
    text = file.read(_MOST_BYTES).decode("utf-8", "replace").strip()
    return one_line(text.partition("\n")[0], _MOST_CHARACTERS) or None
