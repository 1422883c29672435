"""What must agree between sections, and with the files in the repository."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from typing import NamedTuple

from fleet_tui import paths
from fleet_tui.domain.events import PAYLOADS
from fleet_tui.domain.repositories import HOME, label_of
from fleet_tui.domain.states import RiskBand
from fleet_tui.settings import playbooks, texts
from fleet_tui.settings.document import KeyPath
from fleet_tui.settings.messages import suggest
from fleet_tui.settings.prompts import prompt_file, story_path
from fleet_tui.settings.schema import PUBLISHABLE, Settings

_LONGEST_LABEL = 50
PLACEHOLDERS = ("prompt", "prompt_file", "model", "workspace", "ticket")


class Check(NamedTuple):
    """Something found at ``path``; a warning when ``severe`` is False."""

    path: KeyPath
    message: str
    hint: str
    severe: bool = True


def check(settings: Settings, repository: Path | None = None) -> Iterator[Check]:
    """Everything that is wrong with ``settings``; with a ``repository`` also its prompts, layers and stories."""
    for rule in _RULES:
        yield from rule(settings)
    if repository is not None:
        yield from _places(settings, repository)
        yield from _prompts(settings, repository)
        for error in (*texts.problems(repository), *playbooks.problems(repository)):
            yield Check((), error.message, error.hint)
        yield from _stories(settings, repository)


def _unique(section: str, names: Iterable[str], what: str) -> Iterator[Check]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield Check((section, index, "name"), f"two {what} are called `{name}`", "give one of them another name")
        seen.add(name)


def _names(settings: Settings) -> Iterator[Check]:
    yield from _unique("agents", (agent.name for agent in settings.agents), "agents")
    yield from _unique("teams", (team.name for team in settings.teams), "teams")
    yield from _unique("gates", (gate.name for gate in settings.gates), "gates")
    for name, repo in settings.repos.items():
        for check_ in _unique("gates", (gate.name for gate in repo.gates or ()), "gates"):
            yield check_._replace(path=("repos", name, *check_.path))
    for check_ in _unique("rules", (rule.name for rule in settings.approval.rules), "rules"):
        yield check_._replace(path=("approval", *check_.path))


def _guard_rules(settings: Settings) -> Iterator[Check]:
    rules = {rule.id for rule in (*settings.guard.extra, *settings.guard.rules)}
    seen: set[str] = set()
    for section in ("extra", "rules"):
        for index, rule in enumerate(getattr(settings.guard, section)):
            if rule.id in seen:
                yield Check(("guard", section, index, "id"), f"two rules are called `{rule.id}`", "rename one of them")
            seen.add(rule.id)
    for index, name in enumerate(settings.guard.disabled):
        if name not in rules:
            yield Check(("guard", "disabled", index), f"there is no rule `{name}`", suggest(name, rules))


def _references(settings: Settings) -> Iterator[Check]:
    agents = {agent.name for agent in settings.agents}
    for index, agent in enumerate(settings.agents):
        if agent.vendor not in settings.vendors:
            yield Check(
                ("agents", index, "vendor"),
                f"there is no vendor `{agent.vendor}`",
                suggest(agent.vendor, settings.vendors),
            )
        if agent.reports_to is not None and agent.reports_to not in agents:
            yield Check(
                ("agents", index, "reports_to"),
                f"there is no agent `{agent.reports_to}`",
                suggest(agent.reports_to, agents),
            )
    for family, role in settings.roles.items():
        if role.vendor is not None and role.vendor not in settings.vendors:
            told = f"there is no vendor `{role.vendor}`"
            yield Check(("roles", family, "vendor"), told, suggest(role.vendor, settings.vendors))
    for index, team in enumerate(settings.teams):
        for position, name in enumerate(team.agents):
            if name not in agents:
                yield Check(("teams", index, "agents", position), f"there is no agent `{name}`", suggest(name, agents))


def _circles(settings: Settings) -> Iterator[Check]:
    above = {agent.name: agent.reports_to for agent in settings.agents}
    for index, agent in enumerate(settings.agents):
        seen, name = {agent.name}, agent.reports_to
        while name is not None and name not in seen:
            seen.add(name)
            name = above.get(name)
        if name == agent.name:
            yield Check(
                ("agents", index, "reports_to"),
                f"`{agent.name}` reports to itself in a circle",
                "let one of them report to nobody",
            )
            return


def _events(settings: Settings) -> Iterator[Check]:
    for index, name in enumerate(settings.events):
        if name in PAYLOADS:
            yield Check(("events", index), f"`{name}` is an event of fleet itself", "choose another name")
    for family, role in settings.roles.items():
        yield from _publishes(settings, family, role.publishes)
        for index, name in enumerate(role.subscribes_to):
            yield from _subscription(settings, ("roles", family, "subscribes_to", index), name)
    for index, agent in enumerate(settings.agents):
        for position, name in enumerate(agent.subscribes_to or ()):
            yield from _subscription(settings, ("agents", index, "subscribes_to", position), name)


def _publishes(settings: Settings, family: str, kinds: tuple[str, ...]) -> Iterator[Check]:
    allowed = PUBLISHABLE | set(settings.events)
    for index, kind in enumerate(kinds):
        if kind not in allowed:
            yield Check(("roles", family, "publishes", index), *_refused(kind, allowed))
    if {"pr_created", "pr_approved"} <= set(kinds):
        yield Check(
            ("roles", family, "publishes"),
            f"`{family}` may both write and approve",
            "split it: nobody approves what they wrote",
            severe=False,
        )


def _refused(kind: str, allowed: Set[str]) -> tuple[str, str]:
    """Why agents cannot publish ``kind``, and what to do."""
    if kind in PAYLOADS:
        return (
            f"`{kind}` cannot be published by agents: only fleet itself may",
            f"allowed: {', '.join(sorted(allowed))}",
        )
    return f"there is no event `{kind}`", suggest(kind, allowed)


_LIKE_OWN = frozenset({"ci_failed", "ci_passed"})
"""Kinds for which existing fleets have names of their own that are hardly different (``ci_fail``)."""


def _subscription(settings: Settings, path: KeyPath, name: str) -> Iterator[Check]:
    known = {*PAYLOADS, *settings.events}
    if name in known:
        return
    # Existing fleets use kinds of their own without naming them anywhere: only a clear slip of the pen is an error.
    hint = suggest(name, known - _LIKE_OWN, likeness=0.85)
    if hint.startswith("did you mean"):
        yield Check(path, f"there is no event `{name}`", hint)
    else:
        yield Check(
            path,
            f"no known event is called `{name}`",
            f"add `{name}` to `events:` if your agents publish it",
            severe=False,
        )


def _roles(settings: Settings) -> Iterator[Check]:
    for index, agent in enumerate(settings.agents):
        if not settings.family(agent.role).matched:
            yield Check(
                ("agents", index, "role"),
                f"role `{agent.role}` is unknown: treated as observer, which may only remark",
                "choose a known role, or add it to `roles:`",
                severe=False,
            )


def _reviews(settings: Settings) -> Iterator[Check]:
    required = settings.reviews.required
    reviewers = sum(
        agent.enabled and "pr_approved" in settings.family(agent.role).publishes for agent in settings.agents
    )
    if isinstance(required, int) and required > reviewers and settings.agents:
        present = f"only {reviewers} enabled agent(s)" if reviewers else "no enabled agent"
        message = f"{required} review(s) required, but {present} may review"
        yield Check(("reviews", "required"), message, "add a reviewer, or require fewer")


def _lenses(settings: Settings) -> Iterator[Check]:
    known = settings.reviews.lenses
    for index, agent in enumerate(settings.agents):
        if agent.lens is not None and agent.lens not in known:
            yield Check(("agents", index, "lens"), f"there is no lens `{agent.lens}`", suggest(agent.lens, known))
    reviewers = [a for a in settings.agents if a.enabled and "pr_approved" in settings.family(a.role).publishes]
    given = {settings.lens(agent) for agent in reviewers}
    for band in RiskBand:
        for index, lens in enumerate(settings.reviews.bands.of(band).lenses):
            path: KeyPath = ("reviews", "bands", band.value, "lenses", index)
            if lens not in known:
                yield Check(path, f"there is no lens `{lens}`", suggest(lens, known))
            elif lens not in given and settings.agents:
                message = f"no reviewer looks through the lens `{lens}`: pull requests of this risk will wait"
                yield Check(path, message, "give a reviewer that `lens`, or add one", severe=False)


def _quorums(settings: Settings) -> Iterator[Check]:
    approval = settings.approval
    persons = 1 + len({signer.name for signer in approval.signers})
    for index, rule in enumerate(approval.rules):
        if rule.quorum > persons:
            path: KeyPath = ("approval", "rules", index, "quorum")
            who = f"the fleet's owner and {persons - 1} signers" if approval.signers else "the fleet's owner alone"
            message = f"{rule.quorum} persons must approve, and there is {who}: what it is for will wait"
            yield Check(path, message, "add persons to `approval.signers`, or lower the quorum", severe=False)
    keys: dict[str, str] = {}
    for index, signer in enumerate(approval.signers):
        if keys.setdefault(signer.key, signer.name) != signer.name:
            message = f"the key of `{signer.name}` is that of `{keys[signer.key]}`: one person would count as two"
            yield Check(("approval", "signers", index, "key"), message, "give each person a key of their own")


def _labels(settings: Settings) -> Iterator[Check]:
    seen: dict[str, str] = {}
    for state, label in settings.labels.model_dump().items():
        if label.lower() in seen:
            yield Check(("labels", state), f"`{label}` already means `{seen[label.lower()]}`", "use another label")
        seen.setdefault(label.lower(), state)


def _forge(settings: Settings) -> Iterator[Check]:
    forge = settings.forge
    if forge.kind == "github" and not forge.repo:
        yield Check(("forge",), "`repo` is missing", "name the repository on GitHub: `repo: owner/name`")
    if forge.kind == "local" and forge.repo:
        message = "the forge is local: tickets are files, and nothing is read from or sent to GitHub"
        yield Check(("forge", "repo"), message, "set `kind: github`, or remove it", severe=False)
    for state, label in settings.labels.model_dump().items() if forge.kind == "github" else ():
        if len(label) > _LONGEST_LABEL or "," in label:
            told = f"GitHub takes no such label: at most {_LONGEST_LABEL} characters, without a comma"
            yield Check(("labels", state), told, "use another label")


def _repos(settings: Settings) -> Iterator[Check]:
    yield from _repos_on_github(settings)
    if HOME in settings.repos:
        yield Check(("repos", HOME), f"`{HOME}` is the fleet's own repository", "choose another name")
    known = {HOME, *settings.repos}
    for index, agent in enumerate(settings.agents):
        for position, name in enumerate(agent.repos):
            if name not in known:
                path: KeyPath = ("agents", index, "repos", position)
                yield Check(path, f"there is no repository `{name}`", suggest(name, known))


def _repos_on_github(settings: Settings) -> Iterator[Check]:
    """Each repository there once: its pull requests are told apart by their numbers."""
    seen = {settings.forge.repo.lower(): HOME} if settings.forge.kind == "github" else {}
    for name, repo in settings.repos.items():
        key: KeyPath = ("repos", name, "github")
        if not repo.github and (repo.remote or repo.poll_s is not None):
            told = "`remote` and `poll_s` are of a repository on GitHub, and none is named"
            yield Check(("repos", name), told, "name it: `github: owner/name`", severe=False)
        if settings.forge.kind != "github":
            if repo.github:
                told = "the forge is local: nothing is read from or sent to GitHub"
                yield Check(key, told, "set `forge: {kind: github}`, or remove it", severe=False)
        elif repo.github.lower() in seen:
            yield Check(key, f"that is `{seen[repo.github.lower()]}`", "name another repository on GitHub")
        elif repo.github:
            seen[repo.github.lower()] = name
        if settings.forge.kind == "github" and len(label_of(name)) > _LONGEST_LABEL:
            told = f"its issues would have the label {label_of(name)}, which is too long for GitHub"
            yield Check(("repos", name), told, "use a shorter name")


def _places(settings: Settings, repository: Path) -> Iterator[Check]:
    """Each repository once. One that is not there now is none of the configuration's faults."""
    seen = {repository.resolve(): HOME}
    for name, repo in settings.repos.items():
        place = repo.place(repository)
        if place in seen:
            yield Check(("repos", name, "path"), f"that is where `{seen[place]}` is", "remove one of them")
        elif not (place / ".git").exists():
            told = f"there is no git repository at {place}: its tickets will wait"
            yield Check(("repos", name, "path"), told, "clone it there, or change the path", severe=False)
        seen.setdefault(place, name)


