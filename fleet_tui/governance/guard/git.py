"""git's command line: which command it runs, with which settings, and what a push would move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fleet_tui.governance.guard.shell import is_unknown

_GLOBAL_VALUES = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env"}
)
_GOES = frozenset({"-C", "--git-dir", "--work-tree"})
_PUSH_VALUES = frozenset({"-o", "--push-option", "--receive-pack", "--exec", "--repo"})
_FORCE = (
    "--force", "--force-with-lease", "--force-if-includes", "--mirror", "--delete", "--prune", "--all", "--tags",
    "--branches", "--follow-tags",
)  # fmt: skip
_SHORT_FORCE = frozenset("fd")


@dataclass(frozen=True, slots=True)
class GitCall:
    """``git`` taken apart. ``settings`` are those given with ``-c`` and ``--config-env``."""

    verb: str
    arguments: tuple[str, ...]
    settings: tuple[str, ...]
    directories: tuple[str, ...] = ()
    """Where it goes before it begins, one after the other (``-C``, ``--git-dir``)."""


def git_call(argv: tuple[str, ...]) -> GitCall:
    """The parts of ``argv``, whose first word is git itself."""
    settings: list[str] = []
    directories: list[str] = []
    at = 1
    while at < len(argv):
        word = argv[at]
        if word in _GLOBAL_VALUES:
            if word in {"-c", "--config-env"} and at + 1 < len(argv):
                settings.append(argv[at + 1].partition("=")[0].lower())
            elif word in _GOES:
                directories += argv[at + 1 : at + 2]
            at += 2
        elif word.startswith("--config-env="):
            settings.append(word.partition("=")[2].partition("=")[0].lower())
            at += 1
        elif word.startswith("-c") and len(word) > 2:  # git takes `-cname=value` too
            settings.append(word[2:].partition("=")[0].lower())
            at += 1
        elif word.startswith("-"):
            name, _, value = word.partition("=")
            directories += [value] * (name in _GOES)
            at += 1
        else:
            return GitCall(word, argv[at + 1 :], tuple(settings), tuple(directories))
    return GitCall("", (), tuple(settings), tuple(directories))


def lines_of(call: GitCall) -> Iterator[str]:
    """The shell lines that a git command runs: ``rebase --exec``, ``submodule foreach``, ``bisect run``."""
    words = call.arguments
    operands = [at for at, word in enumerate(words) if not word.startswith("-")]
    if call.verb == "rebase":
        for at, word in enumerate(words):
            if word in {"-x", "--exec"}:
                yield from words[at + 1 : at + 2]
            elif word.startswith(("--exec=", "-x")):
                yield word.removeprefix("--exec=").removeprefix("-x")
    elif operands and (call.verb, words[operands[0]]) in {("submodule", "foreach"), ("bisect", "run")}:
        line = [word for word in words[operands[0] + 1 :] if word not in {"--recursive", "--quiet", "-q", "--"}]
        yield " ".join(line)


def written(call: GitCall) -> tuple[str, ...]:
    """The directories that ``clone`` and ``worktree add`` make."""
    operands = tuple(word for word in call.arguments if not word.startswith("-"))
    if call.verb == "clone":
        return operands[1:]
    return operands[1:2] if call.verb == "worktree" and operands[:1] == ("add",) else ()


def foreign_push(call: GitCall, branch: str) -> str | None:
    """Why a push would move more than ``branch`` forward at ``origin``, or None when it would not.

    What only the running shell knows is not held against it.
    """
    operands: list[str] = []
    rest = iter(call.arguments)
    for word in rest:
        if word == "--":
            operands.extend(rest)
        elif word in _PUSH_VALUES:
            value = next(rest, "")
            if word == "--repo" and value != "origin":
                return f"pushes to {value or 'nowhere'}"
        elif word.startswith("--repo=") and word != "--repo=origin":
            return f"pushes to {word[7:]}"
        elif word.startswith("--"):
            if _is_forcing(word):
                return f"{word.partition('=')[0]} overwrites, removes or pushes more than one branch"
        elif word.startswith("-") and word != "-":
            if _SHORT_FORCE & set(word[1:]):
                return f"{word} overwrites or removes"
        else:
            operands.append(word)
    if not operands:
        return None
    remote, *refspecs = operands
    if remote != "origin" and not is_unknown(remote):
        return f"pushes to {remote} instead of origin"
    return next(filter(None, (_foreign(refspec, branch) for refspec in refspecs)), None)


def _is_forcing(word: str) -> bool:
    """git takes unambiguous beginnings of long options."""
    name = word.partition("=")[0]
    return any(option.startswith(name) for option in _FORCE) and name not in {"--", "--no"} and len(name) > 3


def _foreign(refspec: str, branch: str) -> str | None:
    if refspec.startswith("+"):
        return f"{refspec} overwrites what is there"
    source, colon, target = refspec.partition(":")
    if colon and not source:
        return f"{refspec} removes a branch"
    name = (target if colon else source).removeprefix("refs/heads/")
    if is_unknown(name) or name == branch or (not colon and source in {"HEAD", "@"}):
        return None
    return f"pushes {name or 'nothing'}, which is not its own branch {branch}"
