"""Texts for panes: prompts, answers, a person's messages. Each has receipts and is never typed twice."""

from __future__ import annotations

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import MessageDelivered, RunStateChanged
from fleet_tui.domain.model import Message, Run
from fleet_tui.domain.states import ENDED_RUNS, EffectClass, EffectState, MessageState, RunState
from fleet_tui.tmux.delivery import deliver
from fleet_tui.tmux.server import PaneInfo
from fleet_tui.vendors.registry import vendor_for
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.outbox import Act, Probe, carry_out

_OPEN = (MessageState.QUEUED, MessageState.TYPED, MessageState.UNCERTAIN)
_TYPING = frozenset({RunState.RUNNING, RunState.WAITING})


async def send(ctx: Context) -> None:
    """Deliver the oldest open message of every run whose agent can take it."""
    seen: set[str] = set()
    for message in sorted(ctx.reader.messages(*_OPEN), key=lambda m: (m.sent_ns, m.id)):
        if message.run in seen:
            continue
        seen.add(message.run)
        run = ctx.reader.run(message.run)
        if run is None or run.state in ENDED_RUNS:
            failed = MessageDelivered(message.id, message.run, MessageState.FAILED.value, "the run has ended")
            await ctx.say(failed, f"run:{message.run}")
        elif run.state in _TYPING and not run.stop_requested:
            ctx.jobs.start(f"message:{message.id}", lambda m=message, r=run: _send(ctx, m, r))  # type: ignore[misc]


async def _send(ctx: Context, message: Message, run: Run) -> None:
    pane = await _pane(ctx, run)
    if pane is None:
        return
    screen = await ctx.tmux.capture(pane)
    if message.state is MessageState.QUEUED and not _takes_input(ctx, run, screen):
        return  # busy, in a dialog, or not up yet: it stays queued
    try:
        state = await carry_out(ctx, _act(ctx, message, run, pane))
    except FleetError as error:
        await ctx.say(
            MessageDelivered(message.id, run.id, MessageState.QUEUED.value, str(error)[:300]), f"run:{run.id}"
        )
        return
    if state is EffectState.UNCERTAIN:
        await _uncertain(ctx, message, run)
    elif state is EffectState.DONE and ctx.reader.message(message.id).state in _OPEN:  # type: ignore[union-attr]
        await _receipt(ctx, message, run, MessageState.SUBMITTED)


def _act(ctx: Context, message: Message, run: Run, pane: PaneInfo) -> Act:
    async def perform() -> str:
        text = ctx.store.blob(message.text_sha) if message.text_sha else message.text
        await deliver(ctx.tmux, pane, text, on_receipt=lambda state: _receipt(ctx, message, run, state))
        return "submitted"

    async def probe() -> Probe:
        """After a crash between typing and its record: a hook's word first, then the screen, then a person."""
        fresh = ctx.reader.message(message.id)
        if fresh is not None and fresh.state in (MessageState.TAKEN_UP, MessageState.SUBMITTED):
            return Probe.DONE
        screen = await ctx.tmux.capture(pane, history=500)
        first = next((line.strip() for line in message.text.splitlines() if line.strip()), "")[:40]
        if first and first in screen:
            return Probe.UNKNOWN
        return Probe.NOT_DONE if _takes_input(ctx, run, screen) else Probe.UNKNOWN

    return Act(f"deliver:{message.id}", "deliver", EffectClass.ONCE, f"run:{run.id}", perform, probe)


async def _receipt(ctx: Context, message: Message, run: Run, state: MessageState) -> None:
    delivered = MessageDelivered(message.id, run.id, state.value)
    await ctx.say(delivered, f"run:{run.id}", key=f"receipt:{message.id}:{state.value}")


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


async def _pane(ctx: Context, run: Run) -> PaneInfo | None:
    panes = await ctx.tmux.panes() or []
    return next((p for p in panes if p.session == run.session and p.uuid == run.pane_uuid and not p.dead), None)


def _takes_input(ctx: Context, run: Run, screen: str) -> bool:
    """Whether the vendor's screen shows a place to type: its ready pattern, and no dialog in the way."""
    agent = ctx.settings.agent(run.agent)
    vendor = vendor_for(ctx.settings.vendor(agent.vendor), agent.vendor, repository=ctx.paths.repository)
    observation = vendor.classify(screen)
    if observation is not None:
        return observation.state in ("idle", "asking")
    return bool(screen.strip())


async def taken_up(ctx: Context, run: Run, source: str) -> None:
    """A vendor's hook says that a prompt was taken up: the newest delivered message of the run has arrived."""
    done = {MessageState.TYPED, MessageState.SUBMITTED, MessageState.UNCERTAIN, MessageState.QUEUED}
    open_messages = sorted(ctx.reader.messages(*done, run=run.id), key=lambda m: (m.sent_ns, m.id))
    attempted = [m for m in open_messages if m.state is not MessageState.QUEUED or _was_attempted(ctx, m)]
    for message in attempted[:1]:
        receipt = MessageDelivered(message.id, run.id, MessageState.TAKEN_UP.value, source)
        await ctx.say(receipt, f"run:{run.id}", key=f"receipt:{message.id}:taken_up")
        await alarms.clear(ctx, "delivery", f"run:{run.id}", "taken up")
    if run.state is RunState.WAITING:
        await ctx.say(RunStateChanged(run.id, RunState.RUNNING, source), f"run:{run.id}")


def _was_attempted(ctx: Context, message: Message) -> bool:
    effects = ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name="deliver")
    return any(effect.target == f"run:{message.run}" for effect in effects)
