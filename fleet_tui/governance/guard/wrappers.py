"""Programs that run other programs: ``env``, ``sh -c``, ``xargs``, ``find -exec`` and the like, seen through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from fleet_tui.governance.guard.directories import HERE, MAX_PLACES, Place, moved, within
from fleet_tui.governance.guard.git import git_call, lines_of
from fleet_tui.governance.guard.options import operands, options, read_option
from fleet_tui.governance.guard.shell import Command, Parse
from fleet_tui.governance.guard.text import OPAQUE, is_unknown
from fleet_tui.governance.guard.wrapper_table import LAUNCHERS, WRAPPERS, Wrapper

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash"})
_DEPTH = 8
_MOST_LINES = 64
_MOST_VALUES = 8
"""Arguments of `parallel` and starting points of `find` that are looked at one by one."""
_SHELL_VALUES = frozenset({"--rcfile", "--init-file"})
_INTERPRETERS = frozenset({"python", "pypy", "node", "perl", "ruby", "php", "deno", "bun"})
_INLINE = re.compile(r"-[a-zA-Z]*[cemrpEr]$|--(eval|print|run)$")
"""Options of interpreters behind which the program stands itself, or names a module."""
_PYTHON = options("c: m: W: X: check-hash-based-pycs: B b d E h i I O P q R s S u v V x")
_MODULES = {
    "fleet_tui": "fleet",
    "fleet_tui.cli": "fleet",
    "fleet_tui.cli.main": "fleet",
    "fleet_tui.__main__": "fleet",
}
_STDIN = re.compile(r"-|/dev/stdin|/dev/fd/\d+|/proc/(self|thread-self|\d+)/fd/\d+")
_RUN_BY_NAME = frozenset(
    {"GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "EDITOR", "VISUAL", "GIT_PAGER", "PAGER", "MANPAGER", "LESSOPEN", "BROWSER"}
)
"""Variables whose value other programs run as a shell line."""
_FIND_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_FROM_INPUT = "$fleet_input"
"""Stands in a line for what comes from the input when it runs."""


@dataclass(slots=True)
class Seen:
    """What looking through found: every command, the innermost ones too, and why something may have been missed."""

    parse: Parse
    commands: list[Command] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    parsed: int = 0
    names: list[tuple[str, str]] = field(default_factory=list)
    """What names of programs were made to stand for, by `alias` and `hash -p`."""


def commands_of(line: str, parse: Parse) -> Seen:
    """Every command that ``line`` runs, with those inside wrappers."""
    seen = Seen(parse)
    _line(line, seen, _DEPTH, HERE)
    return seen


def commands_in(command: Command, parse: Parse) -> Seen:
    """``command`` and those that it wraps."""
    seen = Seen(parse)
    _through(command, seen, _DEPTH)
    return seen


def program(word: str) -> str:
    """The name of a program without its folder."""
    return word.rpartition("/")[2]


def reads_its_script(command: Command) -> bool:
    """Whether this runs what comes out of a pipe or another program and is not known."""
    name = program(command.argv[0]) if command.argv else ""
    if name in SHELLS or name in {"source", "."}:
        options, operands = _shell_words(command)
        if "c" in options:
            return command.fed and not operands
        if command.substituted:
            return True
        from_stdin = "s" in options or not operands or _is_stdin(operands[0])
        return from_stdin and command.piped and (command.stdin is None or is_unknown(command.stdin))
    return name.rstrip("0123456789.") in _INTERPRETERS and _interprets_input(command)


def _interprets_input(command: Command) -> bool:
    for word in command.argv[1:]:
        if _INLINE.match(word):
            return command.fed and word == command.argv[-1]
        if not word.startswith("-") or _is_stdin(word):
            is_output = command.substituted and word.startswith(OPAQUE)
            return is_output or (_is_stdin(word) and command.piped and command.stdin is None)
    return command.piped and command.stdin is None


def _is_stdin(word: str) -> bool:
    return _STDIN.fullmatch(word) is not None


def _line(line: str, seen: Seen, depth: int, at: tuple[Place, ...], around: Command | None = None) -> None:
    """The commands of a line that begins in one of the directories ``at``; of ``around`` it has its input."""
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
        places = within(at, command.places)
        if len(places) > MAX_PLACES:
            seen.problems.append("it changes directories too often to be followed")
            places = places[:MAX_PLACES]
        inner = replace(command, places=places)
        if around is not None and around.piped and not inner.piped:
            inner = replace(inner, piped=True, stdin=around.stdin)
        _through(inner, seen, depth)


def _through(command: Command, seen: Seen, depth: int) -> None:
    seen.commands.append(command)
    lines = [value for name, value in command.assigned if name in _RUN_BY_NAME and value]
    if depth == 0 and (command.argv or lines):
        seen.problems.append(f"more than {_DEPTH} commands in each other")
        return
    for line in lines:
        _line(line, seen, depth - 1, command.places)
    if command.argv:
        _renamed(command, seen, depth - 1)
        _inside(command, seen, depth)


def _inside(command: Command, seen: Seen, depth: int) -> None:
    """What the program of ``command`` runs in its turn."""
    name, argv = program(command.argv[0]), command.argv
    if name in SHELLS:
        _shell(command, seen, depth - 1)
    elif name in {"eval", "trap", "git"}:
        for line in _lines(name, argv):
            _line(line, seen, depth - 1, command.places)
    elif name in {"source", "."} and command.stdin is not None and any(map(_is_stdin, argv[1:2])):
        _line(command.stdin, seen, depth - 1, command.places)
    elif name == "hub" or name.startswith("git-"):
        verb = (name[4:],) * (name != "hub")
        _through(replace(command, argv=("git", *verb, *argv[1:])), seen, depth - 1)
    elif name == "find":
        for start, found in _found(argv):
            places = moved(command.places, start)
            _through(replace(command, argv=found, places=places), seen, depth - 1)
    elif name in {"alias", "hash"}:
        seen.names += _names(name, argv[1:])
    elif name.rstrip("0123456789.") in {"python", "pypy"}:
        module = _module(argv[1:])
        if module:
            _through(replace(command, argv=module), seen, depth - 1)
    else:
        _launched(command, name, seen, depth - 1)


def _lines(name: str, argv: tuple[str, ...]) -> Iterator[str]:
    """The shell lines among the arguments of a program that is no shell."""
    if name == "git":
        yield from lines_of(git_call(argv))
    elif name == "eval":
        yield " ".join(argv[1:])
    else:
        yield from [word for word in argv[1:] if word != "--"][:1]


# -- names that stand for something else -------------------------------------------------------------------------------


def _names(name: str, words: tuple[str, ...]) -> list[tuple[str, str]]:
    """What ``alias g=git`` and ``hash -p /usr/bin/git g`` make of a name."""
    if name == "alias":
        pairs = (word.partition("=") for word in words)
        return [(new, value) for new, sign, value in pairs if sign]
    table = options("p: r l d t")
    folder = next((pair[1] for pair in read_option(words, 0, table)[-1].given if pair[0] == "-p"), "") if words else ""
    return [(new, folder) for new in operands(words, table) if folder]


def _renamed(command: Command, seen: Seen, depth: int) -> None:
    """The command as what its name was made to stand for; a name stands for itself inside of that."""
    first, *rest = command.argv
    for name, value in [pair for pair in seen.names if pair[0] == first]:
        meant = [inner.argv for inner in seen.parse(value).commands if inner.argv] if not is_unknown(value) else []
        kept, seen.names = seen.names, [pair for pair in seen.names if pair[0] != name]
        for argv in meant[:-1]:
            _through(replace(command, argv=argv), seen, depth)
        _through(replace(command, argv=(*(meant[-1] if meant else (OPAQUE,)), *rest)), seen, depth)
        seen.names = kept


def _module(words: tuple[str, ...]) -> tuple[str, ...]:
    """The program that ``python -m NAME`` is, with its arguments."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        reading = read_option(words, at, _PYTHON)[-1]
        at += reading.taken
        for name, value in reading.given:
            if name == "-m" and value:
                return (_MODULES.get(value, value), *words[at:])
            if name == "-c":
                return ()
    return ()


