"""The vendors' real programs, as ``make vendors`` installs them, against stand-in models on loopback."""

from __future__ import annotations

from tests.e2e.conftest import bare, place

__all__ = ["bare", "place"]
