"""Codex: started with hooks of ours, held at its hook while a person decides, metered from its rollout files.

Tried with version 0.169.0. ``CODEX_HOME`` is the agent's, so a person's own settings are neither read nor changed. Its
hooks fail open on anything but exit code 2: the command that it runs turns every failure into that.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from fleet_tui.beneath import Beneath
from fleet_tui.vendors import limits, records, repository
from fleet_tui.vendors.base import (
    Answer,
    Capabilities,
    Context,
    HookKind,
    Launch,
    LaunchRequest,
    Limited,
    Prompted,
    Used,
    Verdict,
)
from fleet_tui.vendors.hooked import IDENTITY, PATIENCE_S, REPORT_S, HookedProgram, asking_line, reporting_line
from fleet_tui.vendors.version import executables

TRIED = "0.169.0"
_HOME = b".codex"
_SETTINGS = ".codex/config.toml"
_HARMLESS = frozenset(
    {
        "hide_agent_reasoning", "model", "model_reasoning_effort", "model_reasoning_summary", "model_verbosity",
        "personality", "project_doc_fallback_filenames", "project_doc_max_bytes", "show_raw_agent_reasoning", "tui",
    }
)  # fmt: skip
_KNOWN_FILES = frozenset({".gitignore", "AGENTS.md", "README.md", "config.toml", "prompts", "skills"})
_COULD = "it could start programs that no guard sees"
_MOST_DAYS = 60
"""Of sessions that are looked for, the last ones: a session that is gone on with has its file where it began."""
_REPORTS: dict[str, HookKind] = {
    "SessionStart": "session_started",
    "SessionEnd": "session_ended",
    "UserPromptSubmit": "prompt_submitted",
    "PostToolUse": "tool_ended",
    "PermissionRequest": "permission_asked",
    "Stop": "turn_ended",
    "Interrupt": "interrupted",
}
_ASKING = ("PreToolUse", "PermissionRequest")


class Codex(HookedProgram):
    """See :class:`HookedProgram`."""

    program, tried, folder, reports = "codex", TRIED, _HOME, _REPORTS
    credentials = ("CODEX_API_KEY", "OPENAI_API_KEY")

    capabilities: ClassVar[Capabilities] = Capabilities(
        resume=True,
        guard="closed",
        permission="hold",
        usage="live",
        money="prices",
        limit="file",
        inject="paste",
        mcp=True,
        skills=True,
        state=("hook", "screen", "process"),
        notes=(
            "What nobody answers within a week happens: its hooks' time is over then, and that is a yes.",
            "While a person decides about an act, its pane shows a running hook and no dialog.",
            "Escape ends its turn and leaves a command that it runs in the background running.",
            "The request by which it names a session is in none of its records: it is not counted.",
        ),
    )

    # -- start ---------------------------------------------------------------------------------------------------------

    def launch(self, request: LaunchRequest) -> Launch:
        _refuse_settings(request.workspace)
        prompt, prompt_file = self._prompt(request)
        with Beneath(request.home) as home:
            self._carry(home)
            if "config.toml" not in self._carried:
                home.write(_HOME + b"/config.toml", b"")  # it can switch single hooks off: not what the agent wrote
            home.write(_HOME + b"/hooks.json", json.dumps(_hooks(request.client)).encode())
            self._install(home, request.skills)
        native = executables(self._argv[0], "@*/codex-*/vendor/*/bin/codex")
        return Launch(
            argv=(
                *self._argv,
                *(("resume", request.session) if request.resume else ()),
                "--dangerously-bypass-hook-trust",  # else hooks that no person has looked at are skipped without a word
                *self._held_in(request),
                *(("--model", request.model) if request.model else ()),
                *_settings(request),
                prompt,
            ),
            env={
                **self._env,
                "CODEX_HOME": str(request.home / _HOME.decode()),
                "FLEET_PROMPT_FILE": str(prompt_file),
            },
            files=(prompt_file,),
            reads=native,
            spared=native,
        )

    def _held_in(self, request: LaunchRequest) -> tuple[str, ...]:
        """In a sandbox of ours it needs none of its own, and the guard decides; else its own, and it asks."""
        if self._gives("-s", "--sandbox", "-a", "--ask-for-approval"):
            return ()
        if request.sandboxed:
            return ("--sandbox", "danger-full-access", "--ask-for-approval", "never")
        git = request.workspace / ".git"
        writable = f"sandbox_workspace_write.writable_roots={json.dumps([str(git)])}"
        network = "sandbox_workspace_write.network_access=true"  # the fleet's own socket is reached so
        return ("--sandbox", "workspace-write", "--ask-for-approval", "on-request", "-c", writable, "-c", network)

    # -- what it reports -----------------------------------------------------------------------------------------------

    def render_verdict(self, hook: str, verdict: Verdict, reason: str) -> Answer | None:
        if hook != "PermissionRequest":
            return None
        decision = {"behavior": "allow"} if verdict == "allow" else {"behavior": "deny", "message": reason}
        return Answer(json.dumps({"hookSpecificOutput": {"hookEventName": hook, "decision": decision}}))

    def transcripts(self, home: Path, session: str) -> Sequence[bytes]:
        """``sessions/YYYY/MM/DD/rollout-…-<session>.jsonl``."""
        if not session or "/" in session:
            return ()
        try:
            with Beneath(home) as top:
                search, days = records.Search(top), [_HOME + b"/sessions"]
                for _ in range(3):
                    days = [inner for folder in days for inner in search.folders(folder)][:_MOST_DAYS]
                return tuple(path for day in days for path in search.files(day, f"-{session}.jsonl".encode()))
        except OSError:
            return ()

    def read_usage(self, lines: Iterable[bytes]) -> Sequence[Used]:
        """One record for each answer. Its ``input_tokens`` are all that was sent, those from the cache too."""
        found: dict[str, Used] = {}
        for record in records.objects(lines):
            payload = record.get("payload")
            if record.get("type") != "token_usage_record" or not isinstance(payload, dict):
                continue
            usage, name = payload.get("usage"), records.text(payload.get("response_id"), 100)
            if not name or not isinstance(usage, dict):
                continue
            read = records.count(usage.get("cached_input_tokens"))
            written = records.count(usage.get("cache_write_input_tokens"))
            fresh = max(0, records.count(usage.get("input_tokens")) - read - written)
            output = records.count(usage.get("output_tokens"))
            reasoning = records.count_or_none(usage.get("reasoning_output_tokens"))
            found[name] = Used(
                name, "", fresh=fresh, output=output, cache_read=read, cache_write=written, reasoning=reasoning
            )
        return tuple(found.values())

    def read_limits(self, lines: Iterable[bytes]) -> Sequence[Limited]:
        """No hook tells of a turn that failed: its rollout does, when it is over."""
        found: dict[str, Limited] = {}
        for record in records.objects(lines):
            payload = record.get("payload")
            if record.get("type") != "event_msg" or not isinstance(payload, dict):
                continue
            error, name = payload.get("error"), records.text(payload.get("turn_id"), 100)
            if payload.get("type") != "task_complete" or not isinstance(error, dict) or not name:
                continue
            if error.get("codex_error_info") == "usage_limit_exceeded":
                told = records.text(error.get("message"), 2_000)
                over = limits.reset_ns(told, records.count(payload.get("completed_at")) * 10**9)
                found[name] = Limited(name, over, "usage_limit_exceeded")
        return tuple(found.values())

    def read_prompts(self, lines: Iterable[bytes]) -> Sequence[Prompted]:
        found = []
        for record in records.objects(lines):
            payload = record.get("payload")
            item = payload.get("item") if isinstance(payload, dict) else None
            if record.get("type") == "event_msg" and isinstance(item, dict) and item.get("type") == "UserMessage":
                words = records.texts(item.get("content"))
                found.append(Prompted(records.instant_ns(record.get("timestamp")), words))
        return found

    def read_context(self, lines: Iterable[bytes]) -> Context | None:
        """From its ``token_count``: what the last request and its answer hold, of ``model_context_window``."""
        found: Context | None = None
        for record in records.objects(lines):
            payload = record.get("payload")
            if record.get("type") != "event_msg" or not isinstance(payload, dict):
                continue
            info = payload.get("info")
            if payload.get("type") != "token_count" or not isinstance(info, dict):
                continue
            last, window = info.get("last_token_usage"), records.count(info.get("model_context_window"))
            used = records.count(last.get("total_tokens")) if isinstance(last, dict) else 0
            found = Context(used, window or None, "rollout") if used else found
        return found


def _refuse_settings(workspace: Path) -> None:
    """Trusted, which it must be or a dialog opens, the repository's ``.codex`` could start programs: hooks run without
    having been looked at, MCP servers, what it calls to notify.

    Raises:
        FleetError: there is anything of which we do not know that it does not.
    """
    repository.refuse_others(workspace, ".codex", _KNOWN_FILES, _COULD)
    settings = repository.settings_of(workspace, _SETTINGS, tomllib.loads)
    repository.refuse_keys(_SETTINGS, settings.keys() - _HARMLESS, _COULD)


def _settings(request: LaunchRequest) -> tuple[str, ...]:
    """Trust in the workspace, no question about updates, and a shell that keeps the PATH with the agents' ``fleet``."""
    # Keys and strings of TOML are quoted as in JSON.
    trusted = f'projects={{{json.dumps(str(request.workspace))}={{trust_level="trusted"}}}}'
    settings = [trusted, "check_for_update_on_startup=false", "allow_login_shell=false", "features.hooks=true"]
    if request.mcp is not None:
        # Its servers see no variable that is not named.
        settings += [
            f"mcp_servers.fleet.command={json.dumps(str(request.mcp))}",
            f"mcp_servers.fleet.env_vars={json.dumps(IDENTITY)}",
            'mcp_servers.fleet.default_tools_approval_mode="approve"',
        ]
    return tuple(word for setting in settings for word in ("-c", setting))


def _hooks(client: Path) -> dict[str, Any]:
    def call(line: str, timeout: int) -> list[dict[str, Any]]:
        return [{"hooks": [{"type": "command", "command": line, "timeout": timeout}]}]

    asks = {name: call(asking_line(client), PATIENCE_S) for name in _ASKING}
    reports = {name: call(reporting_line(client, name), REPORT_S) for name in _REPORTS if name not in _ASKING}
    return {"hooks": asks | reports}
