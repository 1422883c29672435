"""Releases are asked for here: by a person, who tags, or by an agent whose role may; policy says whose word it takes.

Nothing of it is an agent's: the tag, the push and the release on the forge are the watcher's acts, in its outbox.
"""

from __future__ import annotations

from typing import Any

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import JSON, ReleaseDeclined, ReleaseRequested, ReleaseSeconded
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import EffectState
from fleet_tui.domain.text import clean, fitting, one_line
from fleet_tui.git import tags
from fleet_tui.governance import statements
from fleet_tui.governance.approval_policy import agent_may_tag, for_tag, has_voted, is_granted, persons
from fleet_tui.watcher.acts import approving, extending
from fleet_tui.watcher.acts.approving import who
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args, text_of
from fleet_tui.watcher.merging import release_notes, release_plan
from fleet_tui.watcher.merging.release_plan import HOUR_NS, Plan, pending, version_of
from fleet_tui.watcher.merging.releases import contents
from fleet_tui.watcher.merging.tagging import Tagging
from fleet_tui.watcher.outbox import carry_out
from fleet_tui.watcher.redaction import redact
from fleet_tui.watcher.upstream.tagging import there

_SECOND = 1_000_000_000
_MOST_WORDS = 8_000
_MOST_WANTED = 5
"""Releases that one agent may wait for at once."""


