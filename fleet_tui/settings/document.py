"""YAML with positions: a plain value, and for every part of it the line and column it stands at.

Only the plain part of YAML is let in: no anchors, aliases, merge keys, tags, second documents, duplicate keys,
ambiguous numbers, deep nesting or big files. The events of PyYAML's parser are walked without recursion, so no input
exhausts the stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.error import Mark
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from fleet_tui.settings.problems import ERROR, Problem, line_column, snippet, split_lines
from fleet_tui.settings.yaml_errors import explain_error

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_PROBLEMS = 50

KeyPath = tuple[str | int, ...]

_AMBIGUOUS = re.compile(r"[-+]?(?:0[0-9_]+|0b[01_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[0-9]+_[0-9_]*)\Z")
_HIDDEN = re.compile("[\x85\u2028-\u202e\u2066-\u2069]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_PREFIX = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file, from 1, and the text that stands there."""

    line: int
    column: int
    text: str


@dataclass(slots=True)
class Document:
    """A parsed file. ``value`` is made of dict, list, str, int, float, bool and None.

    ``values`` holds the spot of each part by its path; ``keys`` the spot of each map key by the path of its value.
    """

    file: str
    source: str
    value: Any = None
    values: dict[KeyPath, Spot] = field(default_factory=dict)
    keys: dict[KeyPath, Spot] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def fault(self, spot: Spot, message: str, hint: str = "") -> None:
        self.problems.append(Problem(ERROR, self.file, spot.line, spot.column, spot.text, message, hint))


def parse(source: str, file: str) -> Document:
    """``source`` as a document; its problems are in the result, nothing is raised."""
    document = Document(file, source)
    if len(source) > MAX_BYTES:
        document.fault(Spot(1, 1, ""), "the file is larger than 256 KiB", "split off what is not configuration")
        return document
    if hidden := _HIDDEN.search(source):
        # YAML ends a line at some of them where no editor does; the others show the text in another order than it has.
        line, column = line_column(source, hidden.start())
        document.fault(Spot(line, column, ""), f"hidden character U+{ord(hidden.group()):04X}", "remove it")
        return document
    walk = _Walk(document)
    try:
        walk.run(_events(source))
    except _Stop:
        pass
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        _report(document, error, walk.stack[-1].spot if walk.stack else None)
    return document


def decode(data: bytes, file: str) -> tuple[str, Problem | None]:
    """The text of a UTF-8 file, or the place where it stops being one."""
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8", errors="replace")
        line, column = line_column(good, len(good))
        byte = f"0x{data[error.start]:02x}"
        return "", Problem(ERROR, file, line, column, byte, f"not UTF-8: byte {byte}", "save the file as UTF-8")


