"""The complete environments of agents and of the watcher's commands: an allow-list of the user's, and no credential."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fleet_tui.bus.shim import write_shim
from fleet_tui.domain.model import Run
from fleet_tui.domain.users import AgentUser
from fleet_tui.settings.schema import AgentSettings
from fleet_tui.watcher.confinement.agent_user import GIT_CONFIG

_PASSED_ON = (
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
)
_PASSED_PREFIXES = ("LC_",)
_OWN = (
    "FLEET_AGENT",
    "FLEET_PR",
    "FLEET_ROLE",
    "FLEET_ROUND",
    "FLEET_RUN",
    "FLEET_SOCKET",
    "FLEET_SPOOL",
    "FLEET_TICKET",
    "FLEET_TOKEN",
    "FLEET_TRIGGER",
    "FLEET_WORKDIR",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_TERMINAL_PROMPT",
    "PATH",
)
"""What every run is given besides; a test compares it with what runs really have."""
_OF_THE_HOME = frozenset({"HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"})
_NO_COMMANDS = ("GIT_", "FLEET_", "GH_", "GITHUB_", "SSH_AUTH_SOCK", "TMUX", "ANTHROPIC_", "OPENAI_", "GEMINI_")


def bus_directory(run_dir: Path) -> Path:
    """Where a run's socket lies: a directory of its own, which stays when the watcher makes the socket anew."""
    return run_dir / "io"


def bus_socket(run_dir: Path) -> Path:
    """The socket of a run."""
    return bus_directory(run_dir) / "bus.sock"


def agent_environment(
    run: Run,
    agent: AgentSettings,
    run_dir: Path,
    workspace: Path,
    token: str,
    extra: Mapping[str, str],
    home: Path | None = None,
    user: AgentUser | None = None,
) -> dict[str, str]:
    """Name → value for the agent's processes.

    Credentials of the user (``SSH_AUTH_SOCK``, ``GH_TOKEN``, …) are left out; what a vendor needs is named in the
    configuration (``vendors.*.env``, ``agents[].env``) and arrives in ``extra``. With a ``home`` of its own nothing
    points into the person's. At L2 ``user`` is whom the processes run as.
    """
    inherited = _inherited() if home is None else _without_home(_inherited())
    own = {
        **({} if home is None else {"HOME": str(home)}),
        "PATH": f"{run_dir / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "FLEET_AGENT": run.agent,
        "FLEET_PR": "" if run.pr is None else str(run.pr),
        "FLEET_ROLE": run.role,
        "FLEET_ROUND": str(run.round),
        "FLEET_RUN": run.id,
        "FLEET_SOCKET": str(bus_socket(run_dir)),
        "FLEET_SPOOL": str(run_dir / "spool"),
        "FLEET_TICKET": "" if run.ticket is None else str(run.ticket),
        "FLEET_TOKEN": token,
        "FLEET_TRIGGER": run.trigger,
        "FLEET_WORKDIR": str(workspace),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    if user is not None:
        # In the place of the machine's own, which is not read here either.
        del own["GIT_CONFIG_NOSYSTEM"]
        own |= {"USER": user.name, "LOGNAME": user.name, "GIT_CONFIG_SYSTEM": str(run_dir / GIT_CONFIG)}
    return inherited | dict(agent.env) | dict(extra) | own


def names_for(agent: AgentSettings, extra: Mapping[str, str], *, has_home: bool) -> tuple[str, ...]:
    """The names that :func:`agent_environment` would give values to, for somebody who looks before there is a run."""
    inherited = _without_home(_inherited()) if has_home else _inherited()
    return tuple(sorted({*inherited, *agent.env, *extra, *_OWN, *(("HOME",) if has_home else ())}))


def command_environment(
    extra: Mapping[str, str], home: Path | None = None, user: AgentUser | None = None
) -> dict[str, str]:
    """Name → value for a command of the watcher.

    Without a ``home`` of its own it is the person's environment, but for credentials of forges and agents and git's
    variables; with one, what agents inherit. ``extra`` is the command's own, and counts most.
    """
    if home is None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_NO_COMMANDS)}
    else:
        kept = _without_home(_inherited())
        kept |= {"HOME": str(home), "PATH": os.environ.get("PATH", os.defpath), "GIT_TERMINAL_PROMPT": "0"}
    who = {} if user is None else {"USER": user.name, "LOGNAME": user.name}
    return kept | who | {"CI": "true"} | dict(extra)


def _inherited() -> dict[str, str]:
    everything = os.environ.items()
    return {name: value for name, value in everything if name in _PASSED_ON or name.startswith(_PASSED_PREFIXES)}


def _without_home(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _OF_THE_HOME}


def install_client(run_dir: Path) -> None:
    """Put the agents' ``fleet`` where the run's PATH finds it first, and make its spool and place for the socket."""
    write_shim(run_dir / "bin")
    for directory in (run_dir / "spool", bus_directory(run_dir)):
        directory.mkdir(mode=0o700, exist_ok=True)
