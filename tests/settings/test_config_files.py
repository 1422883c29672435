"""The file itself: absent, empty, unreadable, of the wrong kind, too large, not UTF-8."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.settings.document import MAX_BYTES
from fleet_tui.settings.load import load_settings
from fleet_tui.settings.prompts import read_prompt

if TYPE_CHECKING:
    from tests.settings.conftest import Repository


def the_error(repository: Repository, text: bytes | None = None) -> str:
    loaded = repository.load(text)
    assert loaded.settings is None
    assert len(loaded.errors) == 1
    return str(loaded.errors[0])


def test_no_file(repository: Repository) -> None:
    repository.config.unlink()
    error = the_error(repository)
    assert error.startswith(".fleet/config.yaml: there is no configuration")
    assert "fleet init" in error


def test_no_file_where_none_is_needed(repository: Repository) -> None:
    repository.config.unlink()
    loaded = load_settings(repository.root, user_file=repository.user, environ={}, project_required=False)
    assert loaded.require().ui.theme == "auto"
    assert loaded.require().agents == ()


@pytest.mark.parametrize("text", [b"", b"\n\n", b"# nothing\n", b"---\n"])
def test_an_empty_file_is_not_an_empty_fleet(repository: Repository, text: bytes) -> None:
    assert ":1:1: the file is empty" in the_error(repository, text)


def test_an_empty_user_file_is_fine(repository: Repository) -> None:
    repository.user.write_text("# later\n")
    assert repository.load().settings is not None


def test_a_directory(repository: Repository) -> None:
    repository.config.unlink()
    repository.config.mkdir()
    assert "is a directory" in the_error(repository)


def test_a_pipe_does_not_hold_the_reader(repository: Repository) -> None:
    repository.config.unlink()
    os.mkfifo(repository.config)
    assert "is not a regular file" in the_error(repository)


def test_a_link_out_of_the_repository(repository: Repository) -> None:
    repository.config.rename(repository.root.parent / "elsewhere.yaml")
    repository.config.symlink_to(repository.root.parent / "elsewhere.yaml")
    assert "leads outside the repository" in the_error(repository)


def test_a_link_inside_the_repository(repository: Repository) -> None:
    repository.config.rename(repository.root / "fleet.yaml")
    repository.config.symlink_to("../fleet.yaml")
    assert repository.load().settings is not None


def test_a_link_to_nothing(repository: Repository) -> None:
    repository.config.unlink()
    repository.config.symlink_to("gone.yaml")
    assert "link to nothing" in the_error(repository)


def test_a_circle_of_links(repository: Repository) -> None:
    repository.config.unlink()
    repository.config.symlink_to("config.yaml")
    assert "cannot be read" in the_error(repository)


@pytest.mark.usefixtures("unprivileged")
def test_permission_denied(repository: Repository) -> None:
    repository.config.chmod(0)
    error = the_error(repository)
    assert "permission denied" in error
    assert "chmod u+r .fleet/config.yaml" in error


def test_too_large(repository: Repository) -> None:
    assert "larger than 256 KiB" in the_error(repository, b"# " + b"x" * MAX_BYTES)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"version: 1\nproduct: {name: caf\xe9}\n", "2:20"),
        ("version: 1\n".encode("utf-16"), "1:1"),
        ("product: {name: Bücher \udcff}".encode("utf-8", "surrogateescape"), "1:24"),
    ],
)
def test_not_utf8(repository: Repository, data: bytes, place: str) -> None:
    assert f".fleet/config.yaml:{place}: not UTF-8" in the_error(repository, data)


def test_a_byte_order_mark_and_windows_line_ends(repository: Repository) -> None:
    loaded = repository.load(b"\xef\xbb\xbfversion: 1\r\nproduct:\r\n  name: Shop\r\n")
    assert loaded.require().product.name == "Shop"


def test_an_error_in_the_user_file_names_it(repository: Repository) -> None:
    repository.user.write_text("ui:\n  theme: dark\n")
    loaded = repository.load()
    assert [(error.file, error.line, error.column) for error in loaded.errors] == [(str(repository.user), 2, 10)]
    assert "theme: dark" in loaded.excerpt(loaded.errors[0])


@pytest.mark.parametrize("damage", ["missing", "outside", "binary"])
def test_prompts_that_cannot_be_read(repository: Repository, damage: str) -> None:
    agent = repository.load().require().agent("dev")
    path = repository.root / agent.prompt_path
    path.unlink()
    if damage == "outside":
        path.symlink_to("/etc/hostname")
    if damage == "binary":
        path.write_bytes(b"\xff\xfe")
    assert ".fleet/prompts/dev.md" in the_error(repository)
    with pytest.raises(FleetError) as caught:
        read_prompt(repository.root, agent)
    assert caught.value.hint


def test_prompts_are_read(repository: Repository) -> None:
    repository.prompt("dev", "Write it well.\n")
    agents = repository.load("agents:\n  - {name: dev, role: developer}\n  - {name: x, role: pm, prompt: Sort.}\n")
    texts = [read_prompt(repository.root, agent) for agent in agents.require().agents]
    assert texts == ["Write it well.\n", "Sort."]


def test_a_disabled_agent_needs_no_prompt(repository: Repository) -> None:
    loaded = repository.load("agents:\n  - {name: someday, role: developer, enabled: false}\n")
    assert loaded.problems == ()


def test_a_scripted_agent_needs_its_story_inside(repository: Repository) -> None:
    vendor = "vendors:\n  demo: {kind: scripted, story: mine.yaml}\n"
    agent = "agents:\n  - {name: dev, role: developer, vendor: demo}\n"
    (repository.root / "mine.yaml").symlink_to("/etc/hostname")
    assert "there is no story mine.yaml" in the_error(repository, (vendor + agent).encode())
    (repository.root / "mine.yaml").unlink()
    (repository.root / "mine.yaml").write_text("scenes: []\n")
    assert repository.load().problems == ()


def test_files_that_would_explode_are_refused(repository: Repository) -> None:
    """306 bytes that expand to a billion nodes elsewhere, nesting, and many keys: none is expanded."""
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for text in (bomb, "[" * 100_000, "{a: " * 50_000, "- " * 100_000, "".join(f"k{n}: 1\n" for n in range(20_000))):
        assert repository.load(text).settings is None
