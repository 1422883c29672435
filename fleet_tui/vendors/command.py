"""Any program as an agent: an argument list with placeholders, and one of four ways to give it its prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import clean
from fleet_tui.vendors.adapter import Adapter
from fleet_tui.vendors.base import Launch, LaunchRequest, Probe
from fleet_tui.vendors.prompting import as_argument, plain_start, write_prompt
from fleet_tui.vendors.version import probe_program

PROMPTS = ("argv", "stdin", "file", "paste")
_NAMES = ("prompt", "prompt_file", "model", "workspace", "ticket")
_PLACEHOLDER = re.compile("{(" + "|".join(_NAMES) + ")}")


class CommandVendor(Adapter):
    """Starts ``argv`` in the workspace. Nothing passes a shell; a placeholder's value never becomes two arguments."""

    def __init__(self, name: str, argv: tuple[str, ...], prompt: str, env: Mapping[str, str]) -> None:
        if not argv or not argv[0]:
            raise FleetError(
                "vendor without a program", f"vendors.{name}.argv is empty", "name a program and its arguments"
            )
        if prompt not in PROMPTS:
            raise FleetError(
                "unknown way to prompt", f"vendors.{name}.prompt is {prompt!r}", f"use one of {', '.join(PROMPTS)}"
            )
        self._name = name
        self._argv = argv
        self._prompt = prompt
        self._env = dict(env)

    @property
    def name(self) -> str:
        return self._name

    def probe(self, *, start: bool = False) -> Probe:
        return probe_program(self._name, self._argv[0], start=start)

    def launch(self, request: LaunchRequest) -> Launch:
        prompt = plain_start(clean(request.prompt))
        prompt_file = write_prompt(request.run_dir, prompt)
        values = {
            "prompt": as_argument(prompt, prompt_file),
            "prompt_file": str(prompt_file),
            "model": request.model or "",
            "workspace": str(request.workspace),
            "ticket": "" if request.ticket is None else str(request.ticket),
        }
        argv = _filled(self._argv, values)
        if self._prompt == "argv" and not any("{prompt}" in part for part in self._argv):
            argv = (*argv, values["prompt"])
        return Launch(
            argv=argv,
            env={**self._env, "FLEET_PROMPT_FILE": str(prompt_file)},
            stdin_file=prompt_file if self._prompt == "stdin" else None,
            files=(prompt_file,),
            # A file that the configuration itself names is meant to be seen; a prompt or a model cannot name one.
            reads=tuple(Path(part) for part in self._argv if part.startswith("/") and Path(part).is_file()),
            paste=prompt if self._prompt == "paste" else None,
        )


def _filled(argv: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """``argv`` with the placeholders' values; a value is not looked at for placeholders again.

    Without a model ``{model}`` is left out, and so is the option before it (``--model {model}``).
    """
    filled: list[str] = []
    for part in argv:
        if "{model}" in part and not values["model"]:
            if part == "{model}" and filled and filled[-1].startswith("-"):
                filled.pop()
            continue
        filled.append(_PLACEHOLDER.sub(lambda match: values[match.group(1)], part))
    return tuple(filled)
