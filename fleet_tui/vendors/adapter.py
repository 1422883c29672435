"""What adapters share: the answers of a program that tells nothing by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from fleet_tui.vendors import records
from fleet_tui.vendors.base import (
    HOOK_KINDS,
    Answer,
    Capabilities,
    Context,
    HookReport,
    Limited,
    Observation,
    Prompted,
    Used,
    Verdict,
)


class Adapter:
    """A program that reports in our words, or not at all, and keeps nothing of its state where we could see it."""

    capabilities: ClassVar[Capabilities] = Capabilities()
    credentials: ClassVar[Sequence[str]] = ()

    def parse_hook(self, name: str, data: Mapping[str, Any]) -> HookReport | None:
        """In our words; a ``turn_failed`` with ``limited`` may say in ``reset_at`` (seconds since 1970) until when."""
        if name == "turn_failed" and data.get("limited") is True:
            at = records.count(data.get("reset_at"))
            return HookReport("turn_failed", reason="usage limit", limited=True, reset_ns=at * 10**9 if at else None)
        return HookReport(name) if name in HOOK_KINDS else None  # type: ignore[arg-type]

    def render_verdict(self, hook: str, verdict: Verdict, reason: str) -> Answer | None:  # noqa: ARG002
        return None

    def observe(self, home: Path, session: str) -> Observation | None:  # noqa: ARG002
        return None

    def read_usage(self, lines: Iterable[bytes]) -> Sequence[Used]:  # noqa: ARG002
        return ()

    def left_open(self, home: Path, session: str) -> Sequence[Used]:  # noqa: ARG002
        return ()

    def read_limits(self, lines: Iterable[bytes]) -> Sequence[Limited]:  # noqa: ARG002
        return ()

    def read_prompts(self, lines: Iterable[bytes]) -> Sequence[Prompted]:  # noqa: ARG002
        return ()

    def read_context(self, lines: Iterable[bytes]) -> Context | None:  # noqa: ARG002
        return None

    def transcripts(self, home: Path, session: str) -> Sequence[bytes]:  # noqa: ARG002
        return ()