# -- wrappers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read the words of a wrapper: its options, the variables that it sets, and what it runs."""

    given: tuple[tuple[str, str], ...] = ()
    assigned: tuple[tuple[str, str], ...] = ()
    rest: tuple[str, ...] = ()


def _readings(words: tuple[str, ...], wrapper: Wrapper) -> Iterator[_Reading]:
    """Every way to read ``words``: options that nobody knows may have a value or not."""
    open_ = [(0, wrapper.skip, False, _Reading())]
    tried: set[tuple[int, int, bool]] = set()
    while open_:
        at, skip, ended, so_far = open_.pop()
        if (at, skip, ended) in tried:
            continue
        tried.add((at, skip, ended))
        word = words[at] if at < len(words) else ""
        name, sign, value = word.partition("=")
        if at >= len(words):
            yield so_far
        elif word == "--" and not ended:
            open_.append((at + 1, skip, True, so_far))
        elif word == "-" and (wrapper.assigns or wrapper.lines):
            open_.append((at + 1, skip, ended, so_far))
        elif word.startswith("-") and word != "-" and not ended:
            for reading in read_option(words, at, wrapper.options):
                more = replace(so_far, given=(*so_far.given, *reading.given))
                # Behind `env -S LINE` stand words of the line.
                is_over = wrapper.assigns and any(one in wrapper.lines for one, _ in reading.given)
                if is_over:
                    yield replace(more, rest=words[at + reading.taken :])
                else:
                    open_.append((at + reading.taken, skip, ended, more))
        elif wrapper.assigns and sign:
            open_.append((at + 1, skip, ended, replace(so_far, assigned=(*so_far.assigned, (name, value)))))
        elif skip:
            open_.append((at + 1, skip - 1, ended, so_far))
        else:
            yield replace(so_far, rest=words[at:])


