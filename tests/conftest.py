"""What holds for all tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.examples import BUSY

# How long one example takes depends on what else the machine does.
settings.register_profile("fleet", settings.default, deadline=None, suppress_health_check=BUSY)
settings.load_profile("fleet")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: about a third of a test's time it waits for another process or a picture."""
    return (os.cpu_count() or 1) + 1
