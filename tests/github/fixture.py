"""The fixture ``github``: the stand-in, and an environment in which the real `gh` talks to it and to nothing else."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.github.server import Server
    from tests.github.state import Hub, Repository

_FOREIGN = ("GH_", "GITHUB_")
OF_GH = ("GH_TOKEN", "GH_CONFIG_DIR", "GH_PROMPT_DISABLED", "TMPDIR")
"""What a process needs in its environment to talk to the stand-in."""


@dataclass(frozen=True)
class Site:
    """The stand-in as a test has it: ``repository`` is ``acme/shop``; more can be made of ``hub``."""

    hub: Hub
    server: Server
    repository: Repository
    place: Path

    def gh(self, *args: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """The real gh, as a person would type it."""
        argv = ["gh", *args]
        return subprocess.run(
            argv, input=given, stdin=None if given is not None else subprocess.DEVNULL,
            cwd=self.place, capture_output=True, text=True, check=False, timeout=40,
        )  # fmt: skip


@contextmanager
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A stand-in with a repository of one commit; gh's settings, caches and token are of this test alone.

    gh keeps what it learned of the schema in TMPDIR for a day, for everybody: each test has its own.
    """
    # Here, not above: whoever needs no GitHub does not pay for importing what answers its queries.
    from tests.github.server import Server, write_config
    from tests.github.state import Hub

    with tempfile.TemporaryDirectory(prefix="hub-") as name:  # short: a socket's path has 107 bytes at most
        place = Path(name)
        hub = Hub(place)
        repository = hub.create()
        server = Server(hub, place / "hub.sock")
        write_config(place / "gh", place / "hub.sock")
        for variable in [variable for variable in os.environ if variable.startswith(_FOREIGN)]:
            monkeypatch.delenv(variable)
        (place / "tmp").mkdir()
        settings = {"TMPDIR": place / "tmp", "GH_CONFIG_DIR": place / "gh", "GH_TOKEN": "test", "GH_PROMPT_DISABLED": 1}
        for key, value in settings.items():
            monkeypatch.setenv(key, str(value))
        server.start()
        try:
            yield Site(hub, server, repository, place)
        finally:
            server.stop()


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The stand-in GitHub."""
    with site(monkeypatch) as made:
        yield made
