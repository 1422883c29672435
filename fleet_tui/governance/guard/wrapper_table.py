"""Programs that run other programs, as data: their options, and what of their arguments is run."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.governance.guard.options import Options, options


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How one of them finds the program that it runs. What its options do not list is read in both ways."""

    options: Options
    skip: int = 0
    """How many operands stand before the program."""
    assigns: bool = False
    """Whether ``NAME=VALUE`` may stand before the program."""
    idle: frozenset[str] = frozenset()
    """Options with which it runs nothing."""
    lines: frozenset[str] = frozenset()
    """Options whose value is a shell line."""
    chdir: frozenset[str] = frozenset()
    """Options that say where the program runs."""
    line: bool = False
    """Whether a shell reads its operands as one line."""
    feeds: bool = False
    """Whether it adds arguments from its input."""
    replaces: frozenset[str] = frozenset()
    """Options that name the text in whose place those arguments come."""


def _wrapper(table: str, *, skip: int = 0, **rest: str | bool) -> Wrapper:
    sets = {name: frozenset(value.split()) for name, value in rest.items() if isinstance(value, str)}
    switches = {name: value for name, value in rest.items() if isinstance(value, bool)}
    return Wrapper(options(table), skip, **sets, **switches)  # type: ignore[arg-type]  # names of fields, by kind


_DIGITS = "0 1 2 3 4 5 6 7 8 9"
_SU = _wrapper(
    "c: command: session-command: s: shell: g: group: G: supp-group: w: whitelist-environment: u: user: l login f fast "
    "m p preserve-environment P pty T no-pty",
    skip=1, lines="-c --command --session-command",
)  # fmt: skip

