"""Playbooks: how one step of the work is done, in files. A project's come before a person's, and these before ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fleet_tui import paths
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.ids import is_safe_id
from fleet_tui.domain.text import one_line
from fleet_tui.settings.document import parse
from fleet_tui.settings.files import read_text

PROJECT_DIRECTORY = ".fleet/playbooks"
SKILL = "fleet-"
"""What the name of an installed playbook begins with: a person's own skill of the same name stays what it is."""
_MOST = 50
_FENCE = "---\n"
_HEAD = frozenset({"description", "families"})
_HOW = "begin it with a line `---`, `description: …`, `families: [author]`, and another line `---`"


@dataclass(frozen=True, slots=True)
class Playbook:
    """One of them: what it is for, whose it is (families of roles), and its steps."""

    name: str
    description: str
    families: tuple[str, ...]
    text: str
    origin: str

    @property
    def skill(self) -> str:
        """Its name as a skill."""
        return f"{SKILL}{self.name}"

    @property
    def skill_text(self) -> str:
        """The file ``SKILL.md``, as programs with skills read it."""
        told = self.description.replace('"', "'").replace("\\", "/")
        return f'{_FENCE}name: {self.skill}\ndescription: "{told}"\n{_FENCE}\n{self.text}\n'


def read_playbooks(repository: Path, family: str) -> tuple[Playbook, ...]:
    """What agents of ``family`` are given.

    Raises:
        FleetError: one of the files cannot be used.
    """
    names = sorted({name for directory, _, _ in _roots(repository) for name in _names(directory)})
    # What else a file may be called would say something in the head of a skill.
    found = (_first(repository, name) for name in names if is_safe_id(name))
    return tuple(playbook for playbook in found if playbook is not None and family in playbook.families)


def read_playbook(repository: Path, name: str) -> Playbook:
    """The playbook ``name``. One without a head has that of the shipped one of its name.

    Raises:
        FleetError: it is not there, or cannot be used.
    """
    found = _first(repository, name)
    if found is None:
        raise _unusable(f"there is no playbook {name}", "look into config/playbooks")
    return found


def _first(repository: Path, name: str) -> Playbook | None:
    for directory, shown, inside in _roots(repository):
        origin = f"{shown}/{name}.md"
        read = read_text(directory / f"{name}.md", origin, inside=inside)
        if read.problem is not None:
            raise _unusable(f"{origin} {read.problem.message}", read.problem.hint)
        if not read.missing:
            return _parsed(name, origin, read.text)
    return None


def problems(repository: Path) -> Iterator[FleetError]:
    """What is wrong with the playbooks that the project or the person has written."""
    for directory, shown, _ in _roots(repository)[:-1]:
        for name in _names(directory):
            try:
                if not is_safe_id(name):
                    raise _unusable(f"{shown}/{name}.md: not a usable name", "lower-case letters, digits and `-`")
                read_playbook(repository, name)
            except FleetError as error:
                yield error


def _parsed(name: str, origin: str, text: str) -> Playbook:
    if not text.startswith(_FENCE):
        shipped = paths.shipped_config() / "playbooks" / f"{name}.md"
        if not shipped.is_file():
            raise _unusable(f"{origin}: nothing says whose it is", _HOW)
        head = _parsed(name, origin, shipped.read_text(encoding="utf-8"))
        return Playbook(name, head.description, head.families, _body(origin, text), origin)
    head_text, fence, body = text.removeprefix(_FENCE).partition(f"\n{_FENCE}")
    document = parse(head_text, origin)
    value = document.value
    if not fence or document.problems or not isinstance(value, dict) or set(value) != _HEAD:
        raise _unusable(f"{origin}: its head cannot be read", _HOW)
    description, families = value["description"], value["families"]
    if not isinstance(description, str) or not isinstance(families, list) or not all(map(_is_word, families)):
        raise _unusable(f"{origin}: its head cannot be read", _HOW)
    return Playbook(name, one_line(description, 1000), tuple(families), _body(origin, body), origin)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _body(origin: str, text: str) -> str:
    if not text.strip():
        raise _unusable(f"{origin} is empty", "write its steps, or remove it")
    return text.strip()


def _unusable(message: str, hint: str) -> FleetError:
    return FleetError("a playbook cannot be used", message, hint)


def _names(directory: Path) -> list[str]:
    try:
        return sorted(path.stem for path in directory.iterdir() if path.suffix == ".md")[:_MOST]
    except OSError:
        return []


def _roots(repository: Path) -> tuple[tuple[Path, str, Path | None], ...]:
    """Directory, its name in words, and the repository that its files may not lead out of."""
    own = paths.user_config_file().parent / "playbooks"
    return (
        (repository / PROJECT_DIRECTORY, PROJECT_DIRECTORY, repository),
        (own, str(own), None),
        (paths.shipped_config() / "playbooks", "shipped playbooks", None),
    )
