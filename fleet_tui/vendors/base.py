"""What the watcher asks of a vendor. Pure data goes in and out, so every vendor is tested without running it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from fleet_tui.domain.text import SafeText

ScreenState = Literal["working", "idle", "asking", "dialog"]
"""working: a turn runs. idle: waits for a prompt. asking: waits for an answer. dialog: a menu would get the keys."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether the vendor's program can be started here. ``problem`` is empty when it can; ``program`` is its path."""

    ok: bool
    version: str | None = None
    problem: str = ""
    hint: str = ""
    program: str = ""


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What a run needs of its vendor. ``run_dir`` exists and is private; the process will start in ``workspace``."""

    run: str
    agent: str
    role: str
    model: str | None
    prompt: str
    run_dir: Path
    workspace: Path
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start the process.

    ``env`` is added to the agent's environment. ``files`` have been written under the run's directory. ``paste`` is a
    prompt to be pasted once the screen shows a place to type; None when the prompt has gone another way. ``reads`` is
    what the program needs to see besides, wherever it lies; a sandbox shows it and ``files``.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    stdin_file: Path | None = None
    files: tuple[Path, ...] = ()
    reads: tuple[Path, ...] = ()
    paste: SafeText | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a screen says: the state, the rule that matched, and the line it matched on."""

    state: ScreenState
    rule: str
    line: str


class Vendor(Protocol):
    """A program that agents run."""

    @property
    def name(self) -> str: ...

    def probe(self, *, start: bool = False) -> Probe:
        """Look for the program; nothing is started.

        With ``start`` it is asked for its version, which takes up to some seconds: only for a program that is known to
        do nothing else when it is called like that.
        """
        ...

    def launch(self, request: LaunchRequest) -> Launch:
        """How to start it; writes files under ``request.run_dir`` only. A repeat gives the same.

        Raises:
            FleetError: the vendor's settings cannot work.
        """
        ...

    def classify(self, screen: str) -> Observation | None:
        """What the last lines of ``screen`` (plain text) say; None when no rule matches, which is worth showing."""
        ...
