"""The way out of a sandbox to the hosts of ``isolation.network``: how its proxy is started and how programs find it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleet_tui.domain.hosts import host_rule
from fleet_tui.domain.text import one_line
from fleet_tui.domain.users import AgentUser
from fleet_tui.governance import network
from fleet_tui.settings.isolation import IsolationSettings
from fleet_tui.tmux.records import RunSpec
from fleet_tui.tmux.sandbox import PROXY_PORT

_PROGRAM = Path(__file__).with_name("proxy.py")
_MOST_BYTES = 100_000
_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def log_of(run_dir: Path) -> Path:
    """Where the proxy of a run writes down whom it refused; a sandbox does not show it."""
    return run_dir / "network.log"


@dataclass(frozen=True, slots=True)
class Outlet:
    """The command of a proxy, but for its listening socket, and the variables that tell programs of it.

    Both are empty where the network is all or nothing.
    """

    proxy: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def outlet(settings: IsolationSettings, log: Path, user: AgentUser | None) -> Outlet:
    """What a sandbox's proxy is started with. It writes ``log``, and at L2 runs as ``user``."""
    if isinstance(settings.network, bool):
        return Outlet()
    who = "" if user is None else f"{user.uid}:{user.gid}"
    argv = (sys.executable, "-I", str(_PROGRAM), str(log), who, *settings.network)
    return Outlet(argv, _environment(settings.network))


def with_outlet(spec: RunSpec, settings: IsolationSettings, log: Path, user: AgentUser | None) -> RunSpec:
    """``spec``, of a sandboxed run, with its proxy."""
    found = outlet(settings, log, user)
    return replace(spec, proxy=found.proxy, env=spec.env | dict(found.environment))


def refused(log: Path) -> tuple[str, ...]:
    """Whom the proxy that wrote ``log`` refused, once each, with its reason."""
    try:
        said = [json.loads(line) for line in log.read_bytes()[:_MOST_BYTES].splitlines()]
        return tuple(dict.fromkeys(one_line(f"{one['target']}: {one['reason']}") for one in said))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _environment(hosts: Iterable[str]) -> dict[str, str]:
    # What is not asked of the proxy is the sandbox's own.
    found = dict.fromkeys(_VARIABLES, f"http://127.0.0.1:{PROXY_PORT}")
    found["NO_PROXY"] = ",".join(network.direct([host_rule(text) for text in hosts]))
    # Node.js looks at none of them unless it is told to.
    return found | {name.lower(): value for name, value in found.items()} | {"NODE_USE_ENV_PROXY": "1"}
