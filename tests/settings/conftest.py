"""A repository with prompts, written to and loaded without this machine's own configuration."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleet_tui.settings.load import Loaded, load_settings

AGENTS = "agents:\n  - {name: dev, role: developer}\n  - {name: rev, role: tech-lead}\n"


@dataclass(frozen=True)
class Repository:
    root: Path
    user: Path

    @property
    def config(self) -> Path:
        return self.root / ".fleet" / "config.yaml"

    def write(self, text: str | bytes) -> Path:
        self.config.write_bytes(text.encode() if isinstance(text, str) else text)
        return self.config

    def prompt(self, name: str, text: str = "Do your part.\n") -> Path:
        path = self.root / ".fleet" / "prompts" / f"{name}.md"
        path.write_text(text)
        return path

    def load(self, text: str | bytes | None = None, environ: dict[str, str] | None = None) -> Loaded:
        if text is not None:
            self.write(text)
        return load_settings(self.root, user_file=self.user, environ=environ or {})


@pytest.fixture
def repository() -> Iterator[Repository]:
    # Not below pytest's own directory: that one is closed to the user that `unprivileged` becomes.
    home = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp"))
    found = Repository(home / "shop", home / "user" / "config.yaml")
    (found.root / ".fleet" / "prompts").mkdir(parents=True)
    found.user.parent.mkdir()
    for name in ("dev", "rev", "rel", "dev2"):
        found.prompt(name)
    found.write(f"version: 1\n{AGENTS}")
    yield found
    shutil.rmtree(home)


@pytest.fixture
def unprivileged(repository: Repository) -> Iterator[None]:
    """Modes bind this process: root sees through them, so it becomes nobody for the time of the test."""
    if os.geteuid() != 0:
        yield
        return
    nobody, home = 65534, repository.root.parent
    for path in (home, *home.rglob("*")):
        os.chown(path, nobody, nobody)
    os.seteuid(nobody)
    yield
    os.seteuid(0)
