"""Which agents: ``role:qa state:ask,wait team:web agent:dev-* risk:high words !noise``.

Terms are joined by AND; a comma joins values of one term by OR; ``!`` before a term turns it round, as in the filter of
the log; in names ``*`` and ``?`` stand for what is there. In the room a number alone is a place to go to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from fleet_tui.domain.states import RiskBand
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.filters import LONGEST, FilterError, unquote, words
from fleet_tui.readmodel.values import AgentTile, Doing

Test = Callable[[AgentTile], bool]
FIELDS = ("agent", "department", "model", "risk", "role", "state", "team", "ticket", "vendor")
_WILD = frozenset("*?[")
_NUMBER = re.compile(r"#?(\d{1,9})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class AgentFilter:
    """A filter that could be read; without tests it lets every agent through."""

    text: str = ""
    tests: tuple[Test, ...] = ()

    def matches(self, tile: AgentTile) -> bool:
        return all(test(tile) for test in self.tests)


def parse(text: str, tiles: Sequence[AgentTile]) -> AgentFilter:
    """Read ``text``; ``tiles`` tell which roles, vendors and models there are.

    Raises:
        FilterError: with the position of the term that cannot be read, or that fits no agent there is.
    """
    if len(text) > LONGEST:
        raise FilterError(f"a filter has at most {LONGEST} characters", LONGEST)
    return AgentFilter(text.strip(), tuple(_test(word, position, tiles) for position, word in words(text)))


def number_of(text: str) -> int | None:
    """The number that ``text`` is alone: ``12`` or ``#12``."""
    found = _NUMBER.match(text.strip())
    return int(found[1]) if found else None


def numbered(tiles: Iterable[AgentTile], number: int) -> AgentTile | None:
    """Who has ticket ``number`` in hand; else whose name is that number, ends or begins with it."""
    known = tuple(tiles)
    ends = re.compile(rf"(?:.*\D)?0*{number}\Z", re.DOTALL | re.ASCII)
    begins = re.compile(rf"0*{number}(?!\d)", re.ASCII)
    on_ticket = (tile for tile in known if tile.ticket == number)
    so_named = (tile for pattern in (ends, begins) for tile in known if pattern.match(tile.name))
    return next(on_ticket, None) or next(so_named, None)


def in_place(before: Sequence[str | None], names: Sequence[str]) -> tuple[str | None, ...]:
    """Slots for ``names`` that leave where it stands who stood in ``before``: who no longer matches leaves a hole, and
    who matches now takes the first one, or comes last."""
    wanted = set(names)
    slots = [name if name in wanted else None for name in before]
    for name in names:
        if name in slots:
            continue
        if None in slots:
            slots[slots.index(None)] = name
        else:
            slots.append(name)
    return tuple(slots)


def _test(word: str, position: int, tiles: Sequence[AgentTile]) -> Test:
    negative, body = word.startswith("!"), word.removeprefix("!")
    if not body:
        raise FilterError("nothing follows the !", position, "write the unwanted word after it: !dev-3")
    test = _positive(body, position + negative, tiles)
    return (lambda tile: not test(tile)) if negative else test


def _positive(body: str, position: int, tiles: Sequence[AgentTile]) -> Test:
    field, colon, value = body.partition(":")
    if colon and field in FIELDS:
        values = [part for part in unquote(value).casefold().split(",") if part]
        if not values:
            raise FilterError(f"{field}: needs a value", position + len(body), _EXAMPLES[field])
        return _any(*(_field(field, one, position, tiles) for one in values))
    if colon and re.fullmatch(r"[a-z]+", field):
        hint = "fields: " + ", ".join(FIELDS) + "; quote plain text"
        raise FilterError(f"there is no field {field!r}", position, hint)
    name, equals, _ = body.partition("=")
    if equals and name in FIELDS:
        raise FilterError(f"a field is followed by a colon: {name}:", position + len(name), _EXAMPLES[name])
    wanted = unquote(body).casefold()
    if not wanted:
        raise FilterError("nothing is in the quotation marks", position, "words of a name or title go there")
    return lambda tile: wanted in _text(tile)


def _any(*tests: Test) -> Test:
    return tests[0] if len(tests) == 1 else lambda tile: any(test(tile) for test in tests)


def _text(tile: AgentTile) -> str:
    """Where words are looked for."""
    work = f"#{tile.ticket} {tile.ticket_title}" if tile.ticket is not None else ""
    return f"{tile.name} {work}".casefold()


def _field(field: str, value: str, position: int, tiles: Sequence[AgentTile]) -> Test:
    match field:
        case "agent":
            return lambda tile: fits(tile.name.casefold(), value)
        case "ticket":
            return lambda tile: str(tile.ticket) == value.lstrip("#")
        case "state":
            states = _states(value, position)
            return lambda tile: tile.doing in states
        case "risk":
            return _risk(value, position)
        case _:
            known = _known(field, value, position, tiles)
            return lambda tile: not known.isdisjoint(_values(field, tile))


def _states(value: str, position: int) -> frozenset[Doing]:
    """``ask``, ``a`` or ``asks``: the word on the tile, its beginning, or a word that begins with it."""
    found = frozenset(word for word in Doing if word.casefold().startswith(value) or value.startswith(word.casefold()))
    if not found:
        names = ", ".join(word.casefold() for word in Doing)
        raise FilterError(f"there is no state {value!r}", position, f"states: {names}")
    return found


def _risk(value: str, position: int) -> Test:
    """A band, or the least number."""
    if value.isascii() and value.isdecimal():
        least = int(value[:9])
        return lambda tile: tile.risk >= least
    if value not in set(RiskBand):
        names = ", ".join(RiskBand)
        raise FilterError(f"there is no risk {value!r}", position, f"risk: {names}, or the least number")
    return lambda tile: tile.risk_band == value


def fits(name: str, pattern: str) -> bool:
    """Whether ``name`` is ``pattern``, or is covered by its ``*`` and ``?``."""
    return name == pattern or (is_pattern(pattern) and fnmatchcase(name, pattern))


def is_pattern(text: str) -> bool:
    """Whether ``text`` stands for more names than itself."""
    return not _WILD.isdisjoint(text)


def _values(field: str, tile: AgentTile) -> Iterator[str]:
    """What ``tile`` has there: teams may be several."""
    one = {"role": tile.role, "vendor": tile.vendor, "model": tile.model or "", "department": tile.department}
    values = tile.teams if field == "team" else (one[field],)
    return (value.casefold() for value in values if value)


def _known(field: str, value: str, position: int, tiles: Sequence[AgentTile]) -> frozenset[str]:
    """What fits ``value`` of all that there is; where nothing does, what begins with it."""
    values = {one for tile in tiles for one in _values(field, tile)}
    found = frozenset(one for one in values if fits(one, value)) or frozenset(
        one for one in values if one.startswith(value)
    )
    if not found:
        names = one_line(", ".join(sorted(values)), 200) or "none"
        raise FilterError(f"no agent has the {field} {value!r}", position, f"{field}s: {names}")
    return found


_EXAMPLES = {
    "agent": "agent:dev-1 or agent:dev-*",
    "department": "department:shop",
    "model": "model:opus",
    "risk": "risk:high,critical or risk:50",
    "role": "role:qa",
    "state": "state:ask,wait",
    "team": "team:web",
    "ticket": "ticket:3",
    "vendor": "vendor:claude",
}
