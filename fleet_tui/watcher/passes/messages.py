"""Texts for panes: prompts, answers, a person's messages. Each has receipts and is never typed twice."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_tui.domain.events import EffectDone, EffectFailed, MessageDelivered, RunStateChanged, SessionStarted, draft
from fleet_tui.domain.model import Effect, Message, Run
from fleet_tui.domain.states import ENDED_RUNS, OPEN_MESSAGES, EffectClass, EffectState, MessageState, RunState
from fleet_tui.store.reader import EventFilter
from fleet_tui.tmux.delivery import deliver, send_keys
from fleet_tui.tmux.server import PaneInfo
from fleet_tui.vendors.base import Prompted
from fleet_tui.vendors.input_line import asks, holds
from fleet_tui.vendors.screens import Screen
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.outbox import Act, Probe, carry_out, effect_id
from fleet_tui.watcher.runs import accounts, spending, typing_desk, vendors
from fleet_tui.watcher.runs.detection import rules_of

_UNDER_WAY = (EffectState.ATTEMPTING, EffectState.UNCERTAIN)
_TYPING = frozenset({RunState.RUNNING, RunState.WAITING})
STANDS = "it still stands in its input, Enter was not taken"
UNPROVED = "no hook told that it was taken up"
_TYPED = (MessageState.TYPED, MessageState.SUBMITTED, MessageState.UNCERTAIN)
_CLOCKS_NS = 1_000_000_000
"""Records of programs say less of the time than our log."""
_SWALLOWED_NS, _SILENT_NS = 5_000_000_000, 60_000_000_000
"""How long after the receipt for Enter a text that still stands there, or the silence of hooks, is told."""


async def send(ctx: Context) -> None:
    """Deliver the oldest open message of every run whose agent can take it."""
    await check_taken_up(ctx)
    seen: set[str] = set()
    for message in sorted(ctx.reader.messages(*OPEN_MESSAGES), key=lambda m: (m.sent_ns, m.id)):
        if message.run in seen:
            continue
        run = ctx.reader.run(message.run)
        if run is not None and run.state in _TYPING and _without_budget(ctx, run, message):
            continue  # it stays queued until there is room again
        if run is not None and run.state in _TYPING and accounts.held_by(ctx, run) is not None:
            continue  # it would begin a turn that the account has no room for
        seen.add(message.run)
        if run is None or run.state in ENDED_RUNS:
            await _in_vain(ctx, message)
        elif run.state in _TYPING and not run.stop_requested:
            ctx.jobs.start(f"message:{message.id}", lambda m=message, r=run: _send(ctx, m, r))  # type: ignore[misc]


def _without_budget(ctx: Context, run: Run, message: Message) -> bool:
    """Whether the message would begin a turn that the budget does not allow; the request for a report may."""
    begun = message.state is not MessageState.QUEUED or _open_effect(ctx, message) is not None
    return message.purpose != spending.REPORT and not begun and spending.refusal(ctx, run) is not None


async def _in_vain(ctx: Context, message: Message) -> None:
    failed = MessageDelivered(message.id, message.run, MessageState.FAILED.value, "the run has ended")
    drafts = [draft(failed, f"run:{message.run}")]
    effect = _open_effect(ctx, message)
    if effect is not None:
        drafts.append(draft(EffectFailed(effect.id, effect.fence, "the run has ended", retry=False), effect.target))
    await ctx.record(*drafts)


def _takes_texts(ctx: Context, run: Run) -> bool:
    now = ctx.reader.run(run.id)
    return now is not None and now.state in _TYPING and not now.stop_requested


async def _send(ctx: Context, message: Message, run: Run) -> None:
    pane = await pane_of(ctx, run)
    if pane is None:
        return
    if _open_effect(ctx, message) is None:
        hindrance = await typing_desk.hindrance(ctx, run, pane)
        if hindrance is not None:
            await typing_desk.tell(ctx, message, run, hindrance)
            return  # it stays queued
        if not _takes_texts(ctx, run):
            return  # contained, stopped or ended while its screen was looked at
    ctx.waits.pop(message.id, None)
    # A failure leaves it queued, and the job rests before the next attempt.
    state = await carry_out(ctx, _act(ctx, message, run, pane))
    if state is EffectState.UNCERTAIN:
        await _uncertain(ctx, message, run)
    elif state is EffectState.DONE:
        await _receipt(ctx, message, run, MessageState.SUBMITTED)
        await alarms.clear(ctx, "delivery", f"run:{run.id}", "it arrived")


def _act(ctx: Context, message: Message, run: Run, pane: PaneInfo) -> Act:
    async def perform() -> str:
        text = _text(ctx, message)
        lead = await vendors.asked(ctx, run, lambda vendor: vendor.capabilities.lead, "")
        await deliver(ctx.tmux, pane, text, on_receipt=lambda state: _receipt(ctx, message, run, state), lead=lead)
        return "submitted"

    async def probe() -> Probe:
        """After an interruption: a hook's word first, then the screen, then a person."""
        fresh = ctx.reader.message(message.id)
        if fresh is not None and fresh.state in (MessageState.TAKEN_UP, MessageState.SUBMITTED):
            return Probe.DONE
        rules, screen = rules_of(ctx, run), Screen(await ctx.tmux.capture(pane))
        written = rules.typed(screen)
        if holds(written, _text(ctx, message), rules.input.folded):
            return Probe.HALF_DONE
        # Enter is pressed only after the receipt for the typing is in the log: without it nothing was submitted.
        typed = ctx.reader.has_key(f"receipt:{message.id}:{MessageState.TYPED.value}")
        if typed or written != "" or await typing_desk.hindrance(ctx, run, pane) is not None:
            return Probe.UNKNOWN
        return Probe.NOT_DONE

    async def complete() -> str:
        await send_keys(ctx.tmux, pane, ["Enter"])
        return "it stood in the input line: submitted"

    key, target = f"deliver:{message.id}", f"run:{run.id}"
    return Act(key, "deliver", EffectClass.ONCE, target, perform, probe, complete=complete)


