"""Foreign text reaches a screen as ``SafeText`` and through doors that clean: what the type checker cannot see of that.

mypy sees the rest: needs, tiles, approval cards, the message line, paragraphs and pastes demand a ``SafeText``, which
only ``domain.text`` makes of a text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WIDGETS = sorted((ROOT / "widgets").rglob("*.py"))
ROOM = sorted((ROOT / "fleet_tui" / "tui").rglob("*.py"))
PRODUCT = sorted((ROOT / "fleet_tui").rglob("*.py"))

FOREIGN = {
    *("summary", "body", "excerpt", "acknowledged_by", "decided_by", "consequence", "policy"),
    *("state_reason", "quarantine_reason", "blocked_reason", "model", "sender", "path", "problem"),
}
"""Fields of the model that hold what somebody else wrote. ``title`` and ``reason`` are foreign too, but not of needs,
tiles and cards, whose fields mypy knows to be clean."""
OF_THE_MODEL = {"alarm", "approval", "void", "pull_request", "ticket", "question", "message", "gate", "review", "agent"}
CLEANERS = {"one_line", "in_brief", "clean", "reveal", "reveal_name", "some_names", "gist", "fact", "foreign"}
SHOWS = {"Span", "line", "rule", "Section", "paragraph", "StripRequest", "lines_of", "_lines", "Entry"}
OWN = {
    "fleet_tui/tui/commands.py": "an act's target is made of names and numbers, and its outcome is cleaned as a whole"
}


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_foreign(node: ast.Attribute) -> bool:
    of_the_model = name_of(node.value) in OF_THE_MODEL and node.attr in {
        "title",
        "reason",
        "text",
        "response",
        "target",
    }
    return isinstance(node.ctx, ast.Load) and (node.attr in FOREIGN or of_the_model)


def raw(source: str) -> list[str]:
    """Where a foreign field becomes part of a shown text without a cleaner around it."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    fields = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_foreign(node))
    return [f"{node.lineno}: {ast.unparse(node)}" for node in fields if _is_shown_raw(node, parents)]


def _is_shown_raw(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Going outwards: a cleaner before an f-string ends, or before a call that shows."""
    in_text = False
    while (parent := parents.get(node)) is not None and not isinstance(parent, ast.stmt | ast.Compare | ast.Attribute):
        if isinstance(parent, ast.IfExp) and node is parent.test:
            return False
        if isinstance(parent, ast.Call) and node is not parent.func:
            called = name_of(parent.func)
            if called in CLEANERS:
                return False
            if called in SHOWS:
                return True
        in_text = in_text or isinstance(parent, ast.JoinedStr)
        node = parent
    return in_text


@pytest.mark.parametrize("path", ROOM, ids=lambda path: str(path.relative_to(ROOT)))
def test_foreign_fields_pass_a_cleaner(path: Path) -> None:
    assert raw(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ("Span(alarm.title)", True),
        ("Span(f'{question.summary}!')", True),
        ("told = f'void: {card.void.reason}'", True),
        ("Span(one_line(alarm.title))", False),
        ("one_line(f'#{pull_request.number} {pull_request.title}')", False),
        ("Span(f': {one_line(run.state_reason)}' if run.state_reason else '')", False),
        ("Span(item.title)", False),  # mypy demands a SafeText where it is made
        ("act({'text': message.text})", False),
        ("paragraph(pull_request.body)", True),
    ],
)
def test_the_rule_bites(source: str, caught: bool) -> None:
    assert bool(raw(source)) is caught


# -- doors -------------------------------------------------------------------------------------------------------------

TITLES = {"title", "sub_title", "border_title", "border_subtitle", "tooltip"}
WRITERS = {"print", "write_raw", "notify", "bell_text", "copy_to_clipboard", "set_window_title", "print_json"}
FIELDS = {"TextArea", "Input"}


def doors(source: str) -> list[str]:
    """Ways to a terminal, a title or a notification that pass none of the room's doors."""
    return [f"{line}: {what}" for line, what in _doors(ast.parse(source))]


def _doors(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = name_of(node.func)
            if called in WRITERS:
                yield node.lineno, called
            help_text = next((k.value for k in node.keywords if k.arg == "help"), None)
            if called in {"Hit", "DiscoveryHit"} and not (
                isinstance(help_text, ast.Call) and name_of(help_text.func) == "escape"
            ):
                yield node.lineno, f"{called}: Textual reads help as markup"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.attr for target in targets if isinstance(target, ast.Attribute)}
            if names & TITLES and not isinstance(node.value, ast.Constant):
                yield node.lineno, f"a title: {', '.join(names)}"
        elif isinstance(node, ast.ImportFrom) and node.module in {"rich.text", "rich.markup", "rich.console"}:
            yield node.lineno, node.module
        elif isinstance(node, ast.ImportFrom) and node.module == "textual.widgets":
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name not in FIELDS)


PRINTS = {"help.py"}
"""Writes the page of the keys when it is run as a program."""


@pytest.mark.parametrize("path", [*ROOM, *WIDGETS], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_passes_by_the_doors(path: Path) -> None:
    found = doors(path.read_text(encoding="utf-8"))
    assert [what for what in found if not (path.name in PRINTS and what.endswith(": print"))] == []


@pytest.mark.parametrize(
    "source",
    [
        "self.app.notify(text)",
        "self.title = name",
        "widget.border_title = f'{agent}'",
        "print(text)",
        "app.copy_to_clipboard(text)",
        "from rich.text import Text",
        "from textual.widgets import Static",
        "Hit(1.0, content, run, help=entry.help)",
    ],
)
def test_the_doors_bite(source: str) -> None:
    assert doors(source)


def test_one_place_makes_what_is_drawn() -> None:
    """Widgets draw segments; the one function that makes them takes lines, whose text it has cleaned (``plain``)."""
    makers = {
        path.name for path in [*ROOM, *WIDGETS] for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and name_of(node.func) == "Segment"
    }  # fmt: skip
    assert makers == {"lines.py"}


def test_only_the_sanitiser_calls_a_text_safe() -> None:
    """``SafeText(…)`` of a text that is not a constant cleans nothing: it is a promise, and each one is known."""
    found = {
        f"{path.relative_to(ROOT)}: {ast.unparse(node.args[0])[:60]}"
        for path in PRODUCT
        if path.name != "text.py" or path.parent.name != "domain"
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        and name_of(node.func) == "SafeText"
        and not isinstance(node.args[0], ast.Constant)
    }
    assert found == {
        "fleet_tui/readmodel/output.py: line",  # of a text that was cleaned as a whole
        "fleet_tui/vendors/prompting.py: f'Your instructions:\\n\\n{plain}' if plain[:1] in tuple(_SPEC",  # the same
    }
