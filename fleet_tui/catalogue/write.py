"""A new agent put into the project: two new files, each whole or not there at all, over nothing that exists."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fleet_tui.catalogue.agent import NewAgent
from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.settings.load import AGENTS_DIRECTORY

PROMPTS_DIRECTORY = ".fleet/prompts"


def agent_path(name: str) -> str:
    """Relative to the repository."""
    return f"{AGENTS_DIRECTORY}/{name}.yaml"


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
        where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else AGENTS_DIRECTORY
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
    """Make ``path`` hold ``text``; False when it did before.

    Raises:
        Conflict: it holds something else, or its directory lies outside the repository.
        OSError: it cannot be written.
    """
    path.parent.mkdir(exist_ok=True)
    if not path.parent.resolve().is_relative_to(repository.resolve()):
        raise Conflict("outside the repository", f"{path.parent} is a link", "put a directory there")
    descriptor, draft = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644)
        os.link(draft, path)  # unlike a rename it takes nobody's place
    except FileExistsError:
        if path.is_file() and path.read_bytes() == text.encode():
            return False
        shown = path.relative_to(repository)
        raise Conflict("there is such a file already", str(shown), "choose another name, or move it away") from None
    finally:
        Path(draft).unlink(missing_ok=True)
    return True


def replace(repository: Path, name: str, text: str) -> None:
    """Put ``text`` in the place of the file ``name`` of the repository, whole.

    Raises:
        Conflict: its directory lies outside the repository.
        FleetError: it cannot be written; then it is as it was.
    """
    path = repository / name
    if not path.parent.resolve().is_relative_to(repository.resolve()):
        raise Conflict("outside the repository", f"{path.parent} is a link", "put a directory there")
    try:
        descriptor, draft = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).chmod(0o644)
            Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise FleetError("the file cannot be written", f"{name}: {error.strerror}", "nothing was changed") from error
