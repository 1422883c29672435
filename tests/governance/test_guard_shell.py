"""What the parser makes of shell lines, compared with what a real shell does."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fleet_tui.governance.guard.paths import places
from fleet_tui.governance.guard.text import GLOB, OPAQUE, is_unknown
from fleet_tui.governance.guard.wrappers import commands_of
from fleet_tui.watcher.desks.shell_parser import MAX_LINE, parse
from tests.examples import tried

texts = st.text(max_size=60)
arguments = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), max_size=4)


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("git push", ("git", "push")),
        ("""g'i't "pu"sh\\ x""", ("git", "push x")),
        ("git $'\\x70ush' $'a\\tb'", ("git", "push", "a\tb")),
        ("echo \"a  b\" '$HOME'", ("echo", "a  b", "$HOME")),
        ('echo "\\$x \\\\ \\a"', ("echo", "$x \\ \\a")),
        ("echo $HOME `id` $(id)", ("echo", OPAQUE, OPAQUE, OPAQUE)),
        ("echo *.py [ab] {x,y} {}", ("echo", f"{GLOB}.py", f"{GLOB}ab]", f"{OPAQUE}x,y}}", "{}")),
        ("echo '*' \"?\"", ("echo", "*", "?")),
    ],
)
def test_words_are_what_the_program_gets(line: str, argv: tuple[str, ...]) -> None:
    assert parse(line).commands[0].argv == argv


@given(arguments)
def test_quoted_arguments_come_back_as_they_were(words: list[str]) -> None:
    line = "run " + " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    parsed = parse(line)
    assert not parsed.problem
    assert parsed.commands[0].argv == ("run", *words)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of programs a to h that write down what they were called with."""
    folder = tmp_path_factory.mktemp("programs")
    for name in "abcdefgh":
        program = folder / name
        # One write for each call: programs in the background write at the same time.
        program.write_text(
            f'#!/bin/sh\ncall=$(printf "%s\\001" {name} "$@"; printf "\\002")\nprintf %s "$call" >>"$CALLS"\n'
        )
        program.chmod(0o755)
    return folder


def assert_foreseen(line: str, programs: Path) -> int:
    """Run ``line`` in bash: each call must have been seen, to the letter or as far as it can be known. How many."""
    made = calls_of(line, programs)
    parsed = parse(line)
    for argv in made:
        alike = any(_may_be(command.argv, argv) for command in parsed.commands)
        assert alike or parsed.problem, (line, argv, parsed)
    return len(made)


