"""A template of one's own, as a copy of another."""

from __future__ import annotations

from pathlib import Path

from fleet_tui import paths
from fleet_tui.catalogue.read import PROJECT_DIRECTORY, SHIPPED
from fleet_tui.catalogue.template import Entry
from fleet_tui.catalogue.write import create
from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.ids import is_safe_id


def copy_template(entry: Entry, name: str, repository: Path, *, mine: bool) -> tuple[Path, Path]:
    """Write ``entry`` as ``name`` (category/name) into the project ``repository``, or ``mine``: beside the own file.

    Raises:
        UsageError: the name is none.
        Conflict: there is such a file already.
        FleetError: they cannot be written.
    """
    category, _, own = name.partition("/")
    if not (is_safe_id(category) and is_safe_id(own)):
        told = "a category and a name, of lower-case letters, digits and `-`"
        raise UsageError("not a template's name", name, f"{told}: house/painter")
    root = paths.user_config_file().parent / "templates" if mine else repository / PROJECT_DIRECTORY
    target = root / category / f"{own}.yaml"
    prompt = target.with_suffix(".md")
    try:
        text = _source(entry, repository).read_text(encoding="utf-8")
        inside = root if mine else repository
        if target.exists() or target.is_symlink():
            raise Conflict("there is such a template already", str(target), "choose another name, or change that one")
        create(inside, prompt, entry.prompt)
        create(inside, target, text)
    except OSError as error:
        raise FleetError("the template cannot be written", f"{target}: {error.strerror}", "look there") from error
    return target, prompt


def _source(entry: Entry, repository: Path) -> Path:
    if entry.source == SHIPPED:
        return paths.shipped_config() / "templates" / f"{entry.id}.yaml"
    return repository / entry.source  # an absolute one stays what it is
