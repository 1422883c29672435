"""Issues as tickets: whose words count, what an issue depends on, what a comment of the fleet's own says. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fleet_tui.domain.repositories import HOME, LABEL
from fleet_tui.domain.text import clean, one_line
from fleet_tui.forge.base import DEFAULT_PRIORITY, MAX_TITLE, TicketRecord
from fleet_tui.forge.gh_values import Comment, Issue
from fleet_tui.forge.trust import Trust

MOST_DEPENDENCIES = 100
_MOST_TEXT = 400_000
_MOST_SCOPE = 100
_PRIORITY = re.compile(r"(?:p|prio(?:rity)?[:/ -]?)([1-9])\Z", re.IGNORECASE)
_BLOCKED = re.compile(r"\b(?:blocked by|depends on)\b:?([^\n]{1,400})", re.IGNORECASE)
_TASK = re.compile(r"^[ \t]{0,20}(?:[-*+]|[0-9]{1,3}[.)])[ \t]{1,8}\[ \][ \t]{1,8}(\S{1,200})", re.MULTILINE)
_REFERENCE = re.compile(r"(.{0,190}?)(?:#|/issues/)([0-9]{1,9})[,:;.)]?\Z")
_CLAIM = re.compile(r"<!-- fleet:claim ([a-z0-9][a-z0-9-]{0,80}) -->")
_STRANGE = "name its author in `forge.authors`, or open an issue of your own"
_SCOPE = re.compile(r"^Scope:[ \t]{0,8}((?:`[^`\n]{1,200}`[, \t]{0,8}){1,100})[ \t]{0,8}\r?$", re.MULTILINE)
_ONE_EACH = f"leave one of its labels that begin with `{LABEL}`, and open an issue for each of the others"
_OWN = "<!-- fleet:"
"""How every comment of a fleet begins: such comments are no part of a ticket."""


def references(body: str, repo: str) -> tuple[int, ...]:
    """The issues of the same repository that must be done before: open tasks of a list, and `blocked by #n`."""
    numbers = [number for match in _BLOCKED.finditer(body) for number in _first_references(match[1], repo)]
    numbers += [number for match in _TASK.finditer(body) if (number := _reference(match[1], repo))]
    return tuple(dict.fromkeys(numbers))[:MOST_DEPENDENCIES]


def _first_references(text: str, repo: str) -> Iterator[int]:
    """The references that ``text`` begins with: ``#1, #2 and #3, because …``."""
    for word in text.replace(",", " ").split():
        number = _reference(word, repo)
        if number is None and word.lower() not in ("and", "&"):
            return
        if number:
            yield number


def _reference(word: str, repo: str) -> int | None:
    """The issue that ``word`` names; 0: it is another repository's, None: it names none."""
    match = _REFERENCE.match(word)
    if match is None:
        return None
    place = match[1].lower().removeprefix("https://").removeprefix("github.com/")
    return int(match[2]) if place in ("", repo.lower()) else 0


def record(issue: Issue, comments: Iterable[Comment], depends_on: tuple[int, ...], trust: Trust) -> TicketRecord:
    """The ticket that an issue is; only words that count are in it."""
    labels = tuple(sorted(issue.labels))
    if not trust.is_trusted(issue):
        told = f"issue {issue.number}: opened by {one_line(issue.author, 60)}, whose words do not count (forge.authors)"
        return TicketRecord(issue.number, one_line(issue.title), labels=labels, problem=told, hint=_STRANGE)
    said = [one for one in comments if trust.is_trusted(one) and not is_own(one)]
    parts = [issue.body, *(f"---\nComment of {one_line(one.author, 60)}:\n\n{one.body}" for one in said)]
    text = "\n\n".join(clean(part).strip() for part in parts)
    title = one_line(issue.title, MAX_TITLE) or f"issue {issue.number}"
    named = repositories(labels)
    if len(named) > 1:
        told = f"issue {issue.number}: it is of several repositories: {one_line(', '.join(named))}"
        return TicketRecord(issue.number, title, labels=labels, problem=told, hint=_ONE_EACH)
    repo = named[0] if named else ""
    fields = (title, text[:_MOST_TEXT], labels, depends_on, _priority(labels))
    return TicketRecord(issue.number, *fields, scope=scope_of(issue.body), repo=one_line(repo, 60))


def repositories(labels: Iterable[str]) -> list[str]:
    """Those that labels name."""
    return sorted({label[len(LABEL) :].strip().lower() or HOME for label in labels if label.lower().startswith(LABEL)})


def scope_of(body: str) -> tuple[str, ...]:
    """Where the work is expected to stay, of lines such as ``Scope: `api/`, `docs/*.md```."""
    found = (one_line(pattern, 200) for match in _SCOPE.finditer(body) for pattern in re.findall("`([^`]+)`", match[1]))
    return tuple(dict.fromkeys(pattern for pattern in found if pattern))[:_MOST_SCOPE]


def without_scope(text: str) -> str:
    """A text that says nothing of where the work is expected to stay."""
    return _SCOPE.sub("", text)


def scope_line(scope: Iterable[str]) -> str:
    """What :func:`scope_of` reads, at the end of an issue; empty for no scope."""
    patterns = [pattern for one in scope if (pattern := one_line(one, 200).replace("`", "").strip())]
    return f"\n\nScope: {', '.join(f'`{pattern}`' for pattern in patterns[:_MOST_SCOPE])}" if patterns else ""


def _priority(labels: Iterable[str]) -> int:
    """Of a label such as `P1` or `priority: 2`."""
    found = [int(match[1]) for label in labels if (match := _PRIORITY.match(label.replace(": ", ":")))]
    return min(found, default=DEFAULT_PRIORITY)


def is_own(comment: Comment) -> bool:
    """Whether a fleet wrote it."""
    return comment.body.lstrip().startswith(_OWN)


def mark(name: str) -> str:
    """What stands, unseen, at the beginning of a comment by which it is found again."""
    return f"{_OWN}{name} -->"


def claim_text(fleet: str, agent: str) -> str:
    """The comment by which a fleet takes an issue."""
    return f"{mark(f'claim {fleet}')}\nTaken by the fleet `{fleet}`: agent `{agent}` works on it."


def claimed_by(comment: Comment) -> str:
    """The fleet that took the issue with this comment; empty when it is no claim."""
    found = _CLAIM.match(comment.body.lstrip())
    return found[1] if found else ""
