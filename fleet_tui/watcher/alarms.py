"""Raising and clearing alarms: one active alarm per rule and subject, however often a pass sees the condition."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Mapping

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import AlarmCleared, AlarmRaised, AlarmShelved, AlarmUnshelved
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import STANDING_ALARMS, AlarmState
from fleet_tui.domain.text import one_line
from fleet_tui.governance.alarms import CHATTER_SHELVED_S, WINDOW_NS, first_out, flood, is_chattering
from fleet_tui.watcher.context import Context

_FAILURES = 3
_STEP_NS = 60 * 1_000_000_000
"""The reader remembers answers by their question, so a question that has the instant in it is asked in steps."""
_TOLD_BY_THEMSELVES = ("reclaim:", "discard:")
"""Jobs that raise an alarm of their own at their first failure."""
SEE_LOG = "see `fleet doctor`, and watcher.log in the directory that `fleet watcher status` names"

log = logging.getLogger(__name__)


def active(ctx: Context, rule: str, about: str) -> Alarm | None:
    """The uncleared alarm of this rule about this subject."""
    return next(iter(ctx.reader.alarms(*STANDING_ALARMS, rule=rule, about=about)), None)


async def ensure(ctx: Context, rule: str, about: str, *, priority: int, title: str, response: str) -> None:
    """Raise the alarm unless it stands already. ``response`` is the one thing a person is expected to do."""
    # Jobs run beside the passes: two that see the condition at once have the same key; one of them counts. The writer
    # does not wait either: counted after looking, an alarm that comes in between would make room for a second one.
    nth = ctx.reader.times_raised(rule, about)
    if active(ctx, rule, about) is None:
        first = first_out(ctx.reader.alarms(*STANDING_ALARMS), _group(ctx, about), ctx.now_ns())
        alarm = AlarmRaised(
            new_id("alarm"), rule, priority, one_line(title), one_line(response), about, first.id if first else None
        )
        await ctx.say(alarm, about, key=f"alarm:{rule}:{about}:{nth}")


def _group(ctx: Context, about: str) -> tuple[str, ...]:
    """What an alarm about ``about`` may follow from: the same thing, the run's agent, the pull request's ticket."""
    noun, _, name = about.partition(":")
    found: tuple[str, ...] = ()
    if noun == "run":
        run = ctx.reader.run(name)
        found = (f"agent:{run.agent}", f"ticket:{run.ticket}", f"pr:{run.pr}") if run is not None else ()
    elif noun == "pr" and name.isdecimal():
        pull_request = ctx.reader.pull_request(int(name))
        found = (f"ticket:{pull_request.ticket}", f"agent:{pull_request.agent}") if pull_request is not None else ()
    return (about, *found) if noun in {"run", "pr", "ticket", "agent"} else ()


async def clear(ctx: Context, rule: str, about: str, reason: str) -> None:
    """Clear the alarm if it stands."""
    alarm = active(ctx, rule, about)
    if alarm is not None:
        await ctx.say(AlarmCleared(alarm.id, reason), about, key=f"cleared:{alarm.id}")


async def keep(
    ctx: Context, rule: str, standing: Mapping[str, str], *, priority: int, response: str, over: str
) -> None:
    """Have one alarm of this rule per subject of ``standing`` (subject to title); the others clear, being ``over``."""
    for about, title in standing.items():
        await ensure(ctx, rule, about, priority=priority, title=title, response=response)
    await only(ctx, rule, standing, over)


async def only(ctx: Context, rule: str, subjects: Collection[str], over: str = "it is not looked at any more") -> None:
    """Clear the alarms of this rule about anything but ``subjects``."""
    for alarm in ctx.reader.alarms(*STANDING_ALARMS, rule=rule):
        if alarm.about not in subjects:
            await clear(ctx, rule, alarm.about, over)


@contextlib.asynccontextmanager
async def guarding(
    ctx: Context, rule: str, about: str, *, title: str, response: str = SEE_LOG, passing: bool = False
) -> AsyncIterator[None]:
    """One of many things: an error in it, whatever it is, becomes an alarm with its cause, and the others go on.

    When it works again, the alarm is cleared. ``passing`` passes the error on: a job rests after one.
    """
    try:
        yield
    except Exception as error:
        if active(ctx, rule, about) is None:
            log.exception("%s (%s)", one_line(title), about)
        cause = str(error) if isinstance(error, FleetError) else f"{type(error).__name__}: {error}"
        await ensure(ctx, rule, about, priority=2, title=f"{title}: {cause}", response=response)
        if passing:
            raise
    else:
        await clear(ctx, rule, about, "it works again")


async def attend(ctx: Context) -> None:
    """Bring shelved alarms back in time, put chattering ones out of sight for a while, and tell of a flood once."""
    now_ns = ctx.now_ns()
    since_ns = (now_ns - WINDOW_NS) // _STEP_NS * _STEP_NS
    history = ctx.reader.alarms(since_ns=since_ns)
    for alarm in ctx.reader.alarms(AlarmState.SHELVED, AlarmState.ACTIVE):
        if alarm.state is AlarmState.SHELVED and (alarm.shelved_until_ns or 0) <= now_ns:
            await ctx.say(AlarmUnshelved(alarm.id, "its time on the shelf is over"), alarm.about)
        elif alarm.state is AlarmState.ACTIVE and is_chattering(alarm, history, now_ns):
            until_ns = now_ns + CHATTER_SHELVED_S * 1_000_000_000
            shelved = AlarmShelved(alarm.id, "watcher", until_ns, "chattering: it came and went three times")
            await ctx.say(shelved, alarm.about, key=f"chatter:{alarm.id}")
    recent = flood(history, now_ns)
    if recent:
        title = f"{len(recent)} unanswered alarms within ten minutes; the first: {recent[0].title}"
        response = "answer the oldest that stands; the others are probably its effects"
        await ensure(ctx, "flood", "fleet", priority=2, title=title, response=response)
    else:
        await clear(ctx, "flood", "fleet", "the flood is over")


async def failing_jobs(ctx: Context) -> None:
    """Work beside the loop that fails again and again is told to a person, until it succeeds or nobody wants it."""
    all_failing = ctx.jobs.failing(_FAILURES)
    failing = {key: failure for key, failure in all_failing.items() if not key.startswith(_TOLD_BY_THEMSELVES)}
    for key, failure in failing.items():
        title = f"`{key}` failed {_FAILURES} times and is tried again now and then: {failure.reason}"
        await ensure(ctx, "job", f"job:{key}", priority=2, title=title, response=SEE_LOG)
    for alarm in ctx.reader.alarms(*STANDING_ALARMS, rule="job"):
        if alarm.about.removeprefix("job:") not in failing:
            await ctx.say(AlarmCleared(alarm.id, "it works again, or is no longer wanted"), alarm.about)
