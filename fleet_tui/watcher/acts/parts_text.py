"""The parts of a ticket as YAML for the person's editor, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.text import clean, one_line
from fleet_tui.governance.fanout.advice import problems
from fleet_tui.governance.fanout.values import Part

_HEAD = """\
# The parts of #{number}. Change, add or remove them; leave an empty file to give it up.
# after: numbers (from 1, in this order) of the parts that must have shipped before.
# scope: where the work is expected to stay, as patterns of .gitignore.
"""
_REPO = "# repo: the repository that it is of; home is the fleet's own.\n"
_KEYS = {"title", "body", "scope", "after", "repo"}
_AGAIN = "fleet plan TICKET --accept"


def written(number: int, parts: Sequence[Part]) -> str:
    """``parts`` of ticket ``number`` as YAML, with a word on how to change them."""
    plain = [
        {"title": p.title, **({"repo": p.repo} if p.repo else {}), "scope": list(p.scope), "after": list(p.after)}
        | {"body": p.body}
        for p in parts
    ]
    head = _HEAD.format(number=number) + (_REPO if any(part.repo for part in parts) else "")
    return head + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


def read(text: str) -> tuple[Part, ...]:
    """The parts that ``text`` says; none when there is nothing in it.

    Raises:
        UsageError: it is no list of parts, or they do not fit together.
    """
    try:
        given = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError("not YAML", one_line(str(error), 400), _AGAIN) from error
    if given is None:
        return ()
    if not isinstance(given, list):
        raise UsageError("not a list of parts", "the file has no `- title: ...`", _AGAIN)
    parts = tuple(_part(place, one) for place, one in enumerate(given, 1))
    wrong = problems(parts)
    if wrong:
        raise UsageError("the parts do not fit together", "; ".join(wrong), _AGAIN)
    return parts


def _part(place: int, given: Any) -> Part:
    if not isinstance(given, dict) or not set(given) <= _KEYS:
        told = f"part {place} may have title, body, scope, after and repo"
        raise UsageError("not a part", told, _AGAIN)
    scope, after = given.get("scope") or [], given.get("after") or []
    if not isinstance(scope, list) or not isinstance(after, list) or not all(type(one) is int for one in after):
        told = f"part {place}: `scope` is a list of patterns, `after` one of numbers"
        raise UsageError("not a part", told, _AGAIN)
    texts = (one_line(str(given.get("title") or "")), clean(str(given.get("body") or "")))
    repo = one_line(str(given.get("repo") or ""), 60)
    return Part(*texts, tuple(one_line(str(pattern)) for pattern in scope), tuple(after), repo)
