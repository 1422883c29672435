"""Acts are judged by where their paths lead on the disk, not only by how they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fleet_tui.governance.guard.acts import Act, Surroundings
from fleet_tui.governance.guard.policy import GuardDecision, decide
from fleet_tui.paths import shipped_config
from fleet_tui.settings.guard import Guard
from fleet_tui.watcher import links
from fleet_tui.watcher.desks.shell_parser import parse
from fleet_tui.watcher.links import leads_to, lookup

GUARD = Guard.model_validate(yaml.safe_load((shipped_config() / "guard.yaml").read_text("utf-8"))["guard"])


class Place:
    """A workspace and a home directory with a key in it, away from what is writable for everybody."""

    def __init__(self, root: Path) -> None:
        self.home, self.workspace = root / "people" / "u", root / "ws"
        (self.home / ".ssh").mkdir(parents=True)
        (self.home / ".ssh" / "id_ed25519").write_text("key")
        (self.workspace / "src").mkdir(parents=True)
        self.guard = GUARD.model_copy(update={"writable": ("/dev/null", "~/.cache")})

    def judge(self, line: str) -> GuardDecision:
        who = Surroundings("developer", "author", str(self.workspace), str(self.home), "agent/1-x", lookup())
        return decide(Act("Bash", line=line), who, self.guard, parse)

    def link(self, name: str, target: Path) -> None:
        (self.workspace / name).symlink_to(target)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_link_to_a_key_is_a_key(place: Place) -> None:
    assert place.judge("cat notes").verdict == "allow"
    place.link("notes", place.home / ".ssh" / "id_ed25519")
    assert place.judge("cat notes").rule == "credentials"
    place.link("folder", place.home / ".ssh")
    assert place.judge("cd src && cat ../folder/id_ed25519").rule == "credentials"
    assert place.judge("grep -r x folder").rule == "credentials"


def test_a_link_out_of_the_workspace_is_outside(place: Place) -> None:
    place.link("out", place.home)
    assert place.judge("echo x > out/notes").rule == "outside-the-workspace"
    assert place.judge("rm -rf out/x").rule == "outside-the-workspace"
    place.link("in", place.workspace / "src")
    assert place.judge("echo x > in/notes").verdict == "allow"


def test_a_glob_is_what_it_finds(place: Place) -> None:
    assert place.judge(f"cat {place.home}/.s?h/id_*").rule == "credentials"
    assert place.judge("cat ~/.ss*/id_ed25519").rule == "credentials"
    assert place.judge("cat src/*.py").verdict == "allow"


def test_a_workspace_behind_a_link_is_still_the_workspace(place: Place) -> None:
    real = place.workspace.rename(place.workspace.with_name("real"))
    place.workspace.symlink_to(real)
    assert place.judge("echo x > notes && rm -f src/*.pyc").verdict == "allow"
    assert place.judge("echo x > ../notes").rule == "outside-the-workspace"


def test_what_the_person_linked_at_home_is_theirs(place: Place, tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (place.home / ".cache").symlink_to(tmp_path / "big")
    assert place.judge("touch ~/.cache/x").verdict == "allow"


def test_what_cannot_be_looked_up_leads_nowhere(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in ("/a\0b", "/a/\1/\1/\1/\1/b", str(loop / "x"), "/" + "n" * 5000):
        assert isinstance(leads_to(path), tuple)


def test_a_line_of_very_many_words_is_looked_up_within_bounds(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(path: str) -> tuple[str, ...]:
        asked.append(path)
        return ()

    monkeypatch.setattr(links, "leads_to", counted)
    place.judge("cat " + " ".join(f"/usr/*/x{number}" for number in range(1_500)))
    assert 0 < sum("\1" in path for path in asked) <= 32
    asked.clear()
    place.judge("cat " + " ".join(f"/a{number}" for number in range(4_500)))
    assert 0 < len(asked) <= 4_000
