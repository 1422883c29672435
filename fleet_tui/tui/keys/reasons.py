"""Why a key does nothing now: one function for each condition; None when it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import AlarmState, ApprovalState
from fleet_tui.domain.text import one_line
from fleet_tui.governance.alarms import may_shelve
from fleet_tui.readmodel.flow import Stage
from fleet_tui.readmodel.values import Doing, NeedKind
from fleet_tui.tui.keys.key import ALARMS, Here, Reason

MOST_STOPPED = 10
"""More runs are stopped at once only by a command that is written out."""


def on_agent(here: Here) -> str | None:
    return None if here.tile else "no agent is selected"


def with_process(here: Here) -> str | None:
    if here.tile is None:
        return "no agent is selected"
    return None if here.tile.session else f"{here.tile.name} has no running process"


def of_marked(reason: Reason) -> Reason:
    """For a key that acts on all that are marked: it works as long as it does for one of them."""

    def why_not(here: Here) -> str | None:
        reasons = [reason(replace(here, tile=tile, marked=())) for tile in here.marked]
        if not reasons:
            return reason(here)
        return None if None in reasons else f"not for one of the {len(reasons)} marked: {reasons[0]}"

    return why_not


def alone(reason: Reason) -> Reason:
    """For a key that acts on one agent only: which one is no question while others are marked."""
    return lambda here: "one agent at a time; Esc clears the marks" if here.marked else reason(here)


def stoppable(here: Here) -> str | None:
    if len(here.marked) > MOST_STOPPED:
        return f"{len(here.marked)} are marked; more than {MOST_STOPPED} runs are stopped by `:stop marked` only"
    return of_marked(_with_run_that_goes_on)(here)


def _with_run_that_goes_on(here: Here) -> str | None:
    if here.tile is not None and here.tile.stops_ns is not None:
        return f"{here.tile.name} {'begins again' if here.tile.stops_again else 'stops'} in a moment; u undoes that"
    return with_process(here)


def restartable(here: Here) -> str | None:
    if len(here.marked) > MOST_STOPPED:
        more = f"more than {MOST_STOPPED} runs are started again by `:restart marked` only"
        return f"{len(here.marked)} are marked; {more}"
    return of_marked(_with_free_process)(here)


def _with_free_process(here: Here) -> str | None:
    if here.tile is not None and here.tile.quarantined:
        return f"{here.tile.name} is quarantined; U releases, its work begins anew then"
    return _with_run_that_goes_on(here)


def interruptible(here: Here) -> str | None:
    tile = here.tile
    if tile is not None and tile.session and (tile.quarantined or tile.paused or tile.doing is Doing.LIMITED):
        return f"{tile.name} is frozen ({tile.doing}): there is no turn to interrupt"
    return with_process(here)


def not_quarantined(here: Here) -> str | None:
    if here.tile is not None and here.tile.quarantined:
        return f"{here.tile.name} is quarantined already; U releases"
    return on_agent(here)


def quarantined(here: Here) -> str | None:
    if here.tile is not None and not here.tile.quarantined:
        return f"{here.tile.name} is not quarantined"
    return on_agent(here)


def with_budget(here: Here) -> str | None:
    if here.tile is not None and here.tile.budget is None:
        return f"{here.tile.name} has no budget"
    return on_agent(here)


def decidable(here: Here) -> str | None:
    if here.card is None:
        return "nothing to decide here: select a pull request"
    if here.card.approval.state is ApprovalState.HELD:
        return f"PR {here.card.approval.pr} is approved and held; u undoes that"
    return None


def with_held(here: Here) -> str | None:
    return None if here.held else "nothing is held: no act can be undone"


def with_needs(here: Here) -> str | None:
    return None if here.needs else "nothing waits for you"


def may_not_acknowledge(alarm: Alarm) -> str | None:
    """Why not, or None."""
    if alarm.acknowledged_by:
        return f"acknowledged already, by {one_line(alarm.acknowledged_by, 40)}"
    return "it is on the shelf; s brings it back" if alarm.state is AlarmState.SHELVED else None


def may_not_shelve(alarm: Alarm) -> str | None:
    """Why it cannot be put on the shelf, or None."""
    if alarm.state is AlarmState.SHELVED:
        return "on the shelf already"
    if alarm.state is AlarmState.CLEARED:
        return "it has cleared; a acknowledges it"
    return may_shelve(alarm, 1)


def _none_of(here: Here, reason: Callable[[Alarm], str | None]) -> str | None:
    """Of the alarms that are marked."""
    reasons = [reason(alarm) for alarm in here.marked_alarms]
    return None if None in reasons else f"not for one of the {len(reasons)} marked: {reasons[0]}"


def acknowledgeable(here: Here) -> str | None:
    if here.marked_alarms:
        return _none_of(here, may_not_acknowledge)
    if here.listed is not None:
        return may_not_acknowledge(here.listed)
    if here.alarm:
        return None
    return f"no alarm to acknowledge{'; what waits for you is decided, not acknowledged' if here.needs else ''}"


def with_alarm(here: Here) -> str | None:
    return None if here.listed else "no alarm is selected"


def at_usage_limit(here: Here) -> str | None:
    """Only of the alarm that is selected: which account goes on is no question of marks."""
    if here.marked_alarms:
        return "one account at a time; Esc clears the marks"
    alarm = here.listed
    if alarm is None or alarm.rule != "usage-limit" or alarm.state is AlarmState.CLEARED:
        return "the selected alarm is about no account at its usage limit"
    return None


def under_cursor(here: Here) -> str | None:
    return with_alarm(here) if here.scope == ALARMS else on_agent(here)


def shelvable(here: Here) -> str | None:
    if here.marked_alarms:
        return _none_of(here, may_not_shelve)
    if here.listed is None or here.listed.state is AlarmState.SHELVED:  # from there it is brought back
        return with_alarm(here)
    return may_not_shelve(here.listed)


def with_standing(here: Here) -> str | None:
    return None if here.standing else "no budget is selected"


def blocked(here: Here) -> str | None:
    if here.need and here.need.kind is NeedKind.BLOCKED:
        return None
    asks = here.tile is not None and here.tile.doing is Doing.ASK
    return f"{here.tile.name} waits for an answer: m writes it" if asks and here.tile else "no blocked ticket here"


def holdable(here: Here) -> str | None:
    card = here.ticket
    if card is None:
        return "no ticket is selected"
    return None if card.stage is Stage.READY else f"#{card.number} is under way: only what waits can be held"


def with_pull_request(here: Here) -> str | None:
    if here.ticket is None:
        return "no ticket is selected"
    return None if here.ticket.approval else f"no decision on #{here.ticket.number} waits for you"


def plannable(here: Here) -> str | None:
    card = here.ticket
    if card is None:
        return "no ticket is selected"
    if card.parts:
        return f"#{card.number} is divided already: {', '.join(f'#{part}' for part in card.parts)}"
    return None if card.may_be_divided else f"#{card.number} is under way: only what nobody has begun is divided"


def with_parts(here: Here) -> str | None:
    why = plannable(here)
    if why is not None or here.ticket is None:
        return why
    if here.plan is None:
        return f"how #{here.ticket.number} could be divided is not known yet; f shows why"
    return None if here.plan.parts else f"one agent is better for #{here.ticket.number}; f says why"


def sketched(here: Here) -> str | None:
    return here.unmade or None


def in_recording(here: Here) -> str | None:
    return None if here.recording else "this is a living fleet; fleet replay opens a recording"
