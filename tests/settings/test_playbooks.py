"""Playbooks: what ships, whose each is, and a project's own instead of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.paths import shipped_config, user_config_file
from fleet_tui.settings import playbooks
from fleet_tui.settings.load import load_settings
from fleet_tui.settings.playbooks import read_playbook, read_playbooks


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    (tmp_path / "shop" / ".fleet" / "playbooks").mkdir(parents=True)
    (tmp_path / "shop" / ".fleet" / "config.yaml").write_text("version: 1\n")
    return tmp_path / "shop"


def own(project: Path, name: str, text: str) -> Path:
    file = project / ".fleet" / "playbooks" / f"{name}.md"
    file.write_text(text)
    return file


def test_every_step_of_the_loop_has_one(project: Path) -> None:
    names = {
        family: [one.name for one in read_playbooks(project, family)]
        for family in ("author", "reviewer", "release", "triage", "observer")
    }
    assert names == {
        "author": ["implement"],
        "reviewer": ["refute", "review"],
        "release": ["ship"],
        "triage": ["triage", "write-ticket"],
        "observer": ["write-ticket"],
    }


@pytest.mark.parametrize("name", sorted(path.stem for path in (shipped_config() / "playbooks").glob("*.md")))
def test_each_is_short_and_says_which_of_the_fleets_commands_to_use(project: Path, name: str) -> None:
    playbook = read_playbook(project, name)
    assert len(playbook.text) < 1600
    assert "`fleet " in playbook.text
    assert "Use " in playbook.description, "it says when"
    assert playbook.text.startswith("## ")


def test_as_a_skill_it_has_name_and_description(project: Path) -> None:
    own(project, "ship", "---\ndescription: 'Say \"go\"\\no: or not'\nfamilies: [release]\n---\n## Ship\n\nGo.\n")
    told = read_playbook(project, "ship").skill_text
    assert told == "---\nname: fleet-ship\ndescription: \"Say 'go'/no: or not\"\n---\n\n## Ship\n\nGo.\n"


def test_a_projects_own_counts_before_a_persons_and_these_before_ours(project: Path) -> None:
    mine = user_config_file().parent / "playbooks"
    mine.mkdir(parents=True)
    (mine / "ship.md").write_text("## Mine\n")
    assert read_playbook(project, "ship").text == "## Mine"
    own(project, "ship", "## Ours\n")
    found = read_playbook(project, "ship")
    assert (found.text, found.origin, found.families) == ("## Ours", ".fleet/playbooks/ship.md", ("release",))
    own(project, "translate", "---\ndescription: Use it.\nfamilies: [author]\n---\n## Translate\n")
    assert [one.name for one in read_playbooks(project, "author")] == ["implement", "translate"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("mine", "## Steps\n", "nothing says whose it is"),
        ("ship", "", "is empty"),
        ("mine", "---\ndescription: x\n---\n## A\n", "its head cannot be read"),
        ("mine", "---\ndescription: x\nfamilies: author\n---\n## A\n", "its head cannot be read"),
        ("mine", "---\ndescription: &x y\nfamilies: [author]\n---\n## A\n", "its head cannot be read"),
        ("mine", "---\ndescription: x\nfamilies: [author]\n", "its head cannot be read"),
        ("Not Good", "## A\n", "not a usable name"),
    ],
)
def test_what_cannot_be_used_is_an_error_of_the_configuration(project: Path, name: str, text: str, told: str) -> None:
    own(project, name, text)
    (problem,) = load_settings(project, environ={}).errors
    assert f".fleet/playbooks/{name}.md" in problem.message
    assert told in problem.message


def test_a_link_out_of_the_repository_is_not_followed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("## Secret\n")
    (project / ".fleet" / "playbooks" / "ship.md").symlink_to(tmp_path / "secret")
    assert [error.message for error in playbooks.problems(project)] != []
    with pytest.raises(FleetError):
        read_playbook(project, "ship")


def test_a_name_that_says_something_in_a_skill_is_nobodys(project: Path) -> None:
    for name in ("a\nallowed-tools: Bash\nb", ".."):
        own(project, name, "---\ndescription: d\nfamilies: [author]\n---\nSteps.\n")
    assert not [one for one in read_playbooks(project, "author") if one.origin.startswith(".fleet")]
    assert len(list(playbooks.problems(project))) == 2
