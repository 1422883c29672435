"""The event filter language: ``agent:dev type:gate,alarm since:13:30 by:human words /regex/ !noise``.

Terms are joined by AND; a comma joins values of one term by OR; ``!`` before a term turns it round. What the store can
answer by itself becomes an :class:`EventFilter`; the rest is a predicate over its rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.events import PAYLOADS, Event
from fleet_tui.store.reader import EventFilter

Test = Callable[[Event], bool]
FIELDS = ("agent", "by", "pr", "run", "since", "ticket", "type", "until")
_AGO = re.compile(r"(\d+)([smhd])\Z")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\Z")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 500


class FilterError(UsageError):
    """A filter that cannot be read. ``position`` is the character at which the trouble starts, from 0."""

    def __init__(self, message: str, position: int, hint: str = "") -> None:
        super().__init__("cannot read the filter", f"{message} (character {position + 1})", hint)
        self.position = position


@dataclass(frozen=True, slots=True)
class Filter:
    """A read filter. ``tests`` must all hold for a row that ``store`` lets through."""

    text: str
    store: EventFilter
    tests: tuple[Test, ...]

    def matches(self, event: Event) -> bool:
        return all(test(event) for test in self.tests)

    @property
    def is_empty(self) -> bool:
        return self.store == EventFilter() and not self.tests


def parse(text: str, now_ns: int, agent_of_run: Mapping[str, str] | None = None) -> Filter:
    """Read ``text``. ``agent_of_run`` tells ``agent:`` whose a run is; clock times are today's, UTC.

    Raises:
        FilterError: with the position of the term that cannot be read.
    """
    if len(text) > LONGEST:
        raise FilterError(f"a filter has at most {LONGEST} characters", LONGEST)
    result = Filter(text, EventFilter(), ())
    for position, word in words(text):
        result = _add(result, word, position, now_ns, agent_of_run or {})
    return result


def words(text: str) -> list[tuple[int, str]]:
    """Terms with their positions. Quotes and ``/…/`` keep spaces together."""
    found = []
    for match in re.finditer(r"!?/(?:[^/\\]|\\.)*/|(?:[^\s\"]|\"[^\"]*\"?)+", text):
        word = match.group()
        if word.count('"') % 2:
            raise FilterError("the quotation mark is not closed", match.start() + word.index('"'), 'close it with "')
        found.append((match.start(), word))
    return found


def _add(result: Filter, word: str, position: int, now_ns: int, agents: Mapping[str, str]) -> Filter:
    negative, body = word.startswith("!"), word.removeprefix("!")
    if not body:
        raise FilterError("nothing follows the !", position, "write the unwanted word after it: !noise")
    if len(body) > 1 and body.startswith("/"):
        return _with_test(result, _regex(body, position), negative)
    field, colon, value = body.partition(":")
    if colon and field in FIELDS:
        if not value:
            raise FilterError(f"{field}: needs a value", position + len(word), _EXAMPLES[field])
        return _field(result, field, unquote(value), position, now_ns, agents, negative)
    if colon and re.fullmatch(r"[a-z]+", field):
        raise FilterError(
            f"there is no field {field!r}", position, "fields: " + ", ".join(FIELDS) + "; quote plain text"
        )
    return _text(result, unquote(body), negative)


def _field(
    result: Filter, field: str, value: str, position: int, now_ns: int, agents: Mapping[str, str], negative: bool
) -> Filter:
    values = [part for part in value.split(",") if part]
    if field in {"since", "until"}:
        return _time(result, field, value, position, now_ns, negative)
    if field == "type":
        return _kinds(result, values, negative)
    if field == "by":
        return _with_test(result, lambda event: any(_by(event.actor, name) for name in values), negative)
    if field == "agent":
        return _with_test(result, lambda event: any(is_of_agent(event, name, agents) for name in values), negative)
    return _with_test(result, lambda event: any(_is_about(event, field, name) for name in values), negative)


def _time(result: Filter, field: str, value: str, position: int, now_ns: int, negative: bool) -> Filter:
    if negative:
        raise FilterError(f"!{field}: means nothing", position, "use the other of since: and until:")
    instant = _instant(value, position + len(field) + 1, now_ns)
    if field == "since":
        return replace(result, store=replace(result.store, since_ns=instant))
    return replace(result, store=replace(result.store, until_ns=instant))


def _instant(value: str, position: int, now_ns: int) -> int:
    if ago := _AGO.match(value):
        return now_ns - int(ago[1]) * _UNITS[ago[2]] * 1_000_000_000
    now = datetime.fromtimestamp(now_ns / 1e9, UTC)
    if clock := _CLOCK.match(value):
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        if hour < 24 and minute < 60 and second < 60:
            moment = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
            # A clock time ahead of us can only mean yesterday's.
            return _ns(moment if moment <= now else moment - timedelta(days=1))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise FilterError(
            f"{value!r} is not a time", position, "13:30, 13:30:05, 90m, 2d or 2030-01-31T13:30"
        ) from error
    return _ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


def _kinds(result: Filter, values: list[str], negative: bool) -> Filter:
    """``gate`` stands for every kind that begins with it; ``*`` is allowed at the end for clearness."""
    prefixes = tuple(value.rstrip("*") for value in values)
    known = tuple(kind for kind in sorted(PAYLOADS) if kind.startswith(prefixes))
    if negative or not known or result.store.kinds:
        return _with_test(result, lambda event: event.kind.startswith(prefixes), negative)
    # Kinds of the user's own share no table with ours: they are asked for by their full name.
    own = tuple(prefix for prefix in prefixes if not any(kind.startswith(prefix) for kind in known))
    return replace(result, store=replace(result.store, kinds=known + own))


def is_person(actor: str) -> bool:
    """Whether a person did it: at the room or the command line, or by signature."""
    return actor.startswith(("operator:", "signer:"))


def _by(actor: str, name: str) -> bool:
    if name in {"human", "operator"}:
        return is_person(actor)
    if name == "agent":
        return actor.startswith("agent:")
    return (
        actor == name
        or actor.startswith((f"agent:{name}/", f"operator:{name}", f"signer:{name}"))
        or actor == f"agent:{name}"
    )


def is_of_agent(event: Event, name: str, agents: Mapping[str, str]) -> bool:
    """Whether ``event`` is by agent ``name``, or about it or one of its runs; ``agents`` tells whose a run is."""
    run = event.subject.removeprefix("run:") if event.subject.startswith("run:") else event.payload.get("run")
    return (
        event.subject == f"agent:{name}"
        or event.actor.startswith(f"agent:{name}/")
        or event.payload.get("agent") == name
        or (isinstance(run, str) and agents.get(run) == name)
    )


def _is_about(event: Event, field: str, value: str) -> bool:
    return event.subject == f"{field}:{value}" or str(event.payload.get(field)) == value


def _regex(body: str, position: int) -> Test:
    if len(body) < 3 or not body.endswith("/"):
        raise FilterError("the /regular expression/ is not closed", position, "end it with /")
    try:
        pattern = re.compile(body[1:-1], re.IGNORECASE)
    except re.error as error:
        raise FilterError(f"bad regular expression: {error.msg}", position + 1 + (error.pos or 0)) from error
    return lambda event: pattern.search(haystack(event)[:4000]) is not None


def _text(result: Filter, text: str, negative: bool) -> Filter:
    if negative:
        wanted = text.casefold()
        return _with_test(result, lambda event: wanted in haystack(event).casefold(), negative)
    # The store's index finds the beginnings of words; all of them must occur.
    words = f"{result.store.text} {text}" if result.store.text else text
    return replace(result, store=replace(result.store, text=words))


def haystack(event: Event) -> str:
    """The text in which words and regular expressions are looked for."""
    return f"{event.kind} {event.subject} {event.actor} {json.dumps(event.payload, ensure_ascii=False)}"


def _with_test(result: Filter, test: Test, negative: bool) -> Filter:
    final: Test = (lambda event: not test(event)) if negative else test
    return replace(result, tests=(*result.tests, final))


def unquote(text: str) -> str:
    return text.replace('"', "")


_EXAMPLES = {
    "agent": "agent:dev-1",
    "by": "by:human, by:agent or by:dev-1",
    "pr": "pr:2",
    "run": "run:run-06ab3k9q2w4xyz",
    "since": "since:13:30 or since:90m",
    "ticket": "ticket:3",
    "type": "type:gate,alarm",
    "until": "until:14:00",
}
