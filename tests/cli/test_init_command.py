"""``fleet init``: gates that can run here, prompts that are missing, and nothing that is there replaced."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from fleet_tui.catalogue import detect
from fleet_tui.cli.main import fleet
from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.settings.load import load_settings
from tests.cli.conftest import Shop
from tests.cli.test_doctor import program

PYPROJECT = "[tool.ruff]\n[tool.mypy]\n[tool.pytest.ini_options]\n"


@pytest.fixture
def repository(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real repository without a fleet; only ``git``, ``sh`` and what a test adds are on the PATH."""
    monkeypatch.chdir(shop.repository)
    (shop.repository / ".fleet" / "config.yaml").unlink()
    (shop.repository / ".git").rmdir()
    for words in (
        ["init", "-q", "-b", "main"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *words], cwd=shop.repository, check=True)
    bin_ = shop.repository.parent / "bin"
    bin_.mkdir()
    for name in ("git", "sh"):
        found = next(Path(place) / name for place in os.environ["PATH"].split(":") if (Path(place) / name).exists())
        (bin_ / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(bin_))
    return shop.repository


def init(*words: str) -> Result:
    return CliRunner().invoke(fleet, ["init", *words])


def configured(repository: Path) -> dict[str, str]:
    found = yaml.safe_load((repository / ".fleet" / "config.yaml").read_text())
    return {gate["name"]: gate["run"] for gate in found["gates"]}


def python_with(repository: Path, *modules: str) -> Path:
    """A virtual environment of the project in which only these modules are installed."""
    place = repository / ".venv"
    venv.create(place, symlinks=True)
    library = next(place.glob("lib/python*/site-packages"))
    for module in modules:
        (library / f"{module}.py").touch()
    return place / "bin" / "python"


def test_gates_that_cannot_run_here_are_comments(repository: Path) -> None:
    (repository / "pyproject.toml").write_text(PYPROJECT)
    (repository / "Makefile").write_text("build:\n\ttrue\n")
    done = init("--yes")
    assert done.exit_code == 0, done.output
    assert configured(repository) == {}
    text = (repository / ".fleet" / "config.yaml").read_text()
    assert "gates: []" in text
    assert '  # - {name: "test", run: "python3 -m pytest -q"}     # pytest: no Python was found\n' in text
    assert '  # - {name: "build", run: "make build"}     # make is not on PATH\n' in text
    assert "not yet a gate: make build (make is not on PATH); it is there as a comment" in done.output
    assert load_settings(repository).errors == ()


def test_the_projects_own_environment_is_looked_into(repository: Path) -> None:
    (repository / "pyproject.toml").write_text(PYPROJECT)
    python = python_with(repository, "pytest", "ruff")
    assert init("--yes").exit_code == 0
    assert configured(repository) == {"lint": f"{python} -m ruff check .", "test": f"{python} -m pytest -q"}
    text = (repository / ".fleet" / "config.yaml").read_text()
    assert "# mypy is not installed for " in text


def test_a_python_on_the_path_is_called_by_its_name(repository: Path) -> None:
    (repository / "pyproject.toml").write_text(PYPROJECT)
    place = repository.parent / "bin" / "python3"
    place.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    place.chmod(0o755)
    program(repository.parent / "bin" / "make", "true")
    (repository / "Makefile").write_text("build:\n\ttrue\n")
    assert init("--yes").exit_code == 0
    assert configured(repository) == {
        "build": "make build",
        "lint": "python3 -m ruff check .",
        "types": "python3 -m mypy .",
        "test": "python3 -m pytest -q",
    }


@pytest.mark.parametrize(
    ("command", "lacking"),
    [
        ("nope --all", "nope is not on PATH"),
        ("A=1 B='x y' nope", "nope is not on PATH"),
        (["nope", "x"], "nope is not on PATH"),
        ("scripts/no.sh", "scripts/no.sh is not there"),
        (["/no/such"], "/no/such is not there"),
        ("git diff", ""),
        ("./here.sh", ""),
        ("cd sub && nope", ""),
        ("$(which x) y", ""),
        ("(nope)", ""),
        ("unclosed '", ""),
        ("", ""),
    ],
)
def test_what_a_command_lacks(repository: Path, command: str | list[str], lacking: str) -> None:
    program(repository / "here.sh", "true")
    assert detect.lacks(command, repository) == lacking


def test_doctor_looks_for_the_programs_of_gates(repository: Path, shop: Shop) -> None:
    shop.configure("version: 1\ngates:\n  - {name: good, run: git diff}\n  - {name: bad, run: [pytset, -q]}\n")
    found = json.loads(CliRunner().invoke(fleet, ["doctor", "--json"]).stdout)
    gates = [(finding["state"], finding["detail"]) for finding in found if finding["name"] == "gate"]
    assert gates == [("ok", "good: git diff"), ("missing", "bad: pytset is not on PATH")]


