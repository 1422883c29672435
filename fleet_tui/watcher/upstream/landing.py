"""Landings on the forge: it makes the merge, of exactly the head that was approved, and what it made is compared."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fleet_tui.domain.errors import Conflict, FleetError, Uncertain
from fleet_tui.domain.events import Draft
from fleet_tui.domain.model import Effect, PullRequest
from fleet_tui.forge.trouble import ForgeTrouble
from fleet_tui.governance.release import Ground, Reason, remote_reasons
from fleet_tui.watcher import alarms
from fleet_tui.watcher.merging import release_check
from fleet_tui.watcher.merging.landing import Landing, land_now
from fleet_tui.watcher.outbox import Act, Probe, settle
from fleet_tui.watcher.passes.approvals import objection_to_landing
from fleet_tui.watcher.repos.landings import LANDING, PUBLISHING, is_at_work
from fleet_tui.watcher.upstream import texts
from fleet_tui.watcher.upstream.publishing import Published, published, untold
from fleet_tui.watcher.upstream.standing import remote_of
from fleet_tui.watcher.upstream.state import SeenPull, Upstream

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context

HELD = "held-on-forge"


async def begin(ctx: Context, landing: Landing) -> bool:
    """Land beside the passes, unless the forge does not show this head yet or has something against it; whether it has
    begun."""
    upstream, shown = _upstream(ctx, landing), published(ctx, landing.pr)
    if shown is None or shown.head_sha != landing.head or is_at_work(ctx, PUBLISHING, upstream.local):
        return False
    if untold(ctx, _pull_request(ctx, landing.pr)) and not ctx.jobs.failures(f"{PUBLISHING}{landing.pr}"):
        return False  # first the verdicts that let it land are told there; as long as that can be done
    seen, about = upstream.pulls.get(shown.number), f"pr:{landing.pr}"
    against = await _against(upstream, seen, landing.head) if seen is not None and seen.seq >= shown.seq else ()
    if any(reason.ground is not Ground.UNKNOWN for reason in against):
        title = f"PR {landing.pr} waits on GitHub: {_words(against[0])}"
        response = f"settle it there: {shown.url}"
        await alarms.ensure(ctx, HELD, about, priority=3, title=title, response=response)
        return False
    await alarms.clear(ctx, HELD, about, "nothing is known against it on GitHub")
    there = _Landing(**asdict(landing) | {"there": upstream.forge.repo})
    upstream.start(ctx, f"{LANDING}{landing.pr}", lambda: _land(ctx, there))
    return True


async def check(ctx: Context, number: int) -> dict[str, Any]:
    """Whether pull request ``number`` may land, by the fleet's rules and, where it is shown there, the forge's.

    Raises:
        FleetError: there is no such pull request, or the forge cannot be asked.
    """
    pull_request = ctx.reader.pull_request(number)
    upstream = ctx.upstream_of(pull_request) if pull_request is not None else None
    shown = published(ctx, number) if upstream is not None else None
    there = None
    if upstream is not None and shown is not None:
        seen = await upstream.view(ctx, shown.number, _pull_request(ctx, number).branch)
        there = remote_of(seen.pull, await upstream.forge.trust())
    told = await release_check.check(ctx, number, there)
    if upstream is not None and (shown is None or shown.head_sha != told["head"]):
        told["reasons"].append(Reason(Ground.UNKNOWN, "GitHub does not show this head yet", "github").as_dict())
        told["ready"] = False
    return told


def finish(ctx: Context, landing: Landing, effect: Effect) -> None:
    """What a watcher that died has begun: GitHub is asked whether it happened, beside the passes."""
    if not ctx.jobs.running(LANDING):
        act = _Landing(**asdict(landing)).act(ctx)
        _upstream(ctx, landing).start(ctx, f"{LANDING}{landing.pr}", lambda: _settle(ctx, landing, act, effect))


async def _settle(ctx: Context, landing: Landing, act: Act, effect: Effect) -> None:
    await settle(ctx, act, effect)
    await _tidy(ctx, landing)


async def _land(ctx: Context, landing: Landing) -> None:
    await land_now(ctx, landing)
    await _tidy(ctx, landing)


async def _tidy(ctx: Context, landing: Landing) -> None:
    """The label of what has shipped."""
    pull_request, shown = ctx.reader.pull_request(landing.pr), published(ctx, landing.pr)
    if pull_request is None or pull_request.merge_sha is None or shown is None:
        return
    names = ctx.settings.labels
    with suppress(FleetError):  # it says nothing that the forge does not show by itself
        wrong = [names.approved, names.in_review, names.changes_requested]
        await _upstream(ctx, landing).forge.set_labels(shown.number, add=[names.shipped], remove=wrong)


@dataclass(frozen=True, slots=True)
class _Landing(Landing):
    """``commit`` is what would have landed here: GitHub makes one of its own with the same tree."""

    async def perform(self, ctx: Context) -> str:
        upstream, shown = _upstream(ctx, self), self._shown(ctx)
        target = upstream.local.control.target
        if await upstream.remote.fetch(target) != self.base:
            upstream.local.looked_at_target_ns = 0
            raise Conflict("target moved", f"{target} is no longer at {self.base[:8]}")
        seen = await upstream.view(ctx, shown.number, _pull_request(ctx, self.pr).branch)
        against = await _against(upstream, seen, self.head)
        if against and all(reason.ground is Ground.UNKNOWN for reason in against):
            raise FleetError("not merged yet", against[0].message)  # asked again after a rest
        here = None if against else await objection_to_landing(ctx, self.pr, self.head, self.approval)
        if against or here is not None:
            raise Conflict("not landed", here or against[0].message)
        pull_request = _pull_request(ctx, self.pr)
        said = texts.title(pull_request), texts.message_of_merge(pull_request, upstream.issues(ctx))
        try:
            merged = await upstream.forge.pulls.merge(shown.number, self.head, ctx.settings.merge.method, *said)
        except ForgeTrouble as trouble:
            if trouble.trouble.leaves_doubt:  # the landing stays open until GitHub says what became of it
                raise Uncertain(trouble.title, trouble.message, trouble.hint) from trouble
            raise
        if merged.state != "MERGED":
            # No conflict: asked again after a rest, until it has come to its turn there.
            raise FleetError("not merged yet", f"GitHub has put {shown.number} into its merge queue")
        return merged.merge_sha

    async def probe(self, ctx: Context) -> Probe:
        pull = (await self._seen(ctx)).pull
        # Merged by a person at another head, or into another branch, it is not what was decided: taken in later.
        ours = (
            pull.state == "MERGED"
            and pull.head_sha == self.head
            and pull.target == _upstream(ctx, self).local.control.target
        )
        return Probe.DONE if ours else Probe.NOT_DONE

    async def consequences(self, ctx: Context) -> Sequence[Draft]:
        upstream = _upstream(ctx, self)
        local, target = upstream.local, upstream.local.control.target
        commit = (await self._seen(ctx)).pull.merge_sha
        tip = await upstream.remote.fetch(target)
        if tip is None or not commit or not await local.control.is_ancestor(commit, tip):
            raise FleetError("not on the target", f"{commit[:8]} is not in {target} as it was fetched", "look again")
        tree = await local.control.tree_of(commit)
        if tree != self.tree:
            await self.tell_differs(ctx, tree)
        # It has landed, whatever it is: what is recorded is what is there.
        await local.control.follow(commit, await local.control.target_sha())
        local.tip, local.looked_at_target_ns = "", 0
        return Landing(**asdict(self) | {"tree": tree}).records(target, commit, local.name)

    def _shown(self, ctx: Context) -> Published:
        shown = published(ctx, self.pr)
        if shown is None:
            raise Conflict("not on GitHub", f"PR {self.pr} is not shown there")
        return shown

    async def _seen(self, ctx: Context) -> SeenPull:
        return await _upstream(ctx, self).view(ctx, self._shown(ctx).number, _pull_request(ctx, self.pr).branch)


def _pull_request(ctx: Context, number: int) -> PullRequest:
    found = ctx.reader.pull_request(number)
    assert found is not None, number
    return found


def _words(reason: Reason) -> str:
    return f"{reason.ground.value.replace('_', ' ')}: {reason.message}"


async def _against(upstream: Upstream, seen: SeenPull, head_sha: str) -> tuple[Reason, ...]:
    there = remote_of(seen.pull, await upstream.forge.trust())
    return remote_reasons(there, head_sha, upstream.local.control.target)


def _upstream(ctx: Context, landing: Landing) -> Upstream:
    upstream = ctx.repository_of(landing).upstream
    assert upstream is not None
    return upstream
