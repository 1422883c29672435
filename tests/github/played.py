"""What happens on the stand-in GitHub by itself: checks run on pull requests, and what changes is told line by line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from tests.github.server import Server
from tests.github.state import Check, Issue, Pull, Repository

_LOOK_S = 0.1
_LOG = "collecting ...\nE   ConnectionError: the mirror did not answer\n1 error\n"


class Played:
    """A thread that runs the check ``name`` on each head for ``lasts_s`` seconds, and gives ``tell`` what it sees.

    On the first head of pull request ``unlucky`` (counted from 1) the first attempt fails.
    """

    def __init__(
        self,
        server: Server,
        repository: Repository,
        tell: Callable[[str], object],
        *,
        name: str = "build",
        lasts_s: float = 1.0,
        unlucky: int = 1,
    ) -> None:
        self._server, self._repository, self._tell = server, repository, tell
        self._name, self._lasts_s, self._unlucky = name, lasts_s, unlucky
        self._begun: dict[int, float] = {}
        """When each job began (monotonic seconds), by its number."""
        self._seen: dict[str, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Played:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            over = self._over.wait(_LOOK_S)
            with self._server.lock:
                self._repository.sync()
                self._work()
                told = list(self._changes())
            for line in told:
                self._tell(line)
            if over:  # after a last look
                return

    # -- checks ------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        for nth, pull in enumerate(self._repository.pulls(), 1):
            if pull.state != "open":
                continue
            found = [check for check in self._repository.checks_of(pull.head_sha) if check.name == self._name]
            check = found[0] if found else self._repository.check(pull.head_sha, self._name)
            began = self._begun.setdefault(check.id, time.monotonic())
            if check.conclusion is None and time.monotonic() - began >= self._lasts_s:
                self._end(check, fails=nth == self._unlucky and check.attempts == 1 and self._is_first_to_end())

    def _is_first_to_end(self) -> bool:
        return all(check.conclusion != "failure" for check in self._repository.checks)

    def _end(self, check: Check, *, fails: bool) -> None:
        attempts = check.attempts
        self._repository.check(check.sha, self._name, "failure" if fails else "success", _LOG if fails else "")
        check.attempts = attempts

    # -- what is told ------------------------------------------------------------------------------------------------

    def _changes(self) -> Iterator[str]:
        for item in list(self._repository.items.values()):
            for key, now in self._facts(item):
                before = self._seen.get(key)
                if now and now != before:
                    yield f"{_name(item)} {now}"
                self._seen[key] = now

    def _facts(self, item: Issue) -> Iterator[tuple[str, str]]:
        number = item.number
        yield f"{number} title", f"{item.title!r} by {item.author}"
        yield f"{number} labels", f"is labelled {', '.join(sorted(item.labels))}" if item.labels else ""
        yield f"{number} assigned", f"is assigned to {', '.join(item.assignees)}" if item.assignees else ""
        for nth, comment in enumerate(item.comments):
            visible = [line for line in comment.body.splitlines() if line and not line.startswith("<!--")]
            yield f"{number} comment {nth}", f"{comment.author} says: {(visible or [''])[0][:120]}"
        if isinstance(item, Pull):
            yield f"{number} head", f"has {item.head_sha[:8]} of {item.head}"
            for check in self._repository.checks_of(item.head_sha):
                yield f"{number} {check.sha} {check.id}", f"check {check.name}: {check.conclusion or 'runs'}"
        state = "merged" if isinstance(item, Pull) and item.merged else item.state
        yield f"{number} state", f"is {state}" if state != "open" else ""


def _name(item: Issue) -> str:
    return f"{'pull request' if isinstance(item, Pull) else 'issue'} #{item.number}"
