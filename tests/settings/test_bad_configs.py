"""Bad configurations: each gives exactly one error, at the marked place, and never replaces the one in force.

``«`` marks the line and column the error must point at; it is removed before the file is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.settings.conftest import Repository

MARK = "«"
KEY = "ssh-ed25519 " + "A" * 68
DEV = "agents:\n  - name: dev\n    role: developer\n"

BAD: dict[str, tuple[str, str, str]] = {
    # -- not YAML --
    "tab for indentation": ("product:\n«\tname: x\n", "a tab", "spaces"),
    "unclosed double quote": ('product:\n  name: «"Shop\n', "never closed", "close it"),
    "unclosed single quote": ("product:\n  name: «'Shop\nversion: 1\n", "never closed", "close it"),
    "unclosed bracket": ("gates: «[{name: a, run: b}\n", "never closed", "]"),
    "unclosed brace": ("product: «{name: a\n", "never closed", "}"),
    "bracket without a comma": ("gates:\n  - {name: a, run: «[a [b]]}\n", "lacks a comma", ","),
    "second colon": ("product:\n  name: Shop«: the best\n", "second `:`", "quotes"),
    "text after a quoted value": ("product:\n  name: 'Shop' «best\n", "more text", "quotes"),
    "value begins with @": ("product:\n  owner: «@jane\n", "cannot begin with `@`", "quotes"),
    "value begins with a backquote": ("product:\n  owner: «`jane`\n", "backquote", "quotes"),
    "value begins with %": ("product:\n  owner: «%jane\n", "cannot begin with `%`", "quotes"),
    "list less indented than its first item": ("teams:\n  - {name: a}\n «- {name: b}\n", "indentation", "align"),
    "unknown escape": ('product:\n  name: "a\\«q"\n', "unknown escape", "single quotes"),
    "escape beyond Unicode": ('product:\n  name: "\\U«FFFFFFFF"\n', "out of range", "escapes"),
    "half a surrogate pair": ('product:\n  name: «"\\ud800"\n', "surrogate", "whole character"),
    "control character": ("product:\n  name: a«\x07b\n", "U+0007", "remove"),
    "line end that no editor shows": ("product:\n  name: a«\u2028b\n", "hidden character U+2028", "remove"),
    "text in reverse": ("gates:\n  - {name: a, run: 'rm «\u202ex'}\n", "hidden character U+202E", "remove"),
    "escaped control character": ('product: {name: «"a\\e[31mb"}\n', "hidden character (U+001B)", "remove"),
    "hidden character in an argument": ('gates:\n  - {name: a, run: [x, «"\\u202e"]}\n', "U+202E", "remove"),
    "blank program": ("gates:\n  - {name: a, run: [«' ', x]}\n", "names no program", "first item"),
    "star without quotes": ("approval:\n  sensitive_paths: [*«.tf]\n", "alias", "quotes"),
    "network as text": ("isolation:\n  network: «github.com\n", "true, false or a list of hosts", "[example.com]"),
    "URL in the network": ("isolation: {network: [a.com, «'https://b.com/']}\n", "not a URL", "api.example.com"),
    "port beyond the last": ("isolation: {network: [«'a.com:70000']}\n", "1 to 65535", "8443"),
    "everything below com": ("isolation: {network: [«'*.com']}\n", "too much", "name a domain"),
    "number as a host": ("isolation: {network: [«1]}\n", "expected a host, got a number", "quotes"),
    "address in disguise": ("isolation: {network: [«'127.1']}\n", "an unusual form", "192.0.2.1"),
    "GitHub without a repository": ("forge: «{kind: github}\n", "`repo` is missing", "owner/name"),
    "repository by its address": ("forge: {kind: github, repo: «'https://x/y'}\n", "not a repository", "owner/name"),
    "remote that is a command": (
        "forge: {kind: github, repo: a/b, remote: «'ext::sh -c x'}\n", "not an address", "https://…"
    ),
    "author with a sign": ("forge: {kind: github, repo: a/b, authors: [«'@pat']}\n", "not a login", "without `@`"),
    "label that GitHub refuses": (
        "forge: {kind: github, repo: a/b}\nlabels: {ready: «'a,b'}\n", "no such label", "another label"
    ),
    # -- YAML that is not let in --
    "anchor": ("product: «&p {name: a}\n", "anchor `&p`", "write the value out"),
    "alias": ("product: {name: a}\nlabels: «*p\n", "alias `*p`", "write the value out"),
    "merge key": ("product:\n  «<<: {name: a}\n", "merge key", "write the values out"),
    "python tag": ("product:\n  name: «!!python/object/apply:os.system [id]\n", "tag `!!python", "quotes"),
    "own tag": ("product: {name: «!secret x}\n", "tag `!secret`", "quotes"),
    "second document": ("version: 1\n«---\nversion: 1\n", "second document", "one document"),
    "duplicate key": ("version: 1\n«version: 1\n", "twice, first on line 1", "keep one"),
    "duplicate key inside": ("limits:\n  max_running: 2\n  «max_running: 3\n", "twice, first on line 2", "keep one"),
    "key that YAML takes for false": ("labels: {«no: x}\n", "key `no` is not text", '"no"'),
    "key that is a number": ("vendors:\n  «1: {argv: [a]}\n", "key `1` is not text", '"1"'),
    "key that is a list": ("? «[a]\n: b\n", "key must be text", "brackets"),
    "sexagesimal number": ("limits: {max_running: «1:30}\n", "is the number 90 for YAML", "plain number"),
    "octal number": ("limits: {max_running: «010}\n", "is the number 8 for YAML", "plain number"),
    "underscored number": ("limits: {max_running: «1_0}\n", "is the number 10 for YAML", "plain number"),
    "endless number": (f"limits: {{max_running: «{'9' * 5000}}}\n", "more than 400 digits", "quotes"),
    "too deep": (f"product: {'[' * 19}«{'[' * 10}\n", "nested deeper than 20", "flatten"),
    "list instead of a map": ("«- version: 1\n", "expected a map", "key: value"),
    "text instead of a map": ("«nothing here\n", "expected a map", "key: value"),
    # -- keys --
    "unknown key at the top": ("«gatess: []\n", "unknown key `gatess`", "did you mean `gates`?"),
    "unknown key of an agent": (DEV + "    «modle: x\n", "unknown key `modle` in `agents.0`", "did you mean `model`?"),
    "unknown key of a gate": ("gates:\n  - {name: a, run: b, «timeout: 3}\n", "unknown key `timeout`", "time_limit_s"),
    "unknown key of a vendor": ("vendors:\n  mine: {argv: [a], «promt: argv}\n", "unknown key `promt`", "`prompt`"),
    "unknown key of a role": ("roles:\n  mine: {«matches: [a]}\n", "unknown key `matches`", "`match`"),
    "missing name": ("agents:\n  - «role: developer\n", "`name` is missing", "add `name"),
    "missing role": ("agents:\n  - «name: dev\n", "`role` is missing", "add `role"),
    "missing command of a gate": ("gates:\n  - «{name: test}\n", "`run` is missing", "add `run"),
    "old and new spelling": (
        DEV + "    subscribes_to: ticket_ready\n    «subscriptions: [ticket_ready]\n",
        "older spelling",
        "keep one",
    ),
    # -- types and values --
    "version of the future": ("version: «2\n", "version of the format", "update fleet"),
    "version as text": ("version: «'1'\n", "version of the format", "version: 1"),
    "boolean for text": ("product: {name: «no}\n", "expected text, got false", "quotes"),
    "number for text": ("product: {name: «12}\n", "expected text, got a number", "quotes"),
    "list for text": ("product: {name: «[a]}\n", "expected text, got a list", ""),
    "text for a number": ("limits: {max_running: «six}\n", "expected a whole number, got text", "without quotes"),
    "quoted number": ("limits: {max_running: «'6'}\n", "expected a whole number, got text", "without quotes"),
    "fraction for a whole number": ("limits: {max_running: «1.5}\n", "expected a whole number, got a fraction", ""),
    "boolean for a number": ("limits: {max_running: «yes}\n", "expected a whole number, got true", ""),
    "infinity": ("approval: {hold_s: «.inf}\n", "expected a whole number", ""),
    "number too small": ("limits: {max_running: «0}\n", "at least 1", "1"),
    "number too large": ("approval: {expires_h: «10000}\n", "at most 720", "720"),
    "text for a flag": (DEV + "    enabled: «'true'\n", "expected true or false, got text", "without quotes"),
    "map for a list": ("gates: «{name: test, run: a}\n", "expected a list, got a map", "- item"),
    "text for a section": ("approval: «always\n", "expected a map, got text", "key: value"),
    "list for a section": ("limits: «[1]\n", "expected a map, got a list", "key: value"),
    "empty section": ("limits:«\n", "expected a map, got nothing", "remove the key"),
    "unknown word": ("approval: {when: «allways}\n", "must be `always` or `sensitive`", "did you mean `always`?"),
    "unknown theme": ("ui: {theme: «dark}\n", "must be", ""),
    "unknown number of reviews": ("reviews: {required: «most}\n", "expected `all` or a number", ""),
    "negative reviews": ("reviews: {required: «-1}\n", "expected `all` or a number", ""),
    "name with capitals": ("agents:\n  - {name: «Dev, role: developer}\n", "not a usable name", "`dev`"),
    "name with a path": ("agents:\n  - {name: «../x, role: developer}\n", "not a usable name", "`x`"),
    "name with a tmux format": ("agents:\n  - {name: «'#(id)', role: developer}\n", "not a usable name", "`id`"),
    "reserved name": ("agents:\n  - {name: «operator, role: developer}\n", "reserved", "operator-agent"),
    "vendor with a bad name": ("vendors:\n  «My Tool: {argv: [a]}\n", "not a usable name", "`my-tool`"),
    "role with a space": ("agents:\n  - {name: dev, role: «back end}\n", "not a usable role", "`back-end`"),
    "no event name": (DEV + "    subscribes_to: [«Ticket Ready]\n", "not an event name", "ticket_ready"),
    "both budgets": (DEV + "    budget_seconds: 60\n    budget_minutes: «1\n", "budget_seconds` is given", "keep one"),
    "zero budget": (DEV + "    budget_minutes: «0\n", "at least 1", ""),
    "broken schedule": (DEV + "    schedule: «'every monday'\n", "not a cron line", "0 9 * * 1-5"),
    "schedule out of range": (DEV + "    schedule: «'99 * * * *'\n", "not a cron line", ""),
    "prompt file outside": (DEV + "    prompt_file: «../../etc/passwd\n", "inside the repository", "without `..`"),
    "prompt and prompt file": (DEV + "    prompt_file: a.md\n    prompt: «x\n", "prompt_file` is given", "keep one"),
    "variable with a bad name": (DEV + "    env: {A-B: «x}\n", "`A-B` is not the name", ""),
    "variable of fleet": (DEV + "    env: {FLEET_TOKEN: «x}\n", "set by fleet itself", "another name"),
    "variable that is no text": (DEV + "    env: {PORT: «8080}\n", "expected text, got a number", "quotes"),
    "empty command": ("gates:\n  - {name: a, run: «' '}\n", "empty", "fill it in"),
    "empty argument list": ("gates:\n  - {name: a, run: «[]}\n", "arguments is empty", "program"),
    "number among arguments": ("gates:\n  - {name: a, run: [sleep, «3]}\n", "expected text, got a number", "quotes"),
    "no back-off": ("limits: {restart_backoff_s: «[]}\n", "at least 1 item", ""),
    "absolute glob": ("approval: {sensitive_paths: [«/etc/**]}\n", "relative to the repository", "**/*.tf"),
    "no public key": ("approval: {signers: [{name: lou, key: «'lou.pub'}]}\n", "a public SSH key", ""),
    "a private key": ("approval: {signers: [{name: lou, key: «-----BEGIN OPENSSH}]}\n", "a public SSH key", ""),
    "budget with paths": (
        "approval:\n  rules:\n    - «{name: a, acts: [budget], paths: [x]}\n",
        "a rule of its own",
        "",
    ),
    # -- what must agree --
    "one key for two": (
        f"approval:\n  signers:\n    - {{name: lou, key: {KEY}}}\n    - {{name: max, key: «{KEY}}}\n",
        "the key of `max` is that of `lou`",
        "of their own",
    ),
    "two agents of one name": (DEV + "  - name: «dev\n    role: pm\n", "two agents are called `dev`", "another name"),
    "two gates of one name": ("gates:\n  - {name: a, run: b}\n  - {name: «a, run: c}\n", "two gates", "another name"),
    "unknown vendor": (DEV + "    vendor: «claude-kode\n", "no vendor `claude-kode`", "did you mean `claude-code`?"),
    "unknown superior": (DEV + "    reports_to: «boss\n", "no agent `boss`", "dev"),
    "superior in a circle": (
        DEV + "    reports_to: «rev\n  - {name: rev, role: tech-lead, reports_to: dev}\n",
        "circle",
        "nobody",
    ),
    "unknown agent in a team": (DEV + "teams:\n  - {name: all, agents: [dev, «dave]}\n", "no agent `dave`", ""),
    "misspelt event": (DEV + "    subscribes_to: «ticket_raedy\n", "no event `ticket_raedy`", "`ticket_ready`?"),
    "role that merges": (
        "roles:\n  author: {publishes: [note, «pr_merged]}\n",
        "only fleet itself may",
        "pr_created",
    ),
    "event of fleet's own": ("events: [«run_started]\n", "event of fleet itself", "another name"),
    "one label twice": ("labels: {blocked: «ready}\n", "already means `ready`", "another label"),
    "command without a program": ("vendors:\n  mine: «{prompt: stdin}\n", "`argv` is missing", "argv"),
    "unknown placeholder": ("vendors:\n  mine: {argv: [x, «'{promt}']}\n", "no placeholder `{promt}`", "`prompt`?"),
    "more reviews than reviewers": (DEV + "reviews: {required: «2}\n", "no enabled agent may review", "add a reviewer"),
    "missing prompt file": ("agents:\n  - {name: «nobody-yet, role: pm}\n", "nobody-yet.md is missing", "fleet init"),
    "missing own prompt file": (DEV + "    prompt_file: «docs/dev.md\n", "docs/dev.md is missing", "fleet init"),
    "missing story": (
        "vendors:\n  demo: {kind: scripted, story: «stories/none.yaml}\n" + DEV + "    vendor: demo\n",
        "no story",
        "minimal",
    ),
}  # fmt: skip


def test_the_table_is_long_enough() -> None:
    assert len(BAD) >= 60


@pytest.mark.parametrize("case", BAD)
def test_one_error_at_the_place(repository: Repository, case: str) -> None:
    marked, message, hint = BAD[case]
    before, after = marked.split(MARK)
    good = repository.config.read_bytes()
    in_force = repository.load()
    before_that = in_force.require().model_dump_json()

    loaded = repository.load(before + after)

    assert [str(problem) for problem in loaded.errors] == [str(problem) for problem in loaded.errors[:1]]
    assert loaded.settings is None
    assert loaded.sha == ""
    error = loaded.errors[0]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    assert (error.file, error.line, error.column) == (".fleet/config.yaml", line, column), str(error)
    assert message in error.message
    assert hint in error.hint
    # Neither the settings in force nor the shipped layer, which is kept between loads, has caught anything from it.
    assert in_force.require().model_dump_json() == before_that
    assert repository.load(good).sha == in_force.sha


def test_all_problems_at_once(repository: Repository) -> None:
    loaded = repository.load("gatess: []\nlimits: {max_running: 0}\nui: {theme: dark}\nversion: 9\n")
    assert [(p.line, p.column) for p in loaded.errors] == [(1, 1), (2, 23), (3, 13), (4, 10)]


def test_a_flood_of_problems_is_cut(repository: Repository) -> None:
    loaded = repository.load("".join(f"key{n}: 1\n" for n in range(5000)))
    assert len(loaded.errors) == 50


def test_values_of_variables_are_not_repeated(repository: Repository) -> None:
    loaded = repository.load("vendors:\n  mine: {argv: [a], env: {KEY: 8462578}}\n")
    assert [error.text for error in loaded.errors] == [""]
    assert "8462578" not in str(loaded.errors[0])


def test_hostile_text_is_harmless_in_a_problem(repository: Repository) -> None:
    loaded = repository.load('agents:\n  - {name: "\\e]52;c;x\\a\\u202ered", role: developer}\n')
    error = loaded.errors[0]
    assert "\x1b" not in str(error) + loaded.excerpt(error)
    assert "\u202e" not in str(error) + loaded.excerpt(error)


def test_the_excerpt_points(repository: Repository) -> None:
    loaded = repository.load("version: 1\nlimits:\n  max_running: six\nui: {ascii: true}\n")
    assert loaded.excerpt(loaded.errors[0]).splitlines() == [
        "  1 | version: 1",
        "  2 | limits:",
        "> 3 |   max_running: six",
        "    |                ^^^ limits.max_running: expected a whole number, got text",
        "  4 | ui: {ascii: true}",
    ]
