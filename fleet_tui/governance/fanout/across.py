"""A ticket whose tasks say in which repository they are: one part for each, in the order of the ticket."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from fleet_tui.domain.text import clean, in_brief, one_line
from fleet_tui.governance.fanout.values import Advice, Part, Reading, Task

_PREFIX = re.compile(r"[`*]{0,3}([a-z0-9][a-z0-9-]{0,62})[`*]{0,3}:[`*]{0,3}[ \t]+(?=\S)")
_MOST_REST = 8_000


@dataclass(slots=True)
class _Share:
    """What is to be done in one repository, and which tasks (from 1) say so."""

    repo: str
    numbers: list[int] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def across(reading: Reading, own: str, known: Collection[str]) -> Advice | None:
    """The parts, when the tasks name at least two of the repositories ``known``; None when they do not.

    A task is of the repository that it begins with (``api: return pages``), or that the heading above it is; else of
    ``own``, that of the ticket. What comes first in the ticket is done first: which repository needs which, no text
    of another tells.
    """
    shares: dict[str, _Share] = {}
    rest = [reading.rest]
    for number, task in enumerate(reading.tasks, 1):
        repo, title, text = _placed(task, known)
        if not repo and task.section:
            rest.append(task.text)  # background: it goes into every part
            continue
        share = shares.setdefault(repo or own, _Share(repo or own))
        share.numbers.append(number)
        share.titles.append(title)
        share.texts.append(text)
    if len(shares) < 2:
        return None
    told = "\n\n".join(filter(None, (one.strip() for one in rest)))
    parts = tuple(_part(share, told, place) for place, share in enumerate(shares.values()))
    named = "; ".join(f"{share.repo} (task {', '.join(map(str, share.numbers))})" for share in shares.values())
    order = "each part comes after the one before: so they stand in the ticket"
    return Advice(f"{len(parts)} parts", (f"the tasks are of several repositories: {named}", order), parts)


def _placed(task: Task, known: Collection[str]) -> tuple[str, str, str]:
    """The repository that a task names, or nothing; its title and text without that."""
    found = _PREFIX.match(task.text)
    if found is not None and found[1] in known:
        title = _PREFIX.match(task.title)
        return found[1], task.title[title.end() if title else 0 :], task.text[found.end() :]
    titled = _PREFIX.match(task.title) if task.section else None
    if titled is not None and titled[1] in known:
        return titled[1], task.title[titled.end() :], task.text
    heading = one_line(task.heading).strip("`*: ").lower()
    section = task.title.strip("`*: ").lower() if task.section else ""
    name = next((one for one in (heading, section) if one in known), "")
    return name, task.title, task.text


def _part(share: _Share, rest: str, place: int) -> Part:
    more = f" (and {len(share.titles) - 1} more)" if len(share.titles) > 1 else ""
    body = "\n\n".join(share.texts)
    if rest:
        body += f"\n\nOf the whole ticket:\n\n{clean(rest, _MOST_REST)}"
    after = (place,) if place else ()
    return Part(f"{in_brief(share.titles[0], 100)}{more}", clean(body), (), after, share.repo)
