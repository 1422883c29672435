"""A vendor that plays a story: for trials, the demo and tests, through the same doors as a real agent."""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import fleet_tui
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import clean
from fleet_tui.paths import shipped_config
from fleet_tui.vendors.adapter import Adapter
from fleet_tui.vendors.base import Capabilities, Launch, LaunchRequest, Probe
from fleet_tui.vendors.story import load_story

# The package is found by its place, so that a checkout that is not installed plays too; -I keeps everything else out.
_BOOT = (
    "import sys, runpy; sys.path.insert(0, sys.argv.pop(1)); "
    "runpy.run_module('fleet_tui.vendors.player', run_name='__main__', alter_sys=True)"
)


class ScriptedVendor(Adapter):
    """Plays ``story``. ``options`` are further options of the player, such as ``--speed 0.2``."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        guard="closed", usage="live", money="prices", state=("hook", "screen", "process")
    )

    def __init__(self, name: str, story: Path, options: tuple[str, ...], env: Mapping[str, str]) -> None:
        self._name = name
        self._story = story
        self._options = options
        self._env = dict(env)

    @property
    def name(self) -> str:
        return self._name

    def probe(self, *, start: bool = False) -> Probe:  # noqa: ARG002 - a story is never started
        changed_ns = self._story.stat().st_mtime_ns if self._story.exists() else 0
        return _probe(self._story, changed_ns)

    def launch(self, request: LaunchRequest) -> Launch:
        # By agent and ticket, not by run: the same story goes the same way each time.
        seed = zlib.crc32(f"{request.agent}/{request.ticket}".encode())
        options = ["--story", str(self._story), "--agent", request.agent, "--seed", str(seed), *self._options]
        return Launch(
            argv=(sys.executable, "-I", "-c", _BOOT, str(Path(fleet_tui.__file__).resolve().parent.parent), *options),
            env=self._env,
            reads=(self._story,),
            paste=clean(request.prompt),
        )


@lru_cache(maxsize=64)
def _probe(story: Path, changed_ns: int) -> Probe:  # noqa: ARG001 - a changed file is read again
    try:
        load_story(story)
    except FleetError as error:
        return Probe(False, None, f"{error.title}: {error.message}", error.hint)
    return Probe(True, fleet_tui.__version__)


def find_story(name: str, repository: Path | None) -> Path:
    """The shipped story called ``name``, else the file ``name`` in ``repository``.

    Raises:
        FleetError: neither exists.
    """
    shipped = shipped_config() / "stories" / f"{name}.yaml"
    if re.fullmatch(r"[\w-]+", name) and shipped.is_file():
        return shipped
    if repository is not None and (repository / name).is_file():
        return (repository / name).resolve()
    known = ", ".join(sorted(path.stem for path in shipped.parent.glob("*.yaml")))
    where = f" in {repository}" if repository is not None else ""
    raise FleetError("no such story", f"{name!r} is no shipped story and no file{where}", f"shipped stories: {known}")
