"""opencode: a plugin of ours asks before its acts and reports, and keeps what its requests used.

Tried with version 1.18.33. Its settings lie in the run's directory (``XDG_CONFIG_HOME``), which the agent cannot write
to from isolation level L1 on, and say that it asks about everything: where the plugin does not answer, nobody does.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from fleet_tui.beneath import Beneath
from fleet_tui.vendors import records
from fleet_tui.vendors.base import (
    Answer,
    Capabilities,
    HookKind,
    HookReport,
    Launch,
    LaunchRequest,
    Prompted,
    Used,
    Verdict,
)
from fleet_tui.vendors.carrying import carry
from fleet_tui.vendors.hooked import HookedProgram
from fleet_tui.vendors.version import executables

TRIED = "1.18.33"
_PLUGIN = Path(__file__).with_name("opencode.js")
_RECORDS = b".local/share/opencode/fleet"
_REPORTS: dict[str, HookKind] = {
    "session.started": "session_started",
    "chat.message": "prompt_submitted",
    "tool.execute.after": "tool_ended",
    "permission.asked": "permission_asked",
    "session.idle": "turn_ended",
    "session.aborted": "interrupted",
    "session.error": "turn_failed",
}
_FREELY = ("read", "edit", "glob", "grep", "list", "todowrite", "fleet_*")
"""What it does without asking where no sandbox of ours is around it."""
_KEYS = {"keybinds": {"session_interrupt": "escape,f12"}}
"""Two of Escape in one go would be another key."""
# What it looks for before it installs its library for plugins, which ours does not need, and waits for the network.
_INSTALLED = {"packages": {"": {"dependencies": {"@opencode-ai/plugin": "*"}}}}
_MOST_MICROUSD = 10**12
_MOST_MS = 10**14
_MOST_OPEN = 64_000
"""Bytes of what it says is under way."""


class Opencode(HookedProgram):
    """See :class:`HookedProgram`."""

    program, tried, folder, reports = "opencode", TRIED, b".config/opencode", _REPORTS
    reasons = ("reason", "error")
    credentials = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY")

    capabilities: ClassVar[Capabilities] = Capabilities(
        resume=True,
        guard="closed",
        permission="hold",
        usage="live",
        money="vendor",
        limit="hook",
        inject="paste",
        mcp=True,
        state=("hook", "screen", "process"),
        notes=(
            "What a request used whose tool is interrupted or killed it does not know: it is recorded as unknown.",
            "The request by which it names a session is not counted.",
            "While a person decides about an act, its pane shows a running tool and no dialog.",
            "Its tool for skills needs a program that it fetches from the network: playbooks are in its prompt.",
            "Outside a sandbox (isolation level L0) its own permission dialogs are shown in the room too.",
            "Settings and plugins of the repository (opencode.json, .opencode) are not loaded.",
        ),
    )

    # -- start ---------------------------------------------------------------------------------------------------------

    def launch(self, request: LaunchRequest) -> Launch:
        prompt, prompt_file = self._prompt(request)
        place = request.run_dir / "opencode"
        self._settle(request, place, prompt_file)
        model = ("--model", request.model) if request.model else ()
        begin = ("--session", request.session) if request.resume else ("--prompt", prompt)
        native = executables(self._argv[0], "opencode-*/bin/opencode")
        return Launch(
            argv=(*self._argv, *model, *begin),
            env={
                "OPENCODE_DISABLE_AUTOUPDATE": "1",
                "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
                **self._env,
                **_places(request.home, place),
                "OPENCODE_DISABLE_PROJECT_CONFIG": "1",
                "OPENCODE_PERMISSION": json.dumps(_permission(request)),
                "FLEET_PROMPT_FILE": str(prompt_file),
            },
            files=(prompt_file, place, *sorted(place.rglob("*"))),
            reads=native,
            spared=native,
        )

    def _settle(self, request: LaunchRequest, place: Path, prompt: Path) -> None:
        """Write its settings, those that are carried over with ours laid over them, and the plugin."""
        shutil.rmtree(place, ignore_errors=True)
        config = place / "opencode"
        (config / "node_modules").mkdir(parents=True)
        with Beneath(place) as top:
            carry(Path.home() / self.folder.decode(), self._carried, top, b"opencode")
            known = records.read_object(top, b"opencode/opencode.json")
            if request.sandboxed:
                known.pop("permission", None)
            theirs = known.get("plugin")
            # The last one sees what the others made of a call.
            plugins = [*(theirs if isinstance(theirs, list) else []), (config / "fleet.js").as_uri()]
            instructions = [str(file) for file in _instructions(request.workspace)]
            ours = {"autoupdate": False, "share": "disabled", "snapshot": False, "plugin": plugins}
            servers = {"fleet": {"type": "local", "command": [str(request.mcp)]}} if request.mcp else {}
            settings = {"instructions": instructions, **known, **ours, "mcp": servers}
            files = {"opencode.json": settings, "tui.json": _KEYS, "package-lock.json": _INSTALLED}
            for name, value in files.items():
                top.write(f"opencode/{name}".encode(), json.dumps(value).encode())
            top.write(b"opencode/fleet.js", _plugin(request, prompt).encode())
            top.write(b"opencode/.gitignore", b"*\n")

    # -- what it reports -----------------------------------------------------------------------------------------------

    def parse_hook(self, name: str, data: Mapping[str, Any]) -> HookReport | None:
        report = super().parse_hook(name, data)
        if report is not None and report.kind == "turn_failed" and report.reason == "rate_limit":
            at = records.count(data.get("reset_at"))
            return replace(report, limited=True, reset_ns=at * 10**9 if at else None)
        return report

    def render_verdict(self, hook: str, verdict: Verdict, reason: str) -> Answer | None:  # noqa: ARG002 - stderr says it
        return Answer('{"reply": "once"}') if hook == "permission.asked" and verdict == "allow" else None

    def transcripts(self, home: Path, session: str) -> Sequence[bytes]:
        """What the plugin keeps of each session, those of its subagents in the same file."""
        if not session or "/" in session:
            return ()
        return records.only(home, _RECORDS + f"/{session}.jsonl".encode())

    def read_usage(self, lines: Iterable[bytes]) -> Sequence[Used]:
        """A line for each request. ``input`` is without the cache, ``output`` without what was thought."""
        found: dict[str, Used] = {}
        for record in records.objects(lines):
            name = records.text(record.get("id"), 100)
            thought = records.count(record.get("reasoning"))
            if name and record.get("untold") is True:
                found[name] = Used(name, records.text(record.get("model"), 100), untold=True)
            elif name:
                found[name] = Used(
                    name,
                    records.text(record.get("model"), 100),
                    fresh=records.count(record.get("input")),
                    output=records.count(record.get("output")) + thought,
                    cache_read=records.count(record.get("read")),
                    cache_write=records.count(record.get("write")),
                    cost_microusd=_microusd(record.get("cost")),
                    reasoning=thought,
                )
        return tuple(found.values())

    def left_open(self, home: Path, session: str) -> Sequence[Used]:
        """What the plugin had noted as begun when its program was killed."""
        if not session or "/" in session:
            return ()
        try:
            with Beneath(home) as top, top.open(_RECORDS + f"/{session}.open".encode()) as file:
                begun = self.read_usage(file.read(_MOST_OPEN).splitlines())
        except OSError:
            return ()
        return tuple(one for one in begun if one.untold)

    def read_prompts(self, lines: Iterable[bytes]) -> Sequence[Prompted]:
        told = [record for record in records.objects(lines) if "prompt" in record]
        return [Prompted(_at_ns(one.get("at")), records.text(one["prompt"], records.MOST_BYTES)) for one in told]


def _at_ns(ms: object) -> int:
    return ms * 1_000_000 if isinstance(ms, int) and not isinstance(ms, bool) and 0 <= ms < _MOST_MS else 0


def _places(home: Path, config: Path) -> dict[str, str]:
    """Its directories: settings are the run's, what it keeps is the agent's. A ``.opencode`` in the agent's home, where
    the agent could leave a plugin of its own, is looked for where there is none."""
    kept = {"XDG_DATA_HOME": ".local/share", "XDG_STATE_HOME": ".local/state", "XDG_CACHE_HOME": ".cache"}
    places = {name: str(home / below) for name, below in kept.items()}
    return {**places, "XDG_CONFIG_HOME": str(config), "OPENCODE_TEST_HOME": str(config)}


def _permission(request: LaunchRequest) -> dict[str, str]:
    """It asks about everything; its own questions, of which nobody outside of its pane would know, it cannot ask."""
    freely = () if request.sandboxed else _FREELY
    return {"*": "ask", **dict.fromkeys(freely, "allow"), "question": "deny"}


def _instructions(workspace: Path) -> list[Path]:
    """What it would read itself, were the repository's settings loaded."""
    return [path for name in ("AGENTS.md", "CLAUDE.md") if (path := workspace / name).is_file()][:1]


def _plugin(request: LaunchRequest, prompt: Path) -> str:
    told = {
        "client": str(request.client),
        "records": str(request.home / _RECORDS.decode()),
        "prompt": str(prompt),
        "sandboxed": request.sandboxed,
        "resumed": request.session if request.resume else "",
    }
    return f"const FLEET = {json.dumps(told)}\n{_PLUGIN.read_text(encoding='utf-8')}"


def _microusd(dollars: object) -> int | None:
    """What it reckons a request to cost; None where it knows no price."""
    if not isinstance(dollars, int | float) or isinstance(dollars, bool) or not 0 < dollars * 1e6 < _MOST_MICROUSD:
        return None
    return round(dollars * 1e6)
