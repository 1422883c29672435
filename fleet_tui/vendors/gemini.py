"""Gemini CLI: started with hooks of ours, held at its hook while a person decides, metered from its chat files.

Tried with version 0.61.0. Its directory is the agent's (``GEMINI_CLI_HOME``), so no settings of a person's are changed.
Its hooks fail open on anything but exit code 2: the command that it runs turns every failure into that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from fleet_tui.beneath import Beneath
from fleet_tui.vendors import records, repository
from fleet_tui.vendors.base import Capabilities, Context, HookKind, Launch, LaunchRequest, Prompted, Used
from fleet_tui.vendors.hooked import IDENTITY, PATIENCE_S, REPORT_S, HookedProgram, asking_line, reporting_line

TRIED = "0.61.0"
_HOME = b".gemini"
_REPORTS: dict[str, HookKind] = {
    "SessionStart": "session_started",
    "SessionEnd": "session_ended",
    "BeforeAgent": "prompt_submitted",
    "AfterTool": "tool_ended",
    "AfterAgent": "turn_ended",
    "Notification": "notice",
}
_SETTINGS = ".gemini/settings.json"
_HARMLESS = frozenset({"$schema", "context", "contextFileName", "model", "output", "theme", "ui"})
_KNOWN_FILES = frozenset(
    {".gitignore", "GEMINI.md", "README.md", "commands", "config.yaml", "settings.json", "skills", "styleguide.md"}
)
_COULD = "it could switch the guard off or start programs that it never sees"


class Gemini(HookedProgram):
    """See :class:`HookedProgram`."""

    program, tried, folder, reports = "gemini", TRIED, _HOME, _REPORTS
    reasons = ("source", "reason", "notification_type")
    credentials = ("GEMINI_API_KEY", "GOOGLE_API_KEY")

    capabilities: ClassVar[Capabilities] = Capabilities(
        resume=True,
        guard="closed",
        permission="hold",
        usage="live",
        money="prices",
        limit="screen",
        inject="paste",
        mcp=True,
        skills=True,
        state=("hook", "screen", "process"),
        notes=(
            "It does not start where .gemini of the repository could switch hooks off or start programs.",
            "What nobody answers within a week happens: its hooks' time is over then, and that is a yes.",
            "While a person decides about an act, its pane shows a running hook and no dialog.",
            "Outside a sandbox (isolation level L0) its own permission dialogs are answered in its pane.",
            "Only its screen tells of a usage limit for a day; limits for a minute it sits out, and tells nobody.",
            "Requests by which it chooses a model or asks itself whether to go on are in none of its records.",
        ),
    )

    def launch(self, request: LaunchRequest) -> Launch:
        _refuse_settings(request.workspace)
        prompt, prompt_file = self._prompt(request)
        with Beneath(request.home) as home:
            self._carry(home)
            place = _HOME + b"/settings.json"
            # Its system settings would count before these, but are skipped where a folder above is writable to all.
            carried = records.read_object(home, place) if "settings.json" in self._carried else {}
            if ".env" not in self._carried:
                home.write(
                    _HOME + b"/.env", b""
                )  # it takes its environment from there, and the agent may have written it
            settings = carried | self._settings(request) | (_reads_skills(carried) if request.skills else {})
            home.write(place, json.dumps(settings).encode())
            self._install(home, request.skills)
        given = self._gives("--approval-mode", "--yolo", "-y")
        # In a sandbox of ours the guard decides; else its own dialogs do, for all but edits.
        mode = () if given else ("--approval-mode", "yolo" if request.sandboxed else "auto_edit")
        model = ("--model", request.model) if request.model else ()
        session = ("--resume" if request.resume else "--session-id", request.session)
        return Launch(
            argv=(*self._argv, *mode, *model, *session, "--prompt-interactive", prompt),
            env={
                **self._env,
                "GEMINI_CLI_HOME": str(request.home),
                # Not there: named all the same, or a `.env` in the repository could name its own.
                "GEMINI_CLI_SYSTEM_SETTINGS_PATH": str(request.run_dir / "gemini-settings.json"),
                "FLEET_PROMPT_FILE": str(prompt_file),
            },
            files=(prompt_file,),
        )

    def _settings(self, request: LaunchRequest) -> dict[str, Any]:
        def call(line: str, timeout_ms: int) -> list[dict[str, Any]]:
            return [{"hooks": [{"type": "command", "command": line, "timeout": timeout_ms}]}]

        reports = {name: call(reporting_line(request.client, name), REPORT_S * 1000) for name in _REPORTS}
        by_key = "GEMINI_API_KEY" in self._env
        # What sounds like a secret it takes out of their environment, unless it is named; `trust`: the guard decides.
        own = {"command": str(request.mcp), "env": {name: f"${name}" for name in IDENTITY}, "trust": True}
        return {
            **({"mcpServers": {"fleet": own}} if request.mcp else {}),
            "security": {"folderTrust": {"enabled": False}}
            | ({"auth": {"selectedType": "gemini-api-key"}} if by_key else {}),
            "general": {"enableAutoUpdate": False},
            # What `.env` of the repository says would reach our hooks, and what they start first: BASH_ENV, LD_PRELOAD.
            "advanced": {"ignoreLocalEnv": True},
            "hooks": {"BeforeTool": call(asking_line(request.client), PATIENCE_S * 1000), **reports},
        }

    # -- what it keeps -------------------------------------------------------------------------------------------------

    def transcripts(self, home: Path, session: str) -> Sequence[bytes]:
        """``tmp/<project>/chats/session-<time>-<first part of the session's id>.jsonl``."""
        end = f"-{session.partition('-')[0]}.jsonl".encode()
        if not session or "/" in session:
            return ()
        try:
            with Beneath(home) as top:
                search = records.Search(top)
                projects = search.folders(_HOME + b"/tmp")
                return tuple(path for project in projects for path in search.files(project + b"/chats", end))
        except OSError:
            return ()

    def read_usage(self, lines: Iterable[bytes]) -> Sequence[Used]:
        """A reply is a line, and once more with what its tools gave. ``input`` is all that was sent, cached too."""
        found: dict[str, Used] = {}
        for record in records.objects(lines):
            tokens, name = record.get("tokens"), records.text(record.get("id"), 100)
            if record.get("type") != "gemini" or not name or not isinstance(tokens, dict):
                continue
            read, thoughts = records.count(tokens.get("cached")), records.count_or_none(tokens.get("thoughts"))
            found[name] = Used(
                name,
                records.text(record.get("model"), 100),
                fresh=max(0, records.count(tokens.get("input")) - read),
                output=records.count(tokens.get("output")) + (thoughts or 0),
                cache_read=read,
                reasoning=thoughts,
            )
        return tuple(found.values())

    def read_prompts(self, lines: Iterable[bytes]) -> Sequence[Prompted]:
        """Also what its tools gave stands as said by the user; it has no text."""
        found = []
        for record in records.objects(lines):
            if record.get("type") == "user":
                words = records.texts(record.get("content"))
                found.append(Prompted(records.instant_ns(record.get("timestamp")), words))
        return found

    def read_context(self, lines: Iterable[bytes]) -> Context | None:
        """All that was sent with the last request, and its answer; how large the window is, its files do not say."""
        found: Context | None = None
        for record in records.objects(lines):
            tokens = record.get("tokens")
            if record.get("type") != "gemini" or not isinstance(tokens, dict):
                continue
            used = sum(records.count(tokens.get(name)) for name in ("input", "output", "thoughts"))
            found = Context(used, None, "chat") if used else found
        return found


def _reads_skills(carried: dict[str, Any]) -> dict[str, Any]:
    """To read a playbook is no act about which its dialog (isolation level L0) has to ask."""
    tools, skills = (part if isinstance(part := carried.get(name), dict) else {} for name in ("tools", "skills"))
    freely = tools.get("allowed")
    allowed = [*(freely if isinstance(freely, list) else []), "activate_skill"]
    return {"tools": {**tools, "allowed": allowed}, "skills": {**skills, "enabled": True}}


def _refuse_settings(workspace: Path) -> None:
    """The repository's settings count before the agent's: they could switch our hooks off or start programs.

    Raises:
        FleetError: there is anything of which we do not know that it does neither.
    """
    repository.refuse_others(workspace, ".gemini", _KNOWN_FILES, _COULD)
    settings = repository.settings_of(workspace, _SETTINGS, json.loads)
    repository.refuse_keys(_SETTINGS, settings.keys() - _HARMLESS, _COULD)
