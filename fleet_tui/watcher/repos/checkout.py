"""The person's checkout holds the fleet's configuration and prompts. With an agent's branch checked out it holds an
agent's, which nobody has approved: then the last good configuration stays, and nothing starts."""

from __future__ import annotations

from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import CheckoutLook, Context

_PLACE = ".fleet"
_LOOK_NS = 2_000_000_000
_MOST = 100


async def look(ctx: Context, *, now: bool = True) -> str:
    """Why nothing of the checkout's configuration may be used; empty when it may. Unless ``now``, as it was a moment
    ago."""
    before = ctx.checkout
    if not now and ctx.now_ns() - before.looked_ns < _LOOK_NS:
        return before.why
    head, target = await ctx.home.user.head_sha(), await ctx.home.user.branch_sha(ctx.home.control.target)
    beyond = before.beyond
    if (head, target) != (before.head, before.target):
        beyond = await _beyond(ctx, head, target)
    why = await _why(ctx, beyond)
    ctx.checkout = CheckoutLook(head, target, beyond, why, ctx.now_ns())
    return why


async def keep(ctx: Context) -> None:
    """The alarm stands as long as that is so; afterwards the checkout's configuration is looked at again."""
    before, why = ctx.checkout.why, await look(ctx, now=False)
    told = {"fleet": why} if why else {}
    response = f"git switch {ctx.home.control.target}, and look at agents' branches in a `git worktree` of their own"
    await alarms.keep(ctx, "checkout", told, priority=1, response=response, over="the checkout is yours again")
    if before and not why:
        await ctx.reload()


async def _beyond(ctx: Context, head: str | None, target: str | None) -> tuple[str, ...]:
    """The commits that the checkout has beyond the target, its own first, when its settings are others."""
    if head is None or target is None or head == target or not await ctx.home.user.differ_in(target, head, _PLACE):
        return ()
    return tuple(await ctx.home.user.beyond(target, head, _MOST))


async def _why(ctx: Context, beyond: tuple[str, ...]) -> str:
    # What is no person's is here because an agent handed it over: of people's work only the target is fetched. It is
    # asked at each look: what nobody had handed over may have been since.
    if not beyond or not await ctx.home.control.known(beyond):
        return ""
    head = beyond[0][:8]
    return f"your checkout has {_PLACE} of an agent's branch ({head}): nothing of it is used, and nothing starts"
