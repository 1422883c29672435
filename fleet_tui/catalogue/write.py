"""A new agent put into the project: two new files, each whole or not there at all, over nothing that exists."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fleet_tui.catalogue.agent import NewAgent
from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.settings.agentfiles import DIRECTORIES, ENDING

PROMPTS_DIRECTORY = ".fleet/prompts"


def agent_path(name: str) -> str:
    """Relative to the repository."""
    return f"{DIRECTORIES['agents']}/{name}{ENDING}"


def team_path(name: str) -> str:
    """Relative to the repository."""
    return f"{DIRECTORIES['teams']}/{name}{ENDING}"


def prompt_path(name: str) -> str:
    """Relative to the repository."""
    return f"{PROMPTS_DIRECTORY}/{name}.md"


def write_agent(repository: Path, agent: NewAgent) -> None:
    """Write the prompt, then the file that makes it an agent: nobody meets an agent without its prompt.

    Raises:
        Conflict: one of the files is there already, with something else in it.
        FleetError: they cannot be written; then neither has been.
    """
    file = repository / agent_path(agent.name)
    if file.exists() or file.is_symlink():
        raise Conflict("there is such an agent already", agent_path(agent.name), "choose another name")
    try:
        write_all(repository, {prompt_path(agent.name): agent.prompt, agent_path(agent.name): agent.text})
    except OSError as error:
        where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else DIRECTORIES["agents"]
        raise FleetError("the agent cannot be written", f"{where}: {error.strerror}", "nothing was changed") from error


def write_all(repository: Path, files: Mapping[str, str]) -> None:
    """Write ``files``, by their paths in the repository, in this order: all of them or none.

    Raises:
        Conflict: one of them holds something else, or its directory lies outside the repository.
        OSError: one cannot be written.
    """
    made: list[Path] = []
    try:
        for path, text in files.items():
            if create(repository, repository / path, text):
                made.append(repository / path)
    except BaseException:
        for file in made:
            file.unlink(missing_ok=True)
        raise


def create(repository: Path, path: Path, text: str) -> bool:
    """Make ``path`` hold ``text``; False when it did before. Directories on the way to it are made.

    Raises:
        Conflict: it holds something else, or it would lie outside the repository or in its ``.git``.
        OSError: it cannot be written.
    """
    _require_inside(repository, path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _draft_of(path, text) as draft:
            os.link(draft, path)  # unlike a rename it takes nobody's place
    except FileExistsError:
        if path.is_file() and path.read_bytes() == text.encode():
            return False
        shown = path.relative_to(repository)
        raise Conflict("there is such a file already", str(shown), "choose another name, or move it away") from None
    return True


def replace(repository: Path, name: str, text: str) -> None:
    """Put ``text`` in the place of the file ``name`` of the repository, whole; of a link, in that of the file that it
    leads to.

    Raises:
        Conflict: it lies outside the repository or in its ``.git``.
        FleetError: it cannot be written; then it is as it was.
    """
    path = (repository / name).resolve()
    _require_inside(repository, path)
    try:
        with _draft_of(path, text) as draft:
            draft.replace(path)
    except OSError as error:
        raise FleetError("the file cannot be written", f"{name}: {error.strerror}", "nothing was changed") from error


def remove(repository: Path, name: str) -> None:
    """Remove the file ``name`` of the repository; of a link, the link.

    Raises:
        Conflict: its directory lies outside the repository or in its ``.git``.
        OSError: it cannot be removed.
    """
    path = repository / name
    _require_inside(repository, path.parent)
    path.unlink()


def _require_inside(repository: Path, path: Path) -> None:
    """Where links lead counts, also those on the way to what is not there yet."""
    top, place = repository.resolve(), path.resolve()
    if not place.is_relative_to(top):
        raise Conflict("outside the repository", f"{path} leads to {place}", "put it inside")
    if ".git" in place.relative_to(top).parts:
        raise Conflict("git's own", f"{path} leads into .git", "choose another file")


@contextmanager
def _draft_of(path: Path, text: str) -> Iterator[Path]:
    """A file beside ``path`` with ``text`` on the disk in it; gone afterwards, unless it was moved."""
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