def test_only_missing_prompts_are_written(repository: Path, shop: Shop) -> None:
    agents = [
        "{name: dev, role: developer}",
        "{name: qa, role: qa-engineer, prompt_file: docs/qa.md}",
        "{name: own, role: developer}",
        "{name: odd, role: astronomer}",
        "{name: inline, role: developer, prompt: Do it.}",
    ]
    shop.configure("version: 1\nagents:\n" + "".join(f"  - {agent}\n" for agent in agents))
    (repository / ".fleet" / "prompts" / "own.md").write_text("mine")
    before = (repository / ".fleet" / "config.yaml").read_text()
    problem = next(str(p) for p in load_settings(repository).errors if "dev.md" in str(p))
    assert "create it, or: fleet init --prompts" in problem
    done = init("--prompts")
    assert done.exit_code == 1
    assert done.output.splitlines() == ["wrote .fleet/prompts/dev.md", "wrote docs/qa.md"]
    assert ".fleet/prompts/odd.md" in str(done.exception)
    assert (repository / ".fleet" / "prompts" / "own.md").read_text() == "mine"
    assert (repository / "docs" / "qa.md").read_text().startswith("# Quality assurance")
    assert (repository / ".fleet" / "config.yaml").read_text() == before
    (repository / ".fleet" / "prompts" / "odd.md").write_text("look up")
    assert init("--prompts").output == "no prompt is missing\n"
    assert load_settings(repository).errors == ()


def test_prompts_need_a_configuration(repository: Path) -> None:
    assert isinstance(init("--prompts").exception, UsageError)
    assert not (repository / ".fleet" / "config.yaml").exists()


def written(repository: Path) -> dict[str, str]:
    """Every file below `.fleet`, but for what is kept of before."""
    directory = repository / ".fleet"
    files = [path for path in directory.rglob("*") if path.is_file() and ".backup" not in path.parts]
    return {path.relative_to(directory).as_posix(): path.read_text() for path in files}


def test_the_fleet_that_fits_is_proposed_and_said_before_it_is_written(repository: Path) -> None:
    (repository / "manage.py").touch()
    listed = json.loads(init("--list-presets", "--json").stdout)["presets"]
    assert not (repository / ".fleet" / "config.yaml").exists()
    assert [row["name"] for row in listed if row["proposed"]] == [listed[0]["name"]] == ["web-service"]
    assert listed[0]["seen"] == ["there is manage.py"]
    done = init("--yes", "--gate", "test=git status", "--developers", "1")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "preset web-service (Web service): there is manage.py"
    said = next(line for line in lines if line.startswith("at most 15h00 a day for 6 agents together"))
    assert lines.index(said) < next(at for at, line in enumerate(lines) if line.startswith("wrote "))
    settings = load_settings(repository).require()
    agents = {agent.name: agent.template for agent in settings.agents}
    assert agents["dev-1"] == "engineering/django-developer"
    assert sorted(agents) == ["dev-1", "qa", "release", "reviewer", "security", "triage"]
    assert {agent.vendor for agent in settings.agents} == {"claude-code"}
    assert "`git status`" in written(repository)["prompts/dev-1.md"], "the gate fills the mark"
    assert "The branch that work lands on" not in written(repository)["prompts/release.md"]


def test_the_one_that_is_asked_for_is_made(repository: Path) -> None:
    assert init("--yes", "--preset", "docs", "--vendor", "scripted").exit_code == 0
    settings = load_settings(repository).require()
    assert [agent.name for agent in settings.agents] == ["readability", "release", "reviewer", "writer-1"]
    assert load_settings(repository).problems == ()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--preset", "libary"], "did you mean `library`?"),
        (["--vendor", "clod-code"], "did you mean `claude-code`?"),
        (["--json"], "fleet init --list-presets --json"),
    ],
)
def test_what_is_not_there_is_refused_before_anything_is_written(repository: Path, words: list[str], told: str) -> None:
    done = init("--yes", *words)
    assert isinstance(done.exception, UsageError)
    assert done.exception.hint == told
    assert written(repository) == {}


def test_nothing_that_is_there_is_written_over(repository: Path) -> None:
    """Not a single file stays behind where one is in the way."""
    directory = repository / ".fleet"
    (directory / "agents").mkdir()
    (directory / "agents" / "release.yaml").write_text("role: developer\n")
    (directory / ".gitignore").write_text("/mine\n")
    before = written(repository)
    done = init("--yes", "--preset", "minimal")
    assert isinstance(done.exception, Conflict)
    assert done.exception.message == ".fleet/agents/release.yaml"
    assert written(repository) == before
    (directory / "agents" / "release.yaml").unlink()
    assert init("--yes", "--preset", "minimal").exit_code == 0
    assert written(repository)[".gitignore"] == "/mine\n"


def test_beginning_anew_keeps_all_of_the_old(repository: Path) -> None:
    assert init("--yes", "--preset", "docs").exit_code == 0
    (repository / ".fleet" / "prompts" / "release.md").write_text("mine")
    before = written(repository)
    assert isinstance(init("--yes", "--preset", "minimal").exception, UsageError)
    assert written(repository) == before
    assert init("--yes", "--preset", "minimal", "--force").exit_code == 0
    assert [agent.name for agent in load_settings(repository).require().agents] == ["dev-1", "release", "reviewer"]
    assert written(repository)["prompts/release.md"] != "mine"
    (kept,) = (repository / ".fleet" / ".backup").iterdir()
    assert (kept / "prompts" / "release.md").read_text() == "mine"
    assert (kept / "agents" / "writer-1.yaml").is_file()
    assert "preset docs" in (kept / "config.yaml").read_text()
