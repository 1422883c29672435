"""Where fleet keeps what: shipped data, per-fleet state, sockets.

State lives outside every repository, so that an agent's ``git clean -fdx`` cannot reach it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from fleet_tui.domain.errors import FleetError, SetupError
from fleet_tui.domain.ids import new_id

_APP = "fleet"
_VARIABLES = {"state": "FLEET_STATE_HOME", "runtime": "FLEET_RUNTIME_DIR"}
_SOCKET_LIMIT = 103
"""Bytes of a unix socket's path: 103 and a NUL on macOS, 107 and a NUL on Linux."""
_LONGEST_SOCKET = "runner.sock"
_BELOW_RUNTIME_HOME = len("/") + 24 + len("-12345678/runs/") + len(new_id("run", now_ns=0)) + len(f"/{_LONGEST_SOCKET}")
"""Bytes of ``/<fleet>/runs/<run>/<socket>`` at most."""


def shipped_config() -> Path:
    """The shipped ``config/`` directory: inside the package in a wheel, beside it in a checkout.

    Raises:
        SetupError: the installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "config", package.parent / "config"):
        if (candidate / "defaults.yaml").is_file():
            return candidate
    raise SetupError("installation incomplete", f"no config/defaults.yaml beside {package}", "reinstall fleet-tui")


def user_config_file() -> Path:
    """``~/.config/fleet/config.yaml`` (or the platform's equivalent); it may not exist."""
    return Path(platformdirs.user_config_dir(_APP)) / "config.yaml"


def fleet_id(repository: Path) -> str:
    """The generated name of the fleet that works on ``repository``: readable, unique, and safe as a tmux name.

    Made of the directory's name and a hash of its resolved path: ``shop-1f3a9c2b``.
    """
    resolved = repository.resolve()
    slug = re.sub(r"[^a-z0-9]+", "-", resolved.name.lower()).strip("-")[:24].rstrip("-") or "repo"
    return f"{slug}-{hashlib.sha256(os.fsencode(resolved)).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class FleetPaths:
    """Every path of one fleet. ``repository`` is the user's; all others are the fleet's own."""

    repository: Path
    fleet: str
    state: Path
    runtime: Path
    others: tuple[Path, ...] = ()
    """The person's further repositories, as far as the configuration was read: hidden from agents like the first."""

    @classmethod
    def of(cls, repository: Path) -> FleetPaths:
        """The paths of the fleet of ``repository``; creates nothing.

        ``FLEET_STATE_HOME`` and ``FLEET_RUNTIME_DIR`` override the parents (tests, demo, odd systems).

        Raises:
            SetupError: one of them is a relative path.
        """
        name = fleet_id(repository)
        return cls(repository.resolve(), name, state_home() / name, runtime_home() / name)

    @property
    def config(self) -> Path:
        return self.repository / ".fleet" / "config.yaml"

    @property
    def prompts(self) -> Path:
        return self.repository / ".fleet" / "prompts"

    @property
    def tickets(self) -> Path:
        return self.repository / ".fleet" / "tickets"

    @property
    def database(self) -> Path:
        return self.state / "fleet.db"

    @property
    def lock(self) -> Path:
        return self.state / "watcher.lock"

    @property
    def log_file(self) -> Path:
        return self.state / "watcher.log"

    @property
    def control(self) -> Path:
        """The bare control repository in which every git decision is made."""
        return self.control_of("")

    def control_of(self, repo: str) -> Path:
        """The same of a further repository, by its name in `repos`."""
        return self.state / "repositories" / repo / "control.git" if repo else self.state / "control.git"

    @property
    def workspaces(self) -> Path:
        return self.state / "workspaces"

    @property
    def homes(self) -> Path:
        """The agents' own home directories, for those that are kept from yours."""
        return self.state / "homes"

    @property
    def gates(self) -> Path:
        """Clean checkouts in which gates run, and the home directories that commands of ours have while they run."""
        return self.state / "gates"

    @property
    def scratch(self) -> Path:
        """What may be lost at any time."""
        return self.state / "scratch"

    def reading(self, run: str) -> Path:
        """The files of other repositories that a run may read."""
        return self.state / "reading" / run

    @property
    def evidence(self) -> Path:
        return self.state / "evidence"

    def run_output(self, run: str) -> Path:
        """The last lines that an ended run's pane showed."""
        return self.evidence / f"{run}.log"

    @property
    def saved(self) -> Path:
        """What a person had the control room write down: copies, pictures of screens, notes for the next shift."""
        return self.state / "saved"

    @property
    def blobs(self) -> Path:
        """Content-addressed texts too large for an event."""
        return self.state / "blobs"

    @property
    def operator_socket(self) -> Path:
        return self.runtime / "operator.sock"

    @property
    def last_picture(self) -> Path:
        """What the wall last showed: gone with the runtime directory."""
        return self.runtime / "wall.json"

    @property
    def tmux_socket_name(self) -> str:
        """The argument of ``tmux -L``: a private server for this fleet."""
        return f"fleet-{self.fleet}"

    def run_dir(self, run: str) -> Path:
        """A run's own directory: its socket, spool, prompt, environment and the runner's records."""
        return self.runtime / "runs" / run

    def create(self) -> None:
        """Make the state and runtime directories, mode 0700, and refuse ones that others could have prepared.

        Raises:
            SetupError: not writable, a link, foreign-owned, open to group or others, or too deep for a socket.
        """
        self._check_socket_length()
        state = (self.workspaces, self.gates, self.scratch, self.evidence, self.blobs)
        own = {"state": state, "runtime": (self.runtime / "runs",)}
        for what, path in (("state", self.state), ("runtime", self.runtime)):
            _trusted_parent(path.parent, what)
            for directory in (path, *own[what]):
                _private_directory(directory, what)

    def _check_socket_length(self) -> None:
        longest = self.run_dir(new_id("run", now_ns=0)) / _LONGEST_SOCKET
        if len(os.fsencode(longest)) > _SOCKET_LIMIT:
            raise SetupError(
                "the runtime directory's path is too long",
                f"{longest} is longer than the {_SOCKET_LIMIT} bytes that a unix socket's path may have",
                "set FLEET_RUNTIME_DIR to a short directory that you own",
            )


def state_home() -> Path:
    """Where the state of all fleets of this user lies.

    Raises:
        SetupError: ``FLEET_STATE_HOME`` is a relative path.
    """
    return _absolute("state") or Path(platformdirs.user_state_dir(_APP))


def runtime_home() -> Path:
    """Where the sockets and run directories of all fleets of this user lie.

    Raises:
        SetupError: ``FLEET_RUNTIME_DIR`` is a relative path.
    """
    explicit = _absolute("runtime")
    if explicit:
        return explicit
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir() and len(os.fsencode(base)) <= _SOCKET_LIMIT - _BELOW_RUNTIME_HOME - len(_APP) - 1:
        return Path(base) / _APP
    return Path("/tmp") / f"{_APP}-{os.getuid()}"  # noqa: S108 - checked for owner and mode before use


def private_directory(path: Path, what: str) -> None:
    """Make ``path`` below a directory of this user's, mode 0700.

    Raises:
        SetupError: not writable, a link, foreign-owned, or open to group or others.
    """
    _trusted_parent(path.parent, what)
    _private_directory(path, what)


def unusable(error: OSError) -> FleetError:
    """What an error of the file system means for a person: where it was and what to do."""
    where = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    reason = error.strerror or str(error)
    for what, home in (("state", state_home()), ("runtime", runtime_home())):
        if where is None or not where.is_relative_to(home):
            continue
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = f"free some space, or set {_VARIABLES[what]} to a directory on another disk"
        else:
            hint = f"make {home} yours (sudo chown -R $USER), or set {_VARIABLES[what]} to a directory that you own"
        return FleetError(f"the {what} directory cannot be used", f"{where}: {reason}", hint)
    return FleetError("the system refused", f"{where}: {reason}" if where else reason, "see `fleet doctor`")


def _absolute(what: str) -> Path | None:
    """What the environment says; a relative path would be another one for the watcher, which runs elsewhere."""
    variable = _VARIABLES[what]
    given = os.environ.get(variable)
    if given and not Path(given).is_absolute():
        raise SetupError(f"{variable} is a relative path", given, f"set it to the whole path: {Path(given).absolute()}")
    return Path(given) if given else None


def _make(path: Path, what: str) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SetupError(
            f"unsafe {what} directory",
            f"{path} or something above it is not a directory",
            f"remove it, or set {_VARIABLES[what]} to another directory",
        ) from error
    except OSError as error:
        raise SetupError(
            f"cannot create the {what} directory",
            f"{path}: {error.strerror}",
            f"make its parent writable, or set {_VARIABLES[what]} to a directory that you own",
        ) from error


def _trusted_parent(path: Path, what: str) -> None:
    """Refuse a parent in which somebody else could exchange our directory for theirs."""
    _make(path, what)
    info = path.stat()
    if info.st_uid not in (os.getuid(), 0) or path.lstat().st_uid not in (os.getuid(), 0):
        raise _foreign(path, what, info.st_uid)
    if info.st_mode & 0o022 and not info.st_mode & stat.S_ISVTX:
        raise SetupError(
            f"unsafe {what} directory",
            f"{path} is writable by group or others (mode {info.st_mode & 0o7777:o})",
            f"chmod go-w {path}",
        )


def _private_directory(path: Path, what: str) -> None:
    """Make ``path`` if it is missing, and refuse it unless it is a directory of ours that nobody else can enter."""
    _make(path, what)
    info = path.lstat()
    if not stat.S_ISDIR(info.st_mode):
        raise SetupError(f"unsafe {what} directory", f"{path} is a link, not a directory", "remove it and try again")
    if info.st_uid != os.getuid():
        raise _foreign(path, what, info.st_uid)
    if info.st_mode & 0o077:
        raise SetupError(
            f"unsafe {what} directory",
            f"{path} is open to group or others (mode {info.st_mode & 0o777:o})",
            f"chmod 700 {path}",
        )
    if not os.access(path, os.W_OK | os.X_OK):
        hint = f"make it writable, or set {_VARIABLES[what]} to another directory"
        raise SetupError(f"{what} directory is read-only", str(path), hint)


def _foreign(path: Path, what: str, owner: int) -> SetupError:
    hint = f"remove it, or set {_VARIABLES[what]} to a directory that you own"
    return SetupError(f"unsafe {what} directory", f"{path} belongs to uid {owner}", hint)
