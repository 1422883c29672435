"""Gates: real commands on the merge result, judged by the base commit's configuration, with evidence."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from fleet_tui.domain.events import GateStarted, PullRequestUpdated
from fleet_tui.domain.states import ApprovalState, GateState, PullRequestState, RunState
from fleet_tui.watcher.passes import gates
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import PYTHON, Fleet, commit, configuration, git, until

LATER = {"gates_first": False}
"""Gates only after the reviews; before them: ``test_gates_first``."""


def gate(run: str | list[str], name: str = "check", **more: Any) -> dict[str, object]:
    return {"name": name, "run": run, **more}


async def judged(fleet: Fleet, files: dict[str, str | None] | None = None) -> None:
    """Ticket 1 is written, approved by ``lee`` and has been through its gates."""
    await fleet.ticket()
    await fleet.settle()
    await fleet.author(files)
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()


async def test_all_pass_in_order_and_once(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(gates=[gate("true", "one"), gate(["sh", "-c", "echo well done"], "two")])
    await judged(fleet)
    assert fleet.pr().state is PullRequestState.GATED
    one, two = fleet.ctx.reader.gates()
    assert [(g.name, g.state, g.exit_code) for g in (one, two)] == [
        ("one", GateState.PASSED, 0),
        ("two", GateState.PASSED, 0),
    ]
    assert (fleet.ctx.paths.evidence / two.log).read_bytes() == b"well done\n"
    assert two.tail == "well done"
    for _ in range(20):
        await gates.judge(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert len(fleet.events("gate_started")) == 2
    assert list(fleet.ctx.paths.gates.iterdir()) == [], "checkouts are cleared away"


async def test_judged_is_the_merge_result_in_a_clean_checkout(make_fleet: MakeFleet) -> None:
    look = "ls -A && cat app.py other.txt && test ! -e leftover && touch leftover && test ! -e .git"
    fleet = await make_fleet(gates=[gate(look, "one"), gate(look, "two")])
    await fleet.ticket()
    await fleet.settle()
    await fleet.author({"app.py": "print('two')\n"})
    commit(fleet.ctx.paths.repository, {"other.txt": "of the base\n"})
    (fleet.ctx.paths.repository / "untracked.txt").write_text("no")
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED, [(g.reason, g.tail) for g in fleet.ctx.reader.gates()]
    assert "untracked" not in fleet.ctx.reader.gates()[0].tail
    tree = fleet.ctx.reader.gates()[0].tree
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert git(fleet.ctx.paths.repository, "rev-parse", "main^{tree}") == tree, "what landed is what was judged"


@pytest.mark.parametrize(
    ("run", "more", "reason", "code"),
    [
        ("echo no >&2; exit 3", {}, "", 3),
        ("kill -9 $$", {}, "", -9),
        ("sleep 60", {"time_limit_s": 1}, "time limit of 1 s", None),
        ("yes", {"output_limit_kb": 64}, "output limit of 64 KiB", None),
        (["/nowhere/to/be/found"], {}, "cannot start", None),
    ],
)
async def test_failure_goes_back_to_the_author_with_its_reason(
    make_fleet: MakeFleet, run: str | list[str], more: dict[str, Any], reason: str, code: int | None
) -> None:
    fleet = await make_fleet(reviews=LATER, gates=[gate(run, **more), gate("true", "never")])
    await judged(fleet)
    (result,) = fleet.ctx.reader.gates()
    assert (result.state, result.exit_code) == (GateState.FAILED, code)
    assert result.reason.startswith(reason)
    assert (reason == "") == (result.reason == "")
    assert (fleet.ctx.paths.evidence / result.log).stat().st_size <= 64 * 1024
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    (rework,) = fleet.occupying()
    assert "Gate check failed" in rework.instructions
    assert fleet.ctx.reader.approvals() == []


@pytest.mark.parametrize("how", ["", "setsid", "nohup", "env -i setsid"])
async def test_children_of_a_gate_neither_survive_it_nor_hold_it_up(
    make_fleet: MakeFleet, place: Path, how: str
) -> None:
    note = place / "pid"
    run = f"{how} sh -c 'echo $$ > {note}; exec sleep 300' & while ! test -s {note}; do :; done; echo said"
    fleet = await make_fleet(gates=[gate(run)])
    await judged(fleet)
    assert fleet.pr().state is PullRequestState.GATED
    assert fleet.ctx.reader.gates()[0].tail == "said"
    pid = int(note.read_text())
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


async def test_gate_sees_no_credentials(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = await make_fleet(gates=[gate('env; test "$MINE" = yes', env={"MINE": "yes"})])
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "SSH_AUTH_SOCK", "FLEET_TOKEN"):
        monkeypatch.setenv(name, "secret-of-the-person")
    await judged(fleet)
    (result,) = fleet.ctx.reader.gates()
    assert result.state is GateState.PASSED, result.tail
    assert b"secret-of-the-person" not in (fleet.ctx.paths.evidence / result.log).read_bytes()


async def test_interrupted_gate_is_closed_and_run_again(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(gates=[gate("true")])
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    await fleet.verdict("lee")
    pull_request = fleet.pr()
    base = await fleet.ctx.home.base()
    # What a watcher that was killed while the gate ran has left: a result that will never come.
    started = GateStarted("gate-lost", "check", 1, "f" * 40, pull_request.head_sha, base, "true")
    await fleet.say(started, "pr:1")
    await fleet.settle()
    lost, again = sorted(fleet.ctx.reader.gates(), key=lambda g: g.id != "gate-lost")
    assert (lost.state, lost.reason) == (GateState.FAILED, "interrupted")
    assert again.state is GateState.PASSED
    assert fleet.pr().state is PullRequestState.GATED


async def test_gates_run_again_when_the_base_moves(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(gates=[gate("true")])
    await judged(fleet)
    approval = fleet.open_approval()
    commit(fleet.ctx.paths.repository, {"other.txt": "mine"})
    await fleet.settle()
    assert len(fleet.events("gate_passed")) == 2
    assert fleet.pr().state is PullRequestState.GATED
    assert fleet.open_approval().tree != approval.tree


async def test_conflict_goes_back_with_the_paths(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(reviews=LATER, gates=[gate("true")])
    await fleet.ticket()
    await fleet.settle()
    await fleet.author({"app.py": "print('theirs')\n"})
    await fleet.settle()
    commit(fleet.ctx.paths.repository, {"app.py": "print('mine')\n"})
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    assert fleet.events("merge_failed")[0].payload["conflict"] == ["app.py"]
    assert fleet.events("gate_started") == []
    (rework,) = fleet.occupying()
    assert "app.py" in rework.instructions


# -- one that cannot be judged holds up no other ---------------------------------------------------------------------


async def two_reviewed(fleet: Fleet, first: Callable[[Path], None]) -> None:
    """Pull request 1 is what ``first`` pushes from its workspace, 2 is sound; both are approved by ``lee``."""
    await fleet.ticket("First")
    await fleet.settle()
    run = await fleet.queued("dev")
    first(Path(run.workspace))
    git(Path(run.workspace), "push", "--quiet", "--force")
    await fleet.publish(run, "pr_created")
    await fleet.end(run)
    await fleet.settle()
    await fleet.ticket("Second")
    await fleet.settle()
    await fleet.author({"second.txt": "sound\n"})
    await fleet.settle()
    for run in fleet.ctx.reader.runs(RunState.QUEUED):
        begun = await fleet.begin(run)
        await fleet.publish(begun, "pr_approved")
        await fleet.end(begun)


def island(tree: Path) -> None:
    """The same files, without a history in common with anything."""
    head = git(tree, "commit-tree", "HEAD^{tree}", "-m", "island")
    git(tree, "reset", "--quiet", "--hard", head)


async def test_branch_without_a_common_history_goes_back_and_holds_up_no_other(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(reviews=LATER, gates=[gate("true")])
    await two_reviewed(fleet, island)
    await fleet.settle()
    assert fleet.pr(1).state is PullRequestState.CHANGES_REQUESTED
    assert "no common history with main" in fleet.pr(1).reason
    assert "no common history" in fleet.events("merge_failed")[0].payload["reason"]
    (rework,) = fleet.occupying()
    assert "git fetch origin main" in rework.instructions
    assert fleet.pr(2).state is PullRequestState.GATED
    assert fleet.open_approval(2).head_sha == fleet.pr(2).head_sha
    assert fleet.ctx.reader.approvals(pr=1) == []
    # Its author does as it is told.
    tree = Path((await fleet.begin(rework)).workspace)
    git(tree, "fetch", "--quiet", "origin", "main")
    git(tree, "reset", "--quiet", "--hard", "FETCH_HEAD")
    commit(tree, {"app.py": "print('again')\n"})
    git(tree, "push", "--quiet", "--force")
    await fleet.publish(rework, "pr_created")
    await fleet.end(rework)
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr(1).state is PullRequestState.GATED


async def test_conflict_in_very_many_files_goes_back_and_holds_up_no_other(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(gates=[gate("true")])
    names = [f"a-long-name-of-a-directory/and-a-long-name-of-a-file-{nth:04}.txt" for nth in range(1500)]
    await two_reviewed(fleet, lambda tree: void(commit(tree, dict.fromkeys(names, "theirs\n"))))
    commit(fleet.ctx.paths.repository, dict.fromkeys(names, "mine\n"))
    await fleet.settle()
    assert fleet.pr(1).state is PullRequestState.CHANGES_REQUESTED
    assert fleet.pr(1).reason.endswith("and 1495 more")
    (failed,) = fleet.events("merge_failed")
    assert failed.payload["conflict"] == names[:50]
    assert "1500 files" in failed.payload["reason"]
    (rework,) = fleet.occupying()
    assert names[0] in rework.instructions
    assert "1500 files" in rework.instructions
    assert len(rework.instructions) < 10_000
    assert fleet.pr(2).state is PullRequestState.GATED
    fleet.open_approval(2)


async def test_conflicting_names_of_any_length_fit_into_the_log(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(gates=[gate("true")])
    names = ["/".join(["\x01" * 250] * 8) + f"/{nth}" for nth in range(9)]
    await two_reviewed(fleet, lambda tree: void(commit(tree, dict.fromkeys(names, "theirs\n"))))
    commit(fleet.ctx.paths.repository, dict.fromkeys(names, "mine\n"))
    await fleet.settle()
    assert fleet.pr(1).state is PullRequestState.CHANGES_REQUESTED
    assert fleet.pr(2).state is PullRequestState.GATED


def void(_anything: object) -> None:
    """For a lambda whose value nobody wants."""


def loosen(repository: Path) -> None:
    """Every object of a bare repository into a file of its own."""
    for pack in list(repository.glob("objects/pack/*.pack")):
        aside = pack.rename(repository / pack.name)
        with aside.open("rb") as file:
            subprocess.run(["git", "unpack-objects", "-q"], cwd=repository, stdin=file, check=True)


async def test_damaged_pull_request_is_told_and_holds_up_no_other(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(gates=[gate("true")])
    await two_reviewed(fleet, lambda tree: void(commit(tree, {"app.py": "print('two')\n"})))
    await fleet.settle()
    assert fleet.pr(1).state is PullRequestState.GATED
    approval = fleet.open_approval(1)
    loosen(fleet.ctx.paths.control)
    tree = git(fleet.ctx.paths.control, "rev-parse", f"{fleet.pr(1).head_sha}^{{tree}}")
    lost = fleet.ctx.paths.control / "objects" / tree[:2] / tree[2:]
    kept = lost.rename(fleet.ctx.paths.control / "kept")
    await fleet.person.answer("kim", "poll", {})
    await fleet.settle()
    assert fleet.pr(1).state is PullRequestState.APPROVED
    assert "cannot be judged" in fleet.pr(1).reason
    after = fleet.ctx.reader.approval(approval.id)
    assert after is not None
    assert after.state is ApprovalState.VOIDED, "nobody approves what cannot be judged"
    (alarm,) = fleet.alarms("gates")
    assert alarm.about == "pr:1"
    await fleet.approve(fleet.open_approval(2))
    await fleet.settle()
    assert fleet.pr(2).state is PullRequestState.MERGED
    kept.rename(lost)
    await fleet.settle()
    assert fleet.alarms() == []
    assert fleet.pr(1).state is PullRequestState.GATED
    fleet.open_approval(1)


# -- no branch weakens its own judge ---------------------------------------------------------------------------------

WEAK = yaml.safe_dump(configuration([], gates=[gate("true")]))


def edit(tree: Path) -> None:
    commit(tree, {".fleet/config.yaml": WEAK})


def rename(tree: Path) -> None:
    git(tree, "mv", ".fleet", ".fleet-old")
    commit(tree, {".fleet/config.yaml": WEAK})


def symlink(tree: Path) -> None:
    shutil.rmtree(tree / ".fleet")
    (tree / "elsewhere").mkdir()
    (tree / "elsewhere" / "config.yaml").write_text(WEAK)
    (tree / ".fleet").symlink_to("elsewhere")
    git(tree, "add", "--all", "--force", ".")
    git(tree, "commit", "--quiet", "-m", "link")


def submodule(tree: Path) -> None:
    head = git(tree, "rev-parse", "HEAD")
    git(tree, "rm", "-r", "--quiet", "--cached", ".fleet")
    git(tree, "update-index", "--add", "--cacheinfo", f"160000,{head},.fleet")
    commit(tree, {".gitmodules": '[submodule "x"]\n\tpath = .fleet\n\turl = ./x\n'})


def case(tree: Path) -> None:
    commit(tree, {".Fleet/Config.yaml": WEAK})


def remove(tree: Path) -> None:
    git(tree, "rm", "-r", "--quiet", ".fleet")
    commit(tree, {"app.py": "print('x')\n"})


@pytest.mark.parametrize("trick", [edit, rename, symlink, submodule, case, remove])
async def test_branch_is_judged_by_the_configuration_of_its_base(make_fleet: MakeFleet, trick: object) -> None:
    fleet = await make_fleet(reviews=LATER, gates=[gate([PYTHON, "-c", "raise SystemExit(7)"])])
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    assert callable(trick)
    trick(Path(run.workspace))
    git(Path(run.workspace), "push", "--quiet")
    await fleet.publish(run, "pr_created")
    await fleet.end(run)
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    (result,) = fleet.ctx.reader.gates()
    assert (result.state, result.exit_code) == (GateState.FAILED, 7)
    assert "SystemExit(7)" in result.command
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED


async def test_gates_of_the_working_copy_do_not_count_before_they_are_committed(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(reviews=LATER, gates=[gate("exit 5")])
    path = fleet.ctx.paths.config
    path.write_text(path.read_text().replace("exit 5", "exit 0"))
    await judged(fleet)
    (result,) = fleet.ctx.reader.gates()
    assert result.command == "exit 5"


async def test_pull_request_that_git_cannot_read_does_not_hold_up_the_others(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(reviews=LATER)
    for number in (1, 2):
        await fleet.ticket()
        await fleet.settle()
        run, pull_request = await fleet.author({f"{number}.py": "1\n"})
        if number == 1:
            lost = PullRequestUpdated(1, "f" * 40, pull_request.base_sha, run.id, 1, 1, 0)
            await fleet.say(lost, "pr:1")
        await fleet.settle()
        await fleet.verdict("lee")
        await fleet.settle()
    told = {(alarm.rule, alarm.about) for alarm in fleet.alarms()}
    # Its risk cannot be told either, which is said after several attempts.
    assert told - {("job", "job:risk:pr:1")} == {("gates", "pr:1")}
    await fleet.approve(fleet.open_approval(2))
    await fleet.settle()
    assert fleet.pr(2).state is PullRequestState.MERGED
    assert fleet.pr(1).state is PullRequestState.APPROVED