def _launched(command: Command, name: str, seen: Seen, depth: int) -> None:
    """What a wrapper runs: ``env``, or ``uv`` with its verb ``run``."""
    argv = command.argv
    if name in WRAPPERS:
        _wrapped(command, WRAPPERS[name], seen, depth)
    elif (name, *argv[1:2]) in LAUNCHERS:
        _wrapped(replace(command, argv=argv[1:]), LAUNCHERS[name, argv[1]], seen, depth)


def _wrapped(command: Command, wrapper: Wrapper, seen: Seen, depth: int) -> None:
    for reading in _readings(command.argv[1:], wrapper):
        if not any(name in wrapper.idle for name, _ in reading.given):
            _run(command, wrapper, reading, seen, depth)


def _run(command: Command, wrapper: Wrapper, reading: _Reading, seen: Seen, depth: int) -> None:
    at, rest = command.places, reading.rest
    for name, value in reading.given:
        if name in wrapper.chdir and value:
            at = moved(at, value)
    for name, value in reading.given:
        if name in wrapper.lines and value:
            # `env -S LINE` goes on with the words behind it
            _line(" ".join((value, *rest)) if wrapper.assigns else value, seen, depth, at, command)
            rest = () if wrapper.assigns else rest
    if wrapper.replaces:
        rest = _filled(rest, next((value for name, value in reading.given if name in wrapper.replaces), None))
    inner = replace(
        command,
        argv=rest,
        places=at,
        environment=(*command.environment, *(name for name, _ in reading.assigned)),
        assigned=(*command.assigned, *reading.assigned),
        fed=command.fed or wrapper.feeds,
    )
    if wrapper.line:
        _as_lines(inner, wrapper, seen, depth)
    elif rest:
        _through(inner, seen, depth)
    elif command.fed and not any(name in wrapper.lines for name, _ in reading.given):
        _through(replace(inner, argv=(OPAQUE,)), seen, depth)  # its program comes from the input


def _filled(words: tuple[str, ...], mark: str | None) -> tuple[str, ...]:
    """The words with what comes from the input in place of ``mark``, where that decides what runs."""
    if mark is None or not words:
        return words
    mark = mark or "{}"
    name = program(words[0])
    if mark in words[0] or name == "git":
        return tuple(word.replace(mark, OPAQUE) for word in words)
    if name in SHELLS or name in WRAPPERS or name == "eval":
        return tuple(OPAQUE if word == mark else word.replace(mark, _FROM_INPUT) for word in words)
    return words


def _as_lines(command: Command, wrapper: Wrapper, seen: Seen, depth: int) -> None:
    """What a shell gets of a wrapper that joins its operands: ``watch``, ``parallel TEMPLATE ::: VALUES``."""
    words, values = command.argv, [_FROM_INPUT] if wrapper.feeds else [""]
    cut = next((at for at, word in enumerate(words) if re.fullmatch(r":::+\+?", word)), len(words))
    if cut < len(words) and wrapper.feeds:
        given = [word for word in words[cut + 1 :] if not word.startswith(":::")]
        is_listed = words[cut].startswith("::::") or len(given) > _MOST_VALUES
        values = [_FROM_INPUT] if is_listed else [_FROM_INPUT if is_unknown(word) else word for word in given]
        words = words[:cut]
        command = replace(command, argv=words, fed=command.fed and is_listed)
    if words:
        _through(replace(command, argv=tuple(OPAQUE if word == "{}" else word for word in words)), seen, depth)
        if len(words) > 1 and any(map(is_unknown, words)):
            return
    elif not wrapper.feeds:
        return
    template = " ".join(words) or "{}"
    template = template if "{}" in template or not wrapper.feeds else f"{template} {{}}"
    for value in dict.fromkeys(values):
        _line(template.replace("{}", value) if wrapper.feeds else template, seen, depth, command.places)


# -- shells and find ---------------------------------------------------------------------------------------------------


def _shell(command: Command, seen: Seen, depth: int) -> None:
    options, operands = _shell_words(command)
    if "c" in options:
        if operands:
            _line(operands[0], seen, depth, command.places, None if command.fed else command)
    elif command.stdin is not None and ("s" in options or not operands or _is_stdin(operands[0])):
        _line(command.stdin, seen, depth, command.places)


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


def _found(argv: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The commands of ``find -exec`` and where they run, once for each place where it begins; ``{}`` is below it."""
    starts = [word for word in _until_test(argv[1:]) if word not in {".", "./"}]
    starts = starts[:_MOST_VALUES] or ["."]
    at = 0
    while at < len(argv):
        if argv[at] in _FIND_RUNS:
            end = next((i for i in range(at, len(argv)) if argv[i] in {";", "+"}), len(argv))
            if end > at + 1:
                for start in starts:
                    there = argv[at].endswith("dir") or start == "."
                    below = "{}" if there else f"{start.rstrip('/')}/{{}}"
                    words = tuple(word.replace("{}", below) for word in argv[at + 1 : end])
                    yield start if argv[at].endswith("dir") else "", words
            at = end
        at += 1


def _until_test(words: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        if word.startswith(("(", "!")) or (word.startswith("-") and word not in {"-H", "-L", "-P"}):
            return
        if not word.startswith("-"):
            yield word
