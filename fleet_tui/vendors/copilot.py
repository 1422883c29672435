"""Copilot CLI: started with hooks of ours, held at its hook while a person decides, metered from its event files.

Tried with version 1.0.102 and a model of one's own (``COPILOT_PROVIDER_BASE_URL``), never with a login at GitHub. Its
directory is the agent's (``COPILOT_HOME``). A hook that it waits for too long is a yes, and so is one that prints what
is no JSON: the line that it runs prints plain JSON or ends with 2.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from fleet_tui.beneath import Beneath
from fleet_tui.vendors import limits, records, repository
from fleet_tui.vendors.base import Capabilities, HookKind, HookReport, Launch, LaunchRequest, Limited, Prompted, Used
from fleet_tui.vendors.hooked import PATIENCE_S, REPORT_S, HookedProgram, reporting_line
from fleet_tui.vendors.version import executables

TRIED = "1.0.102"
_HOME = b".copilot"
_REPORTS: dict[str, HookKind] = {
    "SessionStart": "session_started",
    "SessionEnd": "session_ended",
    "UserPromptSubmit": "prompt_submitted",
    "PostToolUse": "tool_ended",
    "Stop": "turn_ended",
    "Notification": "notice",
}
_BEGUN = {"new": "startup"}
"""How it says that a session begins, in the word of the others."""
_OF_THE_ACCOUNT = frozenset({"quota", "rate_limit"})
_OTHERS = (
    ".github/copilot/settings.json", ".github/copilot/settings.local.json", ".github/hooks", ".github/mcp.json",
    ".mcp.json",
)  # fmt: skip
_CLAUDE_CODE = (".claude/settings.json", ".claude/settings.local.json")
_PARTS = ("env", "hook", "mcp", "plugin")
_COULD = "it could switch the guard off or start programs that it never sees"
# Of exit code 2 it tells its model no reason: a no is JSON, of nothing but what JSON takes as it is.
_ASKING = """why=$({client} guard 2>&1) && exit 0
why=$(printf %s "$why" | tr '\\n\\t' '  ' | tr -d '\\000-\\037' | sed 's/[\\\\"]/\\\\&/g') || exit 2
printf '{{"hookSpecificOutput":{{"hookEventName":"PreToolUse","permissionDecision":"deny",'
printf '"permissionDecisionReason":"%s"}}}}' "$why" || exit 2"""


class Copilot(HookedProgram):
    """See :class:`HookedProgram`."""

    program, tried, folder, reports = "copilot", TRIED, _HOME, _REPORTS
    reasons = ("source", "reason", "notification_type")
    credentials = ("COPILOT_PROVIDER_API_KEY", "COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN")

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
            "It was tried with a model of one's own (COPILOT_PROVIDER_BASE_URL) only: with a login at GitHub nothing is"
            " proved.",
            "It does not start where the repository has hooks or MCP servers for it: they would run unasked.",
            "What nobody answers within a week happens: its hooks' time is over then, and that is a yes.",
            "While a person decides about an act, its pane shows a running hook and no dialog.",
            "Outside a sandbox (isolation level L0) its own permission dialogs are answered in its pane.",
            "That it was interrupted is told by no hook, only by its screen.",
            "How long it is to wait at a usage limit it writes down nowhere: the first one tries again after a while.",
        ),
    )

    def launch(self, request: LaunchRequest) -> Launch:
        _refuse_settings(request.workspace)
        prompt, prompt_file = self._prompt(request)
        with Beneath(request.home) as home:
            self._carry(home)
            home.folder(_HOME + b"/hooks")
            home.write(_HOME + b"/hooks/fleet.json", json.dumps(_hooks(request.client)).encode())
            settings = records.read_object(home, _HOME + b"/settings.json") if self._carries_settings else {}
            ours = {"trustedFolders": [str(request.workspace)], "banner": "never", "disableAllHooks": False}
            if "mcp-config.json" not in self._carried:
                # What the agent left there would be started beside ours, and under its name.
                home.write(_HOME + b"/mcp-config.json", b'{"mcpServers": {}}')
            self._install(home, request.skills)
            for name in (b"settings.json", b"config.json"):
                home.write(_HOME + b"/" + name, json.dumps({**settings, **ours}).encode())
        # In a sandbox of ours the guard decides; else its own dialogs do.
        freely = ("--allow-all-tools", "--allow-all-paths") if request.sandboxed else ()
        model = ("--model", request.model) if request.model else ()
        session = f"--resume={request.session}" if request.resume else f"--session-id={request.session}"
        servers = _servers(request.mcp) if request.mcp else ()
        native = executables(self._argv[0], "@*/copilot-*/copilot")
        return Launch(
            argv=(*self._argv, *freely, "--no-ask-user", *servers, *model, session, "--interactive", prompt),
            env={
                "COPILOT_AUTO_UPDATE": "false",
                **self._env,
                "COPILOT_HOME": str(request.home / _HOME.decode()),
                "FLEET_PROMPT_FILE": str(prompt_file),
            },
            files=(prompt_file,),
            reads=native,
            spared=native,
        )

    @property
    def _carries_settings(self) -> bool:
        return "settings.json" in self._carried

    # -- what it reports -----------------------------------------------------------------------------------------------

    def parse_hook(self, name: str, data: Mapping[str, Any]) -> HookReport | None:
        report = super().parse_hook(name, data)
        return report and replace(report, reason=_BEGUN.get(report.reason, report.reason))

    def transcripts(self, home: Path, session: str) -> Sequence[bytes]:
        """``session-state/<session>/events.jsonl``."""
        if not session or "/" in session:
            return ()
        return records.only(home, _HOME + f"/session-state/{session}/events.jsonl".encode())

    def read_usage(self, lines: Iterable[bytes]) -> Sequence[Used]:
        """One record for each request. Its ``inputTokens`` are all that was sent, those from the cache too."""
        found: dict[str, Used] = {}
        for record in records.objects(lines):
            data, name = record.get("data"), records.text(record.get("id"), 100)
            usage = data.get("usage") if isinstance(data, dict) else None
            if record.get("type") != "session.usage_record" or not name or not isinstance(usage, dict):
                continue
            read, written = (records.count(usage.get(f"cache{what}Tokens")) for what in ("Read", "Write"))
            found[name] = Used(
                name,
                records.text(usage.get("model"), 100),
                fresh=max(0, records.count(usage.get("inputTokens")) - read - written),
                output=records.count(usage.get("outputTokens")),
                cache_read=read,
                cache_write=written,
            )
        return tuple(found.values())

    def read_limits(self, lines: Iterable[bytes]) -> Sequence[Limited]:
        """No hook tells that it has given up: its events do. How long its service wants it to wait they leave out."""
        found: dict[str, Limited] = {}
        for record in records.objects(lines):
            data, name = record.get("data"), records.text(record.get("id"), 100)
            if record.get("type") != "session.error" or not name or not isinstance(data, dict):
                continue
            if data.get("errorType") in _OF_THE_ACCOUNT or data.get("statusCode") in (402, 429):
                over = limits.reset_ns(records.text(data.get("message")), records.instant_ns(record.get("timestamp")))
                found[name] = Limited(name, over, records.text(data.get("errorType"), 100) or "usage limit")
        return tuple(found.values())

    def read_prompts(self, lines: Iterable[bytes]) -> Sequence[Prompted]:
        found = []
        for record in records.objects(lines):
            data = record.get("data")
            if record.get("type") == "user.message" and isinstance(data, dict):
                at_ns = records.instant_ns(record.get("timestamp"))
                found.append(Prompted(at_ns, records.text(data.get("content"), records.MOST_BYTES)))
        return found


def _servers(program: Path) -> tuple[str, ...]:
    """For this session only, and before what the agent may have written into its own ``mcp-config.json``. Who it speaks
    for the server finds in its environment; nobody is asked about its tools."""
    own = {"type": "local", "command": str(program), "args": [], "tools": ["*"]}
    return (f"--additional-mcp-config={json.dumps({'mcpServers': {'fleet': own}})}", "--allow-tool=fleet")


def _hooks(client: Path) -> dict[str, Any]:
    def call(line: str, timeout: int) -> list[dict[str, Any]]:
        return [{"hooks": [{"type": "command", "command": line, "timeout": timeout}]}]

    asks = _ASKING.format(client=shlex.quote(str(client)))
    reports = {name: call(reporting_line(client, name), REPORT_S) for name in _REPORTS}
    return {"version": 1, "hooks": {"PreToolUse": call(asks, PATIENCE_S), **reports}}


def _refuse_settings(workspace: Path) -> None:
    """The repository's settings count before the agent's: ``disableAllHooks`` in them switches our hooks off, and its
    hooks and MCP servers are started without a word.

    Raises:
        FleetError: there are any, or settings of Claude Code, which it reads too, with such keys.
    """
    repository.refuse_files(workspace, _OTHERS, _COULD)
    for name in _CLAUDE_CODE:
        settings = repository.settings_of(workspace, name, json.loads)
        repository.refuse_keys(name, (key for key in settings if any(part in key.lower() for part in _PARTS)), _COULD)
