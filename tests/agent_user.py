"""The other user of isolation level L2, made once where root runs the tests; elsewhere such tests are left out."""

from __future__ import annotations

import os
import subprocess

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.users import AgentUser
from fleet_tui.tmux import sandbox
from fleet_tui.watcher.confinement import agent_user

NAME = "fleet-agent"
POSSIBLE = os.getuid() == 0 and sandbox.bubblewrap() is not None
only_root = pytest.mark.skipif(not POSSIBLE, reason="only root, with bubblewrap, can run agents as another user")


def made() -> AgentUser:
    """The system user ``fleet-agent``."""
    try:
        return agent_user.find(NAME)
    except FleetError:
        # Beside other tests: whoever is second finds it there.
        subprocess.run(["useradd", "--system", "--no-create-home", NAME], check=False, capture_output=True)
        return agent_user.find(NAME)