def parts(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    """The path of ``value``, which stands at ``path``, and of everything in it."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from parts(inner, (*path, name))


class _Stop(Exception):
    """Enough is known: parsing on would only repeat it."""


class _Broken(yaml.YAMLError):
    """A scalar that makes PyYAML itself stumble, such as an escape beyond Unicode."""

    def __init__(self, mark: Mark) -> None:
        super().__init__("impossible character escape")
        self.problem_mark = mark


def _events(source: str) -> Iterator[Event]:
    loader = yaml.SafeLoader(source)
    try:
        while True:
            try:
                present = loader.check_event()
            except (ValueError, OverflowError) as error:
                raise _Broken(loader.get_mark()) from error
            if not present:
                return
            yield loader.get_event()  # type: ignore[no-untyped-call]
    finally:
        loader.dispose()


def _report(document: Document, error: Exception, within: Spot | None) -> None:
    if within is not None and "'<stream end>'" in str(getattr(error, "problem", "")):
        # The parser blames the end of the file; what lacks its end is the innermost list or map.
        document.fault(within, "a list or map is opened here and never closed", "add the closing `]` or `}`")
        return
    message, hint, line, column = explain_error(error, document.source)
    lines = split_lines(document.source)
    text = lines[line - 1][column - 1 :] if 0 < line <= len(lines) else ""
    document.fault(Spot(line, column, snippet(text)), message, hint)


@dataclass(slots=True)
class _Frame:
    """A map or list being filled."""

    value: dict[str, Any] | list[Any]
    path: KeyPath
    spot: Spot
    key: str | None = None
    skipping: bool = False
    """The value of a faulty key is parsed but not kept."""


class _Walk:
    """Builds the value and the spots from the parser's events."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_Frame] = []
        self.documents = 0
        self.resolver = yaml.resolver.Resolver()
        self.constructor = yaml.constructor.SafeConstructor()

    def run(self, events: Iterator[Event]) -> None:
        for event in events:
            if isinstance(event, DocumentStartEvent):
                self._begin(event)
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                self.stack.pop()
            elif isinstance(event, NodeEvent):
                self._node(event)
            if len(self.document.problems) >= MAX_PROBLEMS:
                raise _Stop

    def _begin(self, event: DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            self.document.fault(self._spot(event), "a second document begins", "keep one document; remove the `---`")
            raise _Stop

    def _node(self, event: NodeEvent) -> None:
        spot = self._spot(event)
        if isinstance(event, AliasEvent):
            self._refuse(spot, f"alias `*{event.anchor}` is not allowed", "write the value out")
            return
        if getattr(event, "anchor", None) is not None:
            self.document.fault(
                spot, f"anchor `&{event.anchor}` is not allowed", "write the value out where it is used"
            )
        if getattr(event, "tag", None) is not None:
            self.document.fault(spot, f"tag `{spot.text.split()[0]}` is not allowed", "use quotes for text")
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None and not frame.skipping:
            self._key(frame, event, spot)
        else:
            self._value(event, spot)

    def _refuse(self, spot: Spot, message: str, hint: str) -> None:
        self.document.fault(spot, message, hint)
        # Nothing sensible can stand in its place, and every later finding could follow from it.
        raise _Stop

    def _key(self, frame: _Frame, event: NodeEvent, spot: Spot) -> None:
        if not isinstance(event, ScalarEvent):
            self._refuse(spot, "a key must be text, not a list or a map", "check for stray brackets, or add quotes")
            return
        key = self._scalar(event, spot)
        if event.value == "<<" and event.implicit[0]:
            self._refuse(spot, "merge key `<<` is not allowed", "write the values out")
        if not isinstance(key, str):
            self.document.fault(spot, f"key `{spot.text}` is not text for YAML", f'write it in quotes: "{spot.text}"')
            frame.skipping = True
            return
        assert isinstance(frame.value, dict)
        path = (*frame.path, key)
        if key in frame.value:
            first = self.document.keys[path].line
            self.document.fault(spot, f"key `{snippet(key)}` appears twice, first on line {first}", "keep one of them")
            frame.skipping = True
            return
        self.document.keys[path] = spot
        frame.key = key

    def _value(self, event: NodeEvent, spot: Spot) -> None:
        value: Any
        if isinstance(event, ScalarEvent):
            value = self._scalar(event, spot)
        else:
            value = {} if isinstance(event, MappingStartEvent) else []
        path = self._place(value)
        if path is not None:
            self.document.values[path] = spot
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            if len(self.stack) >= MAX_DEPTH:
                self._refuse(spot, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
            self.stack.append(_Frame(value, path if path is not None else ("?",), spot))

    def _place(self, value: Any) -> KeyPath | None:
        """Put ``value`` where it belongs; its path, or None when it is dropped."""
        if not self.stack:
            self.document.value = value
            return ()
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
            return (*frame.path, len(frame.value) - 1)
        if frame.skipping or frame.key is None:
            frame.skipping = False
            return None
        path = (*frame.path, frame.key)
        frame.value[frame.key] = value
        frame.key = None
        return path

    def _scalar(self, event: ScalarEvent, spot: Spot) -> Any:
        tag: str = self.resolver.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        tag = tag.removeprefix(_PREFIX)
        text = event.value
        if _SURROGATES.search(text):
            self.document.fault(spot, "half of a surrogate pair is not a character", "write the whole character")
            return ""
        if tag in ("int", "float") and len(text) < 40 and _AMBIGUOUS.match(text):
            number = self.constructor.construct_object(yaml.ScalarNode(_PREFIX + tag, text))
            self.document.fault(
                spot, f"`{text[:40]}` is the number {number} for YAML", "write a plain number, or put text in quotes"
            )
            return text
        if tag in ("int", "float", "bool", "null"):
            if len(text) > 400:
                self.document.fault(spot, "a number of more than 400 digits", "put it in quotes if it is text")
                return text
            return self.constructor.construct_object(yaml.ScalarNode(_PREFIX + tag, text))
        return text  # dates too: they are text here

    def _spot(self, event: Event) -> Spot:
        start, end = event.start_mark, event.end_mark
        assert start is not None
        assert end is not None
        text = self.document.source[start.index : min(end.index, start.index + 400)]
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            stop = self.document.source.find("\n", start.index)
            text = self.document.source[start.index : stop if stop >= 0 else None][:400]
        return Spot(start.line + 1, start.column + 1, snippet(text))
