"""Loading: the layers read, laid over one another, validated and checked; every problem with its place, all at once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from fleet_tui import paths
from fleet_tui.domain.errors import FleetError, SetupError
from fleet_tui.settings import agentfiles, fieldfleet, messages
from fleet_tui.settings.check import check
from fleet_tui.settings.document import MAX_PROBLEMS, Document, KeyPath, Spot, parse
from fleet_tui.settings.files import read_text
from fleet_tui.settings.layers import Merged, environment_documents
from fleet_tui.settings.problems import ERROR, WARNING, Origin, Problem, excerpt
from fleet_tui.settings.repositories import GateSettings
from fleet_tui.settings.risk import Risk
from fleet_tui.settings.schema import Settings, VendorSettings

PROJECT_FILE = ".fleet/config.yaml"
_SHIPPED = (
    *("defaults.yaml", "roles.yaml", "vendors.yaml", "guard.yaml", "risk.yaml", "reviews.yaml", "alarms.yaml"),
    "fanout.yaml",
)


@dataclass(frozen=True)
class Loaded:
    """What loading found. ``settings`` is None as soon as one problem is an error.

    ``origins``: dotted key to where its value came from. ``sources``: the text of each file read. ``sha``: SHA-256
    (hex) of the effective settings, empty when there are none.
    """

    settings: Settings | None
    problems: tuple[Problem, ...]
    origins: Mapping[str, Origin] = field(default_factory=dict)
    sha: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == WARNING)

    def excerpt(self, problem: Problem) -> str:
        """The lines around ``problem`` with a caret; empty when it has no place in a file."""
        return excerpt(problem, self.sources.get(problem.file, ""))

    def require(self) -> Settings:
        """The settings.

        Raises:
            SetupError: there are none; the message lists the first errors.
        """
        if self.settings is not None:
            return self.settings
        lines = "\n".join(f"  {problem}" for problem in self.errors[:10])
        raise SetupError("the configuration has errors", f"\n{lines}", "fleet config validate")


def load_settings(
    repository: Path,
    *,
    user_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    project_required: bool = True,
    with_files: bool = True,
    drafts: Mapping[str, str] = MappingProxyType({}),
    team_drafts: Mapping[str, str] = MappingProxyType({}),
    without: Collection[str] = (),
) -> Loaded:
    """The effective settings of the fleet on ``repository``.

    ``user_file`` and ``environ`` default to this user's and this process's. Without ``project_required`` a repository
    that has no configuration yet gets the defaults; without ``with_files`` the files that it names need not be there.
    ``drafts`` are files of agents, by the agent's name, as if they were there, ``team_drafts`` those of teams;
    ``without`` the files of these agents, as if they were not. What is wrong is in the result.

    Raises:
        SetupError: the installation is incomplete.
    """
    merged = Merged()
    sources: dict[str, str] = {}
    for document in shipped_documents():
        merged.lay(document, "shipped")
    user = user_file if user_file is not None else paths.user_config_file()
    _lay_file(merged, sources, user, str(user), None, required=False)
    _lay_file(merged, sources, repository / PROJECT_FILE, PROJECT_FILE, repository, required=project_required)
    own: tuple[tuple[agentfiles.Kind, Mapping[str, str], Collection[str]], ...] = (
        ("agents", drafts, without),
        ("teams", team_drafts, ()),
    )
    for kind, unwritten, gone in own:
        for document in agentfiles.documents(repository, kind, unwritten, gone):
            sources[document.file] = document.source
            merged.append(document, kind, "project")
    for document in environment_documents(os.environ if environ is None else environ):
        merged.lay(document, "environment")
    return _finish(merged, repository if with_files else None, sources)


def parse_gates(text: str, where: str) -> tuple[GateSettings, ...]:
    """The gates in the configuration ``text`` of a commit; ``where`` names it in errors.

    Raises:
        FleetError: the text is not a configuration, or its gates are faulty.
    """
    document = parse(text, where)
    value = document.value if isinstance(document.value, dict) else {}
    if not document.problems and not isinstance(document.value, dict | None):
        document.fault(Spot(1, 1, ""), "expected a map of settings")
    merged = Merged(problems=list(document.problems))
    only = Document(where, text, {"gates": value["gates"]} if "gates" in value else {}, document.values, document.keys)
    merged.lay(only, "project")
    settings = None if merged.problems else _validate(merged)
    if settings is not None:
        _add_checks(merged, settings, None)
    errors = [problem for problem in merged.problems if problem.severity == ERROR]
    if errors or settings is None:
        raise FleetError("the gates of the base commit cannot be read", "; ".join(map(str, errors[:5])), f"fix {where}")
    return settings.gates


def other_risk_rules(settings: Settings, text: str, where: str) -> Risk:
    """The risk rules of ``settings`` with a ``risk`` section laid over them; ``where`` names the text in errors.

    Raises:
        FleetError: the text is no configuration, has no such section, or it is faulty.
    """
    document = parse(text, where)
    value = document.value if isinstance(document.value, dict) else {}
    if not document.problems and not isinstance(value.get("risk"), dict):
        document.fault(Spot(1, 1, ""), "there is no section `risk`", "write it as in config/risk.yaml")
    merged = Merged(problems=list(document.problems))
    merged.lay(Document("now", "", {"risk": settings.risk.model_dump(mode="json")}, {}, {}), "shipped")
    only = Document(where, text, {"risk": value.get("risk", {})}, document.values, document.keys)
    merged.lay(only, "project")
    found = None if merged.problems else _validate(merged)
    if found is None:
        errors = "; ".join(str(problem) for problem in merged.problems[:5])
        raise FleetError("the rules cannot be read", errors, f"fix {where}")
    return found.risk


def policy_version(settings: Settings) -> str:
    """The version of everything that decides what may land: an approval is bound to it."""
    policy = settings.model_dump(mode="json", include={"gates", "approval", "reviews", "merge", "roles", "risk"})
    if settings.repos:
        gates = {name: repo.model_dump(mode="json", include={"gates"}) for name, repo in settings.repos.items()}
        policy |= {"repos": gates}
    return f"v-{_sha(policy)[:12]}"


@lru_cache(maxsize=1)
def shipped_documents() -> tuple[Document, ...]:
    """The shipped layer.

    Raises:
        SetupError: the installation is incomplete or damaged.
    """
    directory = paths.shipped_config()
    documents = []
    for name in _SHIPPED:
        found = read_text(directory / name, f"config/{name}")
        document = parse(found.text, f"config/{name}")
        if found.missing or found.problem or document.problems or not isinstance(document.value, dict):
            raise SetupError("installation damaged", f"{directory / name} cannot be read", "reinstall fleet-tui")
        documents.append(document)
    return tuple(documents)


def is_preset(name: str, vendor: VendorSettings) -> bool:
    """Whether ``vendor`` starts the program of the shipped entry ``name``, whatever its options are."""
    entries: Mapping[str, Any] = next((d.value["vendors"] for d in shipped_documents() if "vendors" in d.value), {})
    program = entries.get(name, {}).get("argv", [])[:1]
    return vendor.kind != "scripted" and bool(program) and list(vendor.argv[:1]) == program


def _lay_file(
    merged: Merged, sources: dict[str, str], path: Path, shown: str, inside: Path | None, *, required: bool
) -> None:
    """Lay one file over ``merged``. ``inside``: the repository that the project's file may not lead out of."""
    found = read_text(path, shown, inside=inside)
    if found.missing and not required:
        return
    document = Document(shown, found.text)
    if found.missing:
        document.fault(Spot(0, 0, ""), "there is no configuration", "run `fleet init` in the repository")
    elif found.problem is not None:
        document.problems.append(found.problem)
    else:
        document = parse(found.text, shown)
        _must_be_map(document, required=inside is not None)
        fieldfleet.accept(document)
    sources[shown] = document.source
    merged.lay(document, "user" if inside is None else "project")


