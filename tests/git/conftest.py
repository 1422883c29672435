"""Real repositories in temporary directories; nothing of the machine's git settings counts."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleet_tui.git.control import ControlRepository
from fleet_tui.git.user import UserRepository
from fleet_tui.git.workspace import Workspaces

WHEN_NS = 1_700_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Repo:
    """A working copy and the few commands that tests type in it, as a person or an agent would."""

    path: Path

    def git(self, *args: str, check: bool = True) -> str:
        done = subprocess.run(["git", *args], cwd=self.path, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, (args, done.stderr)
        return done.stdout + done.stderr

    def sha(self, name: str = "HEAD") -> str:
        return self.git("rev-parse", name).strip()

    def write(self, files: dict[str, str | bytes | None]) -> None:
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: dict[str, str | bytes | None], message: str = "change") -> str:
        self.write(files)
        self.git("--literal-pathspecs", "add", "--all", "--force", *files)
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.sha()


def run_git(*args: str | Path, given: bytes = b"") -> bytes:
    """Standard output of a git command outside any of the repositories above."""
    return subprocess.run(["git", *args], input=given, capture_output=True, check=True).stdout


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture(autouse=True)
def _person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Pat\n\temail = pat@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def user(tmp_path: Path) -> Repo:
    path = tmp_path / "shop"
    path.mkdir()
    repo = Repo(path)
    repo.git("init", "--quiet")
    repo.commit({"a.txt": "one\ntwo\nthree\n", "src/b.py": "x = 1\n"}, "start")
    return repo


@pytest.fixture
async def control(tmp_path: Path, user: Repo) -> ControlRepository:
    repository = ControlRepository(tmp_path / "state" / "control.git", user.path, "main")
    await repository.ensure()
    return repository


@pytest.fixture
def workspaces(tmp_path: Path, control: ControlRepository) -> Workspaces:
    return Workspaces(control, tmp_path / "state" / "workspaces")


@pytest.fixture
def person(user: Repo) -> UserRepository:
    return UserRepository(user.path)
