"""Files of a project are written whole, inside of it, and never into what is git's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.catalogue.write import create, prompt_path, remove, replace
from fleet_tui.domain.errors import Conflict


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    (place / ".git" / "hooks").mkdir(parents=True)
    (place / "prompts").mkdir()
    (place / "prompts" / "dev.md").write_text("old\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("theirs\n")
    return place


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(project: Path) -> None:
    link = project / "linked.md"
    link.symlink_to("prompts/dev.md")
    replace(project, "linked.md", "new\n")
    assert link.is_symlink()
    assert (project / "prompts" / "dev.md").read_text() == "new\n"
    assert sorted(path.name for path in (project / "prompts").iterdir()) == ["dev.md"], "no draft is left"


@pytest.mark.parametrize("name", [".git/config", ".git/hooks/pre-commit", "prompts/../.git/config", "hidden/config"])
def test_nothing_is_put_into_what_is_git_s(project: Path, name: str) -> None:
    (project / "hidden").symlink_to(".git")
    with pytest.raises(Conflict, match="git's own"):
        replace(project, name, "[core]\n")
    with pytest.raises(Conflict, match="git's own"):
        create(project, project / name, "[core]\n")
    assert list((project / ".git").rglob("*")) == [project / ".git" / "hooks"]


@pytest.mark.parametrize("name", ["out/file", "../elsewhere/file", "linked"])
def test_nothing_is_put_outside(project: Path, name: str) -> None:
    (project / "out").symlink_to(project.parent / "elsewhere")
    (project / "linked").symlink_to(project.parent / "elsewhere" / "file")
    with pytest.raises(Conflict, match="outside the repository"):
        replace(project, name, "ours\n")
    assert (project.parent / "elsewhere" / "file").read_text() == "theirs\n"


def test_no_directory_is_made_outside(project: Path) -> None:
    (project / "out").symlink_to(project.parent / "elsewhere")
    with pytest.raises(Conflict, match="outside the repository"):
        create(project, project / "out" / "deep" / "file.md", "ours\n")
    assert [path.name for path in (project.parent / "elsewhere").iterdir()] == ["file"]


def test_nothing_is_removed_through_a_directory_that_leads_elsewhere(project: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "elsewhere" / "sam.md"
    theirs.write_text("theirs\n")
    (project / ".fleet").mkdir()
    (project / ".fleet" / "prompts").symlink_to(theirs.parent)
    with pytest.raises(Conflict, match="outside the repository"):
        remove(project, prompt_path("sam"))
    assert theirs.exists()


def test_of_a_link_the_link_is_removed(project: Path) -> None:
    (project / "linked.md").symlink_to("prompts/dev.md")
    remove(project, "linked.md")
    assert not (project / "linked.md").is_symlink()
    assert (project / "prompts" / "dev.md").exists()
