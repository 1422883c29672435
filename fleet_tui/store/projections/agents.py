"""Agents: their latches, allowances and configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet_tui.domain.events import (
    AgentConditionsChanged,
    AgentPaused,
    AgentQuarantined,
    AgentReleased,
    AgentResumed,
    ConfigLoaded,
    Event,
    MailAcknowledged,
    Payload,
    PolicyDenied,
    payload_of,
)
from fleet_tui.store.canonical import dumps
from fleet_tui.store.projections.base import Apply, agent_row, blank_agent, change_agent
from fleet_tui.store.tables import AGENT, Row, Tables


def paused(tables: Tables, event: Event) -> None:
    change_agent(tables, payload_of(event, AgentPaused).agent, paused=True)


def resumed(tables: Tables, event: Event) -> None:
    change_agent(tables, payload_of(event, AgentResumed).agent, paused=False)


def quarantined(tables: Tables, event: Event) -> None:
    latch = payload_of(event, AgentQuarantined)
    change_agent(tables, latch.agent, quarantined=True, quarantine_reason=latch.reason, epoch=latch.agent_epoch)


def released(tables: Tables, event: Event) -> None:
    release = payload_of(event, AgentReleased)
    changes = {"quarantined": False, "quarantine_reason": "", "epoch": release.agent_epoch, "denials": 0}
    change_agent(tables, release.agent, **changes, **_conditions(release.run_budgets, release.risk_floor))


def conditions_changed(tables: Tables, event: Event) -> None:
    changed = payload_of(event, AgentConditionsChanged)
    change_agent(tables, changed.agent, **_conditions(changed.run_budgets, changed.risk_floor))


def _conditions(run_budgets: list[Any] | None, risk_floor: int | None) -> Row:
    """The columns of those that are given; the others stay as they are."""
    given = {"run_budgets": None if run_budgets is None else dumps(run_budgets), "risk_floor": risk_floor}
    return {name: value for name, value in given.items() if value is not None}


def denied(tables: Tables, event: Event) -> None:
    refusal = payload_of(event, PolicyDenied)
    agent = refusal.agent
    if agent and refusal.counts:
        change_agent(tables, agent, denials=agent_row(tables, agent)["denials"] + 1)


def mail_acknowledged(tables: Tables, event: Event) -> None:
    receipt = payload_of(event, MailAcknowledged)
    acked_seq = max(receipt.seq, agent_row(tables, receipt.agent)["acked_seq"])
    change_agent(tables, receipt.agent, acked_seq=acked_seq)


def config_loaded(tables: Tables, event: Event) -> None:
    """Agents of the configuration take its fields; others stay, with their latches, as no longer configured."""
    described = {_name(agent): _configured(agent) for agent in payload_of(event, ConfigLoaded).agents}
    for row in tables.rows(AGENT):
        if row["name"] not in described and row["configured"]:
            tables.put(AGENT, {**row, "configured": False})
    for name, fields in described.items():
        change_agent(tables, name, **fields)


_CONFIGURED: dict[str, tuple[type, ...]] = {
    "role": (str,),
    "vendor": (str,),
    "model": (str, type(None)),
    "enabled": (bool,),
    "max_concurrent": (int,),
    "department": (str, type(None)),
    "reports_to": (str, type(None)),
    "subscribes_to": (list,),
    "budget_s": (int, type(None)),
    "teams": (list,),
}
_LISTS: Row = {name: [] for name, types in _CONFIGURED.items() if list in types}
_DEFAULTS: Row = {**{name: blank_agent("")[name] for name in _CONFIGURED}, "enabled": True, **_LISTS}


def _name(agent: Mapping[str, Any]) -> str:
    name = agent.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError(f"an agent of the configuration has no name: {dict(agent)!r:.80}")
    return name


def _configured(agent: Mapping[str, Any]) -> Row:
    fields: Row = {"configured": True}
    for column, types in _CONFIGURED.items():
        value = agent.get(column, _DEFAULTS[column])
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ValueError(f"agent {agent['name']}: {column} has the wrong type ({type(value).__name__})")
        fields[column] = dumps(value) if isinstance(value, list) else value
    return fields


APPLY: dict[type[Payload], Apply] = {
    AgentPaused: paused,
    AgentResumed: resumed,
    AgentQuarantined: quarantined,
    AgentReleased: released,
    AgentConditionsChanged: conditions_changed,
    PolicyDenied: denied,
    MailAcknowledged: mail_acknowledged,
}
