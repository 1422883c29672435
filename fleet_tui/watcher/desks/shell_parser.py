"""Parsing a shell line with shfmt: a process of its own, so that no line can hurt the watcher."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from fleet_tui.governance.guard.shell import Parsed
from fleet_tui.governance.guard.text import OPAQUE
from fleet_tui.governance.guard.walk import read_tree

MAX_LINE = 32 * 1024
_TIME_LIMIT_S = 2.0


@lru_cache(maxsize=1024)
def parse(line: str) -> Parsed:
    """Every command of ``line``; what cannot be parsed comes back with its problem, never as harmless."""
    if OPAQUE in line:
        return Parsed((), "it holds a NUL character")
    if len(line) > MAX_LINE:
        return Parsed((), f"it is longer than {MAX_LINE // 1024} KiB")
    try:
        argv = [parser_program(), "--to-json", "--language-dialect", "bash"]
        done = subprocess.run(
            argv, input=line.encode(), capture_output=True, timeout=_TIME_LIMIT_S, check=False, close_fds=False, env={}
        )
        if done.returncode != 0:
            return Parsed((), "it is not a valid shell line")
        return read_tree(json.loads(done.stdout))
    except UnicodeEncodeError:
        return Parsed((), "it is not valid text")
    except subprocess.TimeoutExpired:
        return Parsed((), "it takes too long to read")
    except OSError as error:
        return Parsed((), f"shfmt does not start: {error.strerror}")
    except (ValueError, RecursionError):
        return Parsed((), "it is nested too deeply")


def parser_program() -> str:
    """Where shfmt is: beside the interpreter, where its package puts it, else on the PATH."""
    beside = Path(sys.executable).with_name("shfmt")
    return str(beside) if beside.exists() else shutil.which("shfmt") or "shfmt"
