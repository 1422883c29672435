"""The layers of the configuration laid over one another: maps merge, the rest replaces; each part keeps its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fleet_tui.settings.document import Document, KeyPath, Spot, parse, parts
from fleet_tui.settings.problems import ERROR, Origin, Problem

ENVIRONMENT_PREFIX = "FLEET__"

Layer = Literal["shipped", "user", "project", "environment"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part of the merged value was written."""

    layer: Layer
    file: str
    value: Spot | None
    key: Spot | None

    @property
    def origin(self) -> Origin:
        spot = self.value or self.key
        return Origin(self.layer, self.file, spot.line if spot and self.layer != "environment" else 0)


@dataclass(slots=True)
class Merged:
    """The value of all layers so far, and the place of each of its parts."""

    value: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def lay(self, document: Document, layer: Layer) -> None:
        """Put ``document`` over what is there."""
        self.problems.extend(document.problems)
        if isinstance(document.value, dict):
            self._merge(self.value, document.value, (), document, layer)

    def append(self, document: Document, section: str, layer: Layer) -> None:
        """Put the map that ``document`` is behind the entries of the list ``section``; nothing where that is none."""
        self.problems.extend(document.problems)
        entries = self.value.setdefault(section, [])
        if not isinstance(document.value, dict) or not isinstance(entries, list):
            return
        here: KeyPath = (section, len(entries))
        entries.append(_copy(document.value))
        for path, spot in document.values.items():
            self.places[(*here, *path)] = Place(layer, document.file, spot, document.keys.get(path))

    def _merge(
        self, below: dict[str, Any], above: dict[str, Any], path: KeyPath, document: Document, layer: Layer
    ) -> None:
        self._note(path, document, layer)
        for name, value in above.items():
            here = (*path, name)
            present = below.get(name)
            if isinstance(value, dict) and isinstance(present, dict):
                self._merge(present, value, here, document, layer)
            else:
                self._forget(present, here)
                below[name] = _copy(value)
                for part in parts(value, here):
                    self._note(part, document, layer)

    def _note(self, path: KeyPath, document: Document, layer: Layer) -> None:
        if path in document.values:
            self.places[path] = Place(layer, document.file, document.values[path], document.keys.get(path))

    def _forget(self, value: Any, path: KeyPath) -> None:
        for part in parts(value, path):
            self.places.pop(part, None)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(part) for name, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value


def environment_documents(environ: Mapping[str, str]) -> list[Document]:
    """One document for each ``FLEET__section__key=value``; the value is YAML."""
    names = sorted(name for name in environ if name.startswith(ENVIRONMENT_PREFIX))
    return [_variable(name, environ[name]) for name in names]


def _variable(name: str, text: str) -> Document:
    shown = f"environment {name}"
    path: KeyPath = tuple(name.removeprefix(ENVIRONMENT_PREFIX).split("__"))
    parsed = parse(text, shown)
    here = Spot(0, 0, text[:60])
    document = Document(shown, text)
    if not all(path):
        document.fault(Spot(0, 0, name), "names no key", "write it like FLEET__limits__max_running=4")
        return document
    # A position inside one line of environment says less than the variable's name.
    document.problems = [Problem(p.severity, shown, 0, 0, here.text, p.message, p.hint) for p in parsed.problems]
    if any(p.severity == ERROR for p in document.problems):
        return document
    document.value = parsed.value
    for part in reversed(path):
        document.value = {part: document.value}
    for depth in range(len(path) + 1):
        document.values[path[:depth]] = document.keys[path[:depth]] = here
    for inner in parsed.values:
        document.values[path + inner] = document.keys[path + inner] = here
    return document
