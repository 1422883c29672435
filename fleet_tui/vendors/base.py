"""What the watcher asks of a vendor. Data goes in and out, so every vendor is tested without running it.

A vendor is the program that an agent runs. :class:`Vendor` says what is needed of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from fleet_tui.domain.text import SafeText

ScreenState = Literal["working", "idle", "asking", "dialog"]
"""working: a turn runs. idle: waits for a prompt. asking: waits for an answer. dialog: a menu would get the keys."""
DialogKind = Literal["trust", "login", "update", "resume", "permission", "choice", "limit"]
"""What a dialog asks. The first four hold a run up before it can work, and only a person may answer them; ``limit``:
what to do at the usage limit of the account."""
BLOCKING: frozenset[DialogKind] = frozenset(("trust", "login", "update", "resume"))
Guarding = Literal["closed", "open", "none"]
"""closed: an act that cannot be judged does not happen; open: it happens; none: acts are not judged before they do."""
Asking = Literal["relay", "hold", "pane", "none"]
"""relay: a person's answer in the room closes the program's own dialog; hold: its hook waits for the person, without
a dialog; pane: it is answered in the pane; none: the program does not ask."""
Metering = Literal["live", "end", "none"]
"""live: what a request used is known right after it; end: when the program ends; none: never."""
Limiting = Literal["hook", "file", "screen", "none"]
"""How it is known that the account is at its usage limit: as the program reports it, by its files, or by its screen
alone. none: not at all, unless an agent says so itself."""
Verdict = Literal["allow", "deny", "ask"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What works with a vendor, and what does not. Shown as it is, so that nobody has to guess.

    ``state``: where a run's state comes from, best first. ``inject``: how later prompts reach it. ``notes``: what a
    person should know, one sentence each.
    """

    resume: bool = False
    """Whether a session goes on after its program died."""
    guard: Guarding = "none"
    permission: Asking = "none"
    usage: Metering = "none"
    money: Literal["vendor", "prices", "none"] = "none"
    limit: Limiting = "none"
    inject: Literal["paste", "none"] = "paste"
    mcp: bool = False
    """Whether it is given the fleet's MCP server."""
    skills: bool = False
    """Whether playbooks can be installed in it as skills."""
    state: tuple[Literal["hook", "file", "http", "title", "screen", "process"], ...] = ("screen", "process")
    lead: str = ""
    """What is typed before a long prompt that is pasted: the program tells the model to doubt whose it is."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether the vendor's program can be started here. ``problem`` is empty when it can; ``program`` is its path.

    ``warning``: it can be started, but something may not work, such as a version that nobody tried.
    """

    ok: bool
    version: str | None = None
    problem: str = ""
    hint: str = ""
    program: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What a run needs of its vendor.

    ``run_dir`` exists and is private; the process will start in ``workspace``. ``home`` is the agent's own directory,
    kept from run to run, in which the agent may write: what is put there goes through :mod:`fleet_tui.beneath`.
    ``session`` is the id of its session; with ``resume`` one that a run before this one began.
    """

    run: str
    agent: str
    role: str
    model: str | None
    prompt: str
    run_dir: Path
    workspace: Path
    home: Path
    ticket: int | None = None
    session: str = ""
    resume: bool = False
    sandboxed: bool = False
    """Whether a sandbox of ours is around it (isolation level L1 or L2)."""
    skills: Mapping[str, str] = field(default_factory=dict)
    """Playbooks to be installed: the text of ``SKILL.md`` by the skill's name."""
    mcp: Path | None = None
    """The program of the fleet's MCP server, if it is to be registered; it takes no arguments."""

    @property
    def client(self) -> Path:
        """The agents' ``fleet`` of this run."""
        return self.run_dir / "bin" / "fleet"


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start the process.

    ``env`` is added to the agent's environment. ``files`` have been written under the run's directory. ``paste`` is a
    prompt to be pasted once the screen shows a place to type; None when the prompt has gone another way. ``reads`` is
    what the program needs to see besides, wherever it lies; a sandbox shows it and ``files``. ``spared`` are the
    vendor's executables: what they run themselves is not the agent's doing. ``inner`` is the program that ``argv``
    starts in the end, where that is not its first word.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    stdin_file: Path | None = None
    files: tuple[Path, ...] = ()
    reads: tuple[Path, ...] = ()
    spared: tuple[Path, ...] = ()
    paste: SafeText | None = None
    inner: str = ""

    @property
    def program(self) -> str:
        return self.inner or self.argv[0]


