"""Programs that run other programs: ``env``, ``sh -c``, ``xargs``, ``find -exec`` and the like, seen through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from fleet_tui.governance.guard.git import git_call, lines_of
from fleet_tui.governance.guard.shell import Command, Parse, is_unknown

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "rbash"})
_DEPTH = 8
_MOST_LINES = 64
_SHELL_VALUES = frozenset({"--rcfile", "--init-file"})
_INTERPRETERS = frozenset({"python", "node", "perl", "ruby", "php", "deno", "bun"})
_STDIN = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """``values``: its options that take a value; ``skip``: how many operands stand before the program."""

    values: frozenset[str] = frozenset()
    skip: int = 0
    assigns: bool = False
    idle: str = ""
    """Letters of options with which it runs nothing."""
    line: bool = False
    """Whether a shell reads its operands as one line."""
    feeds: bool = False
    """Whether it adds arguments from its input."""


_SUDO_VALUES = frozenset({"-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U", "--user", "--group"})
_XARGS_VALUES = frozenset({"-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s", "--arg-file", "--delimiter", "--max-args"})
_WRAPPERS = {
    "env": _Wrapper(frozenset({"-u", "--unset", "-C", "--chdir"}), assigns=True),
    "sudo": _Wrapper(_SUDO_VALUES, assigns=True),
    "doas": _Wrapper(frozenset({"-u", "-C"}), assigns=True),
    "nohup": _Wrapper(),
    "setsid": _Wrapper(),
    "time": _Wrapper(frozenset({"-f", "-o", "--format", "--output"})),
    "nice": _Wrapper(frozenset({"-n", "--adjustment"})),
    "ionice": _Wrapper(frozenset({"-c", "-n", "-p"})),
    "timeout": _Wrapper(frozenset({"-s", "-k", "--signal", "--kill-after"}), skip=1),
    "stdbuf": _Wrapper(frozenset({"-i", "-o", "-e"})),
    "command": _Wrapper(idle="vV"),
    "builtin": _Wrapper(),
    "exec": _Wrapper(frozenset({"-a"})),
    "busybox": _Wrapper(),
    "chronic": _Wrapper(),
    "caffeinate": _Wrapper(frozenset({"-t", "-w"})),
    "unbuffer": _Wrapper(),
    "taskset": _Wrapper(skip=1),
    "flock": _Wrapper(frozenset({"-w", "-E", "--timeout"}), skip=1),
    "xargs": _Wrapper(
        _XARGS_VALUES, feeds=True
    ),
    "parallel": _Wrapper(frozenset({"-j", "--jobs", "-a", "-N"}), line=True, feeds=True),
    "strace": _Wrapper(frozenset({"-e", "-o", "-p", "-s"})),
    "watch": _Wrapper(frozenset({"-n", "--interval"}), line=True),
}  # fmt: skip
_RUN_BY_NAME = frozenset(
    {"GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "EDITOR", "VISUAL", "GIT_PAGER", "PAGER", "MANPAGER", "LESSOPEN", "BROWSER"}
)
"""Variables whose value other programs run as a shell line."""
_FIND_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


@dataclass(slots=True)
class Seen:
    """What looking through found: every command, the innermost ones too, and why something may have been missed."""

    parse: Parse
    commands: list[Command] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    parsed: int = 0


def commands_of(line: str, parse: Parse) -> Seen:
    """Every command that ``line`` runs, with those inside wrappers."""
    seen = Seen(parse)
    _line(line, seen, _DEPTH)
    return seen


def commands_in(command: Command, parse: Parse) -> Seen:
    """``command`` and those that it wraps."""
    seen = Seen(parse)
    _through(command, seen, _DEPTH)
    return seen


def program(word: str) -> str:
    """The name of a program without its folder."""
    return word.rpartition("/")[2]


def _line(line: str, seen: Seen, depth: int) -> None:
    if is_unknown(line):
        seen.problems.append("a part of it is known only when it runs")
        return
    if seen.parsed >= _MOST_LINES:
        seen.problems.append(f"more than {_MOST_LINES} lines in each other")
        return
    seen.parsed += 1
    parsed = seen.parse(line)
    if parsed.problem:
        seen.problems.append(parsed.problem)
    for command in parsed.commands:
        _through(command, seen, depth)


def _through(command: Command, seen: Seen, depth: int) -> None:
    seen.commands.append(command)
    lines = [value for name, value in command.assigned if name in _RUN_BY_NAME and value]
    if depth == 0 and (command.argv or lines):
        seen.problems.append(f"more than {_DEPTH} commands in each other")
        return
    for line in lines:
        _line(line, seen, depth - 1)
    if command.argv:
        _inside(command, seen, depth)


def _inside(command: Command, seen: Seen, depth: int) -> None:
    """What the program of ``command`` runs in its turn."""
    name = program(command.argv[0])
    if name in SHELLS:
        _shell(command, seen, depth - 1)
    elif name in {"eval", "trap", "git"}:
        for line in _lines(name, command.argv):
            _line(line, seen, depth - 1)
    elif name.startswith("git-"):
        _through(replace(command, argv=("git", name[4:], *command.argv[1:])), seen, depth - 1)
    elif name in {"script", "su", "runuser"}:
        _option_line(command, seen, depth - 1)
    elif name == "find":
        for argv in _found(command.argv):
            _through(replace(command, argv=argv), seen, depth - 1)
    elif name in _WRAPPERS:
        _wrapped(command, _WRAPPERS[name], seen, depth - 1)


def _lines(name: str, argv: tuple[str, ...]) -> Iterator[str]:
    """The shell lines among the arguments of a program that is no shell."""
    if name == "git":
        yield from lines_of(git_call(argv))
    elif name == "eval":
        yield " ".join(argv[1:])
    else:
        yield from [word for word in argv[1:] if word != "--"][:1]


def _wrapped(command: Command, wrapper: _Wrapper, seen: Seen, depth: int) -> None:
    words, assigned, skip = list(command.argv[1:]), list(command.assigned), wrapper.skip
    at = 0
    while at < len(words) and (skip or not wrapper.skip):
        word = words[at]
        split = wrapper.assigns and _split_string(words[at:])
        if split:
            _line(split, seen, depth)
            return
        if word == "--":
            at += 1
            break
        if word == "-" and wrapper.assigns:
            at += 1
        elif word.startswith("-") and word != "-":
            if set(wrapper.idle) & set(word):
                return
            at += 1 + (word in wrapper.values)
        elif wrapper.assigns and "=" in word:
            name, _, value = word.partition("=")
            assigned.append((name, value))
            at += 1
        elif skip:
            skip -= 1
            at += 1
        else:
            break
    rest = tuple(words[at:])
    if rest[:1] in {("-c",), ("--command",)}:  # `flock FILE -c LINE`
        _line(" ".join(rest[1:]), seen, depth)
    elif rest:
        names = (*command.environment, *(name for name, _ in assigned[len(command.assigned) :]))
        fed = command.fed or wrapper.feeds
        _through(replace(command, argv=rest, environment=names, assigned=tuple(assigned), fed=fed), seen, depth)
        if wrapper.line and (len(rest) == 1 or not any(map(is_unknown, rest))):
            _line(" ".join(rest), seen, depth)


def _split_string(words: Sequence[str]) -> str:
    """``env -S 'git push'``: a line in one argument."""
    first = words[0]
    if first in {"-S", "--split-string"}:
        return " ".join(words[1:])
    for prefix in ("-S", "--split-string="):
        if first.startswith(prefix):
            return " ".join([first.removeprefix(prefix), *words[1:]])
    return ""


def _shell(command: Command, seen: Seen, depth: int) -> None:
    options, operands = _shell_words(command)
    if "c" in options:
        if operands:
            _line(operands[0], seen, depth)
    elif command.stdin is not None and ("s" in options or not operands or operands[0] in _STDIN):
        _line(command.stdin, seen, depth)


def _shell_words(command: Command) -> tuple[str, tuple[str, ...]]:
    """The letters of a shell's options, and what stands behind them: ``-euo pipefail -c LINE``."""
    words = command.argv[1:]
    letters, at = "", 0
    while at < len(words) and words[at].startswith(("-", "+")):
        word = words[at]
        at += 1
        if word in {"-", "--"}:
            break
        if word.startswith("--"):
            at += word in _SHELL_VALUES
        else:
            letters += word[1:]
            at += sum(letter in "oO" for letter in word[1:])
    return letters, words[at:]


