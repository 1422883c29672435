"""Isolation L1 and L2: a command line inside bubblewrap that sees nothing but what it is shown; at L2 as another user.

Pure, but for one real try.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet_tui.domain.text import SafeText, one_line
from fleet_tui.domain.users import AgentUser

PRIVATE = (Path("/proc"), Path("/dev"), Path("/tmp"))  # noqa: S108 - the sandbox's own
# In the foreground group of bubblewrap's own processes, a Ctrl-C meant for the agent would end the whole sandbox.
# At L2 it begins as root, with no capability but those to become the other user: after that none is left. The terminal
# of the pane, or the pipe to us, is given to that user, or nothing could be written to /dev/stderr.
# The listening socket of its proxy, if it has one, is made here, where its network is, and handed out.
_ENTER = """
import os, resource, signal, stat, sys
who, argv = sys.argv[1:3], sys.argv[3:]
handle = os.environ.pop('FLEET_NETWORK_FD', '')
if handle:
    import socket
    with socket.socket(fileno=int(handle)) as link, socket.create_server(('127.0.0.1', 13128), backlog=128) as door:
        socket.send_fds(link, [b'n'], [door.fileno()])
os.setpgid(0, 0)
try:
    terminal = os.open('/dev/tty', os.O_RDWR | os.O_CLOEXEC)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(terminal, os.getpid())
except OSError:
    pass  # it has none
for number in (signal.SIGTTOU, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
    signal.signal(number, signal.SIG_DFL)
if who[0]:
    uid, gid, processes, size = map(int, who[0].split(':'))
    for handle in (0, 1, 2):
        said = os.fstat(handle)
        if stat.S_ISFIFO(said.st_mode) or os.isatty(handle) and 136 <= os.major(said.st_rdev) <= 143:
            os.fchown(handle, uid, -1)
    for kind, limit in ((resource.RLIMIT_NPROC, processes), (resource.RLIMIT_FSIZE, size)):
        hard = resource.getrlimit(kind)[1]
        if limit and not 0 <= hard < limit:
            resource.setrlimit(kind, (limit, limit))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.chdir(who[1])
try:
    os.execvp(argv[0], argv)
except OSError as error:
    print(f'fleet: cannot start {argv[0]}: {error.strerror}', file=sys.stderr)
    sys.exit(127 if isinstance(error, FileNotFoundError) else 126)
"""
PROXY_PORT = 13128
"""Where on its own loopback a sandbox finds its proxy, when its only way out is one (:mod:`fleet_tui.tmux.egress`)."""
_READ = "--ro-bind-try"
# What root may write to by ownership alone, without a capability: bubblewrap covers it only where the folder itself is
# writable, and a fleet that root runs would leave `kernel.core_pattern` open.
_KERNEL = tuple(Path("/proc", name) for name in ["sys", "irq", "bus", "fs", "acpi", "scsi", "mtrr", "asound", "driver"])
_TRY_S = 10.0
# Process 1 of a sandbox is bubblewrap's own: a high number would be one of the host's.
_TRY = """
import os, sys
status = open('/proc/self/status').read()
if os.getpid() >= 10 or 'CapEff:\\t0000000000000000\\n' not in status:
    raise SystemExit('no sandbox')
if sys.argv[1]:
    if {*os.getresuid(), *os.getgroups()} != {int(sys.argv[1])} or 'NoNewPrivs:\\t1' not in status:
        raise SystemExit('not the other user')
    open('.trial', 'w').close()
"""


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
    user: AgentUser | None = None
    """Who the command runs as, if not as us; only root can do that."""
    processes: int = 0
    """How many processes that user may have, over all its sandboxes; 0 is no limit. Only with ``user``."""
    file_bytes: int = 0
    """How large a file it may write; 0 is no limit. Only with ``user``."""


def bubblewrap() -> str | None:
    """The path of the program, if it is installed."""
    return shutil.which("bwrap") if sys.platform == "linux" else None


def wrap(program: str, view: View, argv: Sequence[str]) -> tuple[str, ...]:
    """``argv`` inside a sandbox.

    The terminal stays the controlling one (no new session): its job control is the agent's, and what could be typed
    into it with TIOCSTI reaches nobody but the agent itself. ``view`` must show :func:`interpreter`.
    """
    who = "" if view.user is None else f"{view.user.uid}:{view.user.gid}:{view.processes}:{view.file_bytes}"
    inside = (sys.executable, "-I", "-S", "-c", _ENTER, who, str(view.cwd), *argv)
    # What is another user's may be closed to a root without capabilities: it is entered once that is left.
    place = view.cwd if view.user is None else Path("/")
    return (program, *_namespaces(view), *_mounts(view), "--chdir", str(place), "--", *inside)


def _namespaces(view: View) -> tuple[str, ...]:
    # Without a user namespace and without dropping them, a sandbox started by root keeps root's capabilities. In a user
    # namespace of bubblewrap's there is no other user to become: at L2 root makes the sandbox and what it starts is
    # left with nothing but the way down. (Nobody gets up again: bubblewrap sets no_new_privs.)
    way_down = [word for name in ("SETUID", "SETGID", "CHOWN") for word in ("--cap-add", f"CAP_{name}")]
    rights = ("--unshare-user", "--cap-drop", "ALL") if view.user is None else ("--cap-drop", "ALL", *way_down)
    shared = (*rights, "--unshare-pid", "--unshare-ipc", "--unshare-uts")
    return (*shared, "--unshare-cgroup-try", *(() if view.network is True else ("--unshare-net",)), "--die-with-parent")


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
    if view.user is not None:  # bubblewrap makes one for its own user
        table[Path("/dev/shm")] = ("--perms", "1777", "--tmpfs", "/dev/shm")  # noqa: S108
        table |= {path: ("--perms", "0755", "--dir", str(path)) for path in _ways(table)}
    ordered = sorted(table, key=lambda path: (len(path.parts), str(path)))
    # What is blank is written to by bubblewrap while it makes the way to deeper mounts, and by nobody afterwards.
    sealed = [*sorted(masks & set(view.hidden_dirs)), Path("/")]
    return (
        *(word for path in ordered for word in table[path]),
        *(word for path in sealed for word in ("--remount-ro", str(path))),
    )


def _ways(table: Mapping[Path, tuple[str, ...]]) -> set[Path]:
    """The folders that lead to mounts and are none: bubblewrap closes those above what is closed to others itself."""
    mounts = {*table, Path("/")}
    ways = {way for path in table for way in path.parents if way not in mounts}
    return {way for way in ways if "--tmpfs" in table.get(_nearest(way, mounts), ("--tmpfs",))}


def _is_read(words: tuple[str, ...] | None) -> bool:
    return words is not None and words[0] == _READ


def _nearest(path: Path, mounts: set[Path]) -> Path:
    """The closest of ``mounts`` above ``path``; ``/`` is one of them."""
    return next(parent for parent in path.parents if parent in mounts)


def try_out(program: str, view: View) -> SafeText:
    """Why a sandbox with this view does not work here; empty when one really started. Takes some ten milliseconds."""
    try:
        wanted = "" if view.user is None else str(view.user.uid)
        argv = wrap(program, view, (sys.executable, "-I", "-S", "-c", _TRY, wanted))
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
