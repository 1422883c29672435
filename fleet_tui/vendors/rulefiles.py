"""Reading detection rules: what ships, then the person's own file, then the project's; each laid over the ones before.

A file with an error is left out, and told; the rules without it are used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fleet_tui import paths
from fleet_tui.domain.errors import SetupError
from fleet_tui.domain.ids import is_safe_id
from fleet_tui.settings.detection import DetectionSettings, RuleSettings, validated
from fleet_tui.settings.document import Document, KeyPath, parse
from fleet_tui.settings.files import read_text
from fleet_tui.settings.layers import Layer, Merged
from fleet_tui.settings.problems import WARNING, Problem
from fleet_tui.vendors.bounded import UnboundedPattern, compile_bounded
from fleet_tui.vendors.screens import InputPlace, Rule, RuleSet

DIRECTORY = "detection"
PROJECT_DIRECTORY = f".fleet/{DIRECTORY}"
COMMON = "common"
"""The file with what screens of many programs have; every vendor's own is laid over it."""
_PATTERNS = ("pattern", "also")


@dataclass(frozen=True, slots=True)
class _File:
    document: Document
    layer: Layer


def read_rules(vendor: str, kind: str, repository: Path | None) -> tuple[RuleSet, tuple[Problem, ...]]:
    """The rules for the screens of ``vendor``, an entry of this ``kind``, and what is wrong with files for it.

    Raises:
        SetupError: the installation is incomplete or damaged.
    """
    names = tuple(dict.fromkeys(name for name in (kind, vendor) if is_safe_id(name)))
    files = list(_files(names, repository))
    used: list[_File] = []
    rules: RuleSet | None = None
    problems: list[Problem] = []
    for file in files:
        found, wrong = _read([*used, file])
        if found is None and file.layer == "shipped":
            raise SetupError("installation damaged", str(wrong[0]), "reinstall fleet-tui")
        problems += wrong
        if found is not None:
            used.append(file)
            rules = found
    assert rules is not None
    return rules, tuple(problems)


def _files(names: tuple[str, ...], repository: Path | None) -> Iterator[_File]:
    shipped, own = paths.shipped_config() / DIRECTORY, paths.user_config_file().parent / DIRECTORY
    for name in (COMMON, *names):
        yield from _file(shipped / f"{name}.yaml", f"config/{DIRECTORY}/{name}.yaml", "shipped", None)
    for name in names:
        path = own / f"{name}.yaml"
        yield from _file(path, str(path), "user", None)
    for name in names if repository is not None else ():
        shown = f"{PROJECT_DIRECTORY}/{name}.yaml"
        yield from _file(repository / shown, shown, "project", repository)  # type: ignore[operator]


def _file(path: Path, shown: str, layer: Layer, inside: Path | None) -> Iterator[_File]:
    found = read_text(path, shown, inside=inside)
    if found.missing:
        return
    document = parse(found.text, shown)
    if found.problem is not None:
        document.problems.insert(0, found.problem)
    elif not document.problems and not isinstance(document.value, dict):
        spot = document.values.get(())
        if spot is not None:
            document.fault(spot, "expected a map of settings", "write `rules:` and below it one map for each rule")
    yield _File(document, layer)


def _read(files: list[_File]) -> tuple[RuleSet | None, list[Problem]]:
    """The rules of all ``files``, of which only the last one may be faulty."""
    merged = Merged()
    for file in files:
        merged.lay(file.document, file.layer)
    if not merged.problems:
        settings, findings = validated(merged.value)
        if settings is not None:
            return _compiled(merged, files, settings)
        for found in findings:
            _fault(merged, files[-1], found.path, found.message, found.hint)
    return None, [_as_warning(problem) for problem in merged.problems]


def _compiled(merged: Merged, files: list[_File], settings: DetectionSettings) -> tuple[RuleSet | None, list[Problem]]:
    def pattern(path: KeyPath, text: str) -> re.Pattern[str] | None:
        try:
            return compile_bounded(text) if text else None
        except UnboundedPattern as error:
            _fault(merged, files[-1], path, str(error), error.hint)
            return None

    texts = {name: text for name, text in settings.input if isinstance(text, str)}
    place = {name: pattern(("input", name), text) for name, text in texts.items()}
    rules = []
    for name, rule in settings.rules.items():
        if rule.disabled:
            continue
        rules.append(_rule(name, rule, *(pattern(("rules", name, key), getattr(rule, key)) for key in _PATTERNS)))
        if (rule.dialog is None) == (rule.state == "dialog"):
            hint = "write `dialog: choice`, or what it asks" if rule.dialog is None else "write `state: dialog`"
            _fault(merged, files[-1], ("rules", name, "state"), "`dialog` and `state: dialog` belong together", hint)
    if merged.problems:
        return None, [_as_warning(problem) for problem in merged.problems]
    known = [rule for rule in rules if rule is not None]
    ordered = tuple(sorted(known, key=lambda rule: (-rule.priority, rule.name)))
    where = {rule.name: str(merged.places["rules", rule.name, "pattern"].origin) for rule in ordered}
    shown = tuple(file.document.file for file in files)
    found = InputPlace(within=settings.input.within, **place)  # type: ignore[arg-type]
    return RuleSet(ordered, found, settings.lines, shown, len(files) > 1, where), []


def _rule(name: str, rule: RuleSettings, pattern: re.Pattern[str] | None, also: re.Pattern[str] | None) -> Rule | None:
    if pattern is None:
        return None
    return Rule(name, rule.priority, rule.region, pattern, rule.state, also, rule.dialog)


def _fault(merged: Merged, last: _File, path: KeyPath, message: str, hint: str) -> None:
    """Record a finding where the last file says something about it, or at the nearest part above."""
    at = path
    while at and at not in last.document.values:
        at = at[:-1]
    spot = last.document.values.get(at)
    line, column, text = (spot.line, spot.column, spot.text) if spot is not None else (0, 0, "")
    dotted = ".".join(str(part) for part in path)
    told = f"{dotted}: {message}" if dotted else message
    merged.problems.append(Problem(WARNING, last.document.file, line, column, text, told, hint, dotted))


def _as_warning(problem: Problem) -> Problem:
    """The rules without the file are in force: nothing stands still."""
    hint = f"{problem.hint}; until then the rules without this file are used".removeprefix("; ")
    return Problem(
        WARNING, problem.file, problem.line, problem.column, problem.text, problem.message, hint, problem.key
    )
