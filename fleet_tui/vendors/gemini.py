"""Gemini CLI: started with hooks of ours, held at its hook while a person decides, metered from its chat files.

Tried with version 0.61.0. Its directory is the agent's (``GEMINI_CLI_HOME``), so no settings of a person's are changed.
Its hooks fail open on anything but exit code 2: the command that it runs turns every failure into that.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from fleet_tui.beneath import Beneath
from fleet_tui.domain.text import clean, one_line
from fleet_tui.vendors import records
from fleet_tui.vendors.adapter import Adapter
from fleet_tui.vendors.base import Capabilities, HookKind, HookReport, Launch, LaunchRequest, Probe, Used
from fleet_tui.vendors.carrying import carry
from fleet_tui.vendors.prompting import as_argument, plain_start, write_prompt
from fleet_tui.vendors.version import probe_program

TRIED = "0.61.0"
_HOME = b".gemini"
_REPORT_MS = 30_000
_PATIENCE_MS = 7 * 24 * 3_600_000
"""How long a person may take to answer; then its hook's time is over, and what it asked about would happen."""
_REPORTS: dict[str, HookKind] = {
    "SessionStart": "session_started",
    "SessionEnd": "session_ended",
    "BeforeAgent": "prompt_submitted",
    "AfterTool": "tool_ended",
    "AfterAgent": "turn_ended",
    "Notification": "notice",
}
_REASONS = ("source", "reason", "notification_type")


class Gemini(Adapter):
    """``argv`` is the program and the person's own options; what fleet needs is added to them."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        own_session=True,
        resume=True,
        guard="open",
        permission="hold",
        usage="live",
        money="prices",
        inject="paste",
        state=("hook", "screen", "process"),
        notes=(
            "Settings in the repository (.gemini/settings.json) can switch its hooks off: sandbox and gates remain.",
            "While a person decides about an act, its pane shows a running hook and no dialog.",
            "Outside a sandbox (isolation level L0) its own permission dialogs are answered in its pane.",
            "Requests by which it chooses a model or asks itself whether to go on are in none of its records.",
        ),
    )

    def __init__(self, name: str, argv: tuple[str, ...], env: Mapping[str, str], carried: Sequence[str] = ()) -> None:
        self._name = name
        self._argv = argv or ("gemini",)
        self._env = dict(env)
        self._carried = tuple(carried)

    @property
    def name(self) -> str:
        return self._name

    def probe(self, *, start: bool = False) -> Probe:
        return probe_program(self._name, self._argv[0], start=start, tried=TRIED)

    def launch(self, request: LaunchRequest) -> Launch:
        assert request.home is not None
        prompt = plain_start(clean(request.prompt))
        prompt_file = write_prompt(request.run_dir, prompt)
        with Beneath(request.home) as home:
            home.folder(_HOME)
            carry(Path.home() / ".gemini", self._carried, home, _HOME)
            place = _HOME + b"/settings.json"
            # Its system settings would count before these, but are skipped where a folder above is writable to all.
            carried = records.read_object(home, place) if "settings.json" in self._carried else {}
            home.write(place, json.dumps(carried | self._settings(request.client)).encode())
        given = any(word.partition("=")[0] in ("--approval-mode", "--yolo", "-y") for word in self._argv)
        # In a sandbox of ours the guard decides; else its own dialogs do, for all but edits.
        mode = () if given else ("--approval-mode", "yolo" if request.sandboxed else "auto_edit")
        model = ("--model", request.model) if request.model else ()
        session = ("--resume" if request.resume else "--session-id", request.session)
        return Launch(
            argv=(*self._argv, *mode, *model, *session, "--prompt-interactive", as_argument(prompt, prompt_file)),
            env={
                **self._env,
                "GEMINI_CLI_HOME": str(request.home),
                "FLEET_PROMPT_FILE": str(prompt_file),
            },
            files=(prompt_file,),
        )

    def _settings(self, client: Path) -> dict[str, Any]:
        def call(line: str, timeout_ms: int) -> list[dict[str, Any]]:
            return [{"hooks": [{"type": "command", "command": line, "timeout": timeout_ms}]}]

        program = shlex.quote(str(client))
        reports = {name: call(f"{program} hook {name}", _REPORT_MS) for name in _REPORTS}
        by_key = "GEMINI_API_KEY" in self._env
        return {
            "security": {"folderTrust": {"enabled": False}}
            | ({"auth": {"selectedType": "gemini-api-key"}} if by_key else {}),
            "general": {"enableAutoUpdate": False},
            "hooks": {"BeforeTool": call(f"{program} guard || exit 2", _PATIENCE_MS), **reports},
        }

    # -- what it reports -----------------------------------------------------------------------------------------------

    def parse_hook(self, name: str, data: Mapping[str, Any]) -> HookReport | None:
        kind = _REPORTS.get(name)
        if kind is None:
            return super().parse_hook(name, data)
        reason = next((records.text(data[field]) for field in _REASONS if data.get(field)), "")
        return HookReport(
            kind,
            session=records.text(data.get("session_id"), 100),
            reason=one_line(reason, 200),
        )

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
            read = records.count(tokens.get("cached"))
            found[name] = Used(
                name,
                records.text(record.get("model"), 100),
                fresh=max(0, records.count(tokens.get("input")) - read),
                output=records.count(tokens.get("output")) + records.count(tokens.get("thoughts")),
                cache_read=read,
            )
        return tuple(found.values())
