"""Whether an act may happen: every command in it is looked at, and the strictest answer counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from pathspec import GitIgnoreSpec

from fleet_tui.domain.text import one_line
from fleet_tui.governance.guard import git, paths
from fleet_tui.governance.guard.acts import Act, Surroundings
from fleet_tui.governance.guard.shell import Command, Parse
from fleet_tui.governance.guard.text import GLOB, OPAQUE, is_unknown
from fleet_tui.governance.guard.wrappers import Seen, commands_in, commands_of, program, reads_its_script
from fleet_tui.settings.guard import Guard, GuardRule, Verdict

_SEVERITY: dict[Verdict, int] = {"allow": 0, "ask": 1, "deny": 2}
_VALUE_OPTIONS = {
    "gh": frozenset({"-R", "--repo", "--hostname"}),
    "tmux": frozenset({"-L", "-S", "-f", "-c", "-T"}),
    "docker": frozenset({"-H", "--host", "--context", "--config", "-c", "-l", "--log-level"}),
    "npm": frozenset({"--prefix", "-C", "-w", "--workspace"}),
    "pip": frozenset({"--python", "--log", "--proxy"}),
    "fleet": frozenset({"--repo"}),
    "systemctl": frozenset({"-H", "-M", "-t"}),
}
"""Options before the verb that take a value."""
_TWO_WORDS = frozenset({"gh", "fleet", "docker", "uv", "npm"})
"""Programs whose verb may be two words: `gh pr merge`."""
_TAKES_AWAY = frozenset({"rm", "mv"})
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class GuardDecision:
    """``rule`` is the name of what decided, ``unreadable`` or ``default``; ``about`` is the command it is about."""

    verdict: Verdict
    rule: str
    reason: str
    about: str = ""
    offence: bool = False
    """Whether being refused counts towards quarantine."""


_NOTHING_AGAINST = GuardDecision("allow", "default", "no rule is against it")


@dataclass(frozen=True, slots=True)
class _Step:
    """One command as rules see it."""

    tool: str
    program: str
    verbs: tuple[str, ...]
    """The verb as one word and, for some programs, as two."""
    arguments: tuple[str, ...]
    git_settings: tuple[str, ...]
    variables: tuple[str, ...]
    reads: tuple[str, ...]
    """Absolute paths it may read."""
    searches: tuple[str, ...]
    """Absolute directories of which it reads everything."""
    writes: tuple[str, ...]
    outside: bool
    """Whether it writes to neither the workspace nor another writable place."""
    anywhere: bool
    """Whether it writes to where only the running line knows."""
    foreign_push: str | None
    piped_script: bool
    opaque: bool
    shown: str


def decide(act: Act, who: Surroundings, guard: Guard, parse: Parse) -> GuardDecision:
    """The decision about one act, with the rule that made it. The same input gives the same answer."""
    decisions: list[GuardDecision] = []
    if act.problem:
        decisions.append(_unreadable(guard, act.problem, act.tool))
    rules = [rule for rule in (*guard.extra, *guard.rules) if rule.id not in guard.disabled and _concerns(rule, who)]
    if act.line is not None or act.argv:
        seen = commands_of(act.line, parse) if act.line is not None else commands_in(Command(act.argv), parse)
        decisions += [_unreadable(guard, problem, act.line or "") for problem in seen.problems]
        decisions += [_judge(step, rules, who) for step in _steps(seen, act, who, guard.writable)]
    else:
        decisions.append(_judge(_file_step(act, who, guard.writable), rules, who))
    return max(decisions, key=lambda decision: _SEVERITY[decision.verdict], default=_NOTHING_AGAINST)


def _unreadable(guard: Guard, problem: str, shown: str) -> GuardDecision:
    return GuardDecision(guard.unreadable, "unreadable", f"it cannot be understood: {problem}", one_line(shown, _SHOWN))


def _concerns(rule: GuardRule, who: Surroundings) -> bool:
    return not rule.roles or _matches_any((who.role, who.family), rule.roles)


def _judge(step: _Step, rules: Sequence[GuardRule], who: Surroundings) -> GuardDecision:
    for rule in rules:
        if _applies(rule, step, who):
            detail = f" ({step.foreign_push})" if rule.foreign_push and step.foreign_push else ""
            return GuardDecision(rule.then, rule.id, f"{rule.reason}{detail}", step.shown, rule.offence)
    return _NOTHING_AGAINST


def _applies(rule: GuardRule, step: _Step, who: Surroundings) -> bool:
    """Whether everything that the rule names is so."""
    globs = (
        (rule.tools, (step.tool,)),
        (rule.programs, (step.program,)),
        (rule.verbs, step.verbs),
        (rule.arguments, step.arguments),
        (rule.git_settings, step.git_settings),
        (rule.variables, step.variables),
    )
    if not all(_matches_any(values, patterns) for patterns, values in globs if patterns):
        return False
    if rule.unless_arguments and _matches_any(step.arguments, rule.unless_arguments):
        return False
    if rule.reads and not _reads(rule.reads, step, who):
        return False
    if rule.writes and not _points_at(rule.writes, step.writes, who):
        return False
    return (
        (not rule.outside or step.outside)
        and (not rule.anywhere or step.anywhere)
        and (not rule.foreign_push or step.foreign_push is not None)
        and (not rule.piped_script or step.piped_script)
        and (not rule.opaque or step.opaque)
    )


def _matches_any(values: Iterable[str], patterns: Iterable[str]) -> bool:
    lowered = [value.lower() for value in values]
    return any(fnmatchcase(value, pattern.lower()) for pattern in patterns for value in lowered)


def _reads(patterns: tuple[str, ...], step: _Step, who: Surroundings) -> bool:
    above = any(paths.is_above(place, patterns, who.home) for place in step.searches)
    return above or _points_at(patterns, step.reads, who)


def _points_at(patterns: tuple[str, ...], found: Iterable[str], who: Surroundings) -> bool:
    spec = _spec(patterns)
    return any(paths.matches(spec, path, who.workspace, who.home) for path in found)


@lru_cache(maxsize=256)
def _spec(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    return paths.matcher(patterns)


# -- commands as rules see them ----------------------------------------------------------------------------------------


def _steps(seen: Seen, act: Act, who: Surroundings, writable: tuple[str, ...]) -> list[_Step]:
    begin = act.cwd or who.workspace
    return [_step(command, act.tool, begin, who, writable) for command in seen.commands]


def _resolved(command: Command, begin: str, who: Surroundings, *, expected: bool) -> tuple[str, ...]:
    """The directories in which it may run, or those alone in which it runs when every `cd` goes well."""
    found = [place.path or "." for place in command.places if place.expected or not expected]
    return _absolute(found, (begin,), who)


def _gone(start: tuple[str, ...], moved: tuple[str, ...], who: Surroundings) -> tuple[str, ...]:
    here = start
    for target in moved:
        here = _absolute((target,), here, who)
    return here


def _step(command: Command, tool: str, begin: str, who: Surroundings, writable: tuple[str, ...]) -> _Step:
    name = program(command.argv[0]) if command.argv else ""
    arguments = command.argv[1:]
    call = git.git_call(command.argv) if name == "git" else None
    cwds = _resolved(command, begin, who, expected=False)
    written = (*command.writes, *(() if call else paths.written(name, command.argv)))
    writes = _absolute([word for word in written if not paths.is_anywhere(word)], cwds, who)
    anywhere = any(map(paths.is_anywhere, written))
    if call:
        writes, anywhere = (*writes, *_git_writes(call, command, begin, who)), anywhere or _git_anywhere(call)
    if name in _TAKES_AWAY and who.workspace in writes:
        writes = (*writes, f"{who.workspace}/.git")
    return _Step(
        tool,
        name,
        (call.verb,) if call else _verbs(name, arguments),
        arguments,
        call.settings if call else (),
        command.environment,
        _reached(_absolute((*command.reads, *paths.mentioned(command.argv)), cwds, who), who),
        _reached(_absolute(paths.searched(name, command.argv), cwds, who), who),
        _reached((*writes, *_absolute(filter(paths.is_anywhere, written), cwds, who)), who),
        _is_outside(writes, who, writable),
        anywhere,
        _foreign_push(call, command, begin, who) if call and call.verb == "push" else None,
        reads_its_script(command),
        _is_opaque(command, name, call),
        one_line(" ".join(command.argv).replace(OPAQUE, "…").replace(GLOB, "*"), _SHOWN),
    )


def _git_writes(call: git.GitCall, command: Command, begin: str, who: Surroundings) -> tuple[str, ...]:
    """What git writes, from where it goes; its own tree is held against it only where it is expected to stand."""
    here = _gone(_resolved(command, begin, who, expected=False), call.directories, who)
    named = _absolute([word for word in git.written(call) if not paths.is_anywhere(word)], here, who)
    if not call.changes_the_tree:
        return named
    expected = _gone(_resolved(command, begin, who, expected=True), call.directories, who)
    return (*named, *(_absolute(call.trees, expected, who) or expected))


def _git_anywhere(call: git.GitCall) -> bool:
    return any(map(paths.is_anywhere, git.written(call)))


def _foreign_push(call: git.GitCall, command: Command, begin: str, who: Surroundings) -> str | None:
    moves = (*call.directories, *call.trees)
    expected = _gone(_resolved(command, begin, who, expected=True), moves, who)
    possible = _gone(_resolved(command, begin, who, expected=False), moves, who)
    inside = [paths.is_inside(place, who.workspace) for place in (expected or possible)]
    if not (all(inside) if expected and not any(map(is_unknown, moves)) else any(inside)):
        return "pushes from outside its workspace"
    return git.foreign_push(call, who.branch)


def _is_opaque(command: Command, name: str, call: git.GitCall | None) -> bool:
    if call is None:
        return is_unknown(name)
    return is_unknown(call.verb) or (not call.verb and command.fed) or (call.verb == "push" and command.unknown)


def _file_step(act: Act, who: Surroundings, writable: tuple[str, ...]) -> _Step:
    cwds = (act.cwd or who.workspace,)
    reads, writes = _reached(_absolute(act.reads, cwds, who), who), _absolute(act.writes, cwds, who)
    searches = reads if act.searches else ()
    shown = one_line(f"{act.tool} {' '.join((*act.reads, *act.writes))}", _SHOWN)
    outside, writes = _is_outside(writes, who, writable), _reached(writes, who)
    return _Step(act.tool, "", (), (), (), (), reads, searches, writes, outside, False, None, False, False, shown)


def _is_outside(writes: Iterable[str], who: Surroundings, writable: tuple[str, ...]) -> bool:
    """Whether one of the places is neither in the workspace nor writable, as it is written or as it is on the disk.

    What the person has linked in their own home directory is theirs to link.
    """
    spec, workspaces = _spec(writable), (who.workspace, *who.on_disk(who.workspace))

    def is_fine(path: str) -> bool:
        if any(paths.is_inside(path, workspace) for workspace in workspaces):
            return True
        return paths.matches(spec, path, who.workspace, who.home)

    def ends(path: str) -> tuple[str, ...]:
        is_theirs = paths.is_inside(path, who.home) and not paths.is_inside(path, who.workspace)
        return () if is_theirs else who.on_disk(path)

    return not all(is_fine(end) for path in writes for end in (path, *ends(path)))


def _reached(places: Iterable[str], who: Surroundings) -> tuple[str, ...]:
    """The places, and what they lead to on the disk."""
    return tuple(dict.fromkeys(end for place in places for end in (place, *who.on_disk(place))))


def _absolute(words: Iterable[str], cwds: tuple[str, ...], who: Surroundings) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place for word in words for place in paths.places(word, cwds, who.home)))


def _verbs(name: str, arguments: tuple[str, ...]) -> tuple[str, ...]:
    values = _VALUE_OPTIONS.get(name, frozenset())
    operands: list[str] = []
    at = 0
    while at < len(arguments) and len(operands) < 2:
        word = arguments[at]
        if word.startswith("-"):
            at += 1 + (word in values)
        else:
            operands.append(word)
            at += 1
    if name in _TWO_WORDS and len(operands) == 2:
        return operands[0], " ".join(operands)
    return tuple(operands[:1])
