"""A person adds to a budget: which one is meant, whether that needs another person, and who may go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from fleet_tui.domain.amounts import HOW_TO_WRITE, MOST, UNITS, Unit, show_amount
from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.events import Blocker, BudgetExtended, BudgetExtensionSeconded, BudgetReportAsked
from fleet_tui.domain.model import Question
from fleet_tui.domain.spending import HOUR_NS, SCOPES, chain
from fleet_tui.domain.standing import Standing, standings
from fleet_tui.domain.states import ENDED_RUNS, LIVE_RUNS
from fleet_tui.domain.text import clean, one_line
from fleet_tui.governance import statements
from fleet_tui.governance.approval_policy import for_extension, has_voted, is_granted, persons
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher import alarms
from fleet_tui.watcher.acts.approving import who
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args
from fleet_tui.watcher.runs import spending

_LOOKED_AT = 1_000
Answer = Callable[[Question, str, str], Awaitable[dict[str, Any]]]


async def extend(ctx: Context, args: Args, actor: str, answer: Answer) -> dict[str, Any]:
    """Record the extension that ``args`` ask for, and answer the reports that the ceiling had asked for.

    ``scope`` and ``name`` say whose, ``amount`` how much in the unit's smallest part; ``unit`` and ``window`` are
    needed where it has several budgets.

    Raises:
        UsageError: no sane amount, or not clear which budget is meant.
        Conflict: there is no such budget.
    """
    amount, standing = _amount(args), _meant(ctx, args)
    reason, rule = clean(str(args.get("reason") or "by hand"), 400), standing.rule
    wanted = for_extension(ctx.settings.approval)
    actor, evidence = await who(ctx, args, actor, statements.of_extension(standing, amount))
    votes = _votes(ctx, standing, amount)
    if has_voted(actor, votes):
        raise Conflict("already asked for by you", f"{', '.join(persons(votes))}", "another person must ask for it")
    votes = persons((*votes, actor))
    if not is_granted(votes, wanted.quorum):
        expires_ns = ctx.now_ns() + wanted.expires_h * HOUR_NS
        seconded = BudgetExtensionSeconded(standing.key, amount, reason, actor, wanted.quorum, expires_ns, evidence)
        await ctx.say(seconded, standing.subject, actor=actor)
        told = (
            f"{len(votes)} of {wanted.quorum} persons want it ({', '.join(wanted.reasons)}); it waits for another one"
        )
        others = [one for one in pending(ctx, [standing]) if one.amount != amount]
        also = "".join(f"; also open: {one.what} ({', '.join(one.by)})" for one in others)
        return {"votes": list(votes), "quorum": wanted.quorum, "message": told + also}
    seconds_of_agent = rule.scope == "agent" and rule.unit == "seconds" and rule.window == "total"
    extension = BudgetExtended(
        standing.name if seconds_of_agent else "",
        amount if seconds_of_agent else 0,
        reason,
        rule.scope,
        standing.name,
        rule.unit,
        rule.window,
        standing.start_ns,
        amount,
        evidence,
    )
    await ctx.say(extension, standing.subject, actor=actor)
    for rule_of_alarm in ("budget", "budget-warning"):  # they name the old ceiling: told anew, if need be
        await alarms.clear(ctx, rule_of_alarm, standing.subject, "the budget was extended")
    added = _what_was_added(standing, amount)
    for question in _reports(ctx, standing):  # who is given more need not be told so twice
        await answer(question, f"{added}: go on where you stopped.", actor)
    return {"message": added + _used_up_too(standing, amount)}


def statement(ctx: Context, args: Args) -> str:
    """What a person signs to add ``amount`` to that budget."""
    return statements.of_extension(_meant(ctx, args), _amount(args))


def _amount(args: Args) -> int:
    amount = args.get("amount")
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= MOST:
        raise UsageError("amount missing", "how much to add: a whole number above 0", "fleet budget extend dev 10m")
    return amount


def _votes(ctx: Context, standing: Standing, amount: int) -> tuple[str, ...]:
    """Who has asked for just this, and not too long ago. The key holds the ceiling: a granted one is spent."""
    asked = EventFilter(kinds=(BudgetExtensionSeconded.kind,), subjects=(standing.subject,))
    said = [event.payload for event in ctx.reader.events(asked, after=0, limit=10_000)]
    return tuple(
        one["by"]
        for one in said
        if (one["standing"], one["amount"]) == (standing.key, amount) and one["expires_ns"] > ctx.now_ns()
    )


def _meant(ctx: Context, args: Args) -> Standing:
    scope, name = str(args.get("scope", "")), str(args.get("name", ""))
    if scope not in SCOPES:
        raise UsageError("scope missing", f"one of {', '.join(SCOPES)}", "fleet budget extend agent:dev 10m")
    name = "fleet" if scope == "fleet" else name
    unit: Unit | None = next((unit for unit in UNITS if unit == args.get("unit")), None)
    runs = [run for run in (ctx.reader.run(name),) if run is not None] if scope == "run" else []
    if any(run.state in ENDED_RUNS for run in runs):
        raise Conflict("it has ended", f"{one_line(name, 80)} spends nothing any more", "see `fleet budget`")
    runs += ctx.reader.runs(ticket=int(name)) if scope == "ticket" and name.isdecimal() else []
    cells = spending.cells(ctx, *runs)
    found = standings(spending.rules(ctx, *runs), cells, [(scope, name)], ctx.now_ns())
    fitting = [
        standing
        for standing in found
        if unit in (None, standing.rule.unit) and args.get("window") in (None, standing.rule.window)
    ]
    if not fitting:
        kind = "run-time " if unit == "seconds" else f"{unit} " if unit else ""
        raise Conflict("no budget", f"{one_line(name, 80)} has no {kind}budget", "see `fleet budget`")
    if len({(standing.rule.unit, standing.rule.window) for standing in fitting}) > 1:
        kinds = ", ".join(f"{standing.rule.unit} ({standing.rule.window})" for standing in fitting)
        raise UsageError("several budgets", f"{one_line(name, 80)} has {kinds}", "name one with --unit and --window")
    standing = min(fitting, key=lambda standing: standing.ceiling)
    if standing.rule.unit == "money" and unit is None:
        raise UsageError("unit missing", "this budget counts money", HOW_TO_WRITE)
    return standing


@dataclass(frozen=True, slots=True)
class Wanted:
    """An extension that waits for more persons: ``by`` those who want it, of ``quorum``."""

    standing: Standing
    amount: int
    by: tuple[str, ...]
    quorum: int

    @property
    def what(self) -> str:
        return f"{show_amount(self.standing.rule.unit, self.amount)} more"


def pending(ctx: Context, among: Iterable[Standing]) -> list[Wanted]:
    """The extensions of ``among`` that wait for another person, each amount by itself, oldest first."""
    by_key = {standing.key: standing for standing in among}
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for event in ctx.reader.events(EventFilter(kinds=(BudgetExtensionSeconded.kind,)), limit=_LOOKED_AT):
        said = event.payload
        if said["standing"] in by_key and said["expires_ns"] > ctx.now_ns():
            found.setdefault((said["standing"], said["amount"]), []).append(said)
    return [
        Wanted(by_key[key], amount, persons(one["by"] for one in said), said[-1]["quorum"])
        for (key, amount), said in found.items()
    ]


def _what_was_added(standing: Standing, amount: int) -> str:
    """For the person: ``agent dev: 600 s more``."""
    whose = "the fleet" if standing.rule.scope == "fleet" else f"{standing.rule.scope} {standing.name}"
    return f"{whose} may use {show_amount(standing.rule.unit, amount)} more"


def _used_up_too(standing: Standing, amount: int) -> str:
    """What a person must know whose extension lets nobody go on; else nothing."""
    room_ms = None if standing.room_ms is None else standing.room_ms + amount * 1000
    now = replace(standing, ceiling=standing.ceiling + amount, room_ms=room_ms)
    if not now.spent:
        return ""
    unit = now.rule.unit
    used = show_amount(unit, now.used).removesuffix(f" {unit}")
    return f", but that is used up too: {used} of {show_amount(unit, now.ceiling)}"


def _reports(ctx: Context, standing: Standing) -> list[Question]:
    """The open questions of runs that were asked for a report because of this budget: the extension answers them."""
    found = []
    for question in ctx.reader.questions(open_only=True):
        run = ctx.reader.run(question.run)
        if run is None or (standing.rule.scope, standing.name) not in chain(run.id, run.agent, run.role, run.ticket):
            continue
        asked = EventFilter(kinds=(BudgetReportAsked.kind,), subjects=(f"run:{run.id}",))
        asks = ctx.reader.events(asked, after=0, limit=1_000)
        first = next((event for event in asks if event.payload["standing"] == standing.key), None)
        said = EventFilter(kinds=(Blocker.kind,))
        if first is not None and any(
            blocker.payload["question"] == question.id
            for blocker in ctx.reader.events(said, after=first.seq, limit=1_000)
        ):
            found.append(question)
    return [question for question in found if not _still_without(ctx, question)]


def _still_without(ctx: Context, question: Question) -> bool:
    run = ctx.reader.run(question.run)
    return run is not None and run.state in LIVE_RUNS and any(s.spent for s in spending.of_run(ctx, run))
