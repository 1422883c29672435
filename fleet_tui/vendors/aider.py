"""aider: one message, one answer, its own commits, and it ends; metered from the events that it writes down for itself.

Tried with version 0.86.2. It has neither hooks before an act nor sessions. It runs no commands here: those that its
model suggests are not run, and what it does is change files of its workspace and commit them as the agent.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from fleet_tui.beneath import Beneath
from fleet_tui.vendors import limits, records, repository
from fleet_tui.vendors.base import Capabilities, HookKind, HookReport, Launch, LaunchRequest, Used
from fleet_tui.vendors.hooked import HookedProgram

TRIED = "0.86.2"
_KEPT = b".aider/fleet"
_PRICES = b".aider/caches/model_prices_and_context_window.json"
"""A list that it would fetch at each start from somewhere else; what it brings along says the same."""
_REPORTS: dict[str, HookKind] = {"session.started": "session_started"}
# It says of nothing but its answers that they came, and ends well when it gave up: what it wrote down says why.
_SCRIPT = """{client} hook session.started <{told}
"$@"
code=$?
last() {{ grep "$@" -e '^> Tokens: ' {chat} 2>/dev/null | tail -n 1; }}
case "$(last -e '^> {limited}' -e '^> Retrying in ')" in
*'{limited}'*)
    why=$(last -e '^> litellm[.]' | cut -c 1-1000 | tr -d '\\\\"\\000-\\037')
    printf '{{"limited": true, "message": "%s"}}' "$why" | {client} hook turn_failed
    ;;
esac
exit $code
"""
_LIMITED = "The API provider has rate limited you"
_OTHERS = (".aider.conf.yml", ".env")
_OPTIONS = (
    "--yes-always",
    "--no-stream",  # only so it says what its service counted, and does not guess
    "--no-check-update",
    "--no-show-release-notes",
    "--no-show-model-warnings",
    "--analytics-disable",
    "--no-gitignore",
    "--no-detect-urls",
    "--no-suggest-shell-commands",
    "--no-auto-lint",
    "--no-auto-test",
    # Its commits are the agent's own: their author, and the hooks that look at them.
    "--git-commit-verify",
    "--no-attribute-author",
    "--no-attribute-committer",
    "--no-attribute-co-authored-by",
)


class Aider(HookedProgram):
    """See :class:`HookedProgram`; the script that it is started by reports for it."""

    program, tried, folder, reports = "aider", TRIED, b".aider", _REPORTS
    credentials = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY")

    capabilities: ClassVar[Capabilities] = Capabilities(
        usage="live",
        money="prices",
        limit="hook",
        inject="none",
        state=("screen", "process"),
        notes=(
            "It has no hooks: what it does is not asked about. It runs no commands; it changes files of its workspace.",
            "It answers one message and ends; its commits are handed over then. Messages do not reach it meanwhile.",
            "At a usage limit it tries for a minute and ends; a new run begins anew when the limit is over.",
            "A run after a crash begins anew, with the commits that are there.",
            "What came from a cache is counted as if it had been sent afresh: it does not say which is which.",
            "The request by which it words a commit's message is in none of its records: it is not counted.",
            "It does not start where the repository has .aider.conf.yml or .env, which could make it run anything.",
        ),
    )

    def launch(self, request: LaunchRequest) -> Launch:
        # Its settings run commands, and its environment counts before the agent's.
        repository.refuse_files(request.workspace, _OTHERS, "it could make aider run commands or send its key away")
        _, prompt_file = self._prompt(request)
        told = request.run_dir / "aider-session.json"
        told.write_text(json.dumps({"session_id": request.session, "reason": "startup"}), encoding="utf-8")
        with Beneath(request.home) as home:
            self._carry(home)
            home.folder(_KEPT)
            home.folder(_PRICES.rpartition(b"/")[0])
            home.write(_PRICES, b'{"none": {}}')
        kept = request.home / _KEPT.decode()
        chat = kept / f"{request.session}.md"
        script = request.run_dir / "aider.sh"
        places = {"client": request.client, "told": told, "chat": chat}
        quoted = {name: shlex.quote(str(place)) for name, place in places.items()}
        script.write_text(_SCRIPT.format(**quoted, limited=_LIMITED), encoding="utf-8")
        files = {
            "chat-history-file": chat.name,
            "input-history-file": "input",
            "analytics-log": f"{request.session}.jsonl",
        }
        model = ("--model", request.model) if request.model else ()
        return Launch(
            argv=(
                "/bin/sh",
                str(script),
                *self._argv,
                *model,
                *_OPTIONS,
                *(word for option, name in files.items() for word in (f"--{option}", str(kept / name))),
                "--message-file",
                str(prompt_file),
            ),
            env={**self._env, "FLEET_PROMPT_FILE": str(prompt_file)},
            files=(prompt_file, told, script),
            inner=self._argv[0],
        )

    def parse_hook(self, name: str, data: Mapping[str, Any]) -> HookReport | None:
        report = super().parse_hook(name, data)
        if report is not None and report.limited:
            return replace(report, reset_ns=limits.reset_ns(records.text(data.get("message")), time.time_ns()))
        return report

    def transcripts(self, home: Path, session: str) -> Sequence[bytes]:
        """The events of the run, which it would send its makers otherwise."""
        if not session or "/" in session:
            return ()
        return records.only(home, _KEPT + f"/{session}.jsonl".encode())

    def read_usage(self, lines: Iterable[bytes]) -> Sequence[Used]:
        """An event for each answer. They have no id: what it says, with its time, is one."""
        found: dict[str, Used] = {}
        for record in records.objects(lines):
            said = record.get("properties")
            if record.get("event") != "message_send" or not isinstance(said, dict):
                continue
            name = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:32]
            found[name] = Used(
                name,
                records.text(said.get("main_model"), 100),
                fresh=records.count(said.get("prompt_tokens")),
                output=records.count(said.get("completion_tokens")),
            )
        return tuple(found.values())
