"""``fleet config``: validate, explain, schema. Exit codes: 0 fine, 1 errors found, 2 wrong usage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli.common import count, find_repository, json_option, print_json, repo_option, say
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.settings.load import Loaded
    from fleet_tui.settings.schema import Settings


@click.group()
def config() -> None:
    """Check and explain the configuration.

    \b
    Examples:
      fleet config validate
      fleet config explain agents.backend.model
      fleet config schema > fleet.schema.json
    """


@config.command()
@repo_option
@json_option
def validate(repo: Path | None, as_json: bool) -> None:
    """Report every problem of the configuration with file, line and column.

    \b
    Examples:
      fleet config validate
      fleet config validate --repo ~/src/shop --json
    """
    loaded = _load(repo)
    if as_json:
        print_json(_report(loaded))
    else:
        _print(loaded)
    if loaded.settings is None:
        raise click.exceptions.Exit(1)


@config.command()
@click.argument("key")
@repo_option
@json_option
def explain(key: str, repo: Path | None, as_json: bool) -> None:
    """Tell the value of KEY, where it comes from, and what it means; `capabilities` is who may do what.

    Items of a list are addressed by number or by name.

    \b
    Examples:
      fleet config explain approval.when
      fleet config explain gates.test.run
      fleet config explain agents.0 --json
      fleet config explain capabilities
    """
    if key == "capabilities":
        _capabilities(_load(repo).require(), as_json)
        return
    from fleet_tui.settings.explain import explain as look_up

    found = look_up(_load(repo), key)
    if as_json:
        print_json(found.as_dict())
        return
    say(f"{one_line(found.key)} = {_shown(found.value)}")
    for name, text in (
        ("from", found.origin),
        ("meaning", found.description),
        ("type", found.type),
        ("default", _shown(found.default)),
    ):
        if text:
            say(f"  {name:<8} {one_line(text, 2000)}")


def _capabilities(settings: Settings, as_json: bool) -> None:
    """Role family x act."""
    from dataclasses import asdict

    from fleet_tui.governance.capabilities import OF_PERSONS, table

    rows = table(settings)
    if as_json:
        print_json({"families": [asdict(row) for row in rows], "no_role": OF_PERSONS})
        return
    acts = [act for act in rows[0].acts if act not in OF_PERSONS] if rows else []
    say(f"{'':<22}{'  '.join(one_line(row.family, 12) for row in rows)}")
    for act in acts:
        marks = ("+" if row.acts[act] != "no" else "." for row in rows)
        line = "  ".join(mark.ljust(len(one_line(row.family, 12))) for mark, row in zip(marks, rows, strict=True))
        limits = next((row.acts[act] for row in rows if row.acts[act].startswith("yes, ")), "")
        say(f"{one_line(act, 21):<22}{line}  {limits.removeprefix('yes, ')}".rstrip())
    say("No role may:")
    for act, who in OF_PERSONS.items():
        say(f"  {act:<24}{who}")
    say("The families and what they publish are `roles` in the configuration; `fleet whoami` tells an agent its own.")


@config.command()
def schema() -> None:
    """Print the JSON Schema of the configuration file.

    \b
    Examples:
      fleet config schema > fleet.schema.json
    """
    from fleet_tui.settings.reference import render_schema_json

    say(render_schema_json(), nl=False)


def _load(repo: Path | None) -> Loaded:
    from fleet_tui.settings.load import load_settings

    return load_settings(find_repository(repo))


def _report(loaded: Loaded) -> dict[str, Any]:
    from fleet_tui.settings.load import policy_version

    return {
        "ok": loaded.settings is not None,
        "sha": loaded.sha,
        "policy": policy_version(loaded.settings) if loaded.settings is not None else "",
        "files": list(loaded.sources),
        "problems": [problem.as_dict() for problem in loaded.problems],
    }


def _print(loaded: Loaded) -> None:
    for problem in loaded.problems:
        say(str(problem))
        excerpt = loaded.excerpt(problem)
        if excerpt:
            say(f"{excerpt}\n")
    say(_summary(loaded))
    if loaded.sources:
        say(f"read: {one_line(', '.join(loaded.sources), 2000)}")


def _summary(loaded: Loaded) -> str:
    from fleet_tui.settings.load import policy_version

    warnings = f", {len(loaded.warnings)} warning(s)" if loaded.warnings else ""
    if loaded.settings is None:
        return f"{len(loaded.errors)} error(s){warnings}"
    settings = loaded.settings
    counts = f"{count(len(settings.agents), 'agent')}, {count(len(settings.gates), 'gate')}"
    return f"ok{warnings}: {counts}, policy {policy_version(settings)}, sha {loaded.sha[:12]}"


def _shown(value: Any) -> str:
    """A value as one line of JSON; nothing for None."""
    return "" if value is None else one_line(json.dumps(value, ensure_ascii=False), 50_000)
