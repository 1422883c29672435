"""Release notes as text (Markdown), for the tag's message and the forge. What agents wrote does nothing there. Pure."""

from __future__ import annotations

from fleet_tui.domain.text import clean, fitting, one_line
from fleet_tui.watcher.merging.releases import Contents, Landed
from fleet_tui.watcher.upstream.texts import fenced, span

MOST_BYTES = 30_000
"""Of notes: they travel in an event."""
_MOST_PULLS, _MOST_OTHERS = 200, 50
_LEFT_OUT = "\n\n(The rest is left out: it is too long.)"


def text(contents: Contents, words: str = "") -> str:
    """The notes; ``words`` are an agent's own, that go before what the log tells."""
    since = f" since {span(contents.since)}" if contents.since else ""
    parts = [fenced(words)] if words.strip() else []
    rows = [_pull(pull) for pull in contents.pulls[:_MOST_PULLS]]
    rows += _more(len(contents.pulls) - _MOST_PULLS)
    parts.append(f"**Landed{since}**\n\n" + ("\n".join(rows) or "Nothing."))
    others = [f"- `{step.id[:8]}` {span(step.subject)} ({span(step.author)})" for step in contents.others]
    if others:
        listed = [*others[:_MOST_OTHERS], *_more(len(others) - _MOST_OTHERS)]
        parts.append(f"**Also on {span(contents.target)}**, not through the fleet\n\n" + "\n".join(listed))
    return _whole_lines("\n\n".join(parts))


def _whole_lines(told: str) -> str:
    """What fits of it: half a line would be a span of code that nothing ends, and does what stands in it."""
    if fitting(told, MOST_BYTES) == told:
        return told
    return fitting(told, MOST_BYTES - len(_LEFT_OUT) - 4).rpartition("\n")[0] + _LEFT_OUT


def title(version: str, contents: Contents) -> str:
    """The first line of the tag's message."""
    return f"{version}: {len(contents.pulls)} pull request{'' if len(contents.pulls) == 1 else 's'}"


def _pull(pull: Landed) -> str:
    there = f"#{pull.number}" if pull.number else f"PR {pull.pr}"
    told = [f"by {span(pull.agent)}"]
    told += [f"reviewed by {', '.join(map(span, pull.reviewers))}"] if pull.reviewers else []
    told += [f"gates {', '.join(f'{span(name)} {state}' for name, state in pull.gates)}"] if pull.gates else []
    return f"- {span(pull.title or 'no title')} (#{pull.ticket}, {there}): {'; '.join(told)}"


def _more(number: int) -> list[str]:
    return [f"- and {number} more"] if number > 0 else []


def of_a_person(given: str) -> str:
    """Notes that a person wrote, as they are sent; empty when there is nothing to read."""
    return clean(given).strip()


def in_one_line(version: str, contents: Contents) -> str:
    """What a release is of, for a message."""
    since = f" since {one_line(contents.since, 80)}" if contents.since else ""
    return f"{version} at {contents.commit[:8]} on {one_line(contents.target, 80)}: {len(contents.pulls)} landed{since}"
