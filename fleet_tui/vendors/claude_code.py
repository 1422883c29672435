"""Claude Code: started with settings of its own, heard through its hooks, metered from its transcripts.

Tried with version 2.1.329. Its settings directory is the agent's (``CLAUDE_CONFIG_DIR``), so a person's own is neither
read nor changed; the hooks come in a file of the run, which the agent cannot write to from isolation level L1 on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from fleet_tui.beneath import Beneath
from fleet_tui.domain.text import one_line
from fleet_tui.vendors import limits, records
from fleet_tui.vendors.base import (
    Answer,
    Capabilities,
    Context,
    HookKind,
    HookReport,
    Launch,
    LaunchRequest,
    Observation,
    Prompted,
    ScreenState,
    Used,
    Verdict,
)
from fleet_tui.vendors.hooked import PATIENCE_S, HookedProgram, reporting_line
from fleet_tui.vendors.version import executables

TRIED = "2.1.329"
_CONFIG = b".claude"
_MOST_SESSIONS = 100
_KEY_SHOWN = 20
"""Characters of an API key by which Claude Code remembers that a person agreed to its use."""
_GUARD_S = 30
"""Seconds within which the guard has answered, one way or the other, by its own clock."""
_REPORTS: dict[str, HookKind] = {
    "SessionStart": "session_started",
    "SessionEnd": "session_ended",
    "UserPromptSubmit": "prompt_submitted",
    "PostToolUse": "tool_ended",
    "PostToolUseFailure": "tool_ended",
    "PermissionRequest": "permission_asked",
    "Notification": "notice",
    "Stop": "turn_ended",
    "StopFailure": "turn_failed",
}
_STATUS_LINE = "StatusLine"
_OF_THE_ACCOUNT = frozenset({"rate_limit", "billing_error"})
_STATES: dict[str, ScreenState] = {"busy": "working", "idle": "idle", "waiting": "dialog"}


class ClaudeCode(HookedProgram):
    """See :class:`HookedProgram`; its hooks block what fails."""

    program, tried, folder, reports = "claude", TRIED, _CONFIG, _REPORTS
    reasons = ("source", "reason", "error", "notification_type")
    credentials = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")

    capabilities: ClassVar[Capabilities] = Capabilities(
        resume=True,
        guard="closed",
        permission="relay",
        usage="live",
        money="prices",
        limit="hook",
        inject="paste",
        lead="Carry out the instructions pasted below.",
        mcp=True,
        skills=True,
        state=("hook", "file", "screen", "process"),
        notes=(
            "Escape in its pane is told by no hook: it is noticed in its session file, within seconds.",
            "A login of yours is not carried over: give the agents a token of their own in vendors.<name>.env.",
        ),
    )

    # -- start ---------------------------------------------------------------------------------------------------------

    def launch(self, request: LaunchRequest) -> Launch:
        prompt, prompt_file = self._prompt(request)
        settings = request.run_dir / "claude-settings.json"
        settings.write_text(json.dumps(self._settings(request.client)), encoding="utf-8")
        with Beneath(request.home) as home:
            self._carry(home)
            if "settings.json" not in self._carried:
                # Its environment reaches our hooks, and it can switch them off: not what the agent wrote there.
                home.write(_CONFIG + b"/settings.json", b"{}")
            self._seed(home, request.workspace)
            self._install(home, request.skills)
        session = ("--resume" if request.resume else "--session-id", request.session)
        model = ("--model", request.model) if request.model else ()
        # Only servers named here: those of a repository are its code, and it would ask a person about them.
        servers = ("--strict-mcp-config", *(("--mcp-config", _servers(request.mcp)) if request.mcp else ()))
        options = (*servers, "--settings", str(settings), *self._default("--setting-sources", "user"))
        mode = self._default("--permission-mode", "manual")
        native = executables(self._argv[0], "@*/claude-code-*/claude")
        return Launch(
            argv=(*self._argv, *options, *mode, *model, *session, prompt),
            env={
                "DISABLE_AUTOUPDATER": "1",
                **self._env,
                "CLAUDE_CONFIG_DIR": str(request.home / _CONFIG.decode()),
                "FLEET_PROMPT_FILE": str(prompt_file),
            },
            files=(prompt_file, settings),
            reads=native,
            spared=native,
        )

    def _default(self, option: str, value: str) -> tuple[str, ...]:
        """``option`` with ``value``, unless a person gave it."""
        return () if self._gives(option) else (option, value)

    def _settings(self, client: Path) -> dict[str, Any]:
        """Hooks that ask before an act, where everything but a clear yes is a no, and hooks that report."""

        def call(*arguments: str, timeout: int, **more: str) -> list[dict[str, Any]]:
            command = {"type": "command", "command": str(client), "args": list(arguments), "timeout": timeout}
            return [{"hooks": [command | more]}]

        asks = {
            "PreToolUse": call("guard", timeout=_GUARD_S, onFailure="block"),
            "PermissionRequest": call("guard", timeout=PATIENCE_S),
        }
        reports = {name: call("hook", name, timeout=_GUARD_S) for name in _REPORTS if name not in asks}
        # The program of its status line is told, live, how full the context is. It prints nothing.
        status = {"type": "command", "command": reporting_line(client, _STATUS_LINE)}
        return {"hooks": asks | reports, "statusLine": status}

    def _seed(self, home: Beneath, workspace: Path) -> None:
        """Answer what it would ask a person on its first start: theme, trust in the workspace, use of the key."""
        path = _CONFIG + b"/.claude.json"
        known = records.read_object(home, path)
        projects = known.get("projects")
        projects = projects if isinstance(projects, dict) else {}
        project = projects.get(str(workspace))
        projects[str(workspace)] = {**(project if isinstance(project, dict) else {}), "hasTrustDialogAccepted": True}
        key = self._env.get("ANTHROPIC_API_KEY", "")[-_KEY_SHOWN:]
        approved = {"customApiKeyResponses": {"approved": [key], "rejected": []}} if key else {}
        seeded = {"theme": "dark", **known, "hasCompletedOnboarding": True, "projects": projects, **approved}
        home.write(path, json.dumps(seeded).encode())

    # -- what it reports -----------------------------------------------------------------------------------------------

    def parse_hook(self, name: str, data: Mapping[str, Any]) -> HookReport | None:
        if name == _STATUS_LINE:
            return _status_line(data)
        report = super().parse_hook(name, data)
        if report is not None and report.kind == "turn_failed" and report.reason in _OF_THE_ACCOUNT:
            told = records.text(data.get("last_assistant_message"), 2_000)
            return replace(report, limited=True, reset_ns=limits.reset_ns(told, time.time_ns()))
        return report

    def render_verdict(self, hook: str, verdict: Verdict, reason: str) -> Answer | None:
        if hook == "PermissionRequest":
            decision = {"behavior": "allow"} if verdict == "allow" else {"behavior": "deny", "message": reason}
            return _answer(hook, decision=decision)
        if hook == "PreToolUse" and verdict != "deny":
            return _answer(hook, permissionDecision=verdict, permissionDecisionReason=reason)
        return None

    def observe(self, home: Path, session: str) -> Observation | None:
        """From ``sessions/<pid>.json``. One that was killed leaves its file behind: the latest of a session counts."""
        found: list[Observation] = []
        try:
            with Beneath(home) as top:
                files = records.Search(top).files(_CONFIG + b"/sessions", b".json", _MOST_SESSIONS)
                kept = [records.read_object(top, path, 64_000) for path in files]
        except OSError:
            return None
        for record in kept:
            state = _STATES.get(records.text(record.get("status"), 20))
            at_ms = record.get("statusUpdatedAt")
            if state is not None and record.get("sessionId") == session and isinstance(at_ms, int):
                told = f"{record['status']} {records.text(record.get('waitingFor'), 100)}".strip()
                found.append(Observation(state, "session-file", one_line(told, 120), at_ms * 1_000_000))
        return max(found, key=lambda one: one.at_ns or 0, default=None)

    def transcripts(self, home: Path, session: str) -> Sequence[bytes]:
        """``projects/<directory>/<session>.jsonl``, and those of its subagents beside it."""
        if not session or "/" in session:
            return ()
        name, found = session.encode(), []
        try:
            with Beneath(home) as top:
                search = records.Search(top)
                for project in search.folders(_CONFIG + b"/projects"):
                    own = project + b"/" + name + b".jsonl"
                    found += [own] if search.has(own) else []
                    found += search.files(project + b"/" + name + b"/subagents", b".jsonl")
        except OSError:
            return ()
        return tuple(found)

    def read_usage(self, lines: Iterable[bytes]) -> Sequence[Used]:
        """A reply is one line for each of its blocks, with the whole use repeated: it is counted by its id."""
        found: dict[str, Used] = {}
        for record in records.objects(lines):
            message = record.get("message")
            if record.get("type") != "assistant" or not isinstance(message, dict):
                continue
            usage, name = message.get("usage"), records.text(message.get("id"), 100)
            if not name or not isinstance(usage, dict) or message.get("model") == "<synthetic>":
                continue
            details = usage.get("output_tokens_details")
            found[name] = Used(
                name,
                records.text(message.get("model"), 100),
                fresh=records.count(usage.get("input_tokens")),
                output=records.count(usage.get("output_tokens")),
                cache_read=records.count(usage.get("cache_read_input_tokens")),
                cache_write=records.count(usage.get("cache_creation_input_tokens")),
                reasoning=records.count_or_none(details.get("thinking_tokens")) if isinstance(details, dict) else None,
            )
        return tuple(found.values())

    def read_prompts(self, lines: Iterable[bytes]) -> Sequence[Prompted]:
        """What its tools gave stands as said by the user too, in blocks without a text."""
        found = []
        for record in records.objects(lines):
            message = record.get("message")
            if record.get("type") == "user" and not record.get("isSidechain") and isinstance(message, dict):
                words = records.texts(message.get("content"))
                found.append(Prompted(records.instant_ns(record.get("timestamp")), words))
        return found

    def read_context(self, lines: Iterable[bytes]) -> Context | None:
        """Of the conversation itself, not of its subagents; how large the window is, its transcript does not say."""
        found: Context | None = None
        for record in records.objects(lines):
            message = record.get("message")
            if record.get("type") != "assistant" or record.get("isSidechain") or not isinstance(message, dict):
                continue
            usage = message.get("usage")
            if isinstance(usage, dict) and message.get("model") != "<synthetic>":
                kept = sum(records.count(usage.get(name)) for name in _IN_CONTEXT)
                found = Context(kept, None, "transcript") if kept else found
        return found


_IN_CONTEXT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
"""What its own percentage counts: the last answer is not among it."""


def _status_line(data: Mapping[str, Any]) -> HookReport | None:
    """What it tells the program of its status line of the context."""
    told = data.get("context_window")
    told = told if isinstance(told, dict) else {}
    window, usage = records.count(told.get("context_window_size")), told.get("current_usage")
    used = sum(records.count(usage.get(name)) for name in _IN_CONTEXT) if isinstance(usage, dict) else 0
    if not window or not used:
        return None  # before the first reply
    session = records.text(data.get("session_id"), 100)
    return HookReport("context", session=session, context=Context(used, window, "statusline"))


def _servers(program: Path) -> str:
    return json.dumps({"mcpServers": {"fleet": {"type": "stdio", "command": str(program), "args": []}}})


def _answer(hook: str, **what: object) -> Answer:
    return Answer(json.dumps({"hookSpecificOutput": {"hookEventName": hook, **what}}))
