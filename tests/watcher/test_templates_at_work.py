"""Every shipped template, made into an agent by the command, told by its prompt, and driven one turn by a story.

The story is played by the scripted vendor's own player, here in a thread instead of a pane: a process of its own for
each of so many would take longer than all other tests.
"""

from __future__ import annotations

import asyncio
import itertools
import select
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fleet_tui.catalogue.read import read_catalogue
from fleet_tui.catalogue.template import Entry
from fleet_tui.cli.main import fleet as command
from fleet_tui.domain.events import MergeFailed, PolicyDenied
from fleet_tui.domain.model import Approval, Run
from fleet_tui.domain.states import PullRequestState
from fleet_tui.settings.load import load_settings
from fleet_tui.settings.texts import MARK
from fleet_tui.vendors.base import LaunchRequest
from fleet_tui.vendors.player import Finished, Player
from fleet_tui.vendors.story import Situation, load_story
from fleet_tui.watcher.passes.dispatch import LEVEL_TRIGGERS
from fleet_tui.watcher.runs import prompt
from fleet_tui.watcher.runs.vendors import vendor_of
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent

pytestmark = pytest.mark.slow

STORY = """
scenes:
  - when: {trigger: ticket_ready}
    steps:
      - write: {path: "notes/{ticket}.md", text: "Written by {agent}.\\n"}
      - commit: "Note for #{ticket}"
      - push
      - publish: {event: pr_created, summary: "Note for #{ticket}"}
  - when: {trigger: pr_needs_review}
    steps:
      - publish: {event: pr_approved, summary: "It does what the ticket asks."}
  - when: {trigger: pr_approved}
    steps:
      - publish: {event: release_decided, summary: "Small and reviewed.", payload: {decision: merge}}
  - when: {trigger: [ticket_created, ticket_shipped, ticket_closed, ticket_blocked, merge_failed]}
    steps:
      - publish: {event: note, summary: "Looked at it."}
"""
SETTINGS = load_settings(Path("/nowhere"), project_required=False, environ={}, user_file=Path("/nowhere")).require()
ENTRIES = read_catalogue(Path("/nowhere"), SETTINGS).entries


