"""Any program as an agent: an argument list with placeholders, and one of four ways to give it its prompt."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import SafeText, clean
from fleet_tui.vendors.base import Launch, LaunchRequest, Observation, Probe
from fleet_tui.vendors.screens import classify
from fleet_tui.vendors.version import ask_version

PROMPTS = ("argv", "stdin", "file", "paste")
ARGUMENT_LIMIT = 100_000
"""Bytes of a prompt as an argument; Linux refuses one of 128 KiB."""
_NAMES = ("prompt", "prompt_file", "model", "workspace", "ticket")
_PLACEHOLDER = re.compile("{(" + "|".join(_NAMES) + ")}")
# The first character of a prompt means something else to several vendors: a command, a shell line, a memory, a file.
_SPECIAL_STARTS = "-/!#@"


class CommandVendor:
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
        program = shutil.which(self._argv[0])
        if program is None:
            hint = f"install it, or set vendors.{self._name}.argv to where it is"
            return Probe(False, None, f"{self._argv[0]} is not on PATH", hint)
        # Found through a relative entry of PATH it would be whatever the repository holds under that name.
        if not start or not Path(program).is_absolute():
            return Probe(True, program=program)
        try:
            return Probe(True, ask_version(program), program=program)
        except TimeoutError:
            return Probe(True, None, "", f"{program} --version did not end in time", program)
        except OSError as error:
            return Probe(False, None, f"{program} cannot be started: {error.strerror}", "install it again")

    def launch(self, request: LaunchRequest) -> Launch:
        prompt = _plain_start(clean(request.prompt))
        prompt_file = _write_prompt(request.run_dir, prompt)
        values = {
            "prompt": _argument(prompt, prompt_file),
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

    def classify(self, screen: str) -> Observation | None:
        return classify(screen)


def _plain_start(prompt: SafeText) -> SafeText:
    plain = prompt.lstrip()
    return SafeText(f"Your instructions:\n\n{plain}" if plain[:1] in tuple(_SPECIAL_STARTS) else plain)


def _argument(prompt: str, prompt_file: Path) -> str:
    if len(prompt.encode()) <= ARGUMENT_LIMIT:
        return prompt
    return f"Read the file {prompt_file} and carry out the instructions in it."


def _write_prompt(run_dir: Path, prompt: str) -> Path:
    path = run_dir / "prompt.md"
    draft = run_dir / "prompt.md.tmp"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(prompt)
    draft.replace(path)
    return path


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
