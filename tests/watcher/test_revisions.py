"""Agents edited and put back: every state of their files is a revision, with who made it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fleet_tui.cli.main import fleet as command
from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.events import AgentsRevised
from fleet_tui.settings.load import load_settings
from fleet_tui.store import deep
from fleet_tui.watcher.acts import revisions
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, until

SAM: dict[str, Any] = {"agent": "sam", "template": "engineering/developer", "fills": {"test_command": "make test"}}


async def do(fleet: Fleet, op: str, **args: Any) -> dict[str, Any]:
    return await fleet.person.answer("kim", op, args)


def files(fleet: Fleet, name: str = "sam") -> tuple[Path, Path]:
    root = fleet.ctx.paths.repository / ".fleet"
    return root / "agents" / f"{name}.yaml", root / "prompts" / f"{name}.md"


def known(fleet: Fleet, name: str = "sam") -> list[tuple[int, str, str, int | None]]:
    return [(r.number, r.act, r.actor, r.of) for r in revisions.history(fleet.ctx.reader, name)]


def said(fleet: Fleet, *words: str, typed: str | None = None) -> Result:
    result = CliRunner().invoke(command, ["--repo", str(fleet.ctx.paths.repository), *words], input=typed)
    if isinstance(result.exception, FleetError):
        raise result.exception
    return result


@pytest.fixture
async def sam(fleet: Fleet) -> Fleet:
    """A fleet with an agent made from a template, by kim."""
    await do(fleet, "create_agent", **SAM)
    await fleet.use(load_settings(fleet.ctx.paths.repository).require())
    return fleet


async def test_all_are_found_in_one_event_and_only_what_changed_after_that(sam: Fleet) -> None:
    await revisions.look(sam.ctx, sam.ctx.settings)
    created, found = sam.events(AgentsRevised.kind)
    assert (created.actor, created.subject) == ("operator:kim", "agent:sam")
    assert [row["agent"] for row in found.payload["revisions"]] == ["dev", "lee"]
    assert found.payload["act"] == "found"
    await revisions.look(sam.ctx, sam.ctx.settings)
    assert len(sam.events(AgentsRevised.kind)) == 2
    files(sam)[1].write_text("Otherwise.\n")
    await revisions.look(sam.ctx, sam.ctx.settings)
    assert known(sam) == [(1, "created", "operator:kim", None), (2, "changed", "watcher", None)]


async def test_an_edit_is_checked_written_and_recorded_with_who_made_it(sam: Fleet) -> None:
    file, prompt = files(sam)
    now = await do(sam, "agent_files", agent="sam")
    wanted = now["definition"] + "model: m-2\n"
    answer = await do(sam, "edit_agent", agent="sam", definition=wanted, prompt="Do it.\n", seen=now["seen"])
    assert (answer["revision"], file.read_text(), prompt.read_text()) == (2, wanted, "Do it.\n")
    assert known(sam)[-1] == (2, "edited", "operator:kim", None)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await do(sam, "edit_agent", agent="sam", prompt="Again.", seen=now["seen"])
    with pytest.raises(Conflict, match="nothing to change"):
        await do(sam, "edit_agent", agent="sam", prompt="Do it.\n")
    with pytest.raises(UsageError, match="there is no vendor `nobody`"):
        await do(sam, "edit_agent", agent="sam", definition="role: developer\nvendor: nobody\n", prompt="Else.")
    with pytest.raises(UsageError, match="it stands in"):
        await do(sam, "edit_agent", agent="dev", definition="role: developer\n")
    assert (file.read_text(), prompt.read_text()) == (wanted, "Do it.\n"), "what is refused writes nothing"
    assert len(known(sam)) == 2


async def test_what_was_written_by_hand_before_an_edit_is_a_revision_of_its_own(sam: Fleet) -> None:
    files(sam)[1].write_text("By hand.\n")
    await do(sam, "edit_agent", agent="sam", prompt="By kim.\n")
    assert [act for _, act, _, _ in known(sam)] == ["created", "changed", "edited"]


async def test_a_rollback_puts_the_files_back_and_can_be_taken_back_itself(sam: Fleet) -> None:
    before = [path.read_text() for path in files(sam)]
    await do(sam, "edit_agent", agent="sam", definition="role: developer\nvendor: shell\n", prompt="Other.\n")
    answer = await do(sam, "rollback_agent", agent="sam")
    assert [path.read_text() for path in files(sam)] == before
    assert answer["revision"] == 3
    assert known(sam)[-1] == (3, "rolled back", "operator:kim", 1)
    await do(sam, "rollback_agent", agent="sam", revision=2)
    assert files(sam)[1].read_text() == "Other.\n"
    with pytest.raises(UsageError, match="no revision 9"):
        await do(sam, "rollback_agent", agent="sam", revision=9)
    assert deep.check(sam.ctx.paths.database, sam.ctx.paths.blobs) == []


@pytest.fixture
async def shared(sam: Fleet) -> Fleet:
    """Another agent, lee's friend ada, has sam's prompt file, by another path to it."""
    root = sam.ctx.paths.repository / ".fleet"
    (root / "prompts" / "also.md").symlink_to("sam.md")
    (root / "agents" / "ada.yaml").write_text("role: developer\nvendor: shell\nprompt_file: .fleet/prompts/also.md\n")
    await sam.use(load_settings(sam.ctx.paths.repository).require())
    await revisions.look(sam.ctx, sam.ctx.settings)
    return sam


async def test_a_prompt_of_several_agents_is_changed_for_all_of_them_or_not_at_all(shared: Fleet) -> None:
    before = files(shared)[1].read_text()
    assert (await do(shared, "agent_files", agent="sam"))["shared_with"] == ["ada"]
    for words in (
        ("agent", "edit", "sam", "--prompt", "--file", "-"),
        ("agent", "edit", "ada", "--prompt", "--file", "-"),
    ):
        with pytest.raises(Conflict, match=r"is the prompt of (ada|sam) too"):
            said(shared, *words, typed="Else.\n")
    with pytest.raises(Conflict, match="is the prompt of ada too"):
        await do(shared, "edit_agent", agent="sam", prompt="Else.\n")
    assert files(shared)[1].read_text() == before
    answer = await do(shared, "edit_agent", agent="sam", prompt="Else.\n", shared=True)
    assert "the prompt of ada too" in answer["message"]
    assert known(shared)[-1] == (2, "edited", "operator:kim", None)
    assert known(shared, "ada") == [(1, "found", "watcher", None), (2, "edited", "operator:kim", None)]
    assert (await do(shared, "agent_files", agent="lee"))["shared_with"] == []


async def test_a_rollback_of_one_does_not_change_the_other_unasked(shared: Fleet) -> None:
    before = files(shared)[1].read_text()
    await do(shared, "edit_agent", agent="sam", prompt="Else.\n", shared=True)
    with pytest.raises(Conflict, match="is the prompt of ada too"):
        await do(shared, "rollback_agent", agent="sam", revision=1)
    with pytest.raises(Conflict, match="is the prompt of ada too"):
        said(shared, "agent", "rollback", "sam", "--to", "1", "--yes")
    assert files(shared)[1].read_text() == "Else.\n"
    told = said(shared, "agent", "rollback", "sam", "--to", "1", "--yes", "--shared")
    assert "the prompt of ada too" in told.stdout
    assert files(shared)[1].read_text() == before
    await do(shared, "edit_agent", agent="sam", definition="role: developer\nvendor: shell\nmodel: m\n", seen=None)
    assert known(shared, "ada")[-1][0] == 3, "its definition is its own"


async def test_what_an_env_holds_is_in_no_revision(sam: Fleet) -> None:
    file, _ = files(sam)
    file.write_text(file.read_text() + "env: {API_KEY: hunter2}\n")
    await revisions.look(sam.ctx, load_settings(sam.ctx.paths.repository).require())
    (newest,) = revisions.history(sam.ctx.reader, "sam")[-1:]
    assert not newest.whole
    stored = sam.ctx.store.blob(newest.definition)
    assert "API_KEY" in stored
    assert "hunter2" not in stored


async def test_commands_list_compare_and_put_back(sam: Fleet) -> None:
    await do(sam, "edit_agent", agent="sam", prompt="Do it.\n")
    rows = json.loads(said(sam, "agent", "revisions", "sam", "--json").stdout)
    assert [(row["revision"], row["actor"], row["act"]) for row in rows] == [
        (1, "operator:kim", "created"),
        (2, "operator:kim", "edited"),
    ]
    assert "+Do it." in said(sam, "agent", "diff", "sam").stdout.splitlines()
    assert said(sam, "agent", "diff", "sam", "2").stdout == "nothing differs\n"
    told = json.loads(said(sam, "prompt", "diff", "sam", "--from", "1", "--json").stdout)
    assert [layer["layer"] for layer in told["layers"]] == ["agent"]
    assert "+Do it." in told["layers"][0]["lines"]
    said(sam, "agent", "edit", "sam", "--prompt", "--file", "-", typed="From a pipe.\n")
    assert files(sam)[1].read_text() == "From a pipe.\n"
    assert (
        "from now (+) back to revision 1 (-):" in said(sam, "agent", "rollback", "sam", "--to", "1", "--dry-run").stdout
    )
    assert files(sam)[1].read_text() == "From a pipe.\n"
    said(sam, "agent", "rollback", "sam", "--to", "1", "--yes")
    assert "From a pipe" not in files(sam)[1].read_text()
    with pytest.raises(UsageError, match="no terminal"):
        said(sam, "agent", "edit", "sam")
    with pytest.raises(UsageError, match="has `prompt:` in"):
        said(sam, "agent", "edit", "dev", "--prompt", "--file", "-", typed="x")


async def test_output_is_what_the_pane_shows(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer")])
    await fleet.ticket()
    await fleet.settle()
    with pytest.raises(Conflict, match="nothing is running"):
        said(fleet, "agent", "output", "dev")
    run = await fleet.queued("dev")
    await fleet.ctx.tmux.ensure()
    shows = ["sh", "-c", "printf '\\033[31mhello\\033[0m\\n'; exec sleep 60"]
    await fleet.ctx.tmux.spawn(run.session, shows, cwd=fleet.ctx.paths.repository, uuid=run.pane_uuid)

    async def shown() -> str:
        return (await asyncio.to_thread(said, fleet, "agent", "output", "dev")).stdout

    async def there() -> str:
        text = await shown()
        return text if "    | hello" in text else ""

    assert (await until(there, 40)).startswith(f"{run.id} running on ticket #1\n")
