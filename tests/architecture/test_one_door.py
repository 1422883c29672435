"""Text of the command line goes to the terminal through ``say`` of ``cli/common.py`` and nowhere else: it cleans."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOOR = ROOT / "fleet_tui" / "cli" / "common.py"
SOURCES = sorted(path for path in (ROOT / "fleet_tui" / "cli").rglob("*.py") if path != DOOR)
WRITERS = {
    f"click.{name}"
    for name in (
        *("echo", "secho", "echo_via_pager", "prompt", "confirm", "pause", "progressbar", "edit", "clear"),
        *("get_text_stream", "get_binary_stream", "open_file"),
    )
} | {"print", "input", "os.write", "sys.displayhook", "sys.excepthook", "traceback.print_exc", "warnings.warn"}
STREAMS = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}
ASKED_OF_STREAMS = {"isatty", "close"}


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def ways_round(source: str) -> list[str]:
    """What in ``source`` could write to the terminal without cleaning."""
    tree = ast.parse(source)
    only_asked = {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in ASKED_OF_STREAMS
    }
    return [f"{line}: {name}" for line, name in _names(tree, only_asked) if name in WRITERS | STREAMS]


def _names(tree: ast.AST, only_asked: set[ast.expr]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and node not in only_asked:
            yield node.lineno, dotted(node)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and not node.args and dotted(node.func).endswith("error.show"):
            yield node.lineno, "click.echo"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_way_round_the_door(path: Path) -> None:
    assert ways_round(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ("print(text)", True),
        ("click.echo(text)", True),
        ("from click import echo", True),
        ("write = click.echo", True),
        ("sys.stdout.write(text)", True),
        ("export(database, sys.stdout)", True),
        ("from sys import stderr", True),
        ("os.write(1, text)", True),
        ("click.confirm(question)", True),
        ("error.show()", True),
        ("error.show(file)", False),
        ("sys.stdout.isatty()", False),
        ("say(text)", False),
        ("click.argument('name')", False),
    ],
)
def test_the_rule_bites(source: str, caught: bool) -> None:
    assert bool(ways_round(source)) is caught


def test_the_door_cleans() -> None:
    """In the door itself only these may write, each with a cleaned text."""
    calls = [node for node in ast.walk(ast.parse(DOOR.read_bytes())) if isinstance(node, ast.Call)]
    found = {dotted(call.func): ast.unparse(call.args[0]) for call in calls if dotted(call.func) in WRITERS}
    assert found == {
        "click.echo": "clean(text)",
        "click.edit": "clean(text)",
        "click.prompt": "one_line(question, 2000)",
        "click.confirm": "one_line(question, 2000)",
    }
