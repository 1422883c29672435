"""git's command line: which command it runs, with which settings, what it writes, and what a push would move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fleet_tui.governance.guard.options import Options, given, operands, options, read_option
from fleet_tui.governance.guard.text import is_unknown

_GLOBAL_VALUES = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env"}
)
_TREES = frozenset({"--git-dir", "--work-tree"})

_PUSH = options(
    "o: push-option: receive-pack: exec: repo: recurse-submodules: force-with-lease:: signed:: f force d delete "
    "force-if-includes mirror prune all tags branches follow-tags u set-upstream n dry-run v verbose q quiet "
    "4 ipv4 6 ipv6 porcelain progress atomic thin verify"
)
_FORCE = frozenset(
    {
        "--force", "--force-with-lease", "--force-if-includes", "--mirror", "--delete", "--prune", "--all", "--tags",
        "--branches", "--follow-tags", "-f", "-d",
    }
)  # fmt: skip
_AT_THE_OTHER_END = frozenset({"--exec", "--receive-pack"})

_RUN_LINES: dict[str, tuple[Options, frozenset[str]]] = {
    "rebase": (
        options("x: exec: s: strategy: X: strategy-option: onto: S:: gpg-sign:: C: i interactive r:: q v f m k p"),
        frozenset({"-x", "--exec"}),
    ),
    "difftool": (
        options("x: extcmd: t: tool: d dir-diff g gui y no-prompt prompt cached staged"), frozenset({"-x", "--extcmd"})
    ),
    "grep": (
        options(
            "O:: open-files-in-pager:: e: f: A: B: C: m: max-count: max-depth: threads: and or not cached untracked "
            "a i I w v h H E G P F n l L z c r q p W o 0 1 2 3 4 5 6 7 8 9"
        ),
        frozenset({"-O", "--open-files-in-pager"}),
    ),
}  # fmt: skip
"""Options whose value git gives to a shell, by command."""
_RUN_OPERANDS = frozenset({("submodule", "foreach"), ("bisect", "run")})

_CLONE = options(
    "b: branch: o: origin: c: config: u: upload-pack: j: jobs: depth: reference: reference-if-able: template: filter: "
    "separate-git-dir: shallow-since: shallow-exclude: server-option: bundle-uri: q quiet v verbose n no-checkout "
    "bare mirror l local s shared recursive recurse-submodules:: single-branch progress"
)
_OUTPUT = options("output: o: output-directory: p u s n")
_DIFF = (options("output: stat summary patch"), ("--output",))
_WRITTEN: dict[str, tuple[Options, tuple[str, ...]]] = {
    **dict.fromkeys(("diff", "log", "show", "whatchanged", "diff-tree", "diff-index", "diff-files", "stash"), _DIFF),
    "format-patch": (_OUTPUT, ("-o", "--output-directory", "--output")),
    "archive": (options("o: output: prefix: format: remote: exec: v"), ("-o", "--output")),
    "bugreport": (options("o: output-directory: s: suffix:"), ("-o", "--output-directory")),
    "diagnose": (options("o: output-directory: s: suffix:"), ("-o", "--output-directory")),
    "clone": (_CLONE, ("--separate-git-dir",)),
    "init": (options("separate-git-dir: template: b: initial-branch: q quiet bare"), ("--separate-git-dir",)),
    "config": (options("f: file: type: default: blob:"), ("-f", "--file")),
    "checkout-index": (options("prefix: stage: a f q u z"), ("--prefix",)),
    "read-tree": (options("index-output: prefix: m u i v n"), ("--index-output",)),
    "index-pack": (options("o: v"), ("-o",)),
    "fast-export": (options("export-marks: import-marks: refspec: all"), ("--export-marks",)),
}
"""Options that say where a command writes."""
_CHANGES_THE_TREE = frozenset(
    {
        "add", "am", "apply", "checkout", "checkout-index", "cherry-pick", "clean", "commit", "gc", "init", "merge",
        "mv", "prune", "pull", "read-tree", "rebase", "repack", "reset", "restore", "revert", "rm", "sparse-checkout",
        "switch", "update-index", "update-ref",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GitCall:
    """``git`` taken apart. ``settings`` are those given with ``-c`` and ``--config-env``."""

    verb: str
    arguments: tuple[str, ...]
    settings: tuple[str, ...]
    directories: tuple[str, ...] = ()
    """Where it goes before it begins, one after the other (``-C``)."""
    trees: tuple[str, ...] = ()
    """The repository and working tree that it is told to take."""

    @property
    def changes_the_tree(self) -> bool:
        """Whether it changes the repository or working tree that it stands in."""
        return self.verb in _CHANGES_THE_TREE or (self.verb == "clone" and len(self.operands(_CLONE)) < 2)

    def operands(self, table: Options) -> tuple[str, ...]:
        """What is no option."""
        return operands(self.arguments, table)


def git_call(argv: tuple[str, ...]) -> GitCall:
    """The parts of ``argv``, whose first word is git itself."""
    settings: list[str] = []
    directories: list[str] = []
    trees: list[str] = []
    at = 1
    while at < len(argv):
        word = argv[at]
        if word in _GLOBAL_VALUES:
            value = argv[at + 1 : at + 2]
            if word in {"-c", "--config-env"}:
                settings += [one.partition("=")[0].lower() for one in value]
            elif word == "-C":
                directories += value
            elif word in _TREES:
                trees += value
            at += 2
        elif word.startswith("--config-env="):
            settings.append(word.partition("=")[2].partition("=")[0].lower())
            at += 1
        elif word.startswith("-c") and len(word) > 2:  # git takes `-cname=value` too
            settings.append(word[2:].partition("=")[0].lower())
            at += 1
        elif word.startswith("-"):
            name, _, value_of = word.partition("=")
            trees += [value_of] * (name in _TREES)
            at += 1
        else:
            arguments = argv[at + 1 :]
            if word == "clone":
                chosen = given(arguments, _CLONE, ("-c", "--config"))
                settings += [one.partition("=")[0].lower() for one in chosen]
            return GitCall(word, arguments, tuple(settings), tuple(directories), tuple(trees))
    return GitCall("", (), tuple(settings), tuple(directories), tuple(trees))


def lines_of(call: GitCall) -> Iterator[str]:
    """The shell lines that a git command runs: ``rebase --exec``, ``grep -O``, ``submodule foreach``."""
    words = call.arguments
    if call.verb in _RUN_LINES:
        yield from given(words, *_RUN_LINES[call.verb])
    first = [at for at, word in enumerate(words) if not word.startswith("-")]
    if first and (call.verb, words[first[0]]) in _RUN_OPERANDS:
        line = [word for word in words[first[0] + 1 :] if word not in {"--recursive", "--quiet", "-q", "--"}]
        yield " ".join(line)


def written(call: GitCall) -> tuple[str, ...]:
    """The files and directories that a command is told to write."""
    table, names = _WRITTEN.get(call.verb, (options(""), ()))
    targets = tuple(given(call.arguments, table, names))
    words = call.operands(table)
    if call.verb == "config" and any(word.startswith(("--get", "--list")) or word == "-l" for word in call.arguments):
        return ()
    if call.verb == "clone":
        return (*targets, *words[1:])
    if call.verb == "init":
        return (*targets, *words[:1])
    if (call.verb, *words[:1]) in {("bundle", "create"), ("worktree", "add")}:
        return words[1:2]
    if (call.verb, *words[:1]) == ("worktree", "move"):
        return words[1:3]
    return targets


def foreign_push(call: GitCall, branch: str) -> str | None:
    """Why a push would move more than ``branch`` forward at ``origin``, or None when it would not.

    What only the running shell knows is not held against it.
    """
    words, at = call.arguments, 0
    named: list[str] = []
    while at < len(words):
        word = words[at]
        if word == "--":
            named.extend(words[at + 1 :])
            break
        if not word.startswith("-") or word == "-":
            named.append(word)
            at += 1
            continue
        readings = read_option(words, at, _PUSH)
        why = next(filter(None, (_forcing(name, value) for one in readings for name, value in one.given)), None)
        if why:
            return f"{word.partition('=')[0]} {why}"
        at += readings[-1].taken
    if not named:
        return None
    remote, *refspecs = named
    if remote != "origin" and not is_unknown(remote):
        return f"pushes to {remote} instead of origin"
    return next(filter(None, (_foreign(refspec, branch) for refspec in refspecs)), None)


def _forcing(name: str, value: str) -> str | None:
    if name in _FORCE:
        return "overwrites, removes or pushes more than one branch"
    if name in _AT_THE_OTHER_END:
        return "says what runs at the other end"
    return f"pushes to {value or 'nowhere'}" if name == "--repo" and value != "origin" else None


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
