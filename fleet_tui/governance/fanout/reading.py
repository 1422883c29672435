"""Taking a ticket's text apart into tasks: task list items, else sections, else list items. Foreign text throughout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from fleet_tui.domain.text import clean, one_line
from fleet_tui.governance.fanout.values import Reading, Task

MOST_TASKS = 100
_MOST_TEXT = 100_000
_TITLE = 120
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|\d{1,3}[.)])[ \t]+(?:\[([ xX])\](?:[ \t]+|$))?(.*)\Z")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*\Z")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_MARKS = re.compile(r"\*\*|`")


@dataclass(slots=True)
class _Block:
    """Lines that belong together: an item, a section's heading, or other text (``kind`` is ``text``)."""

    kind: str
    lines: list[str] = field(default_factory=list)
    title: str = ""
    heading: str = ""
    level: int = 0
    done: bool = False


def read(body: str) -> Reading:
    """The tasks of a ticket's text, in their order; at most ``MOST_TASKS``."""
    blocks = list(_blocks(clean(body, _MOST_TEXT)))
    if any(block.kind == "box" for block in blocks):
        return _items(blocks, "box")
    levels = [block.level for block in blocks if block.kind == "heading"]
    level = next((one for one in sorted(set(levels)) if levels.count(one) > 1), None)
    return _sections(blocks, level) if level is not None else _items(blocks, "item")


def _items(blocks: list[_Block], kind: str) -> Reading:
    wanted = [block for block in blocks if block.kind == kind]
    chosen = [block for block in wanted if not block.done][:MOST_TASKS]
    tasks = tuple(Task(_plain(one.title), _text(one), one.heading) for one in chosen)
    rest = [line for block in blocks if block not in wanted for line in block.lines]
    return Reading(tasks, "\n".join(rest).strip(), sum(block.done for block in wanted))


def _text(item: _Block) -> str:
    """What an item says, without its bullet."""
    return "\n".join([item.title, *item.lines[1:]]).strip()


def _sections(blocks: list[_Block], level: int) -> Reading:
    sections: list[tuple[str, list[str]]] = []
    rest: list[str] = []
    for block in blocks:
        if block.kind == "heading" and block.level == level and len(sections) < MOST_TASKS:
            sections.append((block.title, []))
        # What stands under a higher heading, or before the first one, belongs to no section.
        elif block.kind == "heading" and block.level < level:
            sections, rest = _closed(sections, rest)
        (sections[-1][1] if sections and sections[-1][0] else rest).extend(block.lines)
    tasks = tuple(Task(_plain(title), "\n".join(lines).strip(), "", True) for title, lines in sections if title)
    return Reading(tasks, "\n".join(rest).strip())


def _closed(sections: list[tuple[str, list[str]]], rest: list[str]) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """A section without a title takes nothing in: what follows it belongs to the rest."""
    return [*sections, ("", [])] if sections else sections, rest


def _blocks(text: str) -> Iterator[_Block]:
    """The text cut into blocks. What is indented deeper than an item is part of it; fenced lines are no structure."""
    heading, fence, current, indent = "", "", _Block("text"), -1
    for line in text.splitlines():
        opened = _FENCE.match(line.strip())
        item = None if fence or opened else _ITEM.match(line)
        title = None if fence or opened or item else _HEADING.match(line)
        if opened:
            fence = "" if fence == opened[1] else fence or opened[1]
        depth = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        if title is not None:
            yield current
            heading, indent = title[2], -1
            yield _Block("heading", [line], one_line(heading), level=len(title[1]))
            current = _Block("text")
        elif item is not None and (indent < 0 or depth <= indent):
            yield current
            indent = depth
            kind = "box" if item[2] is not None else "item"
            current = _Block(kind, [line], item[3], heading, done=(item[2] or " ") in "xX")
        elif indent >= 0 and line.strip() and depth <= indent and not fence and not opened:
            yield current
            current, indent = _Block("text", [line]), -1
        else:
            current.lines.append(line)
    yield current


def _plain(title: str) -> str:
    """A title without the marks of Markdown."""
    return one_line(_MARKS.sub("", one_line(title, _TITLE)), _TITLE) or "(no title)"
