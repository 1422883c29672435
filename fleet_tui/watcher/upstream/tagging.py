"""Releases on the forge: the tag is pushed where there is none of that name, then GitHub is told what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fleet_tui.domain.errors import Conflict, FleetError, Uncertain
from fleet_tui.domain.events import Draft
from fleet_tui.git import tags
from fleet_tui.watcher.merging.tagging import Tagging
from fleet_tui.watcher.outbox import Probe
from fleet_tui.watcher.upstream.state import Upstream

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context


def there(tagging: Tagging) -> Tagging:
    """``tagging``, to happen on GitHub."""
    return _Tagging(**asdict(tagging))


@dataclass(frozen=True, slots=True)
class _Tagging(Tagging):
    """The person's own repository gets the tag as it gets everything: by ``git fetch``."""

    async def perform(self, ctx: Context) -> str:
        upstream = _upstream(ctx)
        tip = await upstream.remote.fetch(self.target)
        if tip is None or not await ctx.home.control.is_ancestor(self.commit, tip):
            raise Conflict("not on GitHub", f"{self.commit[:8]} is not on {self.target} there", "look again")
        await self._push(upstream)
        try:
            return await self.complete(ctx)
        except FleetError as error:  # the tag is there and stays: what is missing is made up for
            told = f"{self.version} is tagged on GitHub, its release is not there yet: {error.title}: {error.message}"
            raise Uncertain("release not complete", told, error.hint) from error

    async def _push(self, upstream: Upstream) -> None:
        try:
            await upstream.remote.push_tag(self.tag, self.version)
        except Conflict:
            raise
        except FleetError as error:
            try:
                found = await upstream.remote.tag(self.version)
            except FleetError:
                raise Uncertain(error.title, error.message, error.hint) from error
            if found != self.tag:
                raise

    async def complete(self, ctx: Context) -> str:
        releases = _upstream(ctx).forge.releases
        if await releases.find(self.version) is None:
            await releases.publish(self.version, self.version, self.notes)
        await tags.put(ctx.home.control.path, self.version, self.tag)
        return self.tag

    async def probe(self, ctx: Context) -> Probe:
        upstream = _upstream(ctx)
        if await upstream.remote.tag(self.version) != self.tag:
            return Probe.NOT_DONE
        known = await tags.seen(ctx.home.control.path, self.version) == self.tag
        released = known and await upstream.forge.releases.find(self.version) is not None
        return Probe.DONE if released else Probe.HALF_DONE

    async def consequences(self, ctx: Context) -> Sequence[Draft]:
        return self.records(await _upstream(ctx).forge.releases.find(self.version) or "")


def _upstream(ctx: Context) -> Upstream:
    assert ctx.upstream is not None
    return ctx.upstream
