"""Releases that were asked for or begun: what is left of them is done, or a person is told."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from fleet_tui.domain.events import ReleaseDeclined
from fleet_tui.domain.states import EffectState
from fleet_tui.governance.approval_policy import agent_may_tag, for_tag, persons
from fleet_tui.governance.release import Ground
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.release_desk import perform, where
from fleet_tui.watcher.merging import release_plan
from fleet_tui.watcher.merging.release_plan import Wanted, pending
from fleet_tui.watcher.merging.tagging import EFFECT, Tagging
from fleet_tui.watcher.outbox import settle

WANTED = "release-wanted"


async def keep(ctx: Context) -> None:
    """Finish what a watcher that died had begun, tag what needs no person, and tell persons of the rest."""
    if ctx.tagging.locked():
        return
    for effect in ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name=EFFECT):
        tagging = Tagging(**effect.precondition)  # type: ignore[arg-type]
        _start(ctx, f"tag:{tagging.version}", lambda t=tagging: _finish(ctx, t))  # type: ignore[misc]
    asking: dict[str, list[str]] = {}
    for wanted in pending(ctx).values():
        if _needs_nobody(ctx, wanted):
            _start(ctx, f"tag:{wanted.version}", lambda w=wanted: _by_itself(ctx, w))  # type: ignore[misc]
            continue
        about = f"agent:{wanted.agent}" if wanted.agent else "fleet"
        asking.setdefault(about, []).append(_title(ctx, wanted))
    titles = {about: f"{'; '.join(told)}" for about, told in asking.items()}
    response = "fleet release tag VERSION --dry-run shows what it would be; without --dry-run tags, `decline` refuses"
    over = "it is tagged, declined, or nobody wanted it in time"
    await alarms.keep(ctx, WANTED, titles, priority=3, response=response, over=over)


def _needs_nobody(ctx: Context, wanted: Wanted) -> bool:
    run, agent = ctx.reader.run(wanted.run), ctx.reader.agent(wanted.agent)
    if run is None or agent is None or agent.quarantined or wanted.declined:
        return False
    return agent_may_tag(ctx.settings.approval, run.isolation)


def _title(ctx: Context, wanted: Wanted) -> str:
    asks = f"{wanted.agent} asks to release" if wanted.agent else "another person must release"
    quorum = for_tag(ctx.settings.approval).quorum
    so_far = f" ({len(persons(wanted.by))} of {quorum} persons)" if quorum > 1 else ""
    return f"{asks} {wanted.version} at {wanted.commit[:8]}{so_far}"


def _start(ctx: Context, key: str, work: Callable[[], Coroutine[object, object, None]]) -> None:
    if ctx.upstream is not None:
        ctx.upstream.start(ctx, key, work)
    else:
        ctx.jobs.start(key, work)


async def _finish(ctx: Context, tagging: Tagging) -> None:
    async with ctx.tagging:
        act = where(ctx, tagging).act(ctx)
        effect = ctx.reader.effect(act.id)
        if effect is not None:
            await settle(ctx, act, effect)


async def _by_itself(ctx: Context, wanted: Wanted) -> None:
    async with ctx.tagging:
        plan = await release_plan.make(ctx, wanted.version, {})
        if plan.wanted is None:
            return
        if any(reason.ground is Ground.TAG for reason in plan.reasons):  # it will not go away
            why = plan.reasons[0].message
            await ctx.say(ReleaseDeclined(wanted.version, wanted.commit, release_plan.BY_ITSELF, why), "fleet")
            return
        plan.refuse()
        await perform(ctx, plan, f"agent:{wanted.agent}/{wanted.run}", None)
