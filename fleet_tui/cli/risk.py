"""``fleet risk``: how risky every run and pull request is, why, and what other rules would have changed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli.common import (
    age,
    find_repository,
    fleet_paths,
    json_option,
    open_reader,
    print_json,
    print_table,
    repo_option,
    say,
    since_ns,
)
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.numbers import pull_request_number
from fleet_tui.domain.states import LIVE_RUNS, OPEN_PULL_REQUESTS, RiskBand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet_tui.domain.events import Event
    from fleet_tui.governance.risk.replay import Difference
    from fleet_tui.settings.schema import Settings
    from fleet_tui.store.reader import Reader

_PAGE = 500
_MEANS = {
    RiskBand.LOW: "nothing follows",
    RiskBand.MEDIUM: "a person is told",
    RiskBand.HIGH: "a person must approve the merge; the agent gets one run at a time",
    RiskBand.CRITICAL: "the agent is quarantined",
}


@click.group()
def risk() -> None:
    """Show and explain risk, and try other rules on what happened.

    \b
    Examples:
      fleet risk show
      fleet risk explain pr:3
      fleet risk explain dev-1 --json
      fleet risk simulate --rules new-rules.yaml --since 7d
    """


@risk.command()
@click.option("--all", "everything", is_flag=True, help="Also ended runs and closed pull requests.")
@repo_option
@json_option
def show(everything: bool, repo: Path | None, as_json: bool) -> None:
    """List living runs and open pull requests, the riskiest first.

    \b
    Example:
      fleet risk show --json
    """
    from fleet_tui.governance.risk.score import Reason

    reader = open_reader(fleet_paths(repo))
    rows: list[dict[str, Any]] = [
        {"subject": f"run:{run.id}", "agent": run.agent, "score": run.risk, "band": run.risk_band}
        | {"reasons": run.risk_reasons}
        for run in reader.runs(*(() if everything else LIVE_RUNS))
    ]
    rows += [
        {"subject": f"pr:{pull.number}", "agent": pull.agent, "score": pull.risk, "band": pull.risk_band}
        | {"reasons": pull.risk_reasons}
        for pull in reader.pull_requests(*(() if everything else sorted(OPEN_PULL_REQUESTS)))
    ]
    rows.sort(key=lambda row: (-row["score"], row["subject"]))
    if as_json:
        print_json([{**row, "reasons": [Reason.of(text) for text in row["reasons"]]} for row in rows])
        return
    cells = [(r["subject"], r["agent"], r["score"], r["band"], "; ".join(r["reasons"])) for r in rows]
    print_table(("SUBJECT", "AGENT", "RISK", "BAND", "WHY"), cells, empty="nothing runs and nothing is open")


@risk.command()
@click.argument("subject")
@repo_option
@json_option
def explain(subject: str, repo: Path | None, as_json: bool) -> None:
    """Say how the risk of SUBJECT adds up: a pull request (`PR3` or `pr:3`), a run, or an agent (its newest run).

    \b
    Examples:
      fleet risk explain pr:3
      fleet risk explain dev-1 --json
    """
    from fleet_tui.governance.risk.score import Reason

    reader = open_reader(fleet_paths(repo))
    event = _latest(reader, _subject(reader, subject))
    if event is None:
        say("nothing was seen that gives points")
        return
    facts = event.payload
    reasons = [Reason.of(text) for text in facts["reasons"]]
    if as_json:
        print_json({**facts, "subject": event.subject, "at_ns": event.at_ns, "reasons": reasons})
        return
    means = _means(reader, facts["agent"], RiskBand(facts["band"]))
    say(f"{event.subject} by {facts['agent']}: risk {facts['score']} {facts['band']}, {means}")
    for reason in reasons:
        say(f"  {reason.points:+4d}  {reason.factor:<15} {reason.detail}")
    when = age(event.at_ns, time.time_ns())
    say(f"  {facts['score']:4d}  as seen {when} ago; see `fleet config explain risk.factors`")


def _means(reader: Reader, name: str, band: RiskBand) -> str:
    """What follows; of a quarantine, whether it is in force."""
    agent = reader.agent(name)
    if band is RiskBand.CRITICAL and agent is not None and not agent.quarantined:
        return "for which an agent is quarantined; this one is not now: a person let it go on"
    return _MEANS[band]


@risk.command()
@click.option("--rules", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with `risk:`.")
@click.option("--since", default="7d", show_default=True, help="How far back: 30s, 15m, 2h, 1d.")
@repo_option
@json_option
def simulate(rules: Path | None, since: str, repo: Path | None, as_json: bool) -> None:
    """Score what was seen under other rules and say what would have changed. Nothing is changed.

    The file is laid over the rules in force; without one, the rules in force are tried. Exits with 1 when a score or
    a band would have been another.

    \b
    Examples:
      fleet risk simulate --rules new-rules.yaml --since 7d
      fleet risk simulate --since 1d --json
    """
    from fleet_tui.governance.risk.replay import replay

    repository = find_repository(repo)
    settings = _settings(repository)
    tried = settings.risk if rules is None else _other(settings, rules)
    seen = list(_recorded(open_reader(fleet_paths(repo)), since_ns(since)))
    found = list(replay(seen, tried))
    if as_json:
        print_json({"scores": len(seen), "differences": found})
    else:
        _tell(found, len(seen))
    click.get_current_context().exit(1 if found else 0)


def _tell(found: list[Difference], seen: int) -> None:
    cells = [
        (
            age(d.at_ns, time.time_ns()),
            d.subject,
            d.agent,
            f"{d.score} {d.band}",
            f"{d.new_score} {d.new_band}",
            d.effect,
        )
        for d in found
    ]
    print_table(("AGO", "SUBJECT", "AGENT", "WAS", "WOULD BE", "EFFECT"), cells, empty="nothing would have changed")
    say(f"{len(found)} of {seen} scores would have been different")


def _settings(repository: Path) -> Settings:
    from fleet_tui.settings.load import load_settings

    return load_settings(repository, project_required=False).require()


def _other(settings: Settings, rules: Path) -> Any:
    from fleet_tui.settings.load import other_risk_rules

    return other_risk_rules(settings, rules.read_text(encoding="utf-8", errors="replace"), str(rules))


def _recorded(reader: Reader, since: int | None) -> Iterator[Event]:
    from fleet_tui.store.reader import EventFilter

    wanted, after = EventFilter(kinds=("risk_changed",), since_ns=since), 0
    while page := reader.events(wanted, after=after, limit=_PAGE):
        yield from page
        after = page[-1].seq


def _latest(reader: Reader, subject: str) -> Event | None:
    from fleet_tui.store.reader import EventFilter

    found = reader.events(EventFilter(kinds=("risk_changed",), subjects=(subject,)), limit=1)
    return found[-1] if found else None


def _subject(reader: Reader, given: str) -> str:
    """What an event would call it.

    Raises:
        UsageError: there is no such thing.
    """
    number = pull_request_number(given)
    if number is not None and reader.pull_request(number) is not None:
        return f"pr:{number}"
    run = given.removeprefix("run:")
    if reader.run(run) is not None:
        return f"run:{run}"
    runs = reader.runs(agent=given.removeprefix("agent:"), limit=1)
    if runs:
        return f"run:{runs[0].id}"
    raise UsageError("no such run, agent or pull request", given, "see `fleet risk show --all`")
