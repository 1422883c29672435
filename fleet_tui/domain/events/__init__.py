"""The event vocabulary: one frozen dataclass per kind, by what it is about, and the envelope they travel in.

A payload holds JSON values only (text, integers, booleans, lists, maps). Instants are integer nanoseconds UTC
(``*_ns``), durations carry their unit (``*_ms``, ``*_s``). Kinds that this version does not know are kept, shown, and
change no table.
"""

# Whoever uses an event takes it from here, and a new one needs nothing but its class in one of these.
from fleet_tui.domain.events.accounts import *  # noqa: F403
from fleet_tui.domain.events.agents import *  # noqa: F403
from fleet_tui.domain.events.alarms import *  # noqa: F403
from fleet_tui.domain.events.budgets import *  # noqa: F403
from fleet_tui.domain.events.envelope import *  # noqa: F403
from fleet_tui.domain.events.gates import *  # noqa: F403
from fleet_tui.domain.events.governance import *  # noqa: F403
from fleet_tui.domain.events.pull_requests import *  # noqa: F403
from fleet_tui.domain.events.releases import *  # noqa: F403
from fleet_tui.domain.events.runs import *  # noqa: F403
from fleet_tui.domain.events.said import *  # noqa: F403
from fleet_tui.domain.events.tickets import *  # noqa: F403
from fleet_tui.domain.events.upkeep import *  # noqa: F403
