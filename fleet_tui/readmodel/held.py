"""What a person did that is held: it happens by itself unless it is undone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet_tui.domain.states import ApprovalState
from fleet_tui.readmodel.values import AgentTile, ApprovalCard, Snapshot


@dataclass(frozen=True, slots=True)
class Held:
    """``op`` with ``args`` takes it back."""

    op: str
    args: Mapping[str, str] = field(hash=False)
    target: str
    """Whom or what it is done to: ``PR 3``, ``dev-1``."""
    what: str
    """``lands``, ``stops``, ``begins again``."""
    until_ns: int


def newest(snapshot: Snapshot | None, now_ns: int) -> Held | None:
    """Of what can still be undone. All is held equally long, so the newest is what happens last."""
    if snapshot is None:
        return None
    held = [_landing(card) for card in snapshot.approvals if card.approval.state is ApprovalState.HELD]
    held += [_stop(tile) for tile in snapshot.tiles if tile.run and tile.stops_ns is not None]
    return max((one for one in held if one.until_ns > now_ns), key=lambda one: one.until_ns, default=None)


def _landing(card: ApprovalCard) -> Held:
    until_ns = card.approval.hold_until_ns or 0
    return Held("undo", {"approval": card.id}, f"PR {card.approval.pr}", "lands", until_ns)


def _stop(tile: AgentTile) -> Held:
    what = "begins again" if tile.stops_again else "stops"
    return Held("undo_stop", {"run": tile.run or ""}, tile.name, what, tile.stops_ns or 0)
