"""What well-known programs write, as data: the options that name a file, and which of their operands are written."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.governance.guard.options import Options, given, has, operands, options

_ALL = slice(None)
_FIRST = slice(0, 1)
_SECOND = slice(1, 2)
_NONE = slice(0, 0)
_LAST = slice(-1, None)
_COPIERS = frozenset({"cp", "mv", "ln", "install", "rsync", "scp"})
_DIRECTORIES = frozenset({"/tmp", "/var/tmp", "/private/tmp"})  # noqa: S108 - names, nothing is written


@dataclass(frozen=True, slots=True)
class Target:
    """How one program is told where to write."""

    options: Options
    names: frozenset[str]
    """Options whose value is written to."""
    operands: slice
    unless: frozenset[str] = frozenset()
    """Options with which it writes to its output instead of those operands."""
    only: frozenset[str] = frozenset()
    """Options without which it does not write to those operands."""
    words: frozenset[str] = frozenset()
    """Whole words behind which a file is written, for programs with long options after one dash."""
    runs: bool = False
    """Whether another program stands behind its options, whose own are none of its."""


def _target(
    table: str = "", names: str = "", written: slice = _NONE, *, unless: str = "", only: str = "", words: str = "",
    runs: bool = False,
) -> Target:  # fmt: skip
    apart, needed, literal = (frozenset(text.split()) for text in (unless, only, words))
    return Target(options(table), frozenset(names.split()), written, apart, needed, literal, runs)


_OPERANDS = _target(written=_ALL)
_PACKER = _target(
    "S: suffix: b: T: threads: M: memlimit: c stdout to-stdout t test l list d k v q f",
    written=_ALL, unless="-c --stdout --to-stdout -t --test -l --list",
)  # fmt: skip
_COMPILER = _target("o: I: L: D: U: l: f: W: m: x: T: M: O:: g:: i: c s v w E S", "-o")
_INSTALLER = _target(
    "t: target: prefix: root: d: dest: w: wheel-dir: r: requirement: e: editable: c: constraint: i: index-url: "
    "extra-index-url: f: find-links: log: cache-dir: proxy: q quiet v verbose U upgrade user pre",
    "-t --target --prefix --root -d --dest -w --wheel-dir",
)  # fmt: skip
_PACKAGES = _target("prefix: C: cwd: dir: w: workspace: g global D", "--prefix -C --cwd --dir")
_COPY = (
    "t: target-directory: S: suffix: m: mode: o: owner: g: group: Z:: backup:: a b d f i l n p r R s u v x T L H P D c"
)

TARGETS: dict[str, Target] = {
    **dict.fromkeys(
        ("tee", "rm", "rmdir", "mkdir", "chmod", "chown", "chgrp", "shred", "unlink", "mkfifo", "mknod", "chattr",
         "sponge", "ranlib"),
        _OPERANDS,
    ),
    "mktemp": _target("p: tmpdir:: suffix: t d u q", "-p --tmpdir", _ALL),
    "touch": _target("r: reference: d: date: t: time: a c h m", written=_ALL),
    "truncate": _target("s: size: r: reference: c o", written=_ALL),
    "mv": _target(_COPY, "-t --target-directory", _ALL),
    **dict.fromkeys(("cp", "ln"), _target(_COPY, "-t --target-directory", _LAST)),
    "install": _target(_COPY, "-t --target-directory", _LAST),
    "rsync": _target("e: f: T: temp-dir: log-file: backup-dir: exclude: include: filter: rsh:",
                     "--log-file --backup-dir", _LAST),
    "scp": _target("P: i: F: o: c: J: l: S:", "", _LAST),
    "curl": _target(
        "o: output: output-dir: D: dump-header: c: cookie-jar: trace: trace-ascii: stderr: H: header: d: data: X: "
        "request: u: user: A: user-agent: e: referer: F: form: T: upload-file: x: proxy: m: max-time: b: cookie: w: "
        "write-out: K: config: E: r: C: Y: y: z: Q: t: U: h f s S L k i I g G v O J n N Z #",
        "-o --output --output-dir -D --dump-header -c --cookie-jar --trace --trace-ascii --stderr",
    ),
    "wget": _target(
        "O: output-document: P: directory-prefix: o: output-file: a: append-output: save-cookies: U: t: T: e: i: B: l: "
        "A: R: D: I: X: w: Q: header: user-agent: q v c N r k p m S x nd",
        "-O --output-document -P --directory-prefix -o --output-file -a --append-output --save-cookies",
    ),
    "unzip": _target("d: x: P: o n q j u l p t v", "-d"),
    "zip": _target("x: i: P: t: n: b: r q 9 j u d m", written=_FIRST),
    "sort": _target(
        "o: output: k: key: t: field-separator: S: buffer-size: T: temporary-directory: parallel: compress-program: "
        "files0-from: random-source: batch-size: b d f g i h n r V c C m s u z",
        "-o --output -T --temporary-directory",
    ),
    "shuf": _target("o: output: n: head-count: i: input-range: random-source: e r z", "-o --output"),
    "uniq": _target("f: skip-fields: s: skip-chars: w: check-chars: c d D i u z", written=_SECOND),
    "split": _target(
        "a: suffix-length: b: bytes: C: line-bytes: l: lines: n: number: t: separator: additional-suffix: filter: "
        "d e x u numeric-suffixes:: hex-suffixes:: verbose",
        written=_SECOND,
    ),
    "csplit": _target("f: prefix: b: suffix-format: n: digits: k s q z", "-f --prefix"),
    **dict.fromkeys(("gzip", "gunzip", "bzip2", "bunzip2", "xz", "unxz", "lzma", "unlzma", "compress", "uncompress",
                     "lz4"), _PACKER),
    "zstd": _target("o: T: M: D: output-dir-flat: c stdout t test l list d k v q f", "-o --output-dir-flat", _ALL,
                    unless="-o -c --stdout -t --test -l --list"),
    "brotli": _target("o: output: S: q: w: c stdout d t f k v", "-o --output", _ALL,
                      unless="-o --output -c --stdout -t"),
    "patch": _target(
        "p: strip: i: input: o: output: d: directory: r: reject-file: B: prefix: z: suffix: D: F: fuzz: V: Y: g: "
        "b c e E f l n N R s t T u v Z dry-run",
        "-o --output -d --directory -r --reject-file", _FIRST,
    ),
    **dict.fromkeys(("gcc", "g++", "cc", "c++", "clang", "clang++", "ld", "as", "nasm", "gfortran", "nvcc", "ghc",
                     "tcc"), _COMPILER),
    "go": _target("o: C: p: n v x a i", "-o"),
    "rustc": _target("o: out-dir: L: l: C: O: crate-name: crate-type: edition: emit: g v", "-o --out-dir"),
    "cargo": _target("target-dir: root: path: Z: j: p: F: q v r", "--target-dir --root"),
    "javac": _target(words="-d -s -h"),
    "cmake": _target("B: S: G: D: prefix: install-prefix: j: t:", "-B --prefix --install-prefix"),
    "tsc": _target("outdir: outDir: outFile: declarationDir: p: b w", "--outDir --outdir --outFile --declarationDir"),
    "esbuild": _target("outfile: outdir:", "--outfile --outdir"),
    **dict.fromkeys(("pip", "pip3"), _INSTALLER),
    **dict.fromkeys(("npm", "pnpm", "yarn", "bun"), _PACKAGES),
    "openssl": _target(words="-out -keyout"),
    "ssh-keygen": _target("f: t: b: C: N: P: m: l y F: R: q", "-f"),
    "base64": _target("o: output: i: input: b: w: d D", "-o --output"),
    "iconv": _target("o: output: f: t: from-code: to-code: c s l", "-o --output"),
    "pandoc": _target("o: output: f: t: from: to: s", "-o --output"),
    "dot": _target("o: T: K: G: N: E: O", "-o"),
    "xxd": _target("l: c: g: s: o: p r i b u", written=_SECOND),
    "ar": _target(written=_SECOND),
    "strip": _target("o: K: N: R: s g x X d S p v", "-o", _ALL),
    "objcopy": _target("O: I: j: R: K: N: S g x", written=_SECOND),
    "gofmt": _target("w l d s e r:", written=_ALL, only="-w"),
    "prettier": _target("w write c check config: parser:", written=_ALL, only="-w --write"),
    "time": _target("f: format: o: output: a p v q", "-o --output", runs=True),
    "strace": _target("o: output: e: p: s: u: E: f c q", "-o --output", runs=True),
    "ltrace": _target("o: output: e: p: s: u: f c", "-o --output", runs=True),
    "script": _target(
        "c: command: t:: timing:: I: log-in: O: log-out: B: log-io: T: log-timing: E: m: o: a e f q",
        "-I --log-in -O --log-out -B --log-io -T --log-timing", _FIRST,
    ),
    "find": _target(words="-fprint -fprint0 -fprintf -fls"),
}  # fmt: skip


def targets(program: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """The files and directories that ``program`` is told to write."""
    known = TARGETS.get(program)
    if known is None:
        return ()
    own = words
    if known.runs:
        stop = operands(words, known.options)
        own = words[: words.index(stop[0])] if stop else words
    named = tuple(given(own, known.options, known.names))
    behind = tuple(words[at + 1] for at, word in enumerate(words[:-1]) if word in known.words)
    return (*named, *behind, *_operands(program, words, known, bool(named)))


def _operands(program: str, words: tuple[str, ...], known: Target, is_named: bool) -> tuple[str, ...]:
    if known.operands == _NONE or (known.unless and has(words, known.options, known.unless)):
        return ()
    if known.only and not has(words, known.options, known.only):
        return ()
    found = operands(words, known.options)
    if program in _COPIERS and len(found) > 1 and not is_named:
        inside = _copies(found)
        return (*found[:-1], *inside) if known.operands == _ALL else inside
    return () if known.operands == _LAST else found[known.operands]


def _copies(found: tuple[str, ...]) -> tuple[str, ...]:
    """Where copies go: to the last operand, or into it where that is surely a directory."""
    last = found[-1]
    if last.endswith("/") or last in _DIRECTORIES:
        return tuple(f"{last.rstrip('/')}/{one.rstrip('/').rpartition('/')[2]}" for one in found[:-1])
    return (last,)
