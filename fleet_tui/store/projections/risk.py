"""The risk of runs and pull requests."""

from __future__ import annotations

from fleet_tui.domain.events import Event, Payload, RiskChanged, payload_of
from fleet_tui.domain.states import RiskBand
from fleet_tui.store.canonical import dumps
from fleet_tui.store.projections.base import Apply
from fleet_tui.store.tables import PULL_REQUEST, RUN, Row, Tables

NO_RISK: Row = {"risk": 0, "risk_band": RiskBand.LOW.value, "risk_reasons": "[]"}
"""Before anything was seen."""


def changed(tables: Tables, event: Event) -> None:
    change = payload_of(event, RiskChanged)
    row = {"risk": change.score, "risk_band": RiskBand(change.band).value, "risk_reasons": dumps(list(change.reasons))}
    if change.pr is not None:
        tables.change(PULL_REQUEST, change.pr, **row, risk_head=change.head_sha or "")
    elif change.run is not None:
        tables.change(RUN, change.run, **row)


APPLY: dict[type[Payload], Apply] = {RiskChanged: changed}
