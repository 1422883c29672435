"""The search index: finds the events that match several conditions without looking at the others.

An FTS5 table without content holds, per event, the beginnings of its words and tags for its kind, subject and actor and
their combinations. It is written in the event's transaction, costs about 90 bytes an event, and can be made again.
Words are cut by this module, not by SQLite, so that the index and a question always agree.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import sqlite3
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from fleet_tui.domain.events import Event
from fleet_tui.store.filters import EventFilter

WORD = 10
"""Characters of a word that are indexed; longer words of a question are compared again with the event itself."""
INSERT = "INSERT INTO search (rowid, words) VALUES (?, ?)"
DELETE = "INSERT INTO search (search, rowid, words) VALUES ('delete', ?, ?)"

_WORDS = re.compile(r"[^\W_]+")
_TAG = "\ue000"
"""Begins a tag; no word has this character."""
_COMBINATIONS_LIMIT = 400


def words(text: str) -> list[str]:
    """Letters and digits between everything else, in lower case."""
    return _WORDS.findall(text.casefold())


def texts(value: Any) -> Iterator[str]:
    """Every text and number of a payload; keys are not content."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)


def content(event: Event) -> list[str]:
    """Every word of an event's kind, subject and payload values."""
    return words(" ".join((event.kind, event.subject, *texts(event.payload))))


def document(event: Event) -> str:
    """What the index holds of ``event``."""
    known = {word[:WORD] for word in content(event)}
    return " ".join(itertools.chain(known, _tags(event.kind, event.subject, event.actor)))


def add(connection: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Indexes ``events``, within the caller's transaction."""
    connection.executemany(INSERT, ((event.seq, document(event)) for event in events))


def remove(connection: sqlite3.Connection, event: Event) -> None:
    """Forgets ``event`` as it was indexed, words and all, within the caller's transaction."""
    connection.execute(DELETE, (event.seq, document(event)))
    connection.execute("INSERT INTO search (search) VALUES ('optimize')")


def question(wanted: EventFilter) -> str | None:
    """The FTS5 expression for ``wanted``; None when it has no word and no more than one of kinds, subjects, actors."""
    parts = [f'"{word}"*' if len(word) < WORD else f'"{word[:WORD]}"' for word in words(wanted.text or "")]
    sets = [wanted.kinds, wanted.subjects, wanted.actors]
    if not parts and sum(map(bool, sets)) < 2:
        return None
    combinations = 1
    for names in sets:
        combinations *= len(names) or 1
    if combinations <= _COMBINATIONS_LIMIT:
        parts += _any([sets])
    else:
        parts += _any([[names if place == here else () for place, names in enumerate(sets)] for here in range(3)])
    return " AND ".join(parts)


def needs_comparison(wanted: EventFilter) -> list[str]:
    """Words of a question that the index knows only the beginning of."""
    return [word for word in words(wanted.text or "") if len(word) > WORD]


def _any(choices: list[list[tuple[str, ...]]]) -> list[str]:
    """For each choice of names: one of the tags of their combinations."""
    parts = []
    for sets in choices:
        if any(sets):
            tags = [_tag(*names) for names in itertools.product(*(names or (None,) for names in sets))]
            parts.append("(" + " OR ".join(f'"{tag}"' for tag in tags) + ")")
    return parts


def _tags(kind: str, subject: str, actor: str) -> Iterator[str]:
    for names in itertools.product((None, kind), (None, subject), (None, actor)):
        if any(name is not None for name in names):
            yield _tag(*names)


@lru_cache(maxsize=4096)
def _tag(kind: str | None, subject: str | None, actor: str | None) -> str:
    """One token for a combination; collisions are a matter of 2**-64."""
    digest = hashlib.blake2b(repr((kind, subject, actor)).encode(), digest_size=8).hexdigest()
    return _TAG + digest