async def tag(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Tag ``version`` in a person's name; with ``dry_run`` tell only what that would be, and every reason against it.
    With ``seen``, the digest that a dry run tells, only if it is still exactly that.

    Raises:
        Conflict: something is against it, it is not what ``seen`` says, or another person must want it too and this
            one did already.
        Refused: the signature does not hold.
    """
    version = version_of(text_of(args, "version"))
    async with ctx.tagging:
        plan = await release_plan.make(ctx, version, args)
        if args.get("dry_run"):
            return _told(ctx, plan)
        plan.refuse(args.get("seen"))
        person, evidence = await who(ctx, args, actor, _statement(plan))
        votes, terms = plan.votes, for_tag(ctx.settings.approval)
        if has_voted(person, votes):
            raise Conflict("already wanted by you", ", ".join(persons(votes)), "another person must want it")
        votes = persons((*votes, person))
        if not is_granted(votes, terms.quorum):
            until_ns = ctx.now_ns() + terms.expires_h * HOUR_NS
            commit = plan.contents.commit
            seconded = ReleaseSeconded(version, commit, plan.given_sha, person, terms.quorum, until_ns, evidence)
            await ctx.say(seconded, "fleet", actor=person)
            so_far = f"{len(votes)} of {terms.quorum} persons want {version} ({', '.join(terms.reasons)})"
            return {"votes": list(votes), "quorum": terms.quorum, "message": f"{so_far}; it waits for another one"}
        return await perform(ctx, plan, person, evidence)


async def statement_of(ctx: Context, args: Args) -> dict[str, Any]:
    """What a person would sign: to tag ``version``, with ``scope`` to extend a budget, else to approve."""
    if "version" in args:
        return {"text": _statement(await release_plan.make(ctx, version_of(text_of(args, "version")), args))}
    return {"text": extending.statement(ctx, args) if "scope" in args else approving.statement(ctx, args)}


def _statement(plan: Plan) -> str:
    return statements.of_tag(plan.version, plan.contents.commit, plan.given_sha)


def _told(ctx: Context, plan: Plan) -> dict[str, Any]:
    found = plan.contents
    return {
        "version": plan.version,
        "commit": found.commit,
        "target": one_line(found.target, 200),
        "since": one_line(found.since, 200),
        "prs": [pull.pr for pull in found.pulls],
        "notes": clean(plan.notes),
        "sha": plan.sha,
        "forge": "local" if ctx.upstream is None else "github",
        "asked_by": plan.wanted.agent if plan.wanted is not None else "",
        "votes": list(plan.votes),
        "quorum": for_tag(ctx.settings.approval).quorum,
        "ready": not plan.reasons,
        "reasons": [reason.as_dict() for reason in plan.reasons],
    }


async def decline(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Refuse a release that was asked for."""
    version, reason = version_of(text_of(args, "version")), clean(text_of(args, "reason"), 400)
    wanted = pending(ctx).get(version)
    if wanted is None:
        raise Conflict("nothing to decline", f"nobody waits for {version}", "fleet log --type release_requested")
    await ctx.say(ReleaseDeclined(version, wanted.commit, actor, reason), "fleet", actor=actor)
    return {"message": f"{version} is not released"}


# -- an agent ----------------------------------------------------------------------------------------------------------


async def request(
    ctx: Context, run: Run, summary: str, payload: dict[str, Any], key: str, actor: str
) -> dict[str, Any]:
    """An agent whose role may do so asks for a release of what has landed.

    Raises:
        Conflict: it cannot be released now, or was asked for already.
    """
    version = version_of(text_of(payload, "version"))
    waiting = pending(ctx)
    if not ctx.reader.has_key(key):
        if version in waiting:
            raise Conflict("asked for already", f"{version} waits for a person", "go on; you are not needed for it")
        if sum(one.agent == run.agent for one in waiting.values()) >= _MOST_WANTED:
            raise Conflict("too many releases", f"{_MOST_WANTED} of yours wait already", "wait for a person")
        async with ctx.tagging:
            plan = await release_plan.make(ctx, version, {"at": payload.get("at")})
        plan.refuse()
        words = redact(fitting(clean(str(payload.get("notes") or ""), _MOST_WORDS), _MOST_WORDS))
        asked = ReleaseRequested(version, plan.contents.commit, run.agent, run.id, summary, words)
        await ctx.say(asked, "fleet", actor=actor, cause=run.queued_id, key=key)
    asked_for = pending(ctx).get(version)
    by_itself = agent_may_tag(ctx.settings.approval, run.isolation) and not (asked_for and asked_for.declined)
    how = "it is tagged" if by_itself else "a person decides"
    return {"message": f"{version} is asked for; {how}"}


async def landed(ctx: Context) -> str:
    """What has landed since the last release, as its notes would say it."""
    found = await contents(ctx.reader, ctx.home.control, ctx.home.user, await ctx.home.base(), released=True)
    return release_notes.text(found)


# -- the act ---------------------------------------------------------------------------------------------------------


async def perform(ctx: Context, plan: Plan, by: str, evidence: JSON) -> dict[str, Any]:
    """Tag what ``plan`` says, to which nothing may be objected; ``by`` is whose word it is. ``ctx.tagging`` is held."""
    found, told = plan.contents, release_notes.in_one_line(plan.version, plan.contents)
    message = f"{release_notes.title(plan.version, found)}\n\n{plan.notes}"
    # What no person is there for is tried again by itself: then it is the same tag, and one effect.
    asked_ns = plan.wanted.asked_ns if plan.wanted is not None and by.startswith("agent:") else 0
    when_s = (asked_ns or ctx.now_ns()) // _SECOND
    made = await tags.make(ctx.home.control.path, plan.version, found.commit, message, when_s)
    tagging = Tagging(
        version=plan.version,
        commit=found.commit,
        tag=made,
        target=found.target,
        since=found.since,
        prs=[pull.pr for pull in found.pulls],
        notes=plan.notes,
        by=by,
        asked_by=plan.wanted.run if plan.wanted is not None else "",
        evidence=evidence,
    )
    state = await carry_out(ctx, where(ctx, tagging).act(ctx))
    if state is not EffectState.DONE:
        return {
            "message": f"{told}: not all of it is there yet; it goes on by itself (fleet log --type release_tagged)"
        }
    place = "in your repository" if ctx.upstream is None else "on GitHub"
    return {"message": f"{told}; tagged {place}", "tag": made, "commit": found.commit}


def where(ctx: Context, tagging: Tagging) -> Tagging:
    """``tagging`` as it happens in this fleet."""
    return tagging if ctx.upstream is None else there(tagging)
