"""What a diff shows: weakened tests and new dependencies. Pure; secrets are looked for elsewhere, by a library."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from fleet_tui.domain.text import one_line
from fleet_tui.governance.risk.evidence import ChangedFile, Weakening
from fleet_tui.governance.risk.score import matches
from fleet_tui.settings.risk import Risk

_LONGEST_LINE, _LONGEST_MANIFEST_LINE = 2_000, 200_000
_BLANKS = re.compile(r"\s+")
"""No line of a test or manifest is searched further: a regular expression may take long on an endless one."""


@dataclass(frozen=True, slots=True)
class Change:
    """One changed file. ``added`` are (line number, text); ``opaque``: its lines are not, or not all, here."""

    path: str
    added: tuple[tuple[int, str], ...] = ()
    removed: tuple[str, ...] = ()
    old_path: str | None = None
    deleted: bool = False
    opaque: bool = False
    counts: tuple[int, int] | None = None
    """Lines added and deleted, where that is more than what is here."""

    @property
    def file(self) -> ChangedFile:
        added, deleted = self.counts or (len(self.added), len(self.removed))
        return ChangedFile(self.path, added, deleted, self.opaque)


def changed_files(changes: Iterable[Change]) -> tuple[ChangedFile, ...]:
    """Every path that is touched: a renamed file counts at both ends, its lines once."""
    files: dict[str, ChangedFile] = {}
    for change in changes:
        files[change.path] = change.file
        if change.old_path is not None:
            files.setdefault(change.old_path, ChangedFile(change.old_path))
    return tuple(files[path] for path in sorted(files))


def weakened_tests(changes: Iterable[Change], rules: Risk) -> tuple[Weakening, ...]:
    """Test files deleted, tests with fewer assertions than before, tests switched off."""
    return tuple(found for change in changes for found in _weakened(change, rules))


def _is_test(change: Change, rules: Risk) -> bool:
    return any(matches(rules.paths.tests, path) for path in (change.path, change.old_path) if path)


def _is_found_no_more(change: Change, rules: Risk) -> bool:
    """Whether a test was moved to where, or renamed so that, runners that go by names do not find it."""
    if change.old_path is None or not matches(rules.paths.tests, change.old_path):
        return False
    by_name = tuple(pattern for pattern in rules.paths.tests if not pattern.endswith("/**"))
    lost_its_name = matches(by_name, change.old_path) and not matches(by_name, change.path)
    return lost_its_name or not matches(rules.paths.tests, change.path)


def _weakened(change: Change, rules: Risk) -> Iterator[Weakening]:
    if not _is_test(change, rules):
        if matches(rules.paths.test_settings, change.path):
            left_out = _count([text for _, text in change.added], rules.tests.left_out)
            left_out -= _count(change.removed, rules.tests.left_out)
            if left_out > 0:
                yield Weakening(change.path, "skips", left_out)
        return
    if change.deleted or _is_found_no_more(change, rules):
        yield Weakening(change.old_path or change.path, "deleted")
        return
    skips = rules.tests.skips
    added = [text for _, text in change.added]
    lost = _assertions(change.removed, rules) - _assertions(added, rules)
    if lost > 0:
        yield Weakening(change.path, "assertions", lost)
    switched_off = _count(added, skips) - _count(change.removed, skips)
    if switched_off > 0:
        yield Weakening(change.path, "skips", switched_off)


def _assertions(lines: Iterable[str], rules: Risk) -> int:
    return _count((line for line in lines if not _count((line,), rules.tests.trivial)), rules.tests.assertions)


def _count(lines: Iterable[str], patterns: tuple[str, ...]) -> int:
    searched = _compiled(patterns)
    shown = (_even(line)[:_LONGEST_LINE] for line in lines)
    return sum(any(pattern.search(line) for pattern in searched) for line in shown)


def _even(line: str) -> str:
    """The line with each run of blanks as one: patterns that allow blanks in several places take for ever on many."""
    return _BLANKS.sub(" ", line[:_LONGEST_MANIFEST_LINE])


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))


# -- dependencies ------------------------------------------------------------------------------------------------------

_NAME = r"@?[A-Za-z0-9][A-Za-z0-9._/\-]*"
_REQUIREMENT = re.compile(rf"\s*({_NAME})\s*(?:\[[^\]]*\])?\s*(?:[=<>!~]=?|@|;|#|$)")
_ELSEWHERE = re.compile(r"\s*(?:-e\s+|--editable[\s=]+)?((?:git|hg|svn|bzr)\+\S+|https?://\S+|file:\S+)")
_OTHER_FILE = re.compile(r"\s*(?:-[rc]|--requirement|--constraint)[\s=]*(\S+)")
_QUOTED_REQUIREMENT = re.compile(
    r"\s*(?:\w+\(\s*)?(?:[\w.\-]*(?:dependencies|require[sd]?)\s*=\s*\[)?\s*"
    rf"""["']({_NAME})\s*(?:\[[^\]]*\])?\s*(?:[=<>!~;@][^"']*)?["']"""
)
_TOML_ENTRY = re.compile(
    r"""\s*["']?([A-Za-z0-9][\w.\-]*)["']?\s*=\s*(?:["'][\^~=<>*\d]|\{.*(?:version|git|path|workspace))"""
)
_JSON_ENTRY = re.compile(
    rf"""\s*"({_NAME})"\s*:\s*"(?:[\^~=<>*v]*\d|[*]"|latest|next|npm:|git|github:|https?:|file:|link:|workspace:)"""
)
_COMMA = re.compile(r"[^,\[\]{}]*,")
_GO_MODULE = re.compile(r"\s*(?:require\s+)?([\w.\-]+\.[a-z]+/[\w./\-]+)\s+v\d")
_GEM = re.compile(r"""\s*gem\s+["']([\w\-]+)["']""")
_MAVEN = re.compile(r"\s*<artifactId>([\w.\-]+)</artifactId>")
_GRADLE = re.compile(r"""\s*(?:\w*[iI]mplementation|api|compileOnly|runtimeOnly)\s*\(?\s*["']([\w.\-:]+)["']""")
_ACTION = re.compile(r"\s*-?\s*uses:\s*([\w.\-]+/[\w./\-]+)@")
_REQUIREMENTS = (_OTHER_FILE, _ELSEWHERE, _REQUIREMENT)
_MANIFESTS: tuple[tuple[re.Pattern[str], tuple[re.Pattern[str], ...]], ...] = (
    (re.compile(r"(?:^|/)[\w.\-]*requirements[\w.\-]*\.(?:txt|in)\Z"), _REQUIREMENTS),
    (re.compile(r"(?:^|/)requirements/[^/]+\.(?:txt|in)\Z"), _REQUIREMENTS),
    (re.compile(r"(?:^|/)pyproject\.toml\Z"), (_QUOTED_REQUIREMENT, _TOML_ENTRY)),
    (re.compile(r"(?:^|/)setup\.(?:py|cfg)\Z"), (_QUOTED_REQUIREMENT,)),
    (re.compile(r"(?:^|/)(?:Cargo\.toml|Pipfile)\Z"), (_TOML_ENTRY,)),
    (re.compile(r"(?:^|/)package\.json\Z"), (_JSON_ENTRY,)),
    (re.compile(r"(?:^|/)composer\.json\Z"), (_JSON_ENTRY,)),
    (re.compile(r"(?:^|/)go\.mod\Z"), (_GO_MODULE,)),
    (re.compile(r"(?:^|/)Gemfile\Z"), (_GEM,)),
    (re.compile(r"(?:^|/)pom\.xml\Z"), (_MAVEN,)),
    (re.compile(r"(?:^|/)build\.gradle(?:\.kts)?\Z"), (_GRADLE,)),
    (re.compile(r"^\.github/workflows/[^/]+\.ya?ml\Z"), (_ACTION,)),
)  # fmt: skip
_NO_DEPENDENCY = frozenset(
    {"version", "name", "description", "license", "edition", "rust-version", "requires-python", "python", "node", "npm"}
)
"""Keys of manifests that look like an entry."""
_LINT_CODE = re.compile(r"[A-Z]+[0-9]*\Z")


def new_dependencies(changes: Iterable[Change]) -> tuple[str, ...]:
    """Entries that manifests gained, as ``name in path``. A changed version of a known entry is none."""
    return tuple(
        f"{one_line(name, 80)} in {change.path}" for change in changes if not change.deleted for name in _gained(change)
    )


def _gained(change: Change) -> list[str]:
    forms = next((forms for path, forms in _MANIFESTS if path.search(change.path)), ())
    if not forms:
        return []
    before = set(_entries(change.removed, forms))
    return [name for name in _entries([text for _, text in change.added], forms) if name not in before]


def _entries(lines: Sequence[str], forms: tuple[re.Pattern[str], ...]) -> list[str]:
    found: dict[str, None] = {}
    for line in lines:
        for name in _on_line(_even(line), forms):
            if name.lower() not in _NO_DEPENDENCY and not _LINT_CODE.match(name):
                found[name.lower()] = None
    return list(found)


def _on_line(line: str, forms: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    """The entries on a line: the first that stands at its beginning, and those of the same form behind commas."""
    for form in forms:
        if form is _JSON_ENTRY:  # an object may stand on one line, and entries anywhere in it
            yield from (entry[1] for entry in form.finditer(line))
            continue
        short = line[:_LONGEST_LINE]
        match = form.match(short)
        if match is not None:
            while match is not None:
                yield match[1]
                comma = _COMMA.match(short, match.end())
                match = form.match(short, comma.end()) if comma is not None else None
            return
