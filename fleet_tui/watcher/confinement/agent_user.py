"""The other user of isolation level L2: who it is, and what is made its own or opened for it.

Only a watcher that root runs can become another user without asking anybody, and only root can give files away.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.users import AgentUser
from fleet_tui.git.config_text import config_text

GIT_CONFIG = "gitconfig"
"""In a run's directory: what git must be told at L2, where the repositories that an agent uses are not its own."""
_OTHERS_READ = 0o005
_NO_ROOT = "leave isolation.user empty, or have root run the whole fleet; see docs/security.md"


def find(name: str) -> AgentUser:
    """The user ``name`` of the machine, whom this process may become.

    Raises:
        FleetError: there is none, it is root or this process's own, or this process may not become another.
    """
    if os.getuid() != 0:
        raise _unusable("only a watcher that root runs may start programs as another user", _NO_ROOT)
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise _unusable(f"there is no user {name}", command(name)) from None
    if entry.pw_uid == 0:
        raise _unusable(f"{name} is root", command("fleet-agent"))
    # The control repository is read by agents, and made with the rights that the umask leaves.
    if _umask() & _OTHERS_READ:
        raise _unusable(f"umask {_umask():03o} keeps {name} from reading what it must", "umask 022 before the start")
    return AgentUser(entry.pw_uid, entry.pw_gid, name)


def command(name: str) -> str:
    """What makes such a user."""
    return f"sudo useradd --system --no-create-home {name}"


def _unusable(message: str, hint: str) -> FleetError:
    return FleetError("isolation.user cannot be used", message, hint)


def _umask() -> int:
    # Asking the system call would change it for a moment, for other threads too.
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1], 8) for line in lines if line.startswith("Umask:")), 0)


def of_run(run_dir: Path) -> AgentUser:
    """Whose processes speak for a run at L2: its spool was given to them, and its parent is not theirs to change.

    Raises:
        OSError: the spool is gone.
    """
    info = (run_dir / "spool").lstat()
    return AgentUser(info.st_uid, info.st_gid)


def owner_of(path: Path) -> AgentUser | None:
    """The other user to whom root gave ``path``; None when it is ours, or there is no other."""
    info = path.lstat()
    if os.getuid() != 0 or info.st_uid == 0:
        return None
    return AgentUser(info.st_uid, info.st_gid, str(info.st_uid))


def give(paths: Iterable[Path], user: AgentUser | None) -> None:
    """Make each of ``paths``, with all below it, ``user``'s; ours again with None. Idempotent; follows no link.

    What belongs at its top to the right user is taken for done: the top is given last.
    """
    if os.getuid() != 0:
        return  # everything is ours, and cannot be anybody else's
    uid, gid = (user.uid, user.gid) if user is not None else (0, 0)
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            info = path.lstat()
            if info.st_uid == uid:
                continue
            if stat.S_ISDIR(info.st_mode):
                _give_below(path, uid, gid)
            os.chown(path, uid, gid, follow_symlinks=False)


def _give_below(top: Path, uid: int, gid: int) -> None:
    # By descriptor: whoever exchanges a folder for a link meanwhile leads us nowhere.
    for _, folders, files, handle in os.fwalk(top, topdown=False, follow_symlinks=False):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):
                os.chown(name, uid, gid, dir_fd=handle, follow_symlinks=False)


def let_read(paths: Iterable[Path], user: AgentUser) -> None:
    """Let ``user`` read files and folders of ours, which must be where nobody but us can write."""
    for path in paths:
        os.chown(path, -1, user.gid, follow_symlinks=False)
        path.chmod(stat.S_IMODE(path.lstat().st_mode) | (0o050 if path.is_dir() else 0o040))


def write_git_config(run_dir: Path, repositories: Iterable[Path]) -> Path:
    """Settings that let the agent's git use ``repositories``, which belong to us."""
    path = run_dir / GIT_CONFIG
    draft = path.with_name(f".{GIT_CONFIG}.tmp")
    draft.write_text("".join(config_text({"safe.directory": str(one)}) for one in repositories), encoding="utf-8")
    draft.replace(path)
    return path
