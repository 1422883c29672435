"""``fleet template``: the catalogue of agents that can be made."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from fleet_tui.cli.agent_create import make, making_options
from fleet_tui.cli.catalogue import answer
from fleet_tui.cli.common import (
    count,
    find_repository,
    fitted,
    json_option,
    print_json,
    print_table,
    quoted,
    repo_option,
    say,
)
from fleet_tui.domain.text import one_line


@click.group()
def template() -> None:
    """Look at the templates that agents are made from, make agents of them, and templates of your own.

    \b
    Examples:
      fleet template list
      fleet template search flaky tests
      fleet template show qa-engineer
      fleet template spawn qa-engineer
      fleet template new house/painter --from engineering/developer
    """


@template.command("list")
@click.option("--category", help="Only those of this category.")
@repo_option
@json_option
def list_(category: str | None, repo: Path | None, as_json: bool) -> None:
    """List the templates: fleet's own, yours, and the project's (`.fleet/templates`).

    \b
    Examples:
      fleet template list
      fleet template list --category review --json
    """
    _print(answer(repo, "templates", {}), lambda row: category in (None, row["category"]), as_json)


@template.command()
@click.argument("words", nargs=-1, required=True)
@repo_option
@json_option
def search(words: tuple[str, ...], repo: Path | None, as_json: bool) -> None:
    """List the templates in which every one of WORDS occurs: name, purpose, what it owns, example tasks.

    \b
    Example:
      fleet template search security input
    """
    found = answer(repo, "templates", {"words": " ".join(words)})
    _print(found, lambda row: True, as_json)  # noqa: ARG005 - the search is the watcher's


def _print(found: dict[str, Any], wanted: Any, as_json: bool) -> None:
    rows = [row for row in found["templates"] if wanted(row)]
    categories = Counter(row["category"] for row in rows)
    if as_json:
        print_json({**found, "templates": rows, "categories": categories})
        return
    cells = [(r["id"], r["role"], r["cost"], r["budget"], r["risk"], r["used"], r["purpose"]) for r in rows]
    header = ("TEMPLATE", "ROLE", "COST", "BUDGET", "RISK", "USED", "PURPOSE")
    print_table(header, cells, empty="no template is like that: fleet template list")
    if rows:
        told = ", ".join(f"{one_line(name)} {number}" for name, number in categories.items())
        say(f"{count(len(rows), 'template')}: {told}")
    for problem in found["problems"]:
        say(f"cannot be used: {one_line(problem, 1000)}", err=True)


@template.command()
@click.argument("name")
@click.option("--prompt", "only_prompt", is_flag=True, help="Print its prompt, marks included, and nothing else.")
@repo_option
@json_option
def show(name: str, only_prompt: bool, repo: Path | None, as_json: bool) -> None:
    """Show what an agent made from NAME does and never does, what it costs, and what must be filled in.

    \b
    Examples:
      fleet template show engineering/developer
      fleet template show triage --prompt
    """
    found = answer(repo, "template", {"template": name})
    if as_json:
        print_json(found)
    elif only_prompt:
        say(found["prompt"])
    else:
        _show(found)


@template.command()
@click.argument("name")
@click.argument("agent", required=False)
@making_options
def spawn(name: str, agent: str | None, **said: Any) -> None:
    """Make an agent from the template NAME; without AGENT it gets the first free name. As `fleet agent create`.

    \b
    Examples:
      fleet template spawn qa-engineer
      fleet template spawn bug-fixer --ticket 444 --ready
      fleet template spawn developer sam --set "test_command=make test" --dry-run
    """
    asked = {"template": name, "ticket": said["ticket"]}
    make(agent or answer(said["repo"], "template", asked)["form"]["name"], name, **said)


@template.command()
@click.argument("name", metavar="CATEGORY/NAME")
@click.option(
    "--from", "origin", default="engineering/developer", show_default=True, help="The template to begin with."
)
@click.option("--mine", is_flag=True, help="Beside your own configuration file, for all your projects.")
@repo_option
@json_option
def new(name: str, origin: str, mine: bool, repo: Path | None, as_json: bool) -> None:
    """Write a template of your own, as a copy of another: CATEGORY/NAME.yaml and its prompt, to be changed by you.

    One of the same name as a shipped one takes its place. `fleet template show` says what is wrong with it.

    \b
    Examples:
      fleet template new house/payments --from engineering/backend-developer
      fleet template new engineering/developer --mine
    """
    from fleet_tui.catalogue.copying import copy_template
    from fleet_tui.catalogue.read import read_catalogue
    from fleet_tui.settings.load import load_settings

    repository = find_repository(repo)
    settings = load_settings(repository, project_required=False).require()
    files = copy_template(read_catalogue(repository, settings).get(origin), name, repository, mine=mine)
    if as_json:
        print_json({"template": name, "from": origin, "files": [str(file) for file in files]})
        return
    for file in files:
        say(f"written: {one_line(str(file), 1000)}")
    say(f"next: change them, then: fleet template show {name}")


def _show(found: dict[str, Any]) -> None:
    say(f"{found['id']}: {one_line(found['title'])} ({one_line(found['source'])})")
    say(quoted(found["purpose"]).lstrip("\n"))
    for title, key in _LISTS:
        say(f"{title}:")
        for line in found[key]:
            say(f"  - {one_line(line, 400)}")
    model, risk = found["model"], found["risk"]
    family = found["family"]
    say(f"role:      {one_line(found['role'])} ({family}), starts on {one_line(', '.join(found['subscriptions']))}")
    say(f"publishes: {one_line(', '.join(found['capabilities']))}")
    say(f"model:     a {model['tier']} one (cost {found['cost']}): {one_line(model['reason'], 400)}")
    say(f"budget:    {one_line(found['budget'])}")
    say(f"risk:      {risk['profile']}: {one_line(risk['reason'], 400)}")
    fills = found["form"]["fills"]
    say(f"{count(len(fills), 'mark')} to fill in:" if fills else "nothing to fill in")
    for fill in fills:
        value = f"{fitted(fill['value'], 200)}  ({one_line(fill['seen'])})" if fill["value"] else "must be said"
        say(f"  {fill['name']:<16} {one_line(fill['ask'])}: {value}")
    say(f"next: fleet agent create {found['form']['name']} --template {found['id']} --dry-run")


_LISTS = (
    ("it answers for", "owns"),
    ("it never", "never"),
    ("it works from", "inputs"),
    ("it leaves", "outputs"),
    ("done when", "done"),
    ("tasks like", "examples"),
)
