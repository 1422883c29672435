"""What adapters of programs with hooks share: the program is the person's, its settings and hooks are ours."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from fleet_tui.beneath import Beneath
from fleet_tui.domain.text import clean, one_line
from fleet_tui.settings.playbooks import SKILL
from fleet_tui.vendors import records
from fleet_tui.vendors.adapter import Adapter
from fleet_tui.vendors.base import HookKind, HookReport, LaunchRequest, Probe
from fleet_tui.vendors.carrying import carry
from fleet_tui.vendors.prompting import as_argument, plain_start, write_prompt
from fleet_tui.vendors.version import probe_program

_MOST_SKILLS = 1000
REPORT_S = 30
PATIENCE_S = 7 * 24 * 3600
"""How long a person may take to answer a hook that asks."""

IDENTITY = ("FLEET_RUN", "FLEET_SOCKET", "FLEET_SPOOL", "FLEET_TOKEN")
"""The variables by which a program of the fleet's, such as its MCP server, finds its run's socket."""


class HookedProgram(Adapter):
    """``argv`` is the program and the person's own options; what fleet needs is added to them.

    ``carried`` are names in the program's directory in the person's home of which the agent gets a copy.
    """

    program: ClassVar[str]
    tried: ClassVar[str]
    """The newest version that the adapter was tried with."""
    folder: ClassVar[bytes]
    """Its directory, below a person's home and below the agent's."""
    reports: ClassVar[Mapping[str, HookKind]]
    """What each of its hooks means in our words."""
    reasons: ClassVar[Sequence[str]] = ("source", "reason")
    """The fields of a report in which its reason may stand."""

    def __init__(self, name: str, argv: tuple[str, ...], env: Mapping[str, str], carried: Sequence[str] = ()) -> None:
        self._name = name
        self._argv = argv or (self.program,)
        self._env = dict(env)
        self._carried = tuple(carried)

    @property
    def name(self) -> str:
        return self._name

    def probe(self, *, start: bool = False) -> Probe:
        return probe_program(self._name, self._argv[0], start=start, tried=self.tried)

    def parse_hook(self, name: str, data: Mapping[str, Any]) -> HookReport | None:
        kind = self.reports.get(name)
        if kind is None:
            return super().parse_hook(name, data)
        reason = next((records.text(data[field]) for field in self.reasons if data.get(field)), "")
        session = records.text(data.get("session_id"), 100)
        return HookReport(kind, session=session, reason=one_line(reason, 200))

    def _prompt(self, request: LaunchRequest) -> tuple[str, Path]:
        """The prompt as an argument, and the file in which it stands too."""
        prompt = plain_start(clean(request.prompt))
        file = write_prompt(request.run_dir, prompt)
        return as_argument(prompt, file), file

    def _carry(self, home: Beneath) -> None:
        """Make the agent's directory and copy into it what is carried over."""
        home.folder(self.folder)
        carry(Path.home() / self.folder.decode(), self._carried, home, self.folder)

    def _install(self, home: Beneath, skills: Mapping[str, str]) -> None:
        """Write the playbooks as skills, over what the agent made of those of before; what is none any more goes."""
        folder = self.folder + b"/skills"
        home.folder(folder)
        for name, _ in home.entries(folder, _MOST_SKILLS):
            if name.startswith(SKILL.encode()) and name.decode(errors="replace") not in skills:
                with contextlib.suppress(OSError):
                    home.unlink(folder + b"/" + name + b"/SKILL.md")
        for skill, text in skills.items():
            place = folder + b"/" + skill.encode()
            home.folder(place)
            home.write(place + b"/SKILL.md", text.encode())

    def _gives(self, *options: str) -> bool:
        """Whether the person gave one of ``options``."""
        return any(word.partition("=")[0] in options for word in self._argv)


def asking_line(client: Path) -> str:
    """The shell line of a hook that asks, for programs that take nothing but exit code 2 for a no."""
    return f"{shlex.quote(str(client))} guard || exit 2"


def reporting_line(client: Path, hook: str) -> str:
    """The shell line of a hook that reports."""
    return f"{shlex.quote(str(client))} hook {hook}"
