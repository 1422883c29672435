"""requirements.lock pins everything by hash, names no address, and satisfies pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENTRY = re.compile(
    r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; (.+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def pinned() -> dict[str, Version]:
    return {canonicalize_name(match[1]): Version(match[2]) for match in ENTRY.finditer(LOCK)}


def test_the_lock_is_entries_with_hashes_and_comments_only() -> None:
    rest = [line for line in ENTRY.sub("", LOCK).splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert rest == []
    assert len(pinned()) > 40


def test_the_lock_names_no_address() -> None:
    assert not re.search(r"://|--index|--find-links|--extra|--trusted", LOCK)


@pytest.mark.parametrize(
    "text",
    [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["dev"],
        *PROJECT["build-system"]["requires"],
    ],
)
def test_every_requirement_is_locked_to_a_version_that_satisfies_it(text: str) -> None:
    requirement = Requirement(text)
    assert requirement.specifier.contains(pinned()[canonicalize_name(requirement.name)])


def test_every_dependency_says_why_it_is_there() -> None:
    block = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("dependencies = [\n")[2].partition("\n]")[0]
    assert [line for line in block.splitlines() if "#" not in line] == []
