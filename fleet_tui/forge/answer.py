"""An answer of GitHub as `gh api --include` prints it: status line, headers, body. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet_tui.domain.forges import Trouble
from fleet_tui.forge.trouble import SECOND, ForgeTrouble

_STATUS = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})\b")
_NEXT = re.compile(r'>;\s*rel="next"')


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left of one of GitHub's budgets: of ``limit`` requests (or points), until ``reset_ns``."""

    resource: str
    limit: int
    remaining: int
    reset_ns: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of ``headers`` are in lower case. ``unchanged``: GitHub said so, and ``body`` is what it said before."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    unchanged: bool = False

    def json(self) -> Any:
        """The body as data.

        Raises:
            ForgeTrouble: it is no JSON.
        """
        try:
            return json.loads(self.body) if self.body.strip() else None
        except ValueError as error:
            raise ForgeTrouble(Trouble.GARBLED, f"no JSON: {error}") from error

    @property
    def etag(self) -> str:
        return self.headers.get("etag", "")

    @property
    def has_more(self) -> bool:
        """Whether there is a page after this one."""
        return _NEXT.search(self.headers.get("link", "")) is not None

    @property
    def rate(self) -> Rate | None:
        """What is left of the budget that the request was counted on; None when the answer does not say."""
        numbers = [self.headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
        if not all(re.fullmatch(r"[0-9]{1,12}", number) for number in numbers):
            return None
        limit, remaining, reset = map(int, numbers)
        return Rate(self.headers.get("x-ratelimit-resource", "core"), limit, remaining, reset * SECOND)


def parse(out: bytes) -> Answer | None:
    """The answer in the output of `gh api --include`; None when it has none, because none came.

    Its exit code is of no use: it is 1 for ``304 Not Modified`` too.
    """
    status = _STATUS.match(out)
    if status is None:
        return None
    head, _, body = out.partition(b"\r\n\r\n")
    if head == out:  # no headers, or all that gh wrote was the status line
        head, _, body = out.partition(b"\n\r\n")
    lines = head.decode("utf-8", "replace").splitlines()[1:]
    pairs = (line.partition(":") for line in lines)
    return Answer(int(status[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}, body)
