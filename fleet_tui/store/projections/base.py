"""What all projections share."""

from __future__ import annotations

from collections.abc import Callable

from fleet_tui.domain.events import Event
from fleet_tui.store.tables import AGENT, RUN, Row, Tables

Apply = Callable[[Tables, Event], None]
"""Changes the tables as the event says; reads nothing but the tables and the event."""


def publish(tables: Tables, run: str | None) -> None:
    """Marks that ``run`` has done its part."""
    if run:
        tables.change(RUN, run, published=True)


def blank_agent(name: str) -> Row:
    """The row of an agent that no configuration has named yet."""
    return {
        "name": name,
        "role": "",
        "vendor": "",
        "model": None,
        "enabled": False,
        "max_concurrent": 1,
        "department": None,
        "reports_to": None,
        "subscribes_to": "[]",
        "budget_s": None,
        "extended_s": 0,
        "charged_ms": 0,
        "quarantined": False,
        "quarantine_reason": "",
        "paused": False,
        "epoch": 0,
        "denials": 0,
        "acked_seq": 0,
        "configured": False,
        "run_budgets": "[]",
        "risk_floor": 0,
        "teams": "[]",
    }


def agent_row(tables: Tables, name: str) -> Row:
    """The agent's row; a blank one for an agent that is in no configuration."""
    return tables.get(AGENT, name) or blank_agent(name)


def change_agent(tables: Tables, name: str, **changes: object) -> None:
    """Changes columns of an agent, which is created when it is unknown: a latch must never be lost."""
    tables.put(AGENT, {**agent_row(tables, name), **changes})
