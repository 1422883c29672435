"""The way out of a sandbox to the hosts of ``isolation.network``: how its proxy is started and how programs find it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from fleet_tui.domain.hosts import host_rule
from fleet_tui.domain.users import AgentUser
from fleet_tui.governance import network
from fleet_tui.settings.isolation import IsolationSettings
from fleet_tui.tmux.records import RunSpec
from fleet_tui.tmux.sandbox import PROXY_PORT

_PROGRAM = Path(__file__).with_name("proxy.py")
_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def log_of(run_dir: Path) -> Path:
    """Where the proxy of a run writes down whom it refused; a sandbox does not show it."""
    return run_dir / "network.log"


def with_outlet(spec: RunSpec, settings: IsolationSettings, log: Path, user: AgentUser | None) -> RunSpec:
    """``spec``, of a sandboxed run, with its proxy; unchanged where the network is all or nothing."""
    return replace(spec, proxy=proxy_argv(settings, log, user), env=spec.env | environment(settings))


def proxy_argv(settings: IsolationSettings, log: Path, user: AgentUser | None) -> tuple[str, ...]:
    """The command of the proxy, but for its listening socket; empty without a list. It runs as ``user``, at L2."""
    if isinstance(settings.network, bool):
        return ()
    who = "" if user is None else f"{user.uid}:{user.gid}"
    return (sys.executable, "-I", str(_PROGRAM), str(log), who, *settings.network)


def environment(settings: IsolationSettings) -> dict[str, str]:
    """The variables that tell programs of the proxy; what is not asked of it is the sandbox's own."""
    if isinstance(settings.network, bool):
        return {}
    found = dict.fromkeys(_VARIABLES, f"http://127.0.0.1:{PROXY_PORT}")
    found["NO_PROXY"] = ",".join(network.direct([host_rule(text) for text in settings.network]))
    # Node.js looks at none of them unless it is told to.
    return found | {name.lower(): value for name, value in found.items()} | {"NODE_USE_ENV_PROXY": "1"}