def _vendors(settings: Settings) -> Iterator[Check]:
    for name, vendor in settings.vendors.items():
        if vendor.kind == "command" and not vendor.argv:
            yield Check(("vendors", name), "`argv` is missing", "add `argv: [program, …]`")
        for index, argument in enumerate(vendor.argv):
            if vendor.kind not in ("command", "scripted") and argument == "{prompt}":
                told = f"the adapter `{vendor.kind}` puts the prompt there itself"
                yield Check(("vendors", name, "argv", index), told, "leave `{prompt}` out, or use `kind: command`")
            word = argument[1:-1] if argument.startswith("{") and argument.endswith("}") else ""
            if word.isidentifier() and word not in PLACEHOLDERS:
                yield Check(
                    ("vendors", name, "argv", index),
                    f"there is no placeholder `{argument}`",
                    suggest(word, PLACEHOLDERS),
                )


def _prompts(settings: Settings, repository: Path) -> Iterator[Check]:
    for index, agent in enumerate(settings.agents):
        if not agent.enabled or agent.prompt is not None:
            continue
        found = prompt_file(repository, agent)
        path: KeyPath = ("agents", index, "prompt_file" if agent.prompt_file else "name")
        if found.missing:
            yield Check(path, f"prompt file {agent.prompt_path} is missing", "create it, or: fleet init --prompts")
        elif found.problem is not None:
            yield Check(path, f"prompt file {agent.prompt_path}: {found.problem.message}", found.problem.hint)


def _confined(story: Path, repository: Path) -> bool:
    return any(story.resolve().is_relative_to(root.resolve()) for root in (repository, paths.shipped_config()))


def _stories(settings: Settings, repository: Path) -> Iterator[Check]:
    used = {agent.vendor for agent in settings.agents if agent.enabled}
    for name, vendor in settings.vendors.items():
        if name not in used or vendor.kind != "scripted":
            continue
        story = story_path(repository, vendor)
        if story is None:
            yield Check(("vendors", name), "`story` is missing", "add `story: minimal`, or a file in the repository")
        elif not story.is_file() or not _confined(story, repository):
            yield Check(
                ("vendors", name, "story"),
                f"there is no story {vendor.story}",
                "name a shipped story such as `minimal`, or a file in the repository",
            )


_RULES: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    _names, _guard_rules, _references, _circles, _events, _roles, _reviews, _lenses, _quorums, _labels, _forge,
    _repos, _vendors,
)  # fmt: skip
