"""One release: what it was decided on, how its tag comes to be, what is recorded of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import JSON, Draft, ReleaseTagged, draft
from fleet_tui.domain.states import EffectClass
from fleet_tui.git import tags
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.outbox import Act, Probe

EFFECT = "tag"


@dataclass(frozen=True, slots=True)
class Tagging:
    """Everything that is to be known of a release, kept in its effect: a successor goes on with it as it was decided.

    ``tag`` is the object, which is in the control repository before anything points to it.
    """

    version: str
    commit: str
    tag: str
    target: str
    since: str
    prs: list[int]
    notes: str
    by: str
    asked_by: str
    evidence: JSON

    def act(self, ctx: Context) -> Act:
        """The tag, that nobody else may have made, and with it the record of the release."""
        return Act(
            f"{EFFECT}:{self.version}:{self.tag}",
            EFFECT,
            EffectClass.CAS,
            "fleet",
            perform=lambda: self.perform(ctx),
            probe=lambda: self.probe(ctx),
            complete=lambda: self.complete(ctx),
            consequences=lambda: self.consequences(ctx),
            precondition=asdict(self),
        )

    async def perform(self, ctx: Context) -> str:
        await tags.put(ctx.home.control.path, self.version, self.tag)
        try:
            return await self.complete(ctx)
        except FleetError:
            await tags.remove(ctx.home.control.path, self.version, self.tag)
            raise

    async def complete(self, ctx: Context) -> str:
        """What is left when the control repository has it."""
        await tags.hand_over(ctx.home.control.path, ctx.paths.repository, self.version, self.tag)
        return self.tag

    async def probe(self, ctx: Context) -> Probe:
        if await tags.seen(ctx.home.control.path, self.version) != self.tag:
            return Probe.NOT_DONE
        there = await tags.seen(ctx.paths.repository, self.version) == self.tag
        return Probe.DONE if there else Probe.HALF_DONE

    async def consequences(self, ctx: Context) -> Sequence[Draft]:  # noqa: ARG002 - the forge's asks it
        return self.records()

    def records(self, url: str = "") -> list[Draft]:
        """What is recorded when the tag is there."""
        facts = ReleaseTagged(
            self.version, self.commit, self.tag, self.target, self.since, list(self.prs), self.by, self.asked_by, url,
            self.evidence,
        )  # fmt: skip
        return [draft(facts, "fleet", actor=self.by)]
