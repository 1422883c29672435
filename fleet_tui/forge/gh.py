"""GitHub through its own program `gh`: one request, one process; arguments as a list, never a shell.

The credential is gh's business: the person's login or ``GH_TOKEN`` of the watcher. It is in the environment of these
processes and in that of no agent.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fleet_tui import processes
from fleet_tui.domain.forges import Trouble
from fleet_tui.domain.text import one_line
from fleet_tui.forge.answer import Answer, Rate, parse
from fleet_tui.forge.trouble import ForgeTrouble, of_graphql, of_status, of_words

MINIMUM_VERSION = (2, 23)
"""What Debian 12 has, and the oldest that the tests have seen."""
_PAGE_SIZES = (100, 20, 4, 1)
"""Each divides the one before: with a smaller one, reading goes on at the same place."""
_MOST_CALLS, _MOST_ITEMS, _MOST_BYTES = 40, 2000, 64 * 1024 * 1024
"""What is read of one list, and no more: anybody may write there."""
_MOST_REMEMBERED = 256
_REMEMBERED_BYTES = 64 * 1024 * 1024
_MOVED = re.compile(r"https://[^/]+(?:/api/v3)?/(repositories/[0-9]+/[A-Za-z0-9%/._?=&-]+)\Z")
_INHERITED = (
    *("PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"),
    *("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_HOST", "GH_CONFIG_DIR"),
    # Where gh keeps its login in the keyring of the desktop, and how the network is reached.
    *("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
_OWN = {
    "LC_ALL": "C",
    "NO_COLOR": "1",
    "PAGER": "cat",
    "GH_PAGER": "cat",
    "GH_EDITOR": ":",
    "GH_BROWSER": "false",
    "GH_PROMPT_DISABLED": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "GH_NO_EXTENSION_UPDATE_NOTIFIER": "1",
    "GH_SPINNER_DISABLED": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one call of gh: seconds until it is killed, bytes of output that are read."""

    time_s: float = 30.0
    out_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pages:
    """A list as it was read. ``unchanged``: every page is as it was last time; not ``complete``: there is more of it
    than is read of any list."""

    items: list[Any]
    unchanged: bool
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found: the version of gh and whom GitHub takes us for."""

    version: tuple[int, int]
    login: str


def environment() -> dict[str, str]:
    """The environment of every gh: what it needs of the watcher's, no prompts, no colours."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | _OWN


