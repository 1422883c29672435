"""Modules stay small; the few that do not are listed with the reason."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "fleet_tui").rglob("*.py"), *(ROOT / "widgets").rglob("*.py")])
MAX_LINES = 400
MAX_APP_LINES = 300
MAX_METHODS = 25

LONGER = {
    "fleet_tui/bus/client.py": "one file run with `python -I -S`: each further module would cost every hook its import",
}
# What the framework calls by name is a list of reactions, not an interface to learn.
HOOKS = ("__", "on_", "_on_", "action_", "check_action", "watch_", "validate_", "compute_", "render", "compose")
MORE_METHODS = {
    "fleet_tui/store/reader.py:Reader": "one short query per table and view; there is no state between them",
    "fleet_tui/tui/screens/base.py:RoomScreen": "the acts that every screen offers, one method per key",
    "widgets/fleet_widgets/pane_wall.py:PaneWall": "one widget draws the whole wall, which is why it is fast",
}


def lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def test_no_module_is_longer_than_the_limit_without_a_reason() -> None:
    long = {str(path.relative_to(ROOT)) for path in SOURCES if lines(path) > MAX_LINES}
    assert long - set(LONGER) == set()


def test_the_list_of_exceptions_is_current() -> None:
    assert {name for name in LONGER if lines(ROOT / name) <= MAX_LINES} == set()
    assert all(LONGER.values())


def test_the_median_module_is_small() -> None:
    assert statistics.median(lines(path) for path in SOURCES if path.stem != "__init__") <= 150


def test_the_app_does_not_become_the_place_where_everything_meets() -> None:
    assert lines(ROOT / "fleet_tui" / "tui" / "app.py") < MAX_APP_LINES


def big_classes() -> set[str]:
    return {
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ClassDef) and len(own_methods(node)) > MAX_METHODS
    }


def own_methods(node: ast.ClassDef) -> list[str]:
    functions = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [f.name for f in functions if not f.name.startswith(HOOKS) and not any(map(is_handler, f.decorator_list))]


def is_handler(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "on"


def test_no_class_has_too_many_methods_without_a_reason() -> None:
    assert big_classes() - set(MORE_METHODS) == set()