@dataclass(frozen=True, slots=True)
class Observation:
    """What a screen, a title or a file says: the state, the rule that matched, and the line it matched on.

    ``at_ns``: since when (ns UTC), where the source says that. Of a screen: what a ``dialog`` asks, the ``region`` that
    the rule looked at, and what stands ``typed`` in the input, None where there is no input.
    """

    state: ScreenState
    rule: str
    line: str
    at_ns: int | None = None
    dialog: DialogKind | None = None
    region: str = ""
    typed: SafeText | None = None


ContextSource = Literal["statusline", "transcript", "rollout", "chat"]


@dataclass(frozen=True, slots=True)
class Context:
    """How full a session's context is, by the program's own figures. Tokens; ``window`` None: it does not say."""

    used: int
    window: int | None
    source: ContextSource


HookKind = Literal[
    "session_started", "session_ended", "prompt_submitted", "tool_ended", "permission_asked", "turn_ended",
    "turn_failed", "interrupted", "notice", "context",
]  # fmt: skip
HOOK_KINDS: frozenset[str] = frozenset(HookKind.__args__)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class HookReport:
    """What a hook of the vendor reported, in our words.

    ``session``: the session's id, as the agent's side says it; ``reason``: why, of a turn that failed, a session that
    began or ended, a notice; ``limited``: what the account may use is used up; ``context``: of a report of that kind,
    which says nothing of the state.
    """

    kind: HookKind
    session: str = ""
    reason: str = ""
    limited: bool = False
    context: Context | None = None
    reset_ns: int | None = None
    """Of a limit: when it is over (ns UTC), as the vendor says; None: it does not."""


@dataclass(frozen=True, slots=True)
class Used:
    """What one request used: counted once by ``request``. Tokens; ``fresh`` is input that was not read from a cache.

    ``reasoning`` is among ``output``; None: not said.
    """

    request: str
    model: str
    fresh: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost_microusd: int | None = None
    reasoning: int | None = None
    untold: bool = False
    """It was answered and broken off before the program knew how much it used: that is unknown, and no 0."""


@dataclass(frozen=True, slots=True)
class Limited:
    """A turn that ended at the account's usage limit, as a file tells. ``id``: which; ``reset_ns``: as of a hook."""

    id: str
    reset_ns: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Prompted:
    """A prompt that the program took up at ``at_ns`` (UTC), as a file tells."""

    at_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a hook's program prints and ends with, as the vendor wants to hear it."""

    stdout: str = ""
    code: int = 0


class Vendor(Protocol):
    """A program that agents run."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def credentials(self) -> Sequence[str]:
        """The variables by which its service knows the account, the first that is set counts."""
        ...

    def probe(self, *, start: bool = False) -> Probe:
        """Look for the program; nothing is started.

        With ``start`` it is asked for its version, which takes up to some seconds: only for a program that is known to
        do nothing else when it is called like that.
        """
        ...

    def launch(self, request: LaunchRequest) -> Launch:
        """How to start it; writes files under ``request.run_dir`` and ``request.home`` only. A repeat gives the same.

        Raises:
            FleetError: the vendor's settings cannot work.
        """
        ...

    def parse_hook(self, name: str, data: Mapping[str, Any]) -> HookReport | None:
        """What hook ``name`` says with ``data``, which an agent may have made up; None: nothing that we know."""
        ...

    def render_verdict(self, hook: str, verdict: Verdict, reason: str) -> Answer | None:
        """How ``hook`` is told of a verdict; None: by exit code alone (0: it may, 2: it may not, stderr says why)."""
        ...

    def observe(self, home: Path, session: str) -> Observation | None:
        """What the program itself keeps of its session's state below ``home``; None: nothing. May block."""
        ...

    def read_usage(self, lines: Iterable[bytes]) -> Sequence[Used]:
        """What the requests told by these lines of a transcript used; what is no such line is passed over."""
        ...

    def left_open(self, home: Path, session: str) -> Sequence[Used]:
        """The requests that the program had begun when it ended, of whose end its files say nothing. May block."""
        ...

    def read_limits(self, lines: Iterable[bytes]) -> Sequence[Limited]:
        """The turns that ended at the account's usage limit by these lines of a transcript, where no hook tells it."""
        ...

    def read_prompts(self, lines: Iterable[bytes]) -> Sequence[Prompted]:
        """What the session was asked by these lines of a transcript: the proof for a message that no hook confirmed."""
        ...

    def read_context(self, lines: Iterable[bytes]) -> Context | None:
        """How full the context was at the last of these lines of a transcript that says it; None: none does."""
        ...

    def transcripts(self, home: Path, session: str) -> Sequence[bytes]:
        """Where the session's transcripts lie below ``home``, as far as there are any yet. May block."""
        ...
