"""A template checked: by itself, against its prompt, and against the roles, events and lenses of a fleet. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from fleet_tui.catalogue.conventions import KNOWN
from fleet_tui.catalogue.marks import marks, odd_braces
from fleet_tui.catalogue.template import Template
from fleet_tui.domain.events import PAYLOADS
from fleet_tui.settings import messages
from fleet_tui.settings.document import MAX_PROBLEMS, Document, KeyPath, Spot, parse
from fleet_tui.settings.messages import suggest
from fleet_tui.settings.problems import ERROR, Problem
from fleet_tui.settings.schema import Settings
from fleet_tui.settings.section import Section

M = TypeVar("M", bound=Section)


class Finding(NamedTuple):
    """Something wrong at ``path`` of the template; without a path it is about the prompt."""

    path: KeyPath
    message: str
    hint: str
    at_key: bool = False


def read_template(
    text: str, shown: str, prompt: str, prompt_shown: str, settings: Settings
) -> tuple[Template | None, list[Problem]]:
    """The template that ``text`` is, with its ``prompt``, and what is wrong; the names are those of the files."""
    document, template, found = _template(text, shown)
    if template is None:
        return None, list(found)
    problems = [_problem(document, finding) for finding in _fits(template, settings)]
    for finding in _prompt(template, prompt):
        if finding.path:
            problems.append(_problem(document, finding))
        else:
            problems.append(Problem(ERROR, prompt_shown, 0, 0, "", finding.message, finding.hint))
    return (None if problems else template), problems


@lru_cache(maxsize=512)
def _template(text: str, shown: str) -> tuple[Document, Template | None, tuple[Problem, ...]]:
    """The part that no settings change. Kept: the room asks anew at each field, and reading them all takes a second."""
    return read_section(text, shown, Template)


def read_section(text: str, shown: str, model: type[M]) -> tuple[Document, M | None, tuple[Problem, ...]]:
    """The ``model`` that ``text`` is, and what is wrong with it by itself; ``shown`` is the file's name."""
    document = parse(text, shown)
    if not document.problems and not isinstance(document.value, dict):
        document.fault(Spot(1, 1, ""), f"expected a map: one {model.__name__.lower()}", "write `key: value` lines")
    if document.problems:
        return document, None, tuple(document.problems)
    try:
        return document, model.model_validate(document.value), ()
    except ValidationError as error:
        details = error.errors(include_url=False)[:MAX_PROBLEMS]
        found = (messages.translate(one, document.value, model) for one in details)
        return document, None, tuple(_problem(document, Finding(*finding)) for finding in found)


def _problem(document: Document, finding: Finding) -> Problem:
    """At the place of the field, or of the nearest part above it that was written."""
    path = finding.path
    while path and path not in document.values:
        path = path[:-1]
    spots = document.keys if finding.at_key and path == finding.path else document.values
    spot = spots.get(path, Spot(1, 1, ""))
    dotted = ".".join(map(str, finding.path))
    about = "" if finding.at_key or not dotted else f"{dotted}: "
    return Problem(
        ERROR, document.file, spot.line, spot.column, spot.text, about + finding.message, finding.hint, dotted
    )


def _fits(template: Template, settings: Settings) -> Iterator[Finding]:
    family = settings.family(template.role)
    if not family.matched:
        roles = [pattern for entry in settings.roles.values() for pattern in entry.match]
        yield Finding(("role",), f"there is no role `{template.role}`", suggest(template.role, roles))
        return
    for index, kind in enumerate(template.capabilities):
        if kind not in family.publishes:
            message = f"role `{template.role}` ({family.name}) may not publish `{kind}`"
            yield Finding(("capabilities", index), message, f"it may: {', '.join(family.publishes)}")
    known = {*PAYLOADS, *settings.events}
    for index, kind in enumerate(template.subscriptions):
        if kind not in known:
            yield Finding(("subscriptions", index), f"there is no event `{kind}`", suggest(kind, known))
    if template.lens is not None and template.lens not in settings.reviews.lenses:
        yield Finding(("lens",), f"there is no lens `{template.lens}`", suggest(template.lens, settings.reviews.lenses))
    for name, entry in template.fill_ins.items():
        if entry.detect is not None and entry.detect not in KNOWN:
            path: KeyPath = ("fill_ins", name, "detect")
            yield Finding(path, f"fleet cannot find out `{entry.detect}`", suggest(entry.detect, KNOWN))


def _prompt(template: Template, prompt: str) -> Iterator[Finding]:
    if not prompt.strip():
        yield Finding((), "the prompt is empty", "say how the work is done, step by step")
        return
    odd = odd_braces(prompt)
    if odd:
        yield Finding((), f"`{odd}` is no mark", "write it like {{test_command}}, or with single braces")
    used = marks(prompt)
    for name in used:
        if name not in template.fill_ins:
            yield Finding(
                (),
                f"the mark {{{{{name}}}}} is not among `fill_ins`",
                suggest(name, template.fill_ins) or "add it there",
            )
    for name in template.fill_ins:
        if name not in used:
            yield Finding(("fill_ins", name), f"the prompt has no mark {{{{{name}}}}}", "use it, or remove it", True)
