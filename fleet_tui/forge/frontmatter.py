"""Ticket files: YAML front matter between ``---`` lines, then Markdown. Parsing and editing, pure.

The YAML is read as nodes, never turned into objects: anchors, aliases, tags and merges are refused, and every problem
has its line. An edit touches nothing but the labels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from fleet_tui.domain.text import clean, one_line
from fleet_tui.forge.base import DEFAULT_PRIORITY, MAX_TITLE

MAX_HEADER_BYTES = 64 * 1024
MAX_ITEMS = 100
_LONGEST_PATTERN = 200
_BOM = "\ufeff"
_OPEN = re.compile(r"---[ \t]*\r?\n")
_CLOSE = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_PRIORITY = re.compile(r"[pP]?([1-9])\Z")
_NUMBER = re.compile(r"#?([0-9]{1,9})\Z")


class BadTicketFile(Exception):
    """The file cannot be understood; ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a ticket file says. ``number`` is None when it does not say."""

    number: int | None
    title: str
    body: str
    labels: tuple[str, ...]
    depends_on: tuple[int, ...]
    priority: int
    scope: tuple[str, ...] = ()
    repo: str = ""


def render(
    number: int,
    title: str,
    body: str,
    labels: Sequence[str],
    depends_on: Sequence[int],
    priority: int,
    created: str,
    scope: Sequence[str] = (),
    repo: str = "",
) -> str:
    """The text of a new ticket file. ``created`` is an ISO 8601 instant."""
    declared = f"scope: {_flow(scope)}\n" if scope else ""
    declared += f"repo: {_plain_or_quoted(repo)}\n" if repo else ""
    return (
        "---\n"
        f"id: {number}\n"
        f"title: {_scalar(title)}\n"
        f"labels: {_flow(labels)}\n"
        f"depends_on: [{', '.join(map(str, depends_on))}]\n"
        f"priority: {priority}\n"
        f"{declared}"
        f"created: {created}\n"
        "---\n\n"
    ) + (body.strip("\n") + "\n" if body.strip("\n") else "")


def parse(text: str) -> Parsed:
    """What ``text`` says; a byte order mark and CR LF line ends are accepted.

    Raises:
        BadTicketFile: no front matter, invalid YAML, a key of the wrong type.
    """
    header, _, end = _split(text)
    fields = _fields(header)
    body = re.sub(r"\r\n?", "\n", text[end:]).strip("\n")
    written = _text(fields, "title")
    title = one_line(written, len(written))
    if not title:
        raise BadTicketFile(_line(fields.get("title")), "title is missing or empty")
    if len(title) > MAX_TITLE:
        raise BadTicketFile(_line(fields["title"]), f"the title has {len(title)} characters of at most {MAX_TITLE}")
    return Parsed(
        number=_integer(fields, "id", _NUMBER),
        title=title,
        body=_without_surrogates(body),
        labels=_labels(fields),
        depends_on=_dependencies(fields),
        priority=_integer(fields, "priority", _PRIORITY) or DEFAULT_PRIORITY,
        scope=_scope(fields),
        repo=one_line(_text(fields, "repo").strip(), 60),
    )


def with_labels(text: str, add: Sequence[str], remove: Sequence[str]) -> str:
    """``text`` with labels added and removed; every other character stays as it is, comments and unknown keys included.

    Raises:
        BadTicketFile: it cannot be parsed, or its labels are written in a way that cannot be edited.
    """
    before = parse(text)
    kept = [label for label in before.labels if label not in remove]
    wanted = tuple(dict.fromkeys([*kept, *(label for label in map(_label, add) if label and label not in remove)]))
    if wanted == before.labels:
        return text
    header, start, _ = _split(text)
    edited = _edit(header, _fields(header).get("labels"), wanted, _newline(text))
    result = text[:start] + edited + text[start + len(header) :]
    after = parse(result)
    same = (after.number, after.title, after.body, after.depends_on, after.priority) == (
        before.number, before.title, before.body, before.depends_on, before.priority,
    )  # fmt: skip
    if not same or after.labels != wanted:
        raise BadTicketFile(1, "labels are written in an unusual way: write them as `labels: [a, b]`")
    return result


# -- reading ---------------------------------------------------------------------------------------------------------


def _split(text: str) -> tuple[str, int, int]:
    """The YAML text, where it starts, and where the body starts."""
    lead = len(_BOM) if text.startswith(_BOM) else 0
    opened = _OPEN.match(text, lead)
    if opened is None:
        raise BadTicketFile(1, "no front matter: the first line must be ---")
    closed = _CLOSE.search(text, opened.end(), opened.end() + MAX_HEADER_BYTES)
    if closed is None:
        raise BadTicketFile(1, f"the front matter is not closed by a line --- within {MAX_HEADER_BYTES} bytes")
    return text[opened.end() : closed.start()], opened.end(), closed.end()


def _fields(header: str) -> dict[str, yaml.Node]:
    try:
        _refuse_indirection(header)
        root = yaml.compose(header, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadTicketFile(mark.line + 2 if mark else 1, one_line(error.problem or "invalid YAML")) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadTicketFile(1, one_line(f"invalid YAML: {error}")) from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise BadTicketFile(2, "the front matter must be `key: value` lines")
    fields: dict[str, yaml.Node] = {}
    for key, value in root.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if name in fields:
            raise BadTicketFile(_line(key), f"{one_line(name, 40)} is given twice")
        fields[name] = value
    return fields


def _refuse_indirection(header: str) -> None:
    depth = 0
    for token in yaml.scan(header, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken | yaml.DirectiveToken):
            raise BadTicketFile(token.start_mark.line + 2, "anchors, aliases, tags and directives are not accepted")
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > 20:
            raise BadTicketFile(token.start_mark.line + 2, "nested too deeply")


_OPENING = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)


def _line(node: yaml.Node | None) -> int:
    """The line of a node in the file; the front matter starts in line 2."""
    return node.start_mark.line + 2 if node is not None else 1


def _text(fields: dict[str, yaml.Node], key: str) -> str:
    node = fields.get(key)
    if node is None:
        return ""
    if not isinstance(node, yaml.ScalarNode):
        raise BadTicketFile(_line(node), f"{key} must be one text")
    return str(node.value)


def _integer(fields: dict[str, yaml.Node], key: str, form: re.Pattern[str]) -> int | None:
    text = _text(fields, key).strip()
    if not text:
        return None
    found = form.match(text)
    if found is None:
        wanted = "1 (most urgent) to 9" if key == "priority" else "a number"
        raise BadTicketFile(_line(fields[key]), f"{key} must be {wanted}, not {one_line(text, 40)!r}")
    return int(found[1])


def _items(fields: dict[str, yaml.Node], key: str) -> list[yaml.ScalarNode]:
    node = fields.get(key)
    if isinstance(node, yaml.ScalarNode):
        return [] if node.value == "" or node.tag == "tag:yaml.org,2002:null" else [node]
    if node is None:
        return []
    if not isinstance(node, yaml.SequenceNode) or not all(isinstance(item, yaml.ScalarNode) for item in node.value):
        raise BadTicketFile(_line(node), f"{key} must be a list, as in [a, b]")
    if len(node.value) > MAX_ITEMS:
        raise BadTicketFile(_line(node), f"{key} has more than {MAX_ITEMS} entries")
    return list(node.value)


def _labels(fields: dict[str, yaml.Node]) -> tuple[str, ...]:
    labels = (_label(item.value) for item in _items(fields, "labels"))
    return tuple(dict.fromkeys(label for label in labels if label))


def _scope(fields: dict[str, yaml.Node]) -> tuple[str, ...]:
    patterns = (one_line(item.value, _LONGEST_PATTERN) for item in _items(fields, "scope"))
    return tuple(dict.fromkeys(pattern for pattern in patterns if pattern))


def _dependencies(fields: dict[str, yaml.Node]) -> tuple[int, ...]:
    numbers = []
    for item in _items(fields, "depends_on"):
        found = _NUMBER.match(item.value.strip())
        if found is None:
            raise BadTicketFile(_line(item), f"depends_on must name ticket numbers, not {one_line(item.value, 40)!r}")
        numbers.append(int(found[1]))
    return tuple(dict.fromkeys(numbers))


def _label(text: str) -> str:
    return one_line(text, 60)


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# -- writing ---------------------------------------------------------------------------------------------------------


def _scalar(text: str) -> str:
    """``text`` in double quotes on one line, escaped by the YAML library."""
    quoted = yaml.safe_dump(clean(text), default_style='"', allow_unicode=True, width=1_000_000)
    return str(quoted).strip()


def _plain_or_quoted(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", text) else _scalar(text)


def _flow(labels: Sequence[str]) -> str:
    return f"[{', '.join(map(_plain_or_quoted, labels))}]"


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _edit(header: str, node: yaml.Node | None, labels: Sequence[str], newline: str) -> str:
    if node is None:
        glue = "" if header.endswith("\n") or not header else newline
        return f"{header}{glue}labels: {_flow(labels)}{newline}"
    if isinstance(node, yaml.SequenceNode) and not node.flow_style:
        return _edit_block(header, node, labels, newline)
    start, end = node.start_mark.index, node.end_mark.index
    space = "" if header[:start].endswith((" ", "\t")) else " "
    return header[:start] + space + _flow(labels) + header[end:]


def _edit_block(header: str, node: yaml.SequenceNode, labels: Sequence[str], newline: str) -> str:
    """Delete and insert whole `- item` lines, so that comments between them survive."""
    lines = header.splitlines(keepends=True)
    at = {_label(item.value): item.start_mark for item in node.value}
    first = node.value[0].start_mark
    prefix = lines[first.line][: first.column]
    added = [f"{prefix}{_plain_or_quoted(label)}{newline}" for label in labels if label not in at]
    gone = {item.start_mark.line for item in node.value if _label(item.value) not in labels}
    last = node.value[-1].start_mark.line
    kept = [line for number, line in enumerate(lines[: last + 1]) if number not in gone]
    return "".join([*kept, *added, *lines[last + 1 :]])
