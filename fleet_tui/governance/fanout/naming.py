"""Which places of a repository a text names: paths, directories, unique ends of paths, files yet to be made."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

MOST_PLACES = 401
"""One more than a ticket may name to be divided."""
MOST_NAMES = 100
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://\S+", re.IGNORECASE)
_QUOTED = re.compile(r"`([^`\n]{1,300})`")
_TOKEN = re.compile(r"[\w.@+-]+(?:/[\w.@+-]+)*/?")
_FILE = re.compile(r".*[^./]\.([A-Za-z]\w{0,7})\Z")
_NAME = re.compile(r"([A-Za-z_]\w{2,79})(?:\(\))?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a commit, so arranged that names are found in it. ``ends`` has them by the last part of the path."""

    files: frozenset[str]
    directories: frozenset[str]
    ends: Mapping[str, tuple[str, ...]]
    kinds: frozenset[str]

    @classmethod
    def of(cls, paths: Iterable[str]) -> Tree:
        files = frozenset(paths)
        directories: set[str] = set()
        ends: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(files):
            parts = path.split("/")
            ends[parts[-1]].append(path)
            directories.update("/".join(parts[:count]) + "/" for count in range(1, len(parts)))
        kinds = frozenset(found[1] for path in files if (found := _FILE.match(path)))
        return cls(files, frozenset(directories), {name: tuple(found) for name, found in ends.items()}, kinds)

    def ending(self, path: str) -> str | None:
        """The one file whose path ends in ``path``."""
        found = [file for file in self.ends.get(path.rpartition("/")[2], ()) if f"/{file}".endswith(f"/{path}")]
        return found[0] if len(found) == 1 else None


def places(text: str, tree: Tree) -> tuple[str, ...]:
    """The places that ``text`` names, sorted; at most ``MOST_PLACES``. What several files could be is none of them."""
    text = _URL.sub(" ", text)
    quoted = {token for span in _QUOTED.findall(text) for token in _TOKEN.findall(span)}
    found = {place for token in _TOKEN.findall(text) if (place := _place(token, tree, token in quoted))}
    return tuple(sorted(found)[:MOST_PLACES])


def names(text: str, tree: Tree) -> tuple[str, ...]:
    """What is quoted in ``text``, could be the name of a function or class, and is no place; sorted."""
    found = {match[1] for span in _QUOTED.findall(text) if (match := _NAME.match(span.strip()))}
    return tuple(sorted(name for name in found if _place(name, tree, quoted=True) is None)[:MOST_NAMES])


def _place(token: str, tree: Tree, quoted: bool) -> str | None:
    token = token.removeprefix("./")
    token = token if token.endswith("/") else token.rstrip(".-+@")
    parts = token.removesuffix("/").split("/")
    if not token or any(part in ("", ".", "..", ".git") for part in parts):
        return None
    return next(_candidates(token, parts, tree, quoted), None)


def _candidates(token: str, parts: list[str], tree: Tree, quoted: bool) -> Iterator[str]:
    """What a name may be, the likeliest first. A bare word is a place only where it cannot be an ordinary one."""
    directory, file = f"{token.removesuffix('/')}/", _FILE.match(token)
    if token in tree.files and (len(parts) > 1 or file or quoted):
        yield token
    if directory in tree.directories and ("/" in token or quoted):
        yield directory
    if (file or len(parts) > 1) and (found := tree.ending(token)):
        yield found
    if quoted and "/" not in token and "." in token and (module := tree.ending(token.replace(".", "/") + ".py")):
        yield module
    fits = quoted or f"{parts[0]}/" in tree.directories
    if file and fits and not token.endswith("/") and (len(parts) > 1 or (quoted and file[1] in tree.kinds)):
        yield token
