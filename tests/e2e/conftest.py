"""Each test gets a place of its own, so that they may run side by side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.e2e_support import Place, opened


@pytest.fixture
def bare() -> Iterator[Place]:
    """A place whose repository directory is still empty."""
    with opened() as place:
        yield place


@pytest.fixture
def place(bare: Place) -> Place:
    """A place with a git repository on ``main``."""
    bare.init_git()
    return bare
