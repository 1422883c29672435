"""Calls that have no place here, found in the syntax tree of every module of the product."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "fleet_tui").rglob("*.py"), *(ROOT / "widgets").rglob("*.py")])
SCREENS = [path for path in SOURCES if "tui" in path.relative_to(ROOT).parts[1:-1] or "fleet_widgets" in path.parts]
MARKUP_WIDGETS = {
    "Static",
    "Label",
    "Button",
    "Link",
    "Digits",
    "Markdown",
    "Pretty",
    "Collapsible",
    "Checkbox",
    "RadioButton",
}
BLOCKING = {
    "time.sleep",
    "subprocess.run",
    "subprocess.call",
    "subprocess.check_output",
    "subprocess.check_call",
    "os.system",
    "os.popen",
}


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a name or attribute, else an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else node.attr
    return ""


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def is_literal(node: ast.expr | None) -> bool:
    return node is None or isinstance(node, ast.Constant)


def runs_a_shell(call: ast.Call) -> bool:
    shell = keyword(call, "shell")
    name = dotted(call.func)
    return (shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False)) or name in {
        "os.system",
        "os.popen",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
        "asyncio.create_subprocess_shell",
        "create_subprocess_shell",
    }


def opens_a_database(call: ast.Call) -> bool:
    """Reading or copying a live SQLite file by hand drops its locks (POSIX) or takes half a page."""
    name = dotted(call.func)
    if name in {"open", "io.open", "os.open", "shutil.copy", "shutil.copy2", "shutil.copyfile"}:
        return any(is_database(argument) for argument in call.args)
    method = isinstance(call.func, ast.Attribute) and call.func.attr in {"open", "read_bytes", "write_bytes"}
    return method and is_database(call.func.value)  # type: ignore[attr-defined]


def is_database(node: ast.expr) -> bool:
    text = ast.unparse(node)
    return ".db'" in text or text.endswith(".database")


def shows_markup(call: ast.Call) -> bool:
    """A widget or notice that would read square brackets in a text that is not ours."""
    name = dotted(call.func).rpartition(".")[2]
    if name not in MARKUP_WIDGETS | {"notify"}:
        return False
    markup = keyword(call, "markup")
    off = isinstance(markup, ast.Constant) and markup.value is False
    texts = [
        *call.args[:1],
        keyword(call, "content"),
        keyword(call, "message"),
        keyword(call, "title"),
        keyword(call, "label"),
    ]
    return not off and not all(is_literal(text) for text in texts)


def parses_markup(call: ast.Call) -> bool:
    """A text read as markup or as escape sequences (a Color.from_ansi is a number, not a text)."""
    name = dotted(call.func)
    return name.endswith((".from_markup", "Text.from_ansi")) or name in {"Markdown", "eval", "exec"}


def blocks(call: ast.Call) -> bool:
    return dotted(call.func) in BLOCKING


def unpickles(call: ast.Call) -> bool:
    return dotted(call.func) in {
        "pickle.loads",
        "pickle.load",
        "marshal.loads",
        "yaml.load",
        "yaml.unsafe_load",
        "yaml.full_load",
    }


def offences(path: Path, rule: Callable[[ast.Call], bool]) -> list[str]:
    return [
        f"{path.name}:{call.lineno} {ast.unparse(call)[:100]}"
        for call in calls(ast.parse(path.read_bytes()))
        if rule(call)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.parametrize("rule", [runs_a_shell, opens_a_database, unpickles])
def test_nowhere(path: Path, rule: Callable[[ast.Call], bool]) -> None:
    assert offences(path, rule) == []


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.parametrize("rule", [shows_markup, parses_markup])
def test_not_on_screens(path: Path, rule: Callable[[ast.Call], bool]) -> None:
    assert offences(path, rule) == []


# What runs on the watcher's or the room's event loop, except:
OFF_THE_LOOP = {
    "fleet_tui/watcher/spawn.py": "starts and stops watchers from the command line's process, which has no loop",
    "fleet_tui/watcher/confinement/subreaper.py": "a program of its own, beside the watcher",
    "fleet_tui/watcher/lock.py": "the lock is taken before the loop starts",
    "fleet_tui/forge/local.py": "its file work runs in threads (asyncio.to_thread)",
    "fleet_tui/watcher/confinement/reach.py": "tries a sandbox for `fleet doctor`, in a process that has no loop",
    "fleet_tui/watcher/desks/shell_parser.py": "called in a thread (asyncio.to_thread)",
    "fleet_tui/watcher/merging/signatures.py": "checks in a thread (asyncio.to_thread)",
}
LOOP = [
    path
    for path in SOURCES
    if {"watcher", "git", "forge", "tui", "fleet_widgets"} & set(path.relative_to(ROOT).parts[:-1])
    and str(path.relative_to(ROOT)) not in OFF_THE_LOOP
]


@pytest.mark.parametrize("path", LOOP, ids=lambda path: str(path.relative_to(ROOT)))
def test_not_on_the_event_loop(path: Path) -> None:
    assert offences(path, blocks) == []


@pytest.mark.parametrize(
    ("source", "rule", "caught"),
    [
        ("subprocess.run(line, shell=True)", runs_a_shell, True),
        ("subprocess.run(argv, shell=flag)", runs_a_shell, True),
        ("subprocess.run(argv, shell=False)", runs_a_shell, False),
        ("await asyncio.create_subprocess_shell(line)", runs_a_shell, True),
        ("open('fleet.db', 'rb')", opens_a_database, True),
        ("paths.database.read_bytes()", opens_a_database, True),
        ("open(notes)", opens_a_database, False),
        ("Static(text)", shows_markup, True),
        ("Static(text, markup=False)", shows_markup, False),
        ("Static('fixed')", shows_markup, False),
        ("Label(f'{name}')", shows_markup, True),
        ("self.notify(str(error))", shows_markup, True),
        ("self.notify('gone', title=agent)", shows_markup, True),
        ("self.app.notify(str(error), markup=False)", shows_markup, False),
        ("Text.from_markup(text)", parses_markup, True),
        ("Text.from_ansi(text)", parses_markup, True),
        ("Color.from_ansi(7)", parses_markup, False),
        ("yaml.load(text)", unpickles, True),
        ("yaml.safe_load(text)", unpickles, False),
        ("time.sleep(1)", blocks, True),
    ],
)
def test_the_rules_bite(tmp_path: Path, source: str, rule: Callable[[ast.Call], bool], caught: bool) -> None:
    path = tmp_path / "module.py"
    path.write_text(f"async def f():\n    {source}\n")
    assert bool(offences(path, rule)) is caught