WRAPPERS = {
    "env": _wrapper(
        "u: unset: C: chdir: S: split-string: a: argv0: i ignore-environment 0 null v debug block-signal:: "
        "default-signal:: ignore-signal:: list-signal-handling",
        assigns=True, lines="-S --split-string", chdir="-C --chdir",
    ),
    "sudo": _wrapper(
        "u: user: g: group: h: host: p: prompt: C: close-from: D: chdir: R: chroot: T: command-timeout: U: other-user: "
        "r: role: t: type: A askpass b background B bell E preserve-env:: H set-home i login K k l n P S s shell v V",
        assigns=True, chdir="-D --chdir",
    ),
    "doas": _wrapper("u: C: a: L n s", assigns=True),
    "nohup": _wrapper(""),
    "setsid": _wrapper("c ctty f fork w wait"),
    "time": _wrapper("f: format: o: output: a append p portability v verbose q quiet"),
    "nice": _wrapper(f"n: adjustment: {_DIGITS}"),
    "ionice": _wrapper("c: class: n: classdata: p: pid: P: pgid: u: uid: t ignore"),
    "chrt": _wrapper(
        "p: T: sched-runtime: P: sched-period: D: sched-deadline: a b batch f fifo i idle o other r rr", skip=1
    ),
    "timeout": _wrapper("s: signal: k: kill-after: f foreground p preserve-status v verbose", skip=1),
    "stdbuf": _wrapper("i: input: o: output: e: error:"),
    "command": _wrapper("p v V", idle="-v -V"),
    "builtin": _wrapper(""),
    "exec": _wrapper("a: c l"),
    "busybox": _wrapper(""),
    "chronic": _wrapper("v e"),
    "caffeinate": _wrapper("t: w: d i m s u"),
    "unbuffer": _wrapper("p"),
    "rlwrap": _wrapper("f: H: s: b: c a::"),
    "fakeroot": _wrapper("l: lib: f: faked: s: i: b: u unknown-is-real"),
    "setpriv": _wrapper(
        "reuid: regid: groups: inh-caps: ambient-caps: bounding-set: securebits: no-new-privs clear-groups"
    ),
    "prlimit": _wrapper("p: pid: c:: core:: n:: nofile:: t:: cpu:: v:: as:: u:: nproc:: raw noheadings"),
    "setarch": _wrapper("R v verbose 3 B F I L S T X Z", skip=1),
    "numactl": _wrapper("N: cpunodebind: m: membind: i: interleave: C: physcpubind: p: preferred: l localalloc"),
    "xvfb-run": _wrapper("a auto-servernum e: error-file: f: auth-file: n: server-num: s: server-args: w: wait:"),
    "dbus-run-session": _wrapper("config-file: dbus-daemon:"),
    "valgrind": _wrapper("q quiet v verbose"),
    "ltrace": _wrapper("e: o: p: s: u: a: n: F: l: x: c C f i r S t T"),
    "entr": _wrapper("a c d n p r s z"),
    "taskset": _wrapper("a all-tasks c cpu-list p pid", skip=1),
    "flock": _wrapper(
        "w: wait: timeout: E: conflict-exit-code: c: command: s shared x e exclusive u unlock n nb nonblock o close F "
        "no-fork verbose",
        skip=1, lines="-c --command",
    ),
    "xargs": _wrapper(
        "a: arg-file: d: delimiter: E: e:: eof:: I: i:: replace:: J: L: l:: max-lines:: n: max-args: P: max-procs: "
        "s: max-chars: process-slot-var: 0 null o open-tty p interactive r no-run-if-empty t verbose x exit "
        "show-limits",
        feeds=True, replaces="-I -i --replace -J",
    ),
    "parallel": _wrapper(
        "j: jobs: a: arg-file: n: max-args: N: max-replace-args: I: L: l:: P: max-procs: S: sshlogin: sshloginfile: "
        "joblog: results: tmpdir: delay: timeout: retries: halt: colsep: C: d: delimiter: E: env: load: memfree: nice: "
        "tagstring: basefile: return: workdir: wd: shuf k keep-order q quote u ungroup lb line-buffer bar eta progress "
        "dry-run tag X m 0 null r no-run-if-empty t verbose v will-cite no-notice pipe link xapply silent",
        line=True, feeds=True, replaces="-I",
    ),
    "strace": _wrapper(
        "e: o: p: s: u: user: E: env: a: b: I: O: P: S: U: X: trace: trace-path: signal: status: string-limit: output: "
        "attach: columns: summary-sort-by: f follow-forks F c C d h i k n q:: quiet:: r t T v V w x y Y z Z D",
    ),
    "watch": _wrapper(
        "n: interval: q: equexit: s: shotsdir: d:: differences:: b beep c color C e errexit g chgexit p precise r t "
        "no-title w no-wrap x exec",
        line=True,
    ),
    "hyperfine": _wrapper(
        "w: warmup: r: runs: m: min-runs: M: max-runs: p: prepare: c: cleanup: s: setup: S: shell: i ignore-failure N "
        "export-json: export-csv: export-markdown: style: n: command-name:",
        line=True, lines="-p --prepare -c --cleanup -s --setup",
    ),
    "script": _wrapper(
        "c: command: t:: timing:: I: log-in: O: log-out: B: log-io: T: log-timing: E: echo: m: logging-format: "
        "o: output-limit: a append e return f flush q quiet force F k r",
        skip=1, lines="-c --command",
    ),
    "su": _SU,
    "runuser": _SU,
}  # fmt: skip
WRAPPERS |= dict.fromkeys(("linux32", "linux64", "i386", "x86_64"), _wrapper("R v verbose 3 B F I L S T X Z"))

_LAUNCHER = (
    "C: directory: project: p: python: with: extra: group: env-file: cwd: package: w: workspace: prefix: q quiet v "
    "verbose no-sync frozen locked offline isolated y yes"
)
LAUNCHERS = {
    ("uv", "run"): _wrapper(f"{_LAUNCHER} m: module:", chdir="--directory"),
    ("poetry", "run"): _wrapper(_LAUNCHER, chdir="-C --directory"),
    ("pipenv", "run"): _wrapper(""),
    ("pdm", "run"): _wrapper(_LAUNCHER),
    ("hatch", "run"): _wrapper(""),
    ("rye", "run"): _wrapper(""),
    ("bundle", "exec"): _wrapper(""),
    ("npm", "exec"): _wrapper(f"{_LAUNCHER} c: call:", lines="-c --call"),
    ("pnpm", "exec"): _wrapper(f"{_LAUNCHER} c shell-mode r recursive"),
    ("yarn", "exec"): _wrapper(_LAUNCHER),
    ("mise", "exec"): _wrapper(f"{_LAUNCHER} c: command:", lines="-c --command"),
    ("direnv", "exec"): _wrapper("", skip=1),
}
"""Programs that are wrappers with one of their verbs."""
