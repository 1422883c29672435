"""Programs that run other programs: ``env``, ``sh -c``, ``xargs``, ``find -exec`` and the like, seen through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from fleet_tui.governance.guard.shell import Command, Parse, is_unknown

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "rbash"})
_DEPTH = 8
_MOST_LINES = 64
_SHELL_VALUES = frozenset({"-o", "+o", "-O", "+O", "--rcfile", "--init-file"})


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """``values``: its options that take a value; ``skip``: how many operands stand before the program."""

    values: frozenset[str] = frozenset()
    skip: int = 0
    assigns: bool = False
    idle: str = ""
    """Letters of options with which it runs nothing."""


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
        _XARGS_VALUES
    ),
    "parallel": _Wrapper(frozenset({"-j", "--jobs", "-a", "-N"})),
    "strace": _Wrapper(frozenset({"-e", "-o", "-p", "-s"})),
    "watch": _Wrapper(frozenset({"-n", "--interval"})),
}  # fmt: skip
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
    if not command.argv:
        return
    if depth == 0:
        seen.problems.append(f"more than {_DEPTH} commands in each other")
        return
    name = program(command.argv[0])
    if name in SHELLS:
        _shell(command, seen, depth - 1)
    elif name == "eval":
        _line(" ".join(command.argv[1:]), seen, depth - 1)
    elif name == "trap" and len(command.argv) > 1:
        _line(command.argv[1], seen, depth - 1)
    elif name in {"script", "su", "runuser"}:
        _option_line(command, seen, depth - 1)
    elif name == "find":
        for argv in _found(command.argv):
            _through(replace(command, argv=argv), seen, depth - 1)
    elif name in _WRAPPERS:
        _wrapped(command, _WRAPPERS[name], seen, depth - 1)


def _wrapped(command: Command, wrapper: _Wrapper, seen: Seen, depth: int) -> None:
    words, environment, skip = list(command.argv[1:]), list(command.environment), wrapper.skip
    at = 0
    while at < len(words):
        word = words[at]
        split = wrapper.assigns and _split_string(words[at:])
        if split:
            _line(split, seen, depth)
            return
        if word == "--":
            at += 1
            break
        if word.startswith("-") and word != "-":
            if set(wrapper.idle) & set(word):
                return
            at += 1 + (word in wrapper.values)
        elif wrapper.assigns and "=" in word:
            environment.append(word.partition("=")[0])
            at += 1
        elif skip:
            skip -= 1
            at += 1
        else:
            break
    if at < len(words):
        _through(replace(command, argv=tuple(words[at:]), environment=tuple(environment)), seen, depth)


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
    words = command.argv[1:]
    at = 0
    while at < len(words):
        word = words[at]
        if word in _SHELL_VALUES:
            at += 2
        elif word.startswith(("-", "+")) and len(word) > 1 and not word.startswith("--"):
            if "c" in word[1:] and at + 1 < len(words):
                _line(words[at + 1], seen, depth)
                return
            at += 1
        elif word.startswith("--") and len(word) > 2:
            at += 1
        else:
            break
    if at >= len(words) and command.stdin is not None:
        _line(command.stdin, seen, depth)


def reads_its_script(command: Command) -> bool:
    """Whether this is a shell that runs what comes out of a pipe and is not known."""
    if not command.argv or program(command.argv[0]) not in SHELLS or not command.piped:
        return False
    words = command.argv[1:]
    from_stdin = "-s" in words or all(word.startswith(("-", "+")) for word in words)
    return from_stdin and (command.stdin is None or is_unknown(command.stdin))


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
