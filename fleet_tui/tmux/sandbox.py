"""Isolation L1: a command line inside bubblewrap that sees nothing but what it is shown. Pure, but for one real try."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet_tui.domain.text import SafeText, one_line

PRIVATE = (Path("/proc"), Path("/dev"), Path("/tmp"))  # noqa: S108 - the sandbox's own
# In the foreground group of bubblewrap's own processes, a Ctrl-C meant for the agent would end the whole sandbox.
_ENTER = """
import os, signal, sys
os.setpgid(0, 0)
try:
    terminal = os.open('/dev/tty', os.O_RDWR | os.O_CLOEXEC)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(terminal, os.getpid())
except OSError:
    pass  # it has none
for number in (signal.SIGTTOU, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
    signal.signal(number, signal.SIG_DFL)
try:
    os.execvp(sys.argv[1], sys.argv[1:])
except OSError as error:
    print(f'fleet: cannot start {sys.argv[1]}: {error.strerror}', file=sys.stderr)
    sys.exit(127 if isinstance(error, FileNotFoundError) else 126)
"""
_READ = "--ro-bind-try"
# What root may write to by ownership alone, without a capability: bubblewrap covers it only where the folder itself is
# writable, and a fleet that root runs would leave `kernel.core_pattern` open.
_KERNEL = tuple(Path("/proc", name) for name in ["sys", "irq", "bus", "fs", "acpi", "scsi", "mtrr", "asound", "driver"])
_TRY_S = 10.0
# Process 1 of a sandbox is bubblewrap's own: a high number would be one of the host's.
_TRY = (
    "import os; status = open('/proc/self/status').read(); "
    "raise SystemExit(0 if os.getpid() < 10 and 'CapEff:\\t0000000000000000\\n' in status else 'no sandbox')"
)


@dataclass(frozen=True, slots=True)
class View:
    """All that a sandboxed command sees, by absolute paths; the more specific path wins.

    ``hidden`` wins over ``readable`` and ``writable`` at the same path; what does not exist must not be in ``hidden``
    and is left out of ``readable``. Nothing at all is seen of what is not named.
    """

    cwd: Path
    writable: tuple[Path, ...]
    readable: tuple[Path, ...]
    hidden_dirs: tuple[Path, ...] = ()
    hidden_files: tuple[Path, ...] = ()
    network: bool = True
    shared: tuple[tuple[Path, Path], ...] = ()
    """What is shown writable at another path: where it is, and where it is seen."""


def bubblewrap() -> str | None:
    """The path of the program, if it is installed."""
    return shutil.which("bwrap") if sys.platform == "linux" else None


def wrap(program: str, view: View, argv: Sequence[str]) -> tuple[str, ...]:
    """``argv`` inside a sandbox.

    The terminal stays the controlling one (no new session): its job control is the agent's, and what could be typed
    into it with TIOCSTI reaches nobody but the agent itself. ``view`` must show :func:`interpreter`.
    """
    inside = (sys.executable, "-I", "-S", "-c", _ENTER, *argv)
    return (program, *_namespaces(view), *_mounts(view), "--chdir", str(view.cwd), "--", *inside)


def _namespaces(view: View) -> tuple[str, ...]:
    # Without a user namespace and without dropping them, a sandbox started by root keeps root's capabilities.
    shared = ("--unshare-user", "--cap-drop", "ALL", "--unshare-pid", "--unshare-ipc", "--unshare-uts")
    return (*shared, "--unshare-cgroup-try", *(() if view.network else ("--unshare-net",)), "--die-with-parent")


def _mounts(view: View) -> tuple[str, ...]:
    hidden = {*view.hidden_dirs, *view.hidden_files}
    shown: dict[Path, tuple[str, ...]] = {path: (_READ, str(path), str(path)) for path in view.readable}
    shown |= {path: ("--bind", str(path), str(path)) for path in view.writable}
    shown |= {seen: ("--bind", str(source), str(seen)) for source, seen in view.shared}
    shown = {path: words for path, words in shown.items() if path not in hidden}
    blank = {Path("/"), *PRIVATE, *view.hidden_dirs}
    # What is seen already is left alone: a link cannot be mounted over.
    seen = {path for path in shown if shown[path][0] == _READ and _is_read(shown.get(_nearest(path, {*shown, *blank})))}
    shown = {path: words for path, words in shown.items() if path not in seen}
    # In a private directory too: the stand-ins for the way to a deeper mount are to be nobody's to write to.
    masks = {path for path in hidden if _nearest(path, {*shown, *blank}) in {*shown, *PRIVATE}}
    table = shown | {path: ("--tmpfs", str(path)) for path in masks & set(view.hidden_dirs)}
    table |= {path: ("--ro-bind", "/dev/null", str(path)) for path in masks & set(view.hidden_files)}
    table |= {Path("/proc"): ("--proc", "/proc"), Path("/dev"): ("--dev", "/dev")}
    table |= {path: (_READ, str(path), str(path)) for path in _KERNEL}
    table[Path("/tmp")] = ("--perms", "1777", "--tmpfs", "/tmp")  # noqa: S108
    ordered = sorted(table, key=lambda path: (len(path.parts), str(path)))
    # What is blank is written to by bubblewrap while it makes the way to deeper mounts, and by nobody afterwards.
    sealed = [*sorted(masks & set(view.hidden_dirs)), Path("/")]
    return (
        *(word for path in ordered for word in table[path]),
        *(word for path in sealed for word in ("--remount-ro", str(path))),
    )


def _is_read(words: tuple[str, ...] | None) -> bool:
    return words is not None and words[0] == _READ


def _nearest(path: Path, mounts: set[Path]) -> Path:
    """The closest of ``mounts`` above ``path``; ``/`` is one of them."""
    return next(parent for parent in path.parents if parent in mounts)


def try_out(program: str, view: View) -> SafeText:
    """Why a sandbox with this view does not work here; empty when one really started. Takes some ten milliseconds."""
    try:
        argv = wrap(program, view, (sys.executable, "-I", "-S", "-c", _TRY))
        done = subprocess.run(argv, capture_output=True, timeout=_TRY_S, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return one_line(f"bubblewrap does not start: {error}", 300)
    if done.returncode == 0:
        return SafeText("")
    said = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
    return one_line(f"bubblewrap refuses: {said}", 300)


def interpreter() -> tuple[Path, ...]:
    """Where this Python and its packages are: the agents' `fleet` runs on it."""
    candidates = (Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent)
    home = Path.home()
    return tuple(dict.fromkeys(path for path in candidates if not home.is_relative_to(path)))
