"""Who may import whom: the table of docs/architecture.md, read from the source.

The contracts in pyproject.toml follow chains of imports and forbid; this table allows: a package or library that is not
listed for a part of the program fails here until somebody adds it with a reason.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STDLIB = sys.stdlib_module_names

# package: (first-party modules it may import from, third-party libraries)
TABLE: dict[str, tuple[set[str], set[str]]] = {
    "fleet_tui.domain": ({"domain"}, set()),
    "fleet_tui.paths": ({"domain"}, {"platformdirs"}),
    "fleet_tui.beneath": (set(), set()),
    "fleet_tui.processes": (set(), set()),
    "fleet_tui.settings": (
        {"settings", "domain", "paths"},
        {"pydantic", "pydantic_core", "yaml", "watchfiles", "croniter"},
    ),
    "fleet_tui.catalogue": ({"catalogue", "domain", "settings", "paths"}, {"pydantic"}),
    "fleet_tui.governance": ({"governance", "domain", "settings"}, {"pathspec"}),
    "fleet_tui.store": ({"store", "domain", "paths"}, {"peewee"}),
    "fleet_tui.bus": ({"bus", "domain", "paths"}, {"psutil"}),
    "fleet_tui.bus.client": (set(), set()),
    "fleet_tui.tmux": ({"tmux", "domain", "settings", "paths"}, {"libtmux", "psutil"}),
    "fleet_tui.git": ({"git", "domain", "settings", "paths", "beneath", "processes"}, set()),
    "fleet_tui.forge": ({"forge", "domain", "settings", "paths", "processes"}, {"yaml", "watchfiles"}),
    "fleet_tui.vendors": ({"vendors", "domain", "settings", "paths", "beneath"}, {"yaml"}),
    "fleet_tui.watcher": (
        {"watcher", "domain", "settings", "governance", "store", "bus", "tmux", "git", "forge", "vendors", "paths"}
        | {"catalogue", "beneath"},
        {"croniter", "psutil", "genai_prices", "yaml"},  # the parts of a ticket, as a person edits them
    ),
    "fleet_tui.watcher.risk.lookout": ({"domain", "git"}, {"watchfiles"}),
    "fleet_tui.watcher.risk.secrets": ({"watcher", "governance"}, {"detect_secrets"}),
    # What may be shelved and for how long, and when it is a flood, is told by the rules themselves.
    "fleet_tui.readmodel": ({"readmodel", "domain", "settings", "store", "paths", "governance.alarms"}, set()),
    # Its tools are commands, started as processes: it needs to know how, and no more.
    "fleet_tui.mcp": ({"mcp", "domain", "bus.client", "bus.shim"}, {"mcp", "pydantic"}),
    "fleet_tui.tui": (
        {"tui", "domain", "settings", "readmodel", "paths", "bus.operator", "governance.alarms"}
        | {"tmux.frames", "tmux.sgr", "tmux.signals", "tmux.server", "store.reader"},
        {"textual", "rich", "fleet_widgets"},
    ),
    "fleet_widgets": (set(), {"fleet_widgets", "textual", "rich"}),
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the project by its dotted name."""
    for base, package in ((ROOT, "fleet_tui"), (ROOT / "widgets", "fleet_widgets")):
        for path in sorted((base / package).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(tree: ast.AST) -> Iterator[str]:
    """The dotted names imported anywhere in a module, inside functions too, but not those for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imports(node)


def rule_of(module: str) -> tuple[set[str], set[str]] | None:
    """The most specific entry of the table; the command line and entry points may import everything."""
    names = [name for name in TABLE if module == name or module.startswith(f"{name}.")]
    return TABLE[max(names, key=len)] if names else None


def offences(module: str, path: Path) -> list[str]:
    rule = rule_of(module)
    if rule is None:
        return []
    own, libraries = rule
    return [name for name in imports(ast.parse(path.read_bytes())) if not allowed(name, own, libraries)]


def allowed(name: str, own: set[str], libraries: set[str]) -> bool:
    top, _, rest = name.partition(".")
    if top != "fleet_tui":
        return top in STDLIB or top in libraries
    if rest in ("", "__version__"):
        return bool(own)
    return any(rest == prefix or rest.startswith(f"{prefix}.") for prefix in own)


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_only_what_the_table_allows(module: str, path: Path) -> None:
    assert offences(module, path) == []


def test_every_package_has_a_row() -> None:
    packages = {name for name, path in modules() if name.count(".") == 1}
    unlimited = {"fleet_tui.__main__", "fleet_tui.cli", "fleet_tui.demo"}
    assert {name for name in packages if rule_of(name) is None} <= unlimited


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("fleet_tui.domain.ids", "import yaml", ["yaml"]),
        ("fleet_tui.bus.client", "from fleet_tui.domain import text", ["fleet_tui.domain.text"]),
        ("fleet_tui.tui.app", "def f():\n    from fleet_tui.store.writer import W", ["fleet_tui.store.writer.W"]),
        ("fleet_tui.git.control", "from fleet_tui.store.store import Store", ["fleet_tui.store.store.Store"]),
        ("fleet_tui.git.control", "if TYPE_CHECKING:\n    import peewee", []),
        ("fleet_tui.tui.app", "from fleet_tui import __version__", []),
        ("fleet_widgets.lines", "import fleet_tui.domain", ["fleet_tui.domain"]),
        ("fleet_tui.watcher.loop", "import textual.app", ["textual.app"]),
    ],
)
def test_the_table_bites(tmp_path: Path, module: str, source: str, expected: list[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert offences(module, path) == expected


# Modules with which a decision could look at the world or at a clock of its own, or throw dice.
IMPURE = {
    *("asyncio", "datetime", "io", "os", "pathlib", "random", "secrets", "shutil", "socket", "sqlite3"),
    *("subprocess", "tempfile", "threading", "time", "uuid"),
}


@pytest.mark.parametrize(
    ("module", "path"),
    [(module, path) for module, path in modules() if module.startswith("fleet_tui.governance")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_governance_is_pure(module: str, path: Path) -> None:
    tree = ast.parse(path.read_bytes())
    assert {name.split(".")[0] for name in imports(tree)} & IMPURE == set()
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert called & {"open", "print", "input", "exec", "eval"} == set()
