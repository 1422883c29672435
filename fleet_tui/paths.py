"""Where fleet keeps what: shipped data, per-fleet state, sockets.

State lives outside every repository, so that an agent's ``git clean -fdx`` cannot reach it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from fleet_tui.domain.errors import FleetError

_APP = "fleet"


def shipped_config() -> Path:
    """The shipped ``config/`` directory: inside the package in a wheel, beside it in a checkout.

    Raises:
        FleetError: the installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "config", package.parent / "config"):
        if (candidate / "defaults.yaml").is_file():
            return candidate
    raise FleetError("installation incomplete", f"no config/defaults.yaml beside {package}", "reinstall fleet-tui")


def user_config_file() -> Path:
    """``~/.config/fleet/config.yaml`` (or the platform's equivalent); it may not exist."""
    return Path(platformdirs.user_config_dir(_APP)) / "config.yaml"


def fleet_id(repository: Path) -> str:
    """The generated name of the fleet that works on ``repository``: readable, unique, and safe as a tmux name.

    Made of the directory's name and a hash of its resolved path: ``shop-1f3a9c2b``.
    """
    resolved = repository.resolve()
    slug = re.sub(r"[^a-z0-9]+", "-", resolved.name.lower()).strip("-")[:24] or "repo"
    return f"{slug}-{hashlib.sha256(os.fsencode(resolved)).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class FleetPaths:
    """Every path of one fleet. ``repository`` is the user's; all others are the fleet's own."""

    repository: Path
    fleet: str
    state: Path
    runtime: Path

    @classmethod
    def of(cls, repository: Path) -> FleetPaths:
        """The paths of the fleet of ``repository``; creates nothing.

        ``FLEET_STATE_HOME`` and ``FLEET_RUNTIME_DIR`` override the parents (tests, demo, odd systems).
        """
        name = fleet_id(repository)
        state_home = os.environ.get("FLEET_STATE_HOME") or platformdirs.user_state_dir(_APP)
        return cls(repository.resolve(), name, Path(state_home) / name, _runtime_home() / name)

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
        return self.state / "control.git"

    @property
    def workspaces(self) -> Path:
        return self.state / "workspaces"

    @property
    def gates(self) -> Path:
        """Clean checkouts in which gates run."""
        return self.state / "gates"

    @property
    def evidence(self) -> Path:
        return self.state / "evidence"

    @property
    def blobs(self) -> Path:
        """Content-addressed texts too large for an event."""
        return self.state / "blobs"

    @property
    def operator_socket(self) -> Path:
        return self.runtime / "operator.sock"

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
            FleetError: not writable, a link, foreign-owned, or open to group or others.
        """
        for path in (self.state, self.runtime):
            _private_directory(path)
        for path in (self.workspaces, self.gates, self.evidence, self.blobs, self.runtime / "runs"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _runtime_home() -> Path:
    explicit = os.environ.get("FLEET_RUNTIME_DIR")
    if explicit:
        return Path(explicit)
    # Unix socket paths are limited to about 104 bytes, so no deep directory will do.
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir() and len(base) < 40:
        return Path(base) / _APP
    return Path("/tmp") / f"{_APP}-{os.getuid()}"  # noqa: S108 - checked for owner and mode before use


def _private_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = path.lstat()
    except OSError as error:
        raise FleetError(
            "cannot create the state directory",
            f"{path}: {error.strerror}",
            "make its parent writable, or set FLEET_STATE_HOME and FLEET_RUNTIME_DIR to directories that you own",
        ) from error
    for directory, details in ((path.parent, path.parent.lstat()), (path, info)):
        if directory == path and not stat.S_ISDIR(details.st_mode):
            raise FleetError("unsafe state directory", f"{directory} is not a directory", "remove it and try again")
    if info.st_uid != os.getuid():
        raise FleetError("unsafe state directory", f"{path} belongs to uid {info.st_uid}", "remove it or choose another")
    if info.st_mode & 0o077:
        raise FleetError(
            "unsafe state directory", f"{path} is open to group or others (mode {info.st_mode & 0o777:o})", f"chmod 700 {path}"
        )
    if not os.access(path, os.W_OK | os.X_OK):
        raise FleetError(
            "state directory is read-only", str(path), "make it writable, or set FLEET_STATE_HOME to another directory"
        )
