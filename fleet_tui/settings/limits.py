"""The ``limits`` section: ceilings of the whole fleet, and what becomes of runs that ended."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from fleet_tui.settings import fields as f
from fleet_tui.settings.section import Section

DAY_S = 86_400
MemoryCeiling = Annotated[f.Number, Field(ge=16, le=10_000_000)]
"""Megabytes (of a million bytes) that the processes of one run may take together."""


class Limits(Section):
    """Ceilings of the whole fleet."""

    max_running: Annotated[f.Number, Field(ge=1, le=1000)] = Field(8, description="Runs at the same time.")
    memory_reserve_mb: Annotated[f.Number, Field(ge=0, le=10_000_000)] = Field(
        512, description="Memory that stays free for you and what lives already; what would take it waits. 0: no limit."
    )
    memory_run_mb: Annotated[f.Number, Field(ge=1, le=1_000_000)] = Field(
        400, description="What a run is expected to take, in MB, until it has taken it."
    )
    memory_pressure: Annotated[f.Number, Field(ge=1, le=100)] | None = Field(
        20,
        description="Percent of the time that programs of this machine wait for memory from which on no run starts, "
        "where the kernel tells it (Linux); empty: no limit.",
    )
    memory_mb: MemoryCeiling | None = Field(
        None,
        description="What one run may take, in MB: with more it is frozen, and you are asked. A role's (`roles`) or an "
        "agent's own goes before it; empty: no ceiling.",
    )
    memory_warn_share: Annotated[float, Strict(), Field(gt=0, le=1)] = Field(
        0.8, description="Share of its memory at which you are warned."
    )
    restart_attempts: Annotated[f.Number, Field(ge=0, le=100)] = Field(
        3, description="Attempts at one piece of work, the first one included, before a person must look."
    )
    restart_backoff_s: tuple[Annotated[f.Number, Field(ge=0, le=DAY_S)], ...] = Field(
        (1, 5, 30), min_length=1, max_length=20, description="Seconds before each restart; the last one repeats."
    )
    restore: Literal["ask", "auto"] = Field(
        "ask",
        description="What becomes of runs that were lost with the tmux server or a restart of the host: you are asked "
        "(`fleet restore --plan`), or they start again by themselves.",
    )
    restore_unasked: Annotated[f.Number, Field(ge=0, le=1000)] = Field(
        2, description="Of `restore: ask`: up to so many that were lost at once start again by themselves."
    )
    denials_to_quarantine: Annotated[f.Number, Field(ge=1, le=1000)] = Field(
        3, description="Refused acts that quarantine an agent, counted since its last release."
    )
    account_gap_s: Annotated[f.Number, Field(ge=0, le=3600)] = Field(
        10, description="Seconds between two agents that go on after the usage limit of their account at a vendor."
    )
    account_proof_s: Annotated[f.Number, Field(ge=0, le=DAY_S)] = Field(
        120,
        description="Seconds for the first one to show that the account works; the others go on earlier if it does.",
    )
    account_backoff_s: tuple[Annotated[f.Number, Field(ge=1, le=7 * DAY_S)], ...] = Field(
        (300, 900, 1800, 3600),
        min_length=1,
        max_length=20,
        description="Seconds until the first one tries when the vendor does not say when the limit is over, by how "
        "many limits came in a row; the last one repeats.",
    )
