"""What a row of the table of keys is, and what a key would act on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fleet_tui.domain.model import Alarm
from fleet_tui.domain.standing import Standing
from fleet_tui.readmodel.fanout import Plan
from fleet_tui.readmodel.held import Held
from fleet_tui.readmodel.pipeline import TicketCard
from fleet_tui.readmodel.system import Fault
from fleet_tui.readmodel.values import AgentTile, ApprovalCard, NeedItem

EVERYWHERE, WALL, AGENT, APPROVALS, EVENTS = "everywhere", "wall", "agent", "approvals", "events"
ALARMS, PIPELINE, BUDGETS, NEW, SYSTEM = "alarms", "pipeline", "budgets", "new", "system"
SCOPES = (EVERYWHERE, WALL, AGENT, APPROVALS, ALARMS, PIPELINE, EVENTS, BUDGETS, NEW, SYSTEM)


@dataclass(frozen=True, slots=True)
class Here:
    """What a key would act on."""

    scope: str
    frozen: str = ""
    """Why acts are off; empty while they are on."""
    tile: AgentTile | None = None
    marked: tuple[AgentTile, ...] = ()
    """The agents that are marked: what can be done to several is done to them, and not to ``tile``."""
    card: ApprovalCard | None = None
    need: NeedItem | None = None
    """The selected agent's blocked ticket, or the need that `w` led to."""
    alarm: NeedItem | None = None
    """The alarm that `w` led to, or the one on line 2."""
    listed: Alarm | None = None
    """The alarm that is selected in their list."""
    marked_alarms: tuple[Alarm, ...] = ()
    """Those that are marked there: what can be done to several is done to them."""
    standing: Standing | None = None
    """The budget that is selected in their table."""
    held: Held | None = None
    needs: int = 0
    ticket: TicketCard | None = None
    plan: Plan | None = None
    """How the selected ticket could be divided, as far as that is known."""
    recording: bool = False
    fault: Fault | None = None
    """The problem of the configuration that is selected."""
    unmade: str = "no agent is sketched"
    """Why no agent can be made of what the form says; empty when one can."""


Reason = Callable[[Here], str | None]
"""Why a key does nothing now; None when it works."""


def _always(here: Here) -> str | None:  # noqa: ARG001
    return None


_LIVING = frozenset(
    ("agent.attach", "agent.message", "need.acknowledge", "alarm.shelve", "act.undo", "config.edit", "room.refresh")
)
"""Keys that are no capitals and yet need the living fleet: in a recording they are off."""


@dataclass(frozen=True, slots=True)
class Key:
    """A row of the table. ``acts`` marks the keys that change the fleet: capitals, off while the picture is frozen."""

    id: str
    keys: str
    """Textual's names, comma-separated; the first is the one that is shown."""
    label: str
    tooltip: str
    scopes: tuple[str, ...]
    acts: bool = False
    hint: bool = True
    disabled: Reason = _always
    hint_on: tuple[str, ...] = ()
    """Screens where it is among the hints though elsewhere it is not."""

    @property
    def method(self) -> str:
        """The screen's method that does it."""
        return "do_" + self.id.replace(".", "_")

    def concerns(self, here: Here) -> bool:
        """Whether the help of this room names it: the keys of a recording are of no use elsewhere."""
        return here.recording or not self.id.startswith("replay.")

    def why_not(self, here: Here) -> str | None:
        """Why the key does nothing now, or None."""
        if here.frozen and (self.acts or (here.recording and self.id in _LIVING)):
            return here.frozen
        return self.disabled(here)
