"""The advice: one agent, or parts with scopes that have nothing in common and an order in which they can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fleet_tui.domain.text import clean, in_brief, one_line
from fleet_tui.governance.fanout.grouping import Groups, overlap
from fleet_tui.governance.fanout.naming import MOST_PLACES
from fleet_tui.governance.fanout.values import Advice, Evidence, Part, Placed
from fleet_tui.governance.risk.score import matches
from fleet_tui.settings.fanout import Fanout

ONE = "one agent is better"
_MOST_REST = 8_000
_MOST_NAMED = 5


def advise(evidence: Evidence, rules: Fanout) -> Advice:
    """Whether a ticket decomposes, by what the evidence shows under these rules."""
    evidence = _without_context(evidence)
    refusal = _refusal(evidence, rules)
    if refusal:
        return Advice(ONE, (refusal,))
    groups = Groups(evidence, rules, [(index,) for index in range(len(evidence.tasks))])
    groups.join_what_belongs_together()
    needs = groups.settle()
    if len(groups.members) < 2:
        return Advice(ONE, tuple(groups.why))
    order = _in_order(needs)
    parts = _parts(groups, needs, order)
    orders = tuple(
        f"part {order.index(n) + 1} comes after part {order.index(before) + 1}: {told}"
        for n, before, told in groups.orders()
    )
    apart = () if orders else ("the parts share no file, and import none of each other: they can be done side by side",)
    reasons = (*groups.why, *orders, *apart, *_added(groups, order), *_outside(evidence))
    return Advice(f"{len(parts)} parts", reasons, parts)


def _without_context(evidence: Evidence) -> Evidence:
    """Sections that name no place tell of the rest: background, what was decided, what done means."""
    kept = [one for one in evidence.tasks if one.places or not one.task.section]
    told = [f"{one.task.text}" for one in evidence.tasks if one not in kept]
    return replace(evidence, tasks=tuple(kept), rest="\n\n".join(filter(None, [evidence.rest, *told])))


def _refusal(evidence: Evidence, rules: Fanout) -> str:
    """Why the ticket is not even looked at for parts; empty when it is."""
    tasks = evidence.tasks
    if not tasks:
        return "no separate tasks: it has no task list (- [ ] ...), and no sections or items that name files"
    if len(tasks) == 1:
        return f"one task: {in_brief(tasks[0].task.title, 80)}"
    lost = [index for index, one in enumerate(tasks) if not one.places]
    if lost:
        named = "; ".join(f"{index + 1} ({in_brief(tasks[index].task.title, 60)})" for index in lost[:_MOST_NAMED])
        more = f" and {len(lost) - _MOST_NAMED} more" if len(lost) > _MOST_NAMED else ""
        return f"nobody can tell where the work would be: no file of the repository is named by task {named}{more}"
    many = sum(len(one.places) for one in tasks) + len(evidence.elsewhere)
    if many >= MOST_PLACES:
        return f"it names {many} places: more than {MOST_PLACES - 1} are not compared; write the tickets by hand"
    return _too_small(evidence, rules)


def _too_small(evidence: Evidence, rules: Fanout) -> str:
    """What is yet to be made has no size: only what is there altogether can be small."""
    places = {place for one in evidence.tasks for place in one.places} | set(evidence.elsewhere)
    if any(place not in evidence.lines for place in places):
        return ""
    lines = sum(evidence.lines[place] for place in places)
    return f"small: all that it names has {lines} lines" if lines <= rules.small_lines else ""


def _in_order(needs: Sequence[set[int]]) -> list[int]:
    """The groups so that each comes after those that it needs; else as they stand in the ticket."""
    order: list[int] = []
    while len(order) < len(needs):
        order.append(next(n for n in range(len(needs)) if n not in order and needs[n] <= set(order)))
    return order


def _parts(groups: Groups, needs: Sequence[set[int]], order: Sequence[int]) -> tuple[Part, ...]:
    places = groups.places()
    return tuple(
        Part(
            title=_title([groups.evidence.tasks[index] for index in groups.members[n]]),
            body=_body([groups.evidence.tasks[index] for index in groups.members[n]], groups.evidence.rest),
            scope=tuple(f"/{place}" for place in places[n]),
            after=tuple(sorted(order.index(before) + 1 for before in needs[n])),
        )
        for n in order
    )


def _title(tasks: Sequence[Placed]) -> str:
    more = f" (and {len(tasks) - 1} more)" if len(tasks) > 1 else ""
    return f"{in_brief(tasks[0].task.title, 100)}{more}"


def _body(tasks: Sequence[Placed], rest: str) -> str:
    """What the part's author is told: its tasks, and what the whole ticket says beside the tasks."""
    told = "\n\n".join(one.task.text for one in tasks)
    if rest.strip():
        told += f"\n\nOf the whole ticket:\n\n{clean(rest.strip(), _MOST_REST)}"
    return clean(told)


def _added(groups: Groups, order: Sequence[int]) -> list[str]:
    """Where the places went that no task names."""
    places = groups.places()
    return [
        f"{one_line(place)} is named outside of the tasks: it goes with part {number}"
        for number, n in enumerate(order, 1)
        for place in sorted(set(places[n]) - set(groups.own(groups.members[n])))
    ]


def _outside(evidence: Evidence) -> tuple[str, ...]:
    """Places that the ticket names although its own scope leaves them out."""
    places = {place for one in evidence.tasks for place in one.places} | set(evidence.elsewhere)
    outside = sorted(place for place in places if evidence.scope and not matches(evidence.scope, place))
    named = ", ".join(one_line(place) for place in outside[:_MOST_NAMED])
    return (f"outside of the scope that the ticket declares: {named}",) if outside else ()


def problems(parts: Sequence[Part]) -> list[str]:
    """What is wrong with parts that a person has edited; they need not be what was proposed."""
    found = ["fewer than two parts"] if len(parts) < 2 else []
    for number, part in enumerate(parts, 1):
        found += [f"part {number} has no title"] if not one_line(part.title) else []
        found += [
            f"part {number} comes after part {before}: only parts above it can come before it"
            for before in part.after
            if not 1 <= before < number
        ]
        for other, earlier in enumerate(parts[: number - 1], 1):
            if earlier.repo != part.repo:
                continue
            shared = [(p, q) for p in earlier.scope for q in part.scope if overlap(p.strip("/"), q.strip("/"))]
            found += [f"parts {other} and {number} share {max(shared[0], key=len)} in their scopes"] if shared else []
    return found
