"""How many runs more the host can bear. What is kept free is for the person, the watcher and what lives already."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.settings.limits import Limits


@dataclass(frozen=True, slots=True)
class Host:
    """``available_mb``: memory that can be had without swapping. ``pressure``: percent of the last ten seconds in which
    something waited for memory (``/proc/pressure/memory``); None where the kernel does not say."""

    available_mb: int
    pressure: float | None = None


def refusal(host: Host, limits: Limits, *, living: int, coming: int) -> str:
    """Why no run more may start; empty when one may. The same words as long as it is the same reason.

    ``living`` are all that have a place; of these ``coming`` have begun too lately to have taken their memory yet. One
    may always live: a small machine shall do something.
    """
    if living == 0:
        return ""
    most = limits.memory_pressure
    if most is not None and host.pressure is not None and host.pressure >= most:
        return f"programs of this machine wait for memory {most} % of the time or more"
    wanted_mb = limits.memory_run_mb * (coming + 1) + limits.memory_reserve_mb
    if limits.memory_reserve_mb and host.available_mb < wanted_mb:
        return (
            f"there is no memory for one run more ({limits.memory_run_mb} MB) beside what is starting and the "
            f"{limits.memory_reserve_mb} MB that are to stay free"
        )
    return ""
