"""Looking for a program, and asking it for its version where it finds nothing to work on."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from fleet_tui.domain.text import one_line
from fleet_tui.vendors.base import Probe

LIMIT_S = 10.0
_MOST_BYTES = 4_096
_NPM = "node_modules"
_MOST_CHARACTERS = 80
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "USER", "XDG_CONFIG_HOME", "XDG_DATA_HOME")


def probe_program(vendor: str, name: str, *, start: bool, tried: str = "") -> Probe:
    """Whether program ``name`` of ``vendor`` is here; with ``start`` its version.

    ``tried``: the newest version (``2.1.329``) that this program was tried with; another major or minor number warns.
    """
    if "/" in name and not Path(name).is_absolute():
        # Found from the directory that the run will work in, which is not there yet.
        return Probe(True, program=name)
    program = shutil.which(name)
    if program is None:
        return Probe(False, None, f"{name} is not on PATH", f"install it, or set vendors.{vendor}.argv to where it is")
    # Found through a relative entry of PATH it would be whatever the repository holds under that name.
    if not start or not Path(program).is_absolute():
        return Probe(True, program=program)
    try:
        version = ask_version(program)
    except TimeoutError:
        return Probe(True, None, "", f"{program} --version did not end in time", program)
    except OSError as error:
        return Probe(False, None, f"{program} cannot be started: {error.strerror}", "install it again")
    return Probe(True, version, program=program, warning=_untried(version, tried))


def executables(name: str, beside: str) -> tuple[Path, ...]:
    """What may be running when ``name`` is started: the program as it is found, what that is a link to, and what npm's
    package of it starts, which lies ``beside`` (a glob, from the folder with all packages) the package.

    Under every name that these have: a sandbox may show them under another than the one they were found by.
    """
    found = shutil.which(name)
    if found is None:
        return ()
    names = (Path(found), Path(found).resolve())
    roots = [Path(*path.parts[: path.parts.index(_NPM) + 1]) for path in names if _NPM in path.parts]
    started = [path for root in roots for path in sorted(root.glob(beside))]
    return tuple(dict.fromkeys((*names, *started)))


def _untried(version: str | None, tried: str) -> str:
    """What to know about a version that differs in more than the last number from the one that was tried."""
    if not tried:
        return ""
    found = re.search(r"\d+\.\d+(?:\.\d+)?", version or "")
    if found is None:
        return f"its version is not known; {tried} was tried"
    if found[0].split(".")[:2] == tried.split(".")[:2]:
        return ""
    return f"version {found[0]} was not tried; {tried} was. What it shows and reports may differ"


def ask_version(program: str, *, limit_s: float = LIMIT_S) -> str | None:
    """The first line of what ``program --version`` says, clean and cut; None when it says nothing or fails.

    It finds an empty directory, and no word of a fleet.

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