class Gh:
    """The client. Every call raises :class:`ForgeTrouble` when it does not succeed."""

    def __init__(
        self,
        program: str = "gh",
        *,
        host: str = "github.com",
        limits: Limits | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._program = program
        self.host = host
        self._limits = limits or Limits()
        self.now_ns = now_ns
        self._remembered: OrderedDict[str, Answer] = OrderedDict()
        self._sizes: dict[str, int] = {}
        """Of lists whose pages were too long: how many items to a page."""
        self.rates: dict[str, Rate] = {}
        """What GitHub told last of each of its budgets (``core``, ``graphql``, …)."""
        self.calls = 0
        """How often gh was started."""

    async def probe(self) -> Probe:
        """Whether gh is there, new enough, and logged in.

        Raises:
            ForgeTrouble: MISSING, TOO_OLD, LOGGED_OUT, or GitHub did not answer.
        """
        ended = await self._start("--version")
        text = ended.out.decode("utf-8", "replace")
        found = re.match(r"gh version (\d+)\.(\d+)", text)
        if found is None:
            raise ForgeTrouble(Trouble.TOO_OLD, f"`{self._program} --version` says {one_line(text, 80)!r}")
        version = (int(found[1]), int(found[2]))
        if version < MINIMUM_VERSION:
            wanted = ".".join(map(str, MINIMUM_VERSION))
            raise ForgeTrouble(Trouble.TOO_OLD, f"found {found[1]}.{found[2]}, need {wanted} or newer")
        user = (await self.get("user")).json()
        return Probe(version, one_line(str(user.get("login", "")), 100))

    async def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Answer:
        """Read ``path`` (quoted already); what GitHub says is unchanged since last time costs nothing of its budget."""
        full = f"{path}?{urlencode(query)}" if query else path
        before = self._remembered.get(full)
        known = ("-H", f"If-None-Match: {before.etag}") if before is not None else ()
        answer = await self._api("GET", full, known)
        if answer.status == 304 and before is not None:
            self._remembered.move_to_end(full)
            return replace(before, unchanged=True)
        self._remember(full, answer)
        return answer

    def _remember(self, path: str, answer: Answer) -> None:
        self._remembered.pop(path, None)
        if answer.etag:
            self._remembered[path] = answer
        room = _REMEMBERED_BYTES - sum(len(one.body) for one in self._remembered.values())
        while room < 0 or len(self._remembered) > _MOST_REMEMBERED:
            room += len(self._remembered.popitem(last=False)[1].body)

    async def pages(self, path: str, query: Mapping[str, str | int] | None = None) -> Pages:
        """The items of a list, page after page; of pages that are too long, smaller ones.

        Raises:
            ForgeTrouble: GARBLED too when it is no list.
        """
        items: list[Any] = []
        unchanged, at, size_bytes = True, 0, 0
        name = f"{path}?{urlencode(query or {})}"
        for _ in range(_MOST_CALLS):
            size = self._sizes.get(name, _PAGE_SIZES[0])
            try:
                answer = await self.get(path, {**(query or {}), "per_page": size, "page": at // size + 1})
            except ForgeTrouble as trouble:
                if trouble.trouble is not Trouble.TOO_LONG or size == _PAGE_SIZES[-1]:
                    raise
                self._take_smaller(name, size)
                continue
            found = answer.json()
            if not isinstance(found, list):
                raise ForgeTrouble(Trouble.GARBLED, f"{path}: not a list")
            items += found
            unchanged &= answer.unchanged
            at, size_bytes = at + size, size_bytes + len(answer.body)
            if not answer.has_more:
                return Pages(items, unchanged)
            if at >= _MOST_ITEMS or size_bytes >= _MOST_BYTES:
                break
        return Pages(items, unchanged, complete=False)

    def _take_smaller(self, name: str, size: int) -> None:
        """Remember that pages of ``size`` of a list are too long."""
        if len(self._sizes) >= _MOST_REMEMBERED:
            self._sizes.clear()
        self._sizes[name] = _PAGE_SIZES[_PAGE_SIZES.index(size) + 1]

    async def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Change something. A trouble that ``leaves_doubt`` may have changed it all the same."""
        given = b"" if body is None else json.dumps(body).encode()
        return await self._api(method, path, ("--input", "-") if body is not None else (), given)

    async def graphql(
        self, query: str, variables: Mapping[str, Any], optional: Collection[str] = ()
    ) -> tuple[dict[str, Any], frozenset[str]]:
        """The ``data`` of a query's answer, and which fields of ``optional`` we may not see: they are null in it."""
        given = json.dumps({"query": query, "variables": dict(variables)}).encode()
        answer = await self._api("POST", "graphql", ("--input", "-"), given)
        found = answer.json()
        errors = found.get("errors") if isinstance(found, dict) else None
        hidden = _hidden(errors, optional)
        if isinstance(errors, list) and errors and not hidden:
            rate = answer.rate
            reset_ns = rate.reset_ns if rate is not None and rate.remaining == 0 else None
            raise of_graphql(errors, "graphql", self.now_ns(), reset_ns)
        if not isinstance(found, dict) or not isinstance(found.get("data"), dict):
            raise ForgeTrouble(Trouble.GARBLED, "graphql: no data")
        data: dict[str, Any] = found["data"]
        return data, hidden

    async def command(self, *args: str, given: bytes = b"") -> str:
        """Another command of gh's, which says in words how it went."""
        ended = await self._start(*args, given=given)
        if ended.code != 0:
            raise of_words(ended.code, ended.err, f"gh {' '.join(args[:2])}", self.now_ns())
        return ended.out.decode("utf-8", "replace")

    async def tail(self, path: str, last_bytes: int) -> str:
        """The end of what ``path`` (quoted already) answers with, however long it is."""
        ended = await self._start("api", "--hostname", self.host, path, last_bytes=last_bytes)
        if ended.code != 0:
            raise of_words(ended.code, ended.err, f"GET {path}", self.now_ns())
        return ended.out.decode("utf-8", "replace")

    async def _api(
        self, method: str, path: str, options: tuple[str, ...], given: bytes = b"", *, moved: bool = False
    ) -> Answer:
        asked = f"{method} {path}"
        host = ("--hostname", self.host)
        ended = await self._start("api", "--include", *host, "--method", method, *options, path, given=given)
        answer = parse(ended.out)
        if answer is None:
            raise of_words(ended.code, ended.err, asked, self.now_ns())
        if answer.rate is not None:
            self.rates[answer.rate.resource] = answer.rate
        # Of a renamed repository. gh follows by itself, but not with a body that it has read from a pipe.
        place = _MOVED.match(answer.headers.get("location", "")) if answer.status in (307, 308) else None
        if place is not None and not moved:
            return await self._api(method, place[1], options, given, moved=True)
        trouble = of_status(answer.status, answer.headers, answer.body, asked, self.now_ns())
        if trouble is not None:
            raise trouble
        return answer

    async def _start(self, *args: str, given: bytes = b"", last_bytes: int | None = None) -> processes.Ended:
        asked = f"`{one_line(' '.join(('gh', *args)), 200)}`"
        self.calls += 1
        try:
            ended = await processes.run(
                [self._program, *args],
                cwd=Path("/"),  # gh looks at the repository that it is started in: an agent may have written there
                env=environment(),
                given=given,
                time_limit_s=self._limits.time_s,
                max_bytes=self._limits.out_bytes,
                last_bytes=last_bytes,
            )
        except TimeoutError as error:
            raise ForgeTrouble(Trouble.SLOW, f"{asked} was stopped after {self._limits.time_s:g} s") from error
        except OSError as error:
            raise ForgeTrouble(Trouble.MISSING, f"{self._program}: {error.strerror}") from error
        if ended.truncated:
            raise ForgeTrouble(Trouble.TOO_LONG, f"{asked}: more than {self._limits.out_bytes} bytes")
        return ended


def _hidden(errors: Any, optional: Collection[str]) -> frozenset[str]:
    """The fields of ``optional`` that ``errors`` say we may not see; nothing when they say anything else as well."""
    hidden: set[str] = set()
    for error in errors if isinstance(errors, list) else ():
        path = error.get("path") if isinstance(error, dict) else None
        fields = {part for part in path or () if isinstance(part, str)} & set(optional)
        if not fields or error.get("type") not in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
            return frozenset()
        hidden |= fields
    return frozenset(hidden)


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Around taking an answer apart: what has not the form that GitHub documents is GARBLED, not a flaw of ours."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ForgeTrouble(Trouble.GARBLED, f"{what}: {type(error).__name__} {error}") from error
