"""Releases: notes of what landed, a tag by the watcher, asked for by a person or by an agent whose role may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import fleet as cli
from fleet_tui.domain.errors import Conflict, FleetError, Refused, UsageError
from fleet_tui.domain.events import AlarmRaised, EffectAttempted, EffectPlanned
from fleet_tui.domain.states import EffectClass, EffectState, Isolation, PullRequestState, RunState
from fleet_tui.git import tags
from fleet_tui.governance.isolation import Level
from fleet_tui.watcher.desks import release_desk
from fleet_tui.watcher.merging.tagging import Tagging
from fleet_tui.watcher.passes import releases
from fleet_tui.watcher.runs.queueing import queued
from fleet_tui.watcher.verify import verify_fleet
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import SECOND, Fleet, agent, commit, git

GATE = {"name": "test", "run": "true"}
CREW = [agent("dev", "developer"), agent("lee", "tech-lead"), agent("rel", "release-manager", schedule="0 9 * * *")]


async def landed(fleet: Fleet, files: dict[str, str | None] | None = None) -> str:
    """A ticket, landed; the commit."""
    approval = await fleet.to_approval(files)
    await fleet.approve(approval)
    await fleet.settle()
    sha = fleet.pr(approval.pr).merge_sha
    assert sha is not None
    return sha


async def tag(fleet: Fleet, version: str = "v1.0", user: str = "kim", **args: Any) -> dict[str, Any]:
    return await fleet.person.answer(user, "tag_release", {"version": version, **args})


async def grounds(fleet: Fleet, version: str = "v1.0", **args: Any) -> list[str]:
    """Why it may not be tagged; that it is not, as long as there is one."""
    told = await tag(fleet, version, dry_run=True, **args)
    found = [reason["ground"] for reason in told["reasons"]]
    assert told["ready"] == (found == [])
    if found:
        with pytest.raises(Conflict):
            await tag(fleet, version, **args)
        assert fleet.events("release_tagged") == []
    return found


def tags_of(place: Path) -> list[str]:
    return git(place, "tag", "--list").split()


async def asked(fleet: Fleet, version: str = "v1.0", **payload: Any) -> dict[str, Any]:
    """The release manager asks, in a run that its schedule began."""
    running = [run for run in fleet.ctx.reader.runs(RunState.RUNNING) if run.agent == "rel"]
    run = running[0] if running else await at_work(fleet, "rel")
    return await fleet.publish(run, "release_requested", payload={"version": version, **payload})


async def at_work(fleet: Fleet, name: str) -> Any:
    key = f"by-hand:{name}:{len(fleet.events())}"
    await fleet.ctx.record(queued(fleet.ctx.settings.agent(name), key=key, trigger="schedule"))
    return await fleet.queued(name)


# -- a person ----------------------------------------------------------------------------------------------------------


async def test_what_landed_gets_a_tag_with_its_notes_in_both_repositories(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(gates=[GATE])
    head = await landed(fleet)
    answer = await tag(fleet)
    user, control = fleet.ctx.paths.repository, fleet.ctx.paths.control
    assert answer["message"] == f"v1.0 at {head[:8]} on main: 1 landed; tagged in your repository"
    assert git(user, "rev-parse", "v1.0^{commit}") == git(control, "rev-parse", "v1.0^{commit}") == head
    assert git(user, "rev-parse", "v1.0") == git(control, "rev-parse", "v1.0") == answer["tag"]
    assert git(user, "cat-file", "-t", "v1.0") == "tag"
    message = git(user, "tag", "--list", "--format=%(contents)", "v1.0")
    assert message.startswith("v1.0: 1 pull request\n")
    assert "- `because` (#1, PR 1): by `dev`; reviewed by `lee`; gates `test` passed" in message
    (event,) = fleet.events("release_tagged")
    facts = event.payload
    assert (event.actor, facts["by"], facts["commit"], facts["prs"]) == ("operator:kim", "operator:kim", head, [1])
    assert (facts["previous"], facts["url"], facts["target"]) == ("", "", "main")
    (effect,) = fleet.ctx.reader.effects(name="tag")
    assert effect.state is EffectState.DONE


@pytest.mark.slow
async def test_the_next_release_tells_what_came_after_and_what_people_did(fleet: Fleet) -> None:
    await landed(fleet)
    await tag(fleet)
    commit(fleet.ctx.paths.repository, {"notes.txt": "mine\n"}, "By hand, closes #7 @everybody")
    await fleet.settle()
    await landed(fleet)
    told = await tag(fleet, "v1.1", dry_run=True)
    assert (told["since"], told["prs"]) == ("v1.0", [2])
    assert "**Landed since `v1.0`**" in told["notes"]
    assert "**Also on `main`**, not through the fleet" in told["notes"]
    assert "`By hand, closes #7 @everybody` (`Pat`)" in told["notes"], "in a span of code, where it does nothing"
    earlier = await tag(fleet, "v2", at=str(fleet.pr(1).merge_sha), dry_run=True)
    assert (earlier["since"], earlier["prs"]) == ("", [1])


@pytest.mark.slow
async def test_verify_sees_a_release_whose_tag_is_another(fleet: Fleet) -> None:
    head = await landed(fleet)
    await tag(fleet)
    control = fleet.ctx.paths.control
    assert not [told for told in await verify_fleet(fleet.ctx.paths, deep=True) if "v1.0" in told]
    git(control, "update-ref", "refs/tags/v1.0", head)
    (problem,) = [told for told in await verify_fleet(fleet.ctx.paths, deep=True) if "v1.0" in told]
    assert problem.startswith("P5: v1.0 is recorded at")


@pytest.mark.slow
async def test_a_tag_of_a_person_s_is_where_notes_begin(fleet: Fleet) -> None:
    first = await landed(fleet)
    git(fleet.ctx.paths.repository, "tag", "old/one", first)
    await landed(fleet)
    told = await tag(fleet, dry_run=True)
    assert (told["since"], told["prs"]) == ("old/one", [2])
    with pytest.raises(UsageError, match="no such tag"):
        await tag(fleet, since="v9")
    git(fleet.ctx.paths.repository, "tag", "new", "main")
    with pytest.raises(UsageError, match="not before it"):
        await tag(fleet, at=first, since="new")


@pytest.mark.slow
async def test_notes_of_a_person_replace_ours(fleet: Fleet) -> None:
    await landed(fleet)
    await tag(fleet, notes="# Big one\x1b[31m\n\nAll of it.")
    message = git(fleet.ctx.paths.repository, "tag", "--list", "--format=%(contents)", "v1.0")
    assert message.endswith("# Big one\\x1b[31m\n\nAll of it.") or "All of it." in message
    assert "\x1b" not in message
    with pytest.raises(UsageError, match="notes too long"):
        await tag(fleet, "v2", notes="x" * 40_000)


@pytest.mark.slow
async def test_no_tag_is_made_twice_or_moved(fleet: Fleet) -> None:
    await landed(fleet)
    git(fleet.ctx.paths.repository, "tag", "mine", "main~1")
    before = git(fleet.ctx.paths.repository, "rev-parse", "mine")
    assert await grounds(fleet, "mine") == ["tag"]
    assert git(fleet.ctx.paths.repository, "rev-parse", "mine") == before
    assert "mine" not in tags_of(fleet.ctx.paths.control)
    await tag(fleet)
    with pytest.raises(Conflict, match=r"v1\.0 is there already"):
        await tag(fleet)
    assert len(fleet.events("release_tagged")) == 1


@pytest.mark.slow
async def test_who_makes_the_tag_at_the_same_moment_wins(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await landed(fleet)
    user, control, put = fleet.ctx.paths.repository, fleet.ctx.paths.control, tags.put

    async def late(*args: Any) -> None:
        await put(*args)
        git(user, "tag", "v1.0", "main~1")

    monkeypatch.setattr(tags, "put", late)
    with pytest.raises(Conflict, match="tag exists"):
        await tag(fleet)
    assert git(user, "rev-parse", "v1.0") == git(user, "rev-parse", "main~1")
    assert tags_of(control) == [], "it is taken back"
    assert fleet.events("release_tagged") == []


@pytest.mark.slow
async def test_a_commit_that_did_not_land_through_the_fleet(fleet: Fleet) -> None:
    head = await landed(fleet)
    mine = commit(fleet.ctx.paths.repository, {"notes.txt": "mine\n"})
    await fleet.settle()
    assert await grounds(fleet) == ["ungated"]
    told = await tag(fleet, dry_run=True)
    assert f"--at {head[:12]}" in told["reasons"][0]["message"]
    assert told["commit"] == mine
    assert await grounds(fleet, at=head) == []
    await tag(fleet, at=head[:10])
    assert git(fleet.ctx.paths.repository, "rev-parse", "v1.0^{commit}") == head
    with pytest.raises(UsageError, match="no such commit"):
        await tag(fleet, "v2", at="main")


@pytest.mark.slow
async def test_gates_that_were_not_passed_on_the_tree(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(gates=[GATE])
    base = await fleet.ctx.home.base()
    await landed(fleet)
    ctx = fleet.ctx
    ctx.home.gates_at[base] = (ctx.settings.gates[0].model_copy(update={"name": "other"}),)
    assert await grounds(fleet) == ["checks"]


@pytest.mark.slow
async def test_a_held_landing_a_halt_and_the_alarms_about_the_target(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(approval={"when": "always", "hold_s": 60})
    approval = await fleet.to_approval()
    await fleet.approve(approval)
    fleet.later(61)
    await fleet.settle()
    assert await grounds(fleet) == []
    second = await fleet.to_approval()
    await fleet.approve(second)
    assert await grounds(fleet) == ["blocked"], "its landing is held"
    fleet.later(61)
    await fleet.settle()
    assert fleet.pr(2).state is PullRequestState.MERGED
    await fleet.person.answer("kim", "halt", {"reason": "fire"})
    assert await grounds(fleet) == ["blocked"]
    await fleet.person.answer("kim", "lift", {"reason": "out"})
    raised = AlarmRaised("alarm-1", "landed-differs", 1, "odd", "look", "fleet", None)
    await fleet.say(raised, "fleet")
    assert await grounds(fleet) == ["target"]


@pytest.mark.slow
async def test_a_checkout_with_uncommitted_changes(fleet: Fleet) -> None:
    await landed(fleet)
    (fleet.ctx.paths.repository / "app.py").write_text("print('mine')\n")
    assert await grounds(fleet) == ["checkout"]
    git(fleet.ctx.paths.repository, "checkout", "--quiet", "--", "app.py")
    assert await grounds(fleet) == []


@pytest.mark.slow
async def test_several_persons_where_a_rule_says_so(make_fleet: MakeFleet) -> None:
    rules = [{"name": "two", "acts": ["tag"], "quorum": 2, "expires_h": 1}]
    fleet = await make_fleet(approval={"when": "always", "hold_s": 0, "rules": rules})
    await landed(fleet)
    answer = await tag(fleet)
    assert "1 of 2 persons want v1.0 (rule two)" in answer["message"]
    with pytest.raises(Conflict, match="already wanted by you"):
        await tag(fleet)
    await fleet.settle()
    (alarm,) = fleet.alarms(releases.WANTED)
    assert "another person must release v1.0" in alarm.title
    other = await tag(fleet, user="ann", notes="other words")
    assert "1 of 2" in other["message"], "with other notes it is another release"
    await tag(fleet, user="kim", notes="other words")
    (event,) = fleet.events("release_tagged")
    await fleet.settle()
    assert fleet.alarms(releases.WANTED) == []
    await tag(fleet, "v2", at=event.payload["commit"])
    fleet.later(3601)
    assert "1 of 2" in (await tag(fleet, "v2", user="ann", at=event.payload["commit"]))["message"], "it lapsed"
    await tag(fleet, "v2", at=event.payload["commit"])
    assert fleet.events("release_tagged")[-1].payload["by"] == "operator:kim", "whose word had lapsed can give it again"


def test_notes_need_no_watcher(landed_once: Fleet) -> None:
    """`fleet release notes` reads the log and git."""
    words = ["release", "notes", "--repo", str(landed_once.ctx.paths.repository)]
    text = CliRunner().invoke(cli, words)
    assert "- `because` (#1, PR 1): by `dev`; reviewed by `lee`" in text.output, text.output
    told = json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)
    (pull,) = told["pulls"]
    assert (pull["pr"], pull["agent"], pull["reviewers"], pull["number"]) == (1, "dev", ["lee"], None)
    assert (pull["approved_by"], told["commit"]) == (["operator:kim"], landed_once.pr().merge_sha)
    assert told["notes"] == text.output.rstrip("\n")


@pytest.mark.slow
async def test_after_a_release_notes_begin_at_it(landed_once: Fleet) -> None:
    fleet = landed_once
    assert "PR 1" in await release_desk.landed(fleet.ctx)
    await tag(fleet, "v1.0-rc1")
    assert await release_desk.landed(fleet.ctx) == "**Landed since `v1.0-rc1`**\n\nNothing."
    told = await tag(fleet, "v1.0", dry_run=True)
    assert (told["since"], told["prs"]) == ("", [1]), "another name for the same commit tells the same"


@pytest.mark.slow
async def test_a_tag_of_a_person_s_on_what_landed_last_counts_too(landed_once: Fleet) -> None:
    git(landed_once.ctx.paths.repository, "tag", "mine")
    assert await release_desk.landed(landed_once.ctx) == "**Landed since `mine`**\n\nNothing."


@pytest.fixture
async def landed_once(fleet: Fleet) -> Fleet:
    await landed(fleet)
    return fleet


# -- an agent ----------------------------------------------------------------------------------------------------------


async def test_the_release_manager_asks_and_a_person_tags_just_that(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(CREW[:2])
    first = await landed(fleet)
    await fleet.reconfigure(agents=CREW)
    manager = await at_work(fleet, "rel")
    told = await fleet.desk.answer(manager.id, "landed", {}, "look")
    assert "- `because` (#1, PR 1): by `dev`; reviewed by `lee`" in told["text"]
    answer = await asked(fleet, notes="Says two. Closes #9 @everybody")
    assert answer["message"] == "v1.0 is asked for; a person decides"
    await fleet.settle()
    (alarm,) = fleet.alarms(releases.WANTED)
    assert alarm.title == f"rel asks to release v1.0 at {first[:8]}"
    with pytest.raises(Conflict, match="asked for already"):
        await asked(fleet)
    commit(fleet.ctx.paths.repository, {"later.txt": "x\n"})
    await fleet.settle()
    await tag(fleet)
    user = fleet.ctx.paths.repository
    assert git(user, "rev-parse", "v1.0^{commit}") == first, "what it asked for, though the branch went on"
    message = git(user, "tag", "--list", "--format=%(contents)", "v1.0")
    assert "```text\nSays two. Closes #9 @everybody\n```" in message
    (event,), (request,) = fleet.events("release_tagged"), fleet.events("release_requested")
    assert (event.payload["by"], event.payload["asked_by"]) == ("operator:kim", request.payload["run"])
    assert event.cause == request.id
    await fleet.settle()
    assert fleet.alarms(releases.WANTED) == []


@pytest.mark.slow
async def test_a_person_declines(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(CREW[:2])
    await landed(fleet)
    await fleet.reconfigure(agents=CREW)
    await asked(fleet)
    await fleet.settle()
    await fleet.person.answer("kim", "decline_release", {"version": "v1.0", "reason": "not before the audit"})
    await fleet.settle()
    assert fleet.alarms(releases.WANTED) == []
    assert fleet.events("release_declined")[0].payload["by"] == "operator:kim"
    with pytest.raises(Conflict, match="nobody waits"):
        await fleet.person.answer("kim", "decline_release", {"version": "v1.0", "reason": "again"})
    assert tags_of(fleet.ctx.paths.repository) == []


@pytest.mark.slow
async def test_without_a_person_only_where_policy_says_so(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(CREW[:2])
    await landed(fleet)
    await fleet.reconfigure(agents=CREW, approval={"when": "sensitive"})
    await asked(fleet, "v0.1")
    await fleet.settle()
    assert tags_of(fleet.ctx.paths.repository) == [], "it ran without a sandbox"
    sandboxed = await at_level(fleet, "L1")
    await fleet.publish(sandboxed, "release_requested", payload={"version": "v1.0"})
    await fleet.settle()
    assert tags_of(fleet.ctx.paths.repository) == ["v1.0"]
    (event,) = fleet.events("release_tagged")
    assert event.payload["by"] == f"agent:rel/{sandboxed.id}"
    await fleet.reconfigure(approval={"rules": [{"name": "person", "acts": ["tag"]}]})
    await fleet.publish(sandboxed, "release_requested", payload={"version": "v1.1"})
    await fleet.settle()
    assert tags_of(fleet.ctx.paths.repository) == ["v1.0"], "a rule about tags asks for a person"


@pytest.mark.slow
async def test_what_a_person_declined_only_a_person_releases(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(CREW[:2])
    await landed(fleet)
    await fleet.reconfigure(agents=CREW, approval={"when": "sensitive"})
    await asked(fleet)
    await fleet.person.answer("kim", "decline_release", {"version": "v1.0", "reason": "after the audit"})
    sandboxed = await at_level(fleet, "L1")
    for version in ("v1.0", "v1.0.1"):
        told = await fleet.publish(sandboxed, "release_requested", payload={"version": version})
        assert told["message"] == f"{version} is asked for; a person decides"
    await fleet.settle()
    assert tags_of(fleet.ctx.paths.repository) == [], "the same commit, by whatever name"
    assert len(fleet.alarms(releases.WANTED)) == 1
    await tag(fleet)
    assert tags_of(fleet.ctx.paths.repository) == ["v1.0"]


@pytest.mark.slow
async def test_what_fails_again_and_again_is_one_effect(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(CREW[:2])
    await landed(fleet)
    await fleet.reconfigure(agents=CREW, approval={"when": "sensitive"})
    sandboxed = await at_level(fleet, "L1")
    lock = fleet.ctx.paths.repository / ".git" / "refs" / "tags" / "v1.0.lock"
    lock.touch()
    await fleet.publish(sandboxed, "release_requested", payload={"version": "v1.0"})
    for _ in range(3):
        fleet.later(2)
        fleet.ctx.jobs._failures.clear()
        await releases.keep(fleet.ctx)
        await fleet.ctx.jobs.idle()
    assert len(fleet.events("effect_failed")) >= 3
    assert len(fleet.ctx.reader.effects(name="tag")) == 1
    lock.unlink()
    fleet.ctx.jobs._failures.clear()
    await fleet.settle()
    assert tags_of(fleet.ctx.paths.repository) == ["v1.0"]


async def at_level(fleet: Fleet, level: str) -> Any:
    """The release manager's run ends, and the next is in a sandbox (said to be: no process runs here)."""
    for run in fleet.ctx.reader.runs(RunState.RUNNING):
        await fleet.end(run)
    fleet.ctx.level = Level(Isolation(level), "for the test")
    return await at_work(fleet, "rel")


