"""``fleet vendor``: the programs that agents run, and what works with each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli.common import fleet_paths, json_option, print_json, print_table, repo_option, say

if TYPE_CHECKING:
    from fleet_tui.settings.schema import VendorSettings

_SAID = {
    "guard": {
        "closed": "asked before every act; without a clear yes it does not happen",
        "open": "asked before an act; when that fails, it happens",
        "none": "not asked before an act: sandbox and gates alone hold it in",
    },
    "permission": {
        "relay": "its dialogs are answered from the room, or in its pane",
        "hold": "its hook waits until you answer in the room",
        "pane": "its dialogs are answered in its pane",
        "none": "it does not ask",
    },
    "usage": {"live": "every request, at once", "end": "when it ends", "none": "not known"},
    "money": {"vendor": "what the program says", "prices": "from the price table", "none": "not known"},
    "limit": {
        "hook": "told when it is met",
        "file": "read in its own files",
        "screen": "seen on its screen alone",
        "none": "not known, unless it says so itself",
    },
}

_PLAYBOOKS: Mapping[object, str] = {
    True: "installed as skills",
    False: "in its prompt",
    "prompt": "in its prompt",
    "off": "not given",
}
_MOST_UNMATCHED = 10_000


@click.group()
def vendor() -> None:
    """Look at the vendors: programs that agents run, and what fleet can do with each.

    \b
    Examples:
      fleet vendor list
      fleet vendor show claude-code
    """


@vendor.command("list")
@click.option("--versions", is_flag=True, help="Ask the programs of the shipped vendors for their versions.")
@repo_option
@json_option
def list_(versions: bool, repo: Path | None, as_json: bool) -> None:
    """List the configured vendors with what works: guard, permission, use, resuming.

    \b
    Examples:
      fleet vendor list
      fleet vendor list --versions --json
    """
    rows = [_facts(name, entry, repo, start=versions) for name, entry in _entries(repo).items()]
    if as_json:
        print_json(rows)
        return
    cells = [
        (
            row["name"],
            row["kind"],
            row["version"] or ("found" if row["found"] else "missing"),
            row["capabilities"]["guard"],
            row["capabilities"]["permission"],
            row["capabilities"]["usage"],
            "yes" if row["capabilities"]["resume"] else "no",
            ", ".join(row["agents"]),
        )
        for row in rows
    ]
    header = ("VENDOR", "KIND", "PROGRAM", "GUARD", "PERMISSION", "USE", "RESUMES", "AGENTS")
    print_table(header, cells, empty="no vendors are configured")


@vendor.command()
@click.argument("name")
@repo_option
@json_option
def show(name: str, repo: Path | None, as_json: bool) -> None:
    """Show what works with a vendor and what does not, and whether its program can be started.

    \b
    Examples:
      fleet vendor show codex
      fleet vendor show claude-code --json
    """
    from fleet_tui.settings.load import load_settings

    entry = load_settings(fleet_paths(repo).repository).require().vendor(name)
    facts = _facts(name, entry, repo, start=True)
    if as_json:
        print_json(facts)
        return
    works = facts["capabilities"]
    found = facts["version"] or facts["program"] or facts["problem"]
    say(f"{name}: {facts['kind']}, {found}")
    for told in filter(None, (facts["warning"], facts["hint"])):
        say(f"  {told}")
    rows = [(label, _SAID[label][works[label]]) for label in _SAID]
    rows.append(("session", "goes on after a crash" if works["resume"] else "begins anew after a crash"))
    rows.append(("interrupt", f"the key {facts['interrupt']}" if facts["interrupt"] else "no key is known"))
    rows.append(("mcp", "is given the fleet's server" if works["mcp"] and facts["mcp"] else "is given no server"))
    rows.append(("playbooks", _PLAYBOOKS[facts["playbooks"] if facts["playbooks"] != "auto" else works["skills"]]))
    rows.append(("state", "from its " + ", then ".join(works["state"])))
    for label, told in rows:
        say(f"  {label:<11}{told}")
    for note in works["notes"]:
        say(f"  note       {note}")
    _say_detection(facts["detection"])
    say(f"  agents     {', '.join(facts['agents']) or 'none'}")


def _say_detection(known: dict[str, Any]) -> None:
    say(f"  {'detection':<11}{len(known['rules'])} rules from {', '.join(known['files'])}")
    for problem in known["problems"]:
        say(f"  {'':<11}{problem}")
    for row in known["unmatched"]:
        say(f"  {'unmatched':<11}{row['version'] or 'version unknown'}: {row['screens']} screen(s) that no rule knew")


def _entries(repo: Path | None) -> dict[str, VendorSettings]:
    from fleet_tui.settings.load import load_settings

    return load_settings(fleet_paths(repo).repository).require().vendors


def _facts(name: str, entry: VendorSettings, repo: Path | None, *, start: bool) -> dict[str, Any]:
    from fleet_tui.domain.errors import FleetError
    from fleet_tui.settings.load import is_preset, load_settings
    from fleet_tui.vendors.base import Capabilities, Probe
    from fleet_tui.vendors.registry import vendor_for

    repository = fleet_paths(repo).repository
    works, probe = Capabilities(), Probe(False)
    try:
        found = vendor_for(entry, name, repository=repository)
        # What a program of the person's own does when it is started, only the person knows: it is looked up.
        works, probe = found.capabilities, found.probe(start=start and is_preset(name, entry))
    except FleetError as error:
        probe = Probe(False, None, f"{error.title}: {error.message}", error.hint)
    agents = [agent.name for agent in load_settings(repository).require().agents if agent.vendor == name]
    return {
        "name": name,
        "kind": entry.kind,
        "mcp": entry.mcp,
        "playbooks": entry.playbooks,
        "found": probe.ok,
        "program": probe.program,
        "version": probe.version,
        "problem": probe.problem,
        "hint": probe.hint,
        "warning": probe.warning,
        "interrupt": entry.interrupt_key,
        "agents": agents,
        "capabilities": asdict(works),
        "detection": _detection(name, entry, repository),
    }


def _detection(name: str, entry: VendorSettings, repository: Path) -> dict[str, Any]:
    """The rules by which its screens are read, what is wrong with files of them, and how often none knew a screen."""
    from fleet_tui.vendors.rulefiles import read_rules

    rules, problems = read_rules(name, entry.kind, repository)
    shown = [
        {"name": rule.name, "priority": rule.priority, "region": rule.region, "state": rule.state}
        | {"dialog": rule.dialog, "from": rules.where[rule.name]}
        for rule in rules.rules
    ]
    unmatched = [
        {"version": version, "screens": screens}
        for (vendor, version), screens in unmatched_screens(repository).items()
        if vendor == name
    ]
    return {
        "files": list(rules.files),
        "rules": shown,
        "problems": [str(problem) for problem in problems],
        "unmatched": unmatched,
    }


def unmatched_screens(repository: Path) -> dict[tuple[str, str], int]:
    """How many screens no rule knew, by vendor and version; of the newest that the log has."""
    from collections import Counter

    from fleet_tui.paths import FleetPaths
    from fleet_tui.store.reader import EventFilter, Reader

    database = FleetPaths.of(repository).database
    if not database.is_file():
        return {}
    told = Reader.open(database).events(EventFilter(kinds=("screen_unmatched",)), limit=_MOST_UNMATCHED)
    return dict(Counter((str(e.payload["vendor"]), str(e.payload.get("version", ""))) for e in told))
