"""``fleet doctor`` looks and starts nothing of the person's own."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import fleet
from fleet_tui.domain.errors import FleetError
from fleet_tui.store.filesystem import refuse_full
from fleet_tui.watcher import spawn
from tests.cli.conftest import Shop

Doctor = Callable[[], dict[str, list[dict[str, str]]]]
AGENT = "version: 1\nagents:\n  - {name: dev, role: developer, prompt: Do it., vendor: %s}\n"


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def doctor(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """The findings by name; it runs in the repository, with the test's own programs first on the PATH."""
    monkeypatch.chdir(shop.repository)
    monkeypatch.setenv("PATH", f"{shop.repository.parent / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FLEET_SECRET", "x")

    def run() -> dict[str, list[dict[str, str]]]:
        done = CliRunner().invoke(fleet, ["doctor", "--json"], catch_exceptions=False)
        found: dict[str, list[dict[str, str]]] = {}
        for finding in json.loads(done.stdout):
            found.setdefault(finding["name"], []).append(finding)
        return found

    return run


@pytest.mark.parametrize("own", ["mine", "claude-code"], ids=["a vendor of one's own", "a preset with another program"])
def test_a_persons_own_program_is_looked_up_and_not_started(shop: Shop, doctor: Doctor, own: str) -> None:
    script = program(shop.repository.parent / "bin" / "my-agent.sh", "echo acted > acted; echo 9.9")
    shop.configure(AGENT % own + f"vendors:\n  {own}: {{argv: [my-agent.sh], prompt: file}}\n")
    (finding,) = doctor()["vendor"]
    assert not (shop.repository / "acted").exists()
    assert finding["state"] == "ok"
    assert finding["detail"] == f"{own}: {script}"


def test_a_shipped_preset_is_asked_for_its_version_where_it_can_do_no_harm(shop: Shop, doctor: Doctor) -> None:
    told = shop.repository.parent / "told"
    long = "x" * 500
    program(
        shop.repository.parent / "bin" / "claude",
        f"pwd > {told}; env >> {told}; ls -A >> {told}; printf '\\033]0;owned\\0072.1 {long}\\nmore\\n'",
    )
    shop.configure(AGENT % "claude-code")
    (finding,) = doctor()["vendor"]
    assert finding["detail"].startswith("claude-code 2.1 xxx")
    assert "\x1b" not in finding["detail"]
    assert len(finding["detail"]) < 120
    place, *environment = told.read_text().splitlines()
    assert Path(place) != shop.repository
    assert not Path(place).exists()
    assert [line for line in environment if line.startswith("FLEET_")] == []


@pytest.mark.parametrize(
    ("bytes_", "files", "told"),
    [(3_000_000, 10_000_000, "3.0 MB free"), (10**12, 12, "room for 12 files")],
    ids=["bytes", "inodes"],
)
def test_a_full_disk_is_told_with_its_figures(
    shop: Shop, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, bytes_: int, files: int, told: str
) -> None:
    fill_disk(monkeypatch, bytes_, files)
    (finding,) = doctor()["state"]
    assert finding["state"] == "missing"
    assert finding["detail"].startswith(f"the disk is full: {shop.paths.state}: ")
    assert told in finding["detail"]


def test_a_watcher_is_not_started_on_a_full_disk(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_disk(monkeypatch, 3_000_000, 10_000_000)
    with pytest.raises(FleetError, match=f"the disk is full: {shop.paths.state}: 3.0 MB free"):
        spawn.start(shop.paths)


def test_file_systems_that_count_no_files_have_room(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_disk(monkeypatch, 10**12, 0)
    refuse_full(shop.paths.state)


def fill_disk(monkeypatch: pytest.MonkeyPatch, free_bytes: int, free_files: int) -> None:
    """A disk with so much left; btrfs and others count no files and tell 0 of 0."""
    found = os.statvfs_result(
        (4096, 4096, 10**9, 10**9, free_bytes // 4096, free_files, free_files, free_files, 0, 255)
    )
    monkeypatch.setattr(os, "statvfs", lambda _: found)


def test_without_git_only_that_is_told(shop: Shop, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = shop.repository.parent / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    found = doctor()
    assert found["git"][0]["detail"] == "not found"
    assert "repository" not in found


def test_warnings_about_the_configuration_are_told(shop: Shop, doctor: Doctor) -> None:
    shop.configure(AGENT % "scripted" + "approval: {rules: [{name: a, acts: [merge], quorum: 2}]}\n")
    (about,) = [one for one in doctor()["configuration"] if one["state"] == "note"]
    assert "warning" in about["detail"]
    assert about["fix"] == "fleet config validate"