def reads_its_script(command: Command) -> bool:
    """Whether this runs what comes out of a pipe or another program and is not known."""
    name = program(command.argv[0]) if command.argv else ""
    if name in SHELLS or name in {"source", "."}:
        options, operands = _shell_words(command)
        if command.substituted and "c" not in options:
            return True
        from_stdin = "c" not in options and ("s" in options or not operands or operands[0] in _STDIN)
        return from_stdin and command.piped and (command.stdin is None or is_unknown(command.stdin))
    if name.rstrip("0123456789.") in _INTERPRETERS:
        return command.piped and command.stdin is None and all(word in _STDIN for word in command.argv[1:])
    return False


def _option_line(command: Command, seen: Seen, depth: int) -> None:
    """``su -c LINE``, ``script -c LINE FILE``."""
    words = command.argv
    for at, word in enumerate(words[:-1]):
        if word in {"-c", "--command"} or (word.startswith("-") and not word.startswith("--") and word.endswith("c")):
            _line(words[at + 1], seen, depth)


def _found(argv: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    at = 0
    while at < len(argv):
        if argv[at] in _FIND_RUNS:
            end = next((i for i in range(at, len(argv)) if argv[i] in {";", "+"}), len(argv))
            if end > at + 1:
                yield argv[at + 1 : end]
            at = end
        at += 1
