"""Which files of a repository a Python file imports, read from its text: nothing of it is run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping

from fleet_tui.governance.fanout.naming import Tree

_LONGEST = 500_000
"""Characters of a file that is read: parsing takes a hundred times as much memory."""


def imports(sources: Mapping[str, str], tree: Tree) -> dict[str, frozenset[str]]:
    """File → the files of ``tree`` that it imports. What is no Python, or too long, imports nothing."""
    return {path: frozenset(_found(path, text, tree)) - {path} for path, text in sources.items()}


def _found(path: str, text: str, tree: Tree) -> Iterator[str]:
    if not path.endswith((".py", ".pyi")) or len(text) > _LONGEST:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the compiler's, about somebody else's code
            parsed = ast.parse(text)
        nodes = list(ast.walk(parsed))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(alias.name, tree)
        elif isinstance(node, ast.ImportFrom):
            base = _base(path, node.level, node.module or "")
            for alias in node.names:
                found = list(_module(f"{base}.{alias.name}", tree, near=node.level > 0))
                yield from found or _module(base, tree, near=node.level > 0)


def _base(path: str, level: int, module: str) -> str:
    """The dotted name that a relative import begins with."""
    if not level:
        return module
    return ".".join([*path.split("/")[: -level or None], *filter(None, [module])])


def _module(dotted: str, tree: Tree, *, near: bool = False) -> Iterator[str]:
    """The file of a module: below the root, or below the one directory where its whole path is found."""
    path = dotted.strip(".").replace(".", "/")
    for candidate in (f"{path}.py", f"{path}/__init__.py"):
        if candidate in tree.files:
            yield candidate
            return
    # A bare name such as `utils` may be anything that is installed.
    if not near and "/" in path:
        found = tree.ending(f"{path}.py") or tree.ending(f"{path}/__init__.py")
        if found:
            yield found
