"""The watcher's login to GitHub is the watcher's: nothing that it starts for agents, repositories or gates has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.forge import gh
from fleet_tui.git import command as git
from fleet_tui.tmux import command as tmux
from fleet_tui.watcher.runs.environment import agent_environment, command_environment

from .watcher_support import Fleet

CREDENTIALS = (
    *("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"),
    *("GH_CONFIG_DIR", "DBUS_SESSION_BUS_ADDRESS"),  # the ways to a login that gh keeps in a file or in a keyring
)


@pytest.mark.parametrize("home", [None, Path("/of/dev")])
async def test_only_gh_has_the_credentials(fleet: Fleet, home: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.setenv(name, "secret-of-the-person")
    assert set(CREDENTIALS) <= gh.environment().keys()
    await fleet.ticket()
    await fleet.settle()
    run, settings = await fleet.queued("dev"), fleet.ctx.settings.agent("dev")
    assert settings is not None
    environments = {
        "agent": agent_environment(run, settings, Path("/r"), Path("/w"), "t", {}, home),
        "gate": command_environment({}, home),
        "git": git.environment(),
        "git as the person": git.environment(user_config=True),
        "the panes' tmux": tmux.environment(),
    }
    leaks = [(who, name) for who, env in environments.items() for name, value in env.items() if "secret-of" in value]
    # The person's own commands at L0 run as the person; the desktop's bus is no token.
    assert [leak for leak in leaks if leak != ("gate", "DBUS_SESSION_BUS_ADDRESS")] == []
    assert home is None or leaks == []