def _must_be_map(document: Document, *, required: bool) -> None:
    if document.problems or isinstance(document.value, dict):
        return
    if document.value is None and not required:
        return
    if document.value is None:
        # An empty file is what a writer leaves for a moment: taking it for "no agents" would stop the fleet.
        document.fault(Spot(1, 1, ""), "the file is empty", "write `version: 1` if nothing shall be configured")
    else:
        document.fault(document.values[()], "expected a map of settings", "write `key: value` lines")


def _finish(merged: Merged, repository: Path | None, sources: Mapping[str, str]) -> Loaded:
    settings = None
    if not _has_errors(merged.problems):
        settings = _validate(merged)
        if settings is not None:
            _add_checks(merged, settings, repository)
    problems = tuple(sorted(set(merged.problems), key=_order))
    origins = {_dotted(path): place.origin for path, place in merged.places.items() if path}
    if settings is None or _has_errors(merged.problems):
        return Loaded(None, problems, origins, "", sources)
    return Loaded(settings, problems, origins, _sha(settings.model_dump(mode="json")), sources)


def _validate(merged: Merged) -> Settings | None:
    try:
        return Settings.model_validate(merged.value)
    except ValidationError as error:
        for details in error.errors(include_url=False)[:MAX_PROBLEMS]:
            finding = messages.translate(details, merged.value)
            _add(merged, finding.path, finding.message, finding.hint, at_key=finding.at_key)
        return None


def _add_checks(merged: Merged, settings: Settings, repository: Path | None) -> None:
    for found in check(settings, repository):
        _add(merged, found.path, found.message, found.hint, severe=found.severe)


def _add(merged: Merged, path: KeyPath, message: str, hint: str, *, severe: bool = True, at_key: bool = False) -> None:
    """Record a finding at the place of ``path``, or of the nearest part above it that was written."""
    found = path
    while found and found not in merged.places:
        found = found[:-1]
    place = merged.places.get(found)
    spot = (place.key if at_key and found == path else place.value) if place else None
    spot = spot or Spot(0, 0, "")
    # What is in an `env` map may be a secret, and problems are logged.
    text = "" if "env" in path else spot.text
    where = place.file if place else PROJECT_FILE
    about = "" if at_key or not path else f"{_dotted(path)}: "
    merged.problems.append(
        Problem(ERROR if severe else WARNING, where, spot.line, spot.column, text, about + message, hint, _dotted(path))
    )


def _has_errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == ERROR for problem in problems)


def _order(problem: Problem) -> tuple[str, int, int, str]:
    return problem.file, problem.line, problem.column, problem.message


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)


def _sha(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