class Screen:
    """Where a player paints when nobody looks."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.status = self.footer = ""
        self.lines: list[str] = []

    def add(self, text: str, _style: str = "plain") -> None:
        self.lines.append(text)

    def amend(self, text: str, _style: str = "plain") -> None:
        self.lines[-1] = text

    def paint(self) -> None:
        """Nobody looks."""

    def pump(self, wait_s: float, others: Sequence[int] = ()) -> list[int]:
        return select.select(others, [], [], wait_s)[0] if others or wait_s else []


class Desk(Player):
    """A player whose `fleet` asks the desk of this process; everything else it starts is real."""

    said: list[str]
    hooks: list[str]
    ask_desk: Callable[[str, dict[str, Any]], Any]

    def command(self, argv: Sequence[str], *, title: str = "", stdin: bytes = b"") -> Finished:
        if argv[0] != "fleet":
            done = super().command(argv, title=title, stdin=stdin)
            assert done.code == 0 or tuple(argv[:2]) == ("git", "config"), (argv, done.output)
            return done
        verb, event, *options = argv[1:]
        if verb == "hook":
            self.hooks.append(event)
            return Finished(0, "")
        words = dict(zip(options[::2], options[1::2], strict=True))
        payload = {"decision": "merge"} if "--payload" in words else {}
        self.ask_desk(event, {"summary": words["--summary"], "payload": payload})
        self.said.append(event)
        return Finished(0, "")


async def hire(fleet: Fleet, entry: Entry, ticket: int | None) -> str:
    """An agent made from ``entry`` as the command line makes it; what must be said is said by its own question."""
    form = (await fleet.person.answer("kim", "template", {"template": entry.id, "ticket": ticket}))["form"]
    words = ["--vendor", "play", *(["--ticket", str(ticket)] if ticket else [])]
    for fill in form["fills"]:
        words += [] if fill["value"] else ["--set", f"{fill['name']}=what {fill['name']} asks for"]
    argv = ["--repo", str(fleet.ctx.paths.repository), "template", "spawn", entry.id, *words]
    result = await asyncio.to_thread(CliRunner().invoke, command, argv)
    assert result.exit_code == 0, (entry.id, result.exception, result.output)
    loaded = load_settings(fleet.ctx.paths.repository)
    assert loaded.problems == (), entry.id
    await fleet.use(loaded.require())
    return str(form["name"])


async def let_go(fleet: Fleet, name: str) -> None:
    root = fleet.ctx.paths.repository / ".fleet"
    (root / "agents" / f"{name}.yaml").unlink()
    (root / "prompts" / f"{name}.md").unlink()
    await fleet.use(load_settings(fleet.ctx.paths.repository).require())


async def turn(fleet: Fleet, entry: Entry, name: str) -> Run:
    """The queued run of ``name`` begun, told, and played for one turn; what it did is what the template says."""
    run = await fleet.queued(name)
    row = fleet.ctx.settings.agent(name)
    assert (row.template, row.role, run.vendor) == (entry.id, entry.template.role, "play")
    assert run.trigger in entry.template.subscriptions
    parts = prompt.parts(prompt.sources(fleet.ctx), run, row)
    layers = {part.layer: part.text for part in parts}
    assert {"handbook", "role", "agent", "assignment"} <= set(layers)
    assert not MARK.search("".join(layers.values())), "every mark is filled in"
    told = prompt.joined(parts)
    assert all(line in told for line in (*entry.template.owns, *entry.template.never, *entry.template.done))
    place = fleet.ctx.paths.run_dir(run.id)
    request = LaunchRequest(
        run=run.id, agent=name, role=run.role, model=None, prompt=told, run_dir=place,
        workspace=Path(run.workspace), ticket=run.ticket, home=place,
    )  # fmt: skip
    assert vendor_of(fleet.ctx, run).launch(request).paste == told, "nothing of it is lost on the way"
    said = await play(fleet, run, told)
    assert set(said) <= set(entry.template.capabilities), entry.id
    assert fleet.events(PolicyDenied.kind) == []
    assert fleet.run(run.id).published or said == ["note"]
    await fleet.end(run)
    return run


async def play(fleet: Fleet, run: Run, told: str) -> list[str]:
    loop = asyncio.get_running_loop()

    def ask_desk(event: str, args: dict[str, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(fleet.publish(run, event, **args), loop).result(60)

    situation = Situation(run.role, run.agent, str(run.ticket or ""), "", run.trigger, run.round)
    story = load_story(fleet.ctx.paths.repository / "story.yaml")
    player = Desk(Screen(), story, situation, seed=1, speed=0)  # type: ignore[arg-type]
    player.workspace = Path(run.workspace) if run.workspace else fleet.ctx.paths.run_dir(run.id)
    player.said, player.hooks, player.ask_desk = [], [], ask_desk
    await asyncio.to_thread(player._turn, told, first=True)
    assert player.hooks == ["prompt_submitted", "turn_ended"]
    assert player.said, "the story has a scene for what started it"
    return player.said


async def begun(make_fleet: MakeFleet, *agents: dict[str, Any]) -> Fleet:
    vendors = {"shell": {"argv": ["true"]}, "play": {"kind": "scripted", "story": "story.yaml"}}
    fleet = await make_fleet(list(agents), vendors=vendors)
    (fleet.ctx.paths.repository / "story.yaml").write_text(STORY)
    await fleet.use(load_settings(fleet.ctx.paths.repository).require())
    return fleet


def starting_on(kind: str) -> list[Entry]:
    assert len(ENTRIES) >= 140
    return [entry for entry in ENTRIES if entry.template.subscriptions[0] == kind]


@pytest.mark.parametrize("category", sorted({entry.category for entry in starting_on("ticket_ready")}))
async def test_every_author_takes_its_ticket_and_hands_over(make_fleet: MakeFleet, category: str) -> None:
    """By category: a fleet gets slower with each pull request that waits."""
    fleet = await begun(make_fleet)
    for entry in [one for one in starting_on("ticket_ready") if one.category == category]:
        number = await fleet.ticket(f"For {entry.name}", ready=False)
        await fleet.settle()
        name = await hire(fleet, entry, number)
        await fleet.ctx.forge.set_labels(number, add=["ready"], remove=[])
        await fleet.settle()
        run = await turn(fleet, entry, name)
        assert fleet.ctx.reader.open_pull_request(number) is not None, entry.id
        assert run.ticket == number
        await let_go(fleet, name)


async def test_every_reviewer_gives_its_verdict(make_fleet: MakeFleet) -> None:
    fleet = await begun(make_fleet, agent("dev", "developer"))
    for entry in starting_on("pr_needs_review"):
        await fleet.ticket(f"For {entry.name}")
        await fleet.settle()
        _, pull_request = await fleet.author()
        name = await hire(fleet, entry, None)
        await fleet.settle()
        await turn(fleet, entry, name)
        (review,) = fleet.ctx.reader.reviews(pull_request.number)
        assert (review.agent, review.verdict) == (name, "approved"), entry.id
        await fleet.settle()
        await fleet.approve(fleet.open_approval(pull_request.number))
        await fleet.settle()
        assert fleet.pr(pull_request.number).state is PullRequestState.MERGED, entry.id
        await let_go(fleet, name)


async def test_every_release_manager_decides(make_fleet: MakeFleet) -> None:
    fleet = await begun(make_fleet, agent("dev", "developer"), agent("lee", "tech-lead"))
    for entry in starting_on("pr_approved"):
        name = await hire(fleet, entry, None)
        await fleet.ticket(f"For {entry.name}")
        await fleet.settle()
        _, pull_request = await fleet.author()
        await fleet.settle()
        await fleet.verdict("lee")
        await fleet.settle()
        await turn(fleet, entry, name)
        await fleet.settle()
        await fleet.approve(fleet.open_approval(pull_request.number))
        await fleet.settle()
        assert fleet.pr(pull_request.number).state is PullRequestState.MERGED, entry.id
        await let_go(fleet, name)


async def test_all_others_act_on_what_starts_them(make_fleet: MakeFleet) -> None:
    fleet = await begun(make_fleet, agent("dev", "developer"), agent("lee", "tech-lead"))

    numbers = itertools.count(1)

    async def waiting() -> Approval:
        # Each in a file of its own: what waits does not conflict with what lands meanwhile.
        return await fleet.to_approval({f"part{next(numbers)}.py": "print('a part')\n"})

    async def created() -> None:
        await fleet.ticket("Another", ready=False)

    async def shipped() -> None:
        await fleet.approve(await waiting())

    async def failed() -> None:
        number = (await waiting()).pr
        await fleet.say(MergeFailed(number, "it does not go together"), f"pr:{number}")

    causes: dict[str, Callable[[], Awaitable[None]]]
    causes = {"ticket_created": created, "ticket_shipped": shipped, "merge_failed": failed}
    others = [one for one in ENTRIES if one.template.subscriptions[0] not in LEVEL_TRIGGERS]
    assert {entry.template.subscriptions[0] for entry in others} == set(causes)
    for entry in others:
        name = await hire(fleet, entry, None)
        await fleet.settle()
        await causes[entry.template.subscriptions[0]]()
        await fleet.settle()
        await turn(fleet, entry, name)
        await let_go(fleet, name)