def calls_of(line: str, programs: Path) -> list[tuple[str, ...]]:
    """What ``line`` called when bash ran it."""
    with tempfile.TemporaryDirectory() as home:
        calls = Path(home) / "calls"
        calls.touch()
        environment = {"PATH": f"{programs}:/usr/bin:/bin", "CALLS": str(calls)}
        subprocess.run(
            ["bash", "-c", line], env=environment, cwd=home, check=False, timeout=60, capture_output=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return [tuple(call.split("\x01")[:-1]) for call in calls.read_text().split("\x02")[:-1]]


def _may_be(foreseen: tuple[str, ...], argv: tuple[str, ...]) -> bool:
    known = tuple(word for word in foreseen if not is_unknown(word))
    return foreseen[:1] == argv[:1] and all(word in argv for word in known)


@pytest.mark.parametrize(
    "line",
    [
        "a 'b c' \"d  e\" f\\ g; h",
        "x=1 a b && (c d) | e",
        "if true; then a b; else c 'd'; fi",
        "for i in 1 2; do a b; done",
        "f() { a 'b b'; }; f",
        'a "$(b c)" `d e`',
        "a <<< 'b c'",
        "{ a; b 1; }",
        'a $\'\\x41\\102\\u0043\' "\\"q\\""',
        "! a b || c",
        "case x in x) a b;; esac",
        "while false; do a; done; c",
        "a | b | c\nd e > y",
        "a x\\\n y",
    ],
)
def test_every_program_that_bash_runs_was_seen(line: str, programs: Path) -> None:
    assert assert_foreseen(line, programs)


words = st.sampled_from(
    [
        "1",
        "'x y'",
        '"x  $HOME"',
        "--o=v",
        "$'\\n'",
        "y\\ z",
        "*",
        "é",
        '"$(b 2)"',
        "`c 3`",
        "<(d)",
        "> out",
        "2>&1",
        "< /dev/null",
    ]
)
simple = st.builds(lambda name, rest: " ".join([name, *rest]), st.sampled_from("abcdefgh"), st.lists(words, max_size=3))
shell_lines = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(
            lambda one, sign, two: f"{one}{sign}{two}",
            inner,
            st.sampled_from(["; ", " | ", " && ", " || ", "\n", " & ", " |\n"]),
            inner,
        ),
        inner.map(lambda line: f"({line})"),
        inner.map(lambda line: f"{{ {line}; }}"),
        inner.map(lambda line: f"if true; then {line}; fi"),
        inner.map(lambda line: f"for i in 1; do {line}; done"),
        inner.map(lambda line: f"k() {{ {line}; }}; k"),
        inner.map(lambda line: f"x=$({line})"),
        inner.map(lambda line: f'a "$({line})"'),
        inner.map(lambda line: f"! {line}"),
        inner.map(lambda line: f"{line} # b"),
        inner.map(lambda line: f"case x in x) {line} ;; esac"),
        inner.map(lambda line: f"a <<E\nb\nE\n{line}"),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(shell_lines)
def test_generated_lines_run_nothing_unseen(programs: Path, line: str) -> None:
    assert_foreseen(line, programs)


@pytest.mark.parametrize(
    "line",
    [
        "git push",
        "env A=1 git push",
        "env -i -u X -C /tmp git push",
        "env -S 'git push'",
        "env -S'git push'",
        "sh -c 'git push'",
        "bash -lc 'git push'",
        "bash -o pipefail -ec 'git push' name",
        "bash --norc -c 'git push'",
        "sh <<< 'git push'",
        "sh <<EOF\ngit push\nEOF",
        "eval git push",
        "eval 'git push'",
        "trap 'git push' EXIT",
        "nohup nice -n 5 timeout -k 1 10 git push",
        "find . -name x -exec git push \\;",
        "find . -execdir git push {} +",
        "echo x | xargs -n 1 git push",
        "xargs sh -c 'git push'",
        "su -c 'git push' nobody",
        "script -qc 'git push' out",
        "exec -a x git push",
        "command git push",
        "sudo -u nobody git push",
        "flock -w 1 lock git push",
        "x=$(git push)",
        "echo \"$(git push)\"",
        "diff <(git push) x",
        "f() { git push; }",
        "while git push; do :; done",
        "[ -f x ] && git push",
        "time git push",
        "sh -c \"sh -c 'git push'\"",
        "A=1 git push &",
        "bash -euo pipefail -c 'git push'",
        "bash -c -- 'git push'",
        "bash -c -x 'git push'",
        "bash -s a <<< 'git push'",
        "trap -- 'git push' EXIT",
        "env - git push",
        "flock F -c 'git push'",
        "watch 'git push'",
        "parallel 'git push' ::: a",
        "git rebase --exec='git push' x",
        "git submodule foreach --recursive git push",
        "git bisect run git push",
    ],
)  # fmt: skip
def test_wrappers_are_seen_through(line: str) -> None:
    assert any(command.argv[:2] == ("git", "push") for command in commands_of(line, parse).commands), line


@given(texts)
@example("time")
@example("coproc")
@example("time; git push")
def test_any_text_is_parsed_or_refused(line: str) -> None:
    seen = commands_of(line, parse)
    assert all(isinstance(word, str) for command in seen.commands for word in command.argv)


@pytest.mark.parametrize(
    "line",
    ["echo $(", "git push '", "\ud800", "a\0b", "x" * (MAX_LINE + 1), "(" * 5000],
    ids=["substitution", "quote", "surrogate", "nul", "long", "deep"],
)
def test_what_cannot_be_read_says_why(line: str) -> None:
    assert commands_of(line, parse).problems


def test_many_lines_in_each_other_end_with_a_problem() -> None:
    assert commands_of("; ".join(f"sh -c 'echo {n}'" for n in range(100)), parse).problems


def test_deep_nesting_ends_with_a_problem() -> None:
    line = "git push"
    for _ in range(12):
        line = "sh -c '" + line.replace("'", "'\\''") + "'"
    assert commands_of(line, parse).problems


REALLY_RUN = (
    "echo x | xargs --max-procs 4 a push",
    "echo x | xargs --process-slot-var X a push",
    "echo x | xargs --max-p 4 a push",
    "flock --conflict-exit-code 3 F a push",
    "flock F -c 'a push'",
    "ionice --class 2 a push",
    "stdbuf --output L a push",
    "env -vS 'a push'",
    "env --split-str='a push'",
    "env -S 'a' push",
    "env -C / a push",
    "timeout --sig KILL -- 5 a push",
    "nice --adj 1 a push",
    "script -qc'a push' out </dev/null",
    "script out --comm='a push' </dev/null",
    "setsid -w a push",
    "taskset -c 0 a push",
    ". /dev/stdin <<< 'a push'",
    "bash /dev/fd/3 3<<< 'a push'",
    "hash -p $(command -v a) b; b push",
    "shopt -s expand_aliases\nalias g=a\ng push",
    "find . -maxdepth 0 -exec env -- a push \\;",
)
"""Lines that call ``a push`` in ways of their own."""


@pytest.mark.parametrize("line", REALLY_RUN)
def test_what_wrappers_really_run_was_foreseen(line: str, programs: Path) -> None:
    made = calls_of(line, programs)
    seen = commands_of(line, parse)
    assert all(call[1:2] == ("push",) for call in made)
    assert made or sys.platform != "linux"
    # Through `hash -p $(...)` the name is one that nobody knows.
    assert any(command.argv[1:2] == ("push",) and command.argv[0] in {"a", OPAQUE} for command in seen.commands), seen


moves = st.sampled_from(
    ["cd one", "cd two", "cd ..", "cd -", "cd nowhere", "cd / && cd -", "pushd one", "popd", "pushd", "w", "w", "w",
     "true", "false", "env -C one w", "env --chdir=.. w", "builtin cd two", "cd ./one/../two", "cd"]
)  # fmt: skip
moving_lines = st.recursive(
    moves,
    lambda inner: st.one_of(
        st.builds(
            lambda one, sign, two: f"{one}{sign}{two}",
            inner,
            st.sampled_from(["; ", " && ", " || ", " | ", " & "]),
            inner,
        ),
        inner.map(lambda line: f"({line})"),
        inner.map(lambda line: f"{{ {line}; }}"),
        inner.map(lambda line: f"! {{ {line}; }}"),
        inner.map(lambda line: f"x=$({line})"),
        inner.map(lambda line: f"for i in 1 2; do {line}; done"),
        inner.map(lambda line: f"k() {{ {line}; }}; k"),
        st.builds(lambda one, two, three: f"if {one}; then {two}; else {three}; fi", inner, inner, inner),
        st.builds(lambda one, two: f"case x in x) {one};; *) {two};; esac", inner, inner),
    ),
    max_leaves=8,
)


@tried(200)
@given(moving_lines)
def test_no_program_runs_where_it_was_not_foreseen(line: str) -> None:
    """Against bash: each directory in which ``w`` runs is among the places of a ``w`` that was seen."""
    with tempfile.TemporaryDirectory() as root:
        home = Path(root).resolve() / "home"
        for folder in ("one/one", "one/two/one", "two/two", "two/one"):
            (home / folder).mkdir(parents=True)
        program = home.parent / "w"
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$(pwd)" >>"$CALLS"\n')
        program.chmod(0o755)
        calls = home.parent / "calls"
        calls.touch()
        environment = {"PATH": f"{home.parent}:/usr/bin:/bin", "CALLS": str(calls), "HOME": str(home)}
        subprocess.run(
            ["bash", "-c", f"{line}\nwait"], env=environment, cwd=home, check=False, timeout=60, capture_output=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        stood = set(calls.read_text().split())
    seen = commands_of(line, parse)
    foreseen = {
        end
        for command in seen.commands
        if command.argv == ("w",)
        for place in command.places
        for end in places(place.path or ".", (str(home),), str(home))
    }
    assert stood <= foreseen or seen.problems, (line, stood - foreseen)
