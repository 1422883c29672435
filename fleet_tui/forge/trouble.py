"""Failures of GitHub and of its program `gh`, told apart by what follows from them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.forges import Trouble
from fleet_tui.domain.text import clean, one_line

SECOND = 1_000_000_000
_SECONDARY_S = 60
"""What GitHub asks for when it names no time after a secondary limit."""

_TITLES = {
    Trouble.MISSING: "gh is missing",
    Trouble.TOO_OLD: "gh is too old",
    Trouble.LOGGED_OUT: "GitHub does not know us",
    Trouble.FORBIDDEN: "GitHub forbids it",
    Trouble.GONE: "not on GitHub",
    Trouble.CONFLICT: "changed on GitHub meanwhile",
    Trouble.REFUSED: "GitHub refuses the request",
    Trouble.RATE_LIMITED: "GitHub's rate limit is reached",
    Trouble.OFFLINE: "GitHub cannot be reached",
    Trouble.SLOW: "GitHub does not answer",
    Trouble.SERVER: "GitHub has an error of its own",
    Trouble.GARBLED: "GitHub's answer cannot be read",
    Trouble.TOO_LONG: "too much on GitHub to be read",
}
_HINTS = {
    Trouble.MISSING: "install GitHub's command line: https://cli.github.com",
    Trouble.TOO_OLD: "upgrade gh: https://cli.github.com",
    Trouble.LOGGED_OUT: "`gh auth login` as the watcher's user, or start the watcher with GH_TOKEN",
    Trouble.FORBIDDEN: "check what the token may do: `gh auth status`; it needs the scope `repo`",
    Trouble.GONE: "check the name of the repository, and that the token may see it",
    Trouble.CONFLICT: "look again, then decide",
    Trouble.OFFLINE: "check the network; it is tried again by itself",
    Trouble.SLOW: "it is tried again by itself; https://githubstatus.com",
    Trouble.SERVER: "it is tried again by itself; https://githubstatus.com",
    Trouble.TOO_LONG: "clear it up there, or begin anew in its place",
}


class ForgeTrouble(FleetError):
    """A request failed. ``retry_at_ns`` is the instant before which GitHub does not want to be asked again."""

    def __init__(self, trouble: Trouble, message: str, *, retry_at_ns: int | None = None, hint: str = "") -> None:
        super().__init__(_TITLES[trouble], clean(message, 1000), hint or _HINTS.get(trouble, ""))
        self.trouble = trouble
        self.retry_at_ns = retry_at_ns


def of_status(status: int, headers: Mapping[str, str], body: bytes, asked: str, now_ns: int) -> ForgeTrouble | None:
    """What an answer means; None when it is a success. Names of ``headers`` are in lower case.

    ``asked`` is the request in words, for the message.
    """
    if 200 <= status < 300 or status == 304:
        return None
    said = _message(body)
    trouble = _of_code(status, said)
    retry_at_ns = None
    if status in (403, 429):
        retry_at_ns = _limited_until(headers, said, now_ns)
        trouble = Trouble.RATE_LIMITED if retry_at_ns is not None or status == 429 else Trouble.FORBIDDEN
    elif status >= 500:
        retry_at_ns = _retry_after(headers, now_ns)
    return ForgeTrouble(trouble, f"{asked}: HTTP {status} {said}".rstrip(), retry_at_ns=retry_at_ns)


def _of_code(status: int, said: str) -> Trouble:
    if status == 422 and re.search(r"already exists|was modified|out of date|stale", said, re.IGNORECASE):
        return Trouble.CONFLICT
    if status >= 500:
        return Trouble.SERVER
    return _CODES.get(status, Trouble.REFUSED)


_CODES = {
    301: Trouble.GONE,
    401: Trouble.LOGGED_OUT,
    404: Trouble.GONE,
    405: Trouble.CONFLICT,  # a merge of what cannot be merged (now)
    408: Trouble.SLOW,
    409: Trouble.CONFLICT,
    410: Trouble.GONE,
    412: Trouble.CONFLICT,
    423: Trouble.FORBIDDEN,
    451: Trouble.FORBIDDEN,
}


def _message(body: bytes) -> str:
    try:
        found = json.loads(body)
    except ValueError:
        return one_line(re.sub(rb"<[^>]*>", b" ", body[:2000]).decode("utf-8", "replace"), 200)
    if not isinstance(found, dict):
        return ""
    parts = [found.get("message", "")]
    errors = found.get("errors")
    listed = errors if isinstance(errors, list) else []
    parts += [error.get("message", "") if isinstance(error, dict) else error for error in listed]
    return one_line("; ".join(part for part in parts if isinstance(part, str) and part), 500)


def _limited_until(headers: Mapping[str, str], said: str, now_ns: int) -> int | None:
    """The end of a limit; None when the answer speaks of none."""
    asked_for = _retry_after(headers, now_ns)
    if asked_for is not None:
        return asked_for
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(now_ns, int(reset) * SECOND)
    limited = re.search(r"rate limit|abuse detection", said, re.IGNORECASE)
    return now_ns + _SECONDARY_S * SECOND if limited else None


def _retry_after(headers: Mapping[str, str], now_ns: int) -> int | None:
    seconds = headers.get("retry-after", "")
    return now_ns + int(seconds) * SECOND if re.fullmatch(r"[0-9]{1,6}", seconds) else None


def of_graphql(errors: Sequence[Any], asked: str, now_ns: int, reset_ns: int | None = None) -> ForgeTrouble:
    """What the ``errors`` of a GraphQL answer mean; there is at least one. ``reset_ns``: when its budget, which is
    used up, is filled up again."""
    first = errors[0] if isinstance(errors[0], dict) else {}
    said = one_line(str(first.get("message", "no message")), 500)
    kind = str(first.get("type", ""))
    trouble = _GRAPHQL.get(kind, Trouble.REFUSED if kind or "locations" in first else Trouble.SERVER)
    if "was modified" in said or "already exists" in said:
        trouble = Trouble.CONFLICT
    until = max(now_ns, reset_ns) if reset_ns is not None else now_ns + _SECONDARY_S * SECOND
    return ForgeTrouble(trouble, f"{asked}: {said}", retry_at_ns=until if trouble is Trouble.RATE_LIMITED else None)


_GRAPHQL = {
    "NOT_FOUND": Trouble.GONE,
    "FORBIDDEN": Trouble.FORBIDDEN,
    "INSUFFICIENT_SCOPES": Trouble.FORBIDDEN,
    "RATE_LIMITED": Trouble.RATE_LIMITED,
    "SERVICE_UNAVAILABLE": Trouble.SERVER,
    "INTERNAL": Trouble.SERVER,
}


def of_words(code: int, err: bytes, asked: str, now_ns: int) -> ForgeTrouble:
    """What gh's own words and exit code mean, where there is no answer of GitHub's to look at."""
    said = one_line(err.decode("utf-8", "replace"), 500) or f"exit code {code}"
    trouble = Trouble.LOGGED_OUT if code == 4 else next(
        (kind for pattern, kind in _WORDS if re.search(pattern, said, re.IGNORECASE)), Trouble.REFUSED
    )  # fmt: skip
    limit = now_ns + _SECONDARY_S * SECOND if trouble is Trouble.RATE_LIMITED else None
    return ForgeTrouble(trouble, f"{asked}: {said}", retry_at_ns=limit)


# gh says "HTTP 502" of most requests, and "non-200 OK status code: 502" of some.
_STATUS = r"(?:HTTP|status code:) "
_WORDS = (
    (rf"gh auth login|{_STATUS}401|bad credentials", Trouble.LOGGED_OUT),
    (rf"rate limit|{_STATUS}429", Trouble.RATE_LIMITED),
    (rf"{_STATUS}5\d\d|something went wrong", Trouble.SERVER),
    (rf"{_STATUS}403|not authorized|resource not accessible|must have .* access", Trouble.FORBIDDEN),
    (rf"{_STATUS}404|could not resolve to", Trouble.GONE),
    (rf"was modified|not mergeable|already (merged|exists)|{_STATUS}40[59]|merge conflict|draft", Trouble.CONFLICT),
    (r"base branch|out of date", Trouble.CONFLICT),
    (r"error connecting|dial (tcp|unix)|no such host|connection (refused|reset)|handshake", Trouble.OFFLINE),
    (r"i/o timeout|\bEOF\b|proxyconnect|network is unreachable|certificate", Trouble.OFFLINE),
)