def _text(ctx: Context, message: Message) -> str:
    return ctx.store.blob(message.text_sha) if message.text_sha else message.text


def _open_effect(ctx: Context, message: Message) -> Effect | None:
    """The attempt to deliver ``message`` whose result nobody has recorded."""
    effect = ctx.reader.effect(effect_id(f"deliver:{message.id}"))
    return effect if effect is not None and effect.state in _UNDER_WAY else None


async def _receipt(ctx: Context, message: Message, run: Run, state: MessageState) -> None:
    fresh = ctx.reader.message(message.id)
    if fresh is not None and fresh.state is MessageState.TAKEN_UP:
        return  # the hook was faster than we are
    subject, key = f"run:{run.id}", f"receipt:{message.id}:{state.value}"
    drafts = [draft(MessageDelivered(message.id, run.id, state.value), subject, key=key)]
    now = ctx.reader.run(run.id)
    if state is MessageState.SUBMITTED and now is not None and now.state is RunState.WAITING:
        # It has what it waited for; a program without hooks does not say so itself.
        goes_on = RunStateChanged(run.id, RunState.RUNNING, "rule", f"it got the {message.purpose}")
        drafts.append(draft(goes_on, subject, key=f"told:{message.id}"))
    await ctx.record(*drafts)


async def _uncertain(ctx: Context, message: Message, run: Run) -> None:
    if message.state is not MessageState.UNCERTAIN:
        uncertain = MessageDelivered(message.id, run.id, MessageState.UNCERTAIN.value, "interrupted while typing")
        await ctx.say(uncertain, f"run:{run.id}")
    await alarms.ensure(
        ctx,
        "delivery",
        f"run:{run.id}",
        priority=3,
        title=f"{run.agent}: it is uncertain whether the {message.purpose} arrived",
        response="attach and look; press Enter there, or stop the run",
    )


async def pane_of(ctx: Context, run: Run) -> PaneInfo | None:
    """The living pane that is this run's own."""
    panes = await ctx.tmux.panes() or []
    return next((p for p in panes if p.session == run.session and p.uuid == run.pane_uuid and not p.dead), None)


