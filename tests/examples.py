"""How often a property is tried: in the fast run on a share of its examples, in the slow one on all of them."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

ALL = os.environ.get("FLEET_ALL_EXAMPLES") == "1"
"""Set by `make test-slow`, which runs every property again."""
BUSY = (HealthCheck.too_slow,)
"""Health checks that tell of a machine with much to do, and of nothing that is tested."""
_SHARE = 20
_LEAST = 50


def tried(examples: int, **options: Any) -> settings:
    """Settings for a property that is worth ``examples`` examples; ``options`` are those of Hypothesis."""
    few = min(examples, max(_LEAST, examples // _SHARE))
    return settings(max_examples=examples if ALL else few, **options)
