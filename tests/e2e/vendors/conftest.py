"""The vendors' real programs, as ``make vendors`` installs them, against stand-in models on loopback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.conftest import bare, place

__all__ = ["bare", "place"]
ROOT = Path(__file__).resolve().parents[3]


def program(vendor: str, *parts: str) -> Path:
    """The real program of a vendor; a test without it fails rather than passing unseen."""
    folder = Path(os.environ.get("FLEET_VENDORS", ROOT / ".vendors"))
    path = folder.joinpath(vendor, *parts)
    if not path.exists():
        pytest.fail(f"{path} is missing: run `make vendors`")
    return path