async def test_other_roles_may_not_ask_and_it_counts_against_them(fleet: Fleet) -> None:
    await landed(fleet)
    await fleet.ticket("Another")
    await fleet.settle()
    run = await fleet.queued("dev")
    with pytest.raises(Refused, match="may not publish release_requested"):
        await fleet.publish(run, "release_requested", payload={"version": "v1.0"})
    with pytest.raises(Refused, match="may not publish release_tagged"):
        await fleet.publish(run, "release_tagged", payload={"version": "v1.0"})
    assert len(fleet.events("policy_denied")) == 2
    assert tags_of(fleet.ctx.paths.repository) == []


@pytest.mark.slow
async def test_an_agent_hears_why_not(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(CREW[:2])
    await fleet.reconfigure(agents=CREW)
    with pytest.raises(Conflict, match="did not land through the fleet"):
        await asked(fleet)
    assert fleet.events("policy_denied") == [], "that is no offence"


# -- bad days ----------------------------------------------------------------------------------------------------------


async def interrupted(fleet: Fleet) -> Tagging:
    """A watcher that died in the middle: the effect is open, and nothing is recorded."""
    head = await fleet.ctx.home.base()
    made = await tags.make(fleet.ctx.paths.control, "v1.0", head, "v1.0", fleet.clock_ns // SECOND)
    tagging = Tagging("v1.0", head, made, "main", "", [1], "notes", "operator:kim", "", None)
    act = tagging.act(fleet.ctx)
    facts: Any = dict(act.precondition)
    await fleet.say(EffectPlanned(act.id, "tag", EffectClass.CAS, "fleet", facts), "fleet", key=f"plan:{act.key}")
    await fleet.say(EffectAttempted(act.id, 1), "fleet")
    return tagging


@pytest.mark.slow
@pytest.mark.parametrize("how_far", ["nothing", "control", "both"])
async def test_a_watcher_that_died_in_the_middle(fleet: Fleet, how_far: str) -> None:
    await landed(fleet)
    tagging = await interrupted(fleet)
    control, user = fleet.ctx.paths.control, fleet.ctx.paths.repository
    if how_far != "nothing":
        await tags.put(control, "v1.0", tagging.tag)
    if how_far == "both":
        await tags.hand_over(control, user, "v1.0", tagging.tag)
    await fleet.settle()
    await fleet.settle()
    recorded = fleet.events("release_tagged")
    assert (tags_of(control), tags_of(user), len(recorded)) == (
        ([], [], 0) if how_far == "nothing" else (["v1.0"], ["v1.0"], 1)
    )
    if how_far == "nothing":
        await tag(fleet)
        assert tags_of(user) == ["v1.0"]


@pytest.mark.slow
async def test_a_repository_that_cannot_be_written(fleet: Fleet) -> None:
    await landed(fleet)
    refs = fleet.ctx.paths.repository / ".git" / "refs" / "tags"
    (refs / "v1.0").mkdir(parents=True)
    (refs / "v1.0" / "in-the-way.lock").write_text("")
    with pytest.raises(FleetError):
        await tag(fleet)
    assert tags_of(fleet.ctx.paths.control) == []
    (refs / "v1.0" / "in-the-way.lock").unlink()
    await tag(fleet)
    assert tags_of(fleet.ctx.paths.repository) == ["v1.0"]


@pytest.mark.slow
async def test_what_a_person_was_shown_is_tagged_or_nothing(make_fleet: MakeFleet) -> None:
    """An agent that asks after the person has looked puts its words in front of the notes."""
    fleet = await make_fleet(CREW[:2])
    await landed(fleet)
    await fleet.reconfigure(agents=CREW)
    shown = await tag(fleet, dry_run=True)
    await asked(fleet, notes="Everything is safe now.")
    with pytest.raises(Conflict, match="changed meanwhile"):
        await tag(fleet, at=shown["commit"], seen=shown["sha"])
    assert fleet.events("release_tagged") == []
    again = await tag(fleet, dry_run=True)
    assert "Everything is safe now." in again["notes"]
    await tag(fleet, at=again["commit"], seen=again["sha"])
    assert len(fleet.events("release_tagged")) == 1


@pytest.mark.slow
async def test_no_tag_hides_a_branch(fleet: Fleet) -> None:
    """git takes a bare name for the tag's: `git rebase main` would stay where the tag is."""
    await landed(fleet)
    user = fleet.ctx.paths.repository
    git(user, "branch", "next")
    git(user, "update-ref", "refs/remotes/origin/stable", "main")
    assert [await grounds(fleet, name) for name in ("main", "next", "stable")] == [["tag"]] * 3
    with pytest.raises(UsageError, match="not a version"):
        await tag(fleet, "HEAD", dry_run=True)


@pytest.mark.slow
async def test_a_commit_is_named_by_its_own_digits_only(fleet: Fleet) -> None:
    first = await landed(fleet)
    git(fleet.ctx.paths.control, "update-ref", f"refs/tags/{first[:8]}", str(await fleet.ctx.home.base()))
    assert (await tag(fleet, at=first[:9], dry_run=True))["commit"] == first
    second = await landed(fleet)
    git(fleet.ctx.paths.control, "update-ref", f"refs/tags/{first[:8]}", second)
    with pytest.raises(UsageError, match="no such commit"):
        await tag(fleet, at=first[:8])
