"""A person's request counts once: a repeat with the same id gets the first answer, also after a restart.

The first event that a person's request records carries the request's key, so that the log itself says whether it was
done; see ``Reader.event_with_key``.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from fleet_tui.domain.events import Draft, Event

_KEPT = 500
"""Answers remembered; the log remembers the rest."""
_NOT_A_PERSON = ("watcher", "agent:")

Answer = dict[str, Any]


@dataclass(slots=True)
class _Request:
    key: str
    is_recorded: bool = False


_request: ContextVar[_Request | None] = ContextVar("request", default=None)


def stamped(drafts: Iterable[Draft]) -> Iterator[Draft]:
    """``drafts`` with the request's key on the first of a person that has none of its own."""
    request = _request.get()
    for draft in drafts:
        is_free = draft.key is None and not draft.actor.startswith(_NOT_A_PERSON)
        if request is None or request.is_recorded or not is_free:
            yield draft
        else:
            request.is_recorded = True
            yield replace(draft, key=request.key)


class Requests:
    """Performs each request once. ``find`` looks an event up by its key."""

    def __init__(self, find: Callable[[str], Event | None]) -> None:
        self._find = find
        self._answers: OrderedDict[str, asyncio.Task[Answer]] = OrderedDict()

    async def once(self, key: str, perform: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer to the request ``key``: of the attempt under way or over, of the log, or of ``perform`` now.

        Who asked may go away meanwhile: what was begun is brought to its end.
        """
        task = self._answers.get(key)
        if task is None:
            done = self._find(key)
            if done is not None:
                return {"message": f"done already: {done.kind}, event {done.seq}", "event": done.seq}
            task = self._answers[key] = asyncio.create_task(_under(key, perform), name=f"request {key}")
            task.add_done_callback(_retrieved)
            self._forget()
        return await asyncio.shield(task)

    def _forget(self) -> None:
        over = [key for key, task in self._answers.items() if task.done()]
        for key in over[: max(0, len(self._answers) - _KEPT)]:
            del self._answers[key]


async def _under(key: str, perform: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    _request.set(_Request(key))
    return await perform()


def _retrieved(task: asyncio.Task[Answer]) -> None:
    """A refusal that nobody waits for any more is no error of ours."""
    if not task.cancelled():
        task.exception()
