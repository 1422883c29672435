"""Which function applies which kind of event."""

from __future__ import annotations

from fleet_tui.domain.events import Event
from fleet_tui.store.projections import (
    accounts,
    agents,
    effects,
    fleet,
    gates,
    messages,
    pull_requests,
    risk,
    runs,
    spending,
    tickets,
)
from fleet_tui.store.projections.base import Apply
from fleet_tui.store.tables import Tables

_NOUNS = (accounts, tickets, runs, spending, agents, messages, pull_requests, gates, risk, effects, fleet)

APPLY: dict[str, Apply] = {payload.kind: function for noun in _NOUNS for payload, function in noun.APPLY.items()}
"""Kind to function. Kinds that are missing here are history only."""


def apply(tables: Tables, event: Event) -> None:
    """Changes the tables as ``event`` says; an unknown kind changes nothing but inboxes.

    Raises:
        ValueError, TypeError: the payload does not fit its kind.
    """
    function = APPLY.get(event.kind)
    if function is not None:
        function(tables, event)
    if event.payload.get("to"):
        messages.mailed(tables, event)