async def check_taken_up(ctx: Context) -> None:
    """Of programs whose hooks tell: a message that was submitted and not taken up is told, with what is seen of it."""
    for message in ctx.reader.messages(MessageState.SUBMITTED):
        run = ctx.reader.run(message.run)
        view = ctx.views.get(message.run)
        sent = ctx.reader.event_with_key(f"receipt:{message.id}:{MessageState.SUBMITTED.value}")
        if run is None or run.state not in _TYPING or view is None or sent is None or message.reason:
            continue
        waited_ns = view.at_ns - sent.at_ns
        if waited_ns < _SWALLOWED_NS or not sessions_told(ctx, run.id):
            continue
        if holds(view.rules.typed(view.screen), _text(ctx, message), view.rules.input.folded):
            await _not_taken_up(ctx, message, run, STANDS, "attach and look; press Enter there")
        elif waited_ns >= _SILENT_NS:
            await _not_taken_up(ctx, message, run, UNPROVED, "attach and look whether it arrived")


async def _not_taken_up(ctx: Context, message: Message, run: Run, why: str, response: str) -> None:
    """Never typed again by itself: a person looks."""
    told = MessageDelivered(message.id, run.id, MessageState.SUBMITTED.value, why)
    await ctx.say(told, f"run:{run.id}", key=f"receipt:{message.id}:{why}")
    title = f"{run.agent}: the {message.purpose} was submitted: {why}"
    await alarms.ensure(ctx, "delivery", f"run:{run.id}", priority=3, title=title, response=response)


def sessions_told(ctx: Context, run: str) -> bool:
    """Whether hooks of the run's program were heard at all: else none can prove that a prompt was taken up."""
    return bool(ctx.reader.events(EventFilter(kinds=(SessionStarted.kind,), subjects=(f"run:{run}",)), limit=1))


async def taken_up(ctx: Context, run: Run, source: str) -> None:
    """A vendor's hook says that a prompt was taken up: the oldest message under way to the run has arrived."""
    messages = sorted(
        ctx.reader.messages(*OPEN_MESSAGES, MessageState.SUBMITTED, run=run.id), key=lambda m: (m.sent_ns, m.id)
    )
    for message in messages:
        if message.state is MessageState.QUEUED and _open_effect(ctx, message) is None:
            continue
        await _arrived(ctx, run, message, source)
        break
    now = ctx.reader.run(run.id)
    if now is not None and now.state is RunState.WAITING:
        await ctx.say(RunStateChanged(run.id, RunState.RUNNING, source), f"run:{run.id}")


async def told_by_file(ctx: Context, run: Run, prompts: Sequence[Prompted], source: str) -> None:
    """The program's own record says what it was asked: a typed message that stands there has arrived, though its hook
    said nothing. Only what was recorded after the typing counts, so that the same words of before prove nothing."""
    for message in ctx.reader.messages(*_TYPED, run=run.id):
        typed = ctx.reader.event_with_key(f"receipt:{message.id}:{MessageState.TYPED.value}")
        if typed is None:
            continue
        since_ns, text = typed.at_ns - _CLOCKS_NS, _text(ctx, message)
        if any(prompt.at_ns >= since_ns and asks(prompt.text, text) for prompt in prompts):
            await _arrived(ctx, run, message, source)


async def _arrived(ctx: Context, run: Run, message: Message, source: str) -> None:
    effect = _open_effect(ctx, message)
    receipt = MessageDelivered(message.id, run.id, MessageState.TAKEN_UP.value, source)
    drafts = [draft(receipt, f"run:{run.id}", key=f"receipt:{message.id}:taken_up")]
    if effect is not None and not ctx.jobs.running(f"message:{message.id}"):
        drafts.append(draft(EffectDone(effect.id, effect.fence, f"taken up ({source})"), effect.target))
    await ctx.record(*drafts)
    await alarms.clear(ctx, "delivery", f"run:{run.id}", "taken up")
