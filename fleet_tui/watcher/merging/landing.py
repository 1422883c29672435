"""One landing: what it was decided on, how it happens, what is recorded of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import Draft, PullRequestMerged, TargetMoved, TicketShipped, draft
from fleet_tui.domain.states import EffectClass
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.outbox import Act, Probe, carry_out
from fleet_tui.watcher.passes.approvals import objection_to_landing


@dataclass(frozen=True, slots=True)
class Landing:
    """Everything that is to be known of a landing, kept in its effect: a successor records it as it was decided."""

    pr: int
    ticket: int
    head: str
    base: str
    commit: str
    tree: str
    approval: str | None
    there: str = ""
    """The repository on the forge that is asked to merge it; empty: it lands on this machine."""

    def act(self, ctx: Context) -> Act:
        """The compare-and-swap of the target, and with it the record of the merge."""
        key = f"merge:{self.pr}:{self.head}:{self.base}:{self.approval}"
        return Act(
            key,
            "merge",
            EffectClass.CAS,
            f"pr:{self.pr}",
            perform=lambda: self.perform(ctx),
            probe=lambda: self.probe(ctx),
            consequences=lambda: self.consequences(ctx),
            precondition=asdict(self),
        )

    async def perform(self, ctx: Context) -> str:
        objection = await objection_to_landing(ctx, self.pr, self.head, self.approval)
        if objection is not None:
            raise Conflict("not landed", objection)
        repository = ctx.repository_of(self)
        repository.tip = ""
        if not await repository.control.land(self.commit, self.base):
            raise Conflict("target moved", f"{repository.control.target} is no longer at {self.base[:8]}")
        return self.commit

    async def probe(self, ctx: Context) -> Probe:
        return Probe.DONE if await self._is_on_target(ctx) else Probe.NOT_DONE

    async def _is_on_target(self, ctx: Context) -> bool:
        control = ctx.repository_of(self).control
        return await control.is_ancestor(self.commit, await control.target_sha())

    async def consequences(self, ctx: Context) -> Sequence[Draft]:
        repository = ctx.repository_of(self)
        tree = await repository.control.tree_of(self.commit)
        if tree != self.tree or not await self._is_on_target(ctx):
            await self.tell_differs(ctx, tree)
            return ()
        repository.tip, repository.looked_at_target_ns = "", 0  # what landed is handed over at once
        return self.records(repository.control.target, self.commit, repository.name)

    async def tell_differs(self, ctx: Context, tree: str) -> None:
        """Nothing lands any more until a person has looked."""
        title = f"what landed for PR {self.pr} is not what was gated ({tree[:8]} ≠ {self.tree[:8]})"
        response = "look at the target branch before anything else lands"
        about = ctx.repository_of(self).about
        await alarms.ensure(ctx, "landed-differs", about, priority=1, title=title, response=response)

    def records(self, target: str, commit: str, repo: str = "") -> list[Draft]:
        """What is recorded when ``commit`` is on the target."""
        number = self.pr
        merged = PullRequestMerged(number, self.ticket, self.head, self.base, commit, self.tree, target, self.approval)
        key = f"{number}:{commit}"
        return [
            draft(merged, f"pr:{number}", key=f"merged:{key}"),
            draft(
                TargetMoved(target, self.base, commit, "merge", repo),
                f"repo:{repo}" if repo else "fleet",
                key=f"moved:{key}",
            ),
            draft(TicketShipped(self.ticket, number, commit), f"ticket:{self.ticket}", key=f"shipped:{key}"),
        ]


async def land_now(ctx: Context, landing: Landing) -> None:
    """Land, or find that something has changed at the last moment: it is judged anew then."""
    ctx.landing = landing.approval
    try:
        with suppress(Conflict):
            await carry_out(ctx, landing.act(ctx))
    finally:
        ctx.landing = None
