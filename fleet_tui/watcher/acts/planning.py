"""Whether a ticket is work for several agents: the evidence of its text, the files and the history, and the advice."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fleet_tui.domain.repositories import HOME
from fleet_tui.domain.text import clean
from fleet_tui.forge.base import TicketRecord
from fleet_tui.git.coupling import Survey
from fleet_tui.governance.fanout import imports, naming, reading
from fleet_tui.governance.fanout.across import across
from fleet_tui.governance.fanout.advice import advise
from fleet_tui.governance.fanout.grouping import inside
from fleet_tui.governance.fanout.naming import Tree
from fleet_tui.governance.fanout.values import Advice, Evidence, Placed
from fleet_tui.settings.schema import Settings
from fleet_tui.watcher.acts import parts_text, splitting
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args, number_of

_MOST_TEXT = 200_000
_looking = asyncio.Semaphore(1)
"""Several rooms that ask at once do not fill the machine with git."""


async def plan(ctx: Context, args: Args) -> dict[str, Any]:
    """The advice about ``ticket``; with ``text`` the parts that a person made of it in an editor. Nothing is changed.

    Raises:
        FleetError: it cannot be divided now, or what is in ``text`` are no parts.
    """
    record = await splitting.undivided(ctx, number_of(args, "ticket"))
    text = args.get("text")
    if isinstance(text, str):
        parts = await asyncio.to_thread(parts_text.read, clean(text, _MOST_TEXT))
        advice = Advice("as you have edited it" if parts else "given up: there is nothing in the file", (), parts)
    else:
        async with _looking:
            advice = await advice_on(record, ctx.settings, ctx.paths.repository)
    return {
        "ticket": record.number,
        "body_sha": splitting.body_sha(record),
        **asdict(advice),
        "text": parts_text.written(record.number, advice.parts),
    }


async def advice_on(record: TicketRecord, settings: Settings, repository: Path) -> Advice:
    """Whether the ticket decomposes, and how. No model is asked, and nothing is written.

    Raises:
        FleetError: the repository has no commit to look at.
    """
    apart = None
    if settings.repos:
        apart = across(reading.read(record.body), record.repo or HOME, {HOME, *settings.repos})
    if apart is not None:
        return apart
    other = settings.repos.get(record.repo)
    place = repository if other is None else other.place(repository)
    evidence = await _evidence(record, settings.for_repository(record.repo), place)
    return await asyncio.to_thread(advise, evidence, settings.fanout)


async def _evidence(record: TicketRecord, settings: Settings, repository: Path) -> Evidence:
    """What the ticket says, and what the repository knows of it."""
    survey = await Survey.of(repository, settings.target_branch)
    tree = Tree.of(await survey.files())
    read = reading.read(record.body)
    made = await survey.made_in(naming.names(record.body, tree))
    own = [_named(task.text, tree, made) or _named(task.heading, tree, made) for task in read.tasks]
    elsewhere = _named(f"{record.title}\n{read.rest}", tree, made)
    all_places = {place for places in (*own, elsewhere) for place in places}
    files = {path for path in tree.files if any(inside(path, place) for place in all_places)}
    texts = await survey.texts(files)
    sizes = {path: text.count("\n") for path, text in texts.items()}
    existing_places = {place for place in all_places if place in tree.files or place in tree.directories}
    return Evidence(
        tasks=tuple(Placed(task, places) for task, places in zip(read.tasks, own, strict=True)),
        elsewhere=elsewhere,
        commits=await survey.commits(settings.fanout.commits, settings.fanout.most_files),
        imports=imports.imports(texts, tree),
        lines={p: sum(sizes.get(f, 0) for f in files if inside(f, p)) for p in existing_places},
        scope=record.scope,
        rest=read.rest,
    )


def _named(text: str, tree: Tree, made: dict[str, str]) -> tuple[str, ...]:
    """The places that a text names, those included where something that it names is made."""
    files = {made[name] for name in naming.names(text, tree) if name in made}
    return tuple(sorted({*naming.places(text, tree), *files}))
