"""What a person does about an alarm: acknowledge it, put it on the shelf for a while, take it down again."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.events import AlarmAcknowledged, AlarmShelved, AlarmUnshelved
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import AlarmState
from fleet_tui.domain.text import clean, one_line
from fleet_tui.governance.alarms import may_shelve
from fleet_tui.watcher.context import Context

_SECOND = 1_000_000_000


async def acknowledge(ctx: Context, args: dict[str, Any], actor: str) -> dict[str, Any]:
    """Seen; the condition is not changed. With ``group`` also those that probably follow from ``alarm``.

    One that cleared before anybody saw it is acknowledged all the same.

    Raises:
        FleetError: there is no such alarm, or it is on the shelf.
    """
    alarm = _find(ctx, str(args.get("alarm", "")))
    following = [one for one in ctx.reader.alarms(AlarmState.ACTIVE) if args.get("group") and one.first == alarm.id]
    if alarm.state is AlarmState.SHELVED:
        raise Conflict("nothing to acknowledge", f"{one_line(alarm.title, 80)} is {alarm.state.value}")
    unseen = [one for one in (alarm, *following) if one.acknowledged_by is None]
    for one in unseen:
        await ctx.say(AlarmAcknowledged(one.id, actor), f"alarm:{one.id}", actor=actor)
    if not unseen:
        return {"message": "acknowledged already"}
    return {"message": "acknowledged" if len(unseen) == 1 else f"{len(unseen)} acknowledged, the first and its effects"}


async def shelve(ctx: Context, args: dict[str, Any], actor: str) -> dict[str, Any]:
    """Put ``alarm`` out of sight for ``for_s`` seconds, with a ``reason``.

    Raises:
        FleetError: it is cleared, of priority 1, or for too long; or there is no reason.
    """
    alarm, for_s = _find(ctx, str(args.get("alarm", ""))), args.get("for_s")
    reason = clean(str(args.get("reason") or ""), 400)
    if not reason.strip():
        raise UsageError("reason missing", "why it may wait", "--reason")
    if alarm.state is AlarmState.CLEARED:
        raise Conflict("cleared", f"{one_line(alarm.title, 80)} has cleared already")
    if type(for_s) is not int:  # True is an int too
        raise UsageError("time missing", "for how many seconds it is to be shelved", "--for 30m")
    why_not = may_shelve(alarm, for_s)
    if why_not is not None:
        raise UsageError("not shelved", why_not, f"fleet alarm ack {alarm.id}")
    until_ns = ctx.now_ns() + for_s * _SECOND
    shelved = AlarmShelved(alarm.id, actor, until_ns, reason)
    await ctx.say(shelved, f"alarm:{alarm.id}", actor=actor)
    return {"message": f"shelved for {for_s} s", "until_ns": until_ns}


async def unshelve(ctx: Context, name: str, actor: str) -> dict[str, Any]:
    """Back in sight."""
    alarm = _find(ctx, name)
    if alarm.state is not AlarmState.SHELVED:
        raise Conflict("not shelved", f"{one_line(alarm.title, 80)} is {alarm.state.value}")
    await ctx.say(AlarmUnshelved(name, f"by {actor}"), f"alarm:{name}", actor=actor)
    return {"message": "back in sight"}


def _find(ctx: Context, name: str) -> Alarm:
    alarm = ctx.reader.alarm(name)
    if alarm is None:
        raise UsageError("no such alarm", one_line(name, 80), "fleet alarm list --all")
    return alarm
