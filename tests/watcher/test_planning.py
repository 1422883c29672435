"""The operator's question whether a ticket decomposes: the advice, the parts as a person edited them, and refusals."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fleet_tui.domain.errors import FleetError
from tests.watcher.watcher_support import Fleet, commit

BODY = "- [ ] Say it in `app.py`\n- [ ] Write it in `docs/guide.md`\n"


@pytest.fixture
async def divisible(fleet: Fleet) -> int:
    """A ticket whose two tasks have nothing to do with each other; both files are long."""
    commit(fleet.ctx.paths.repository, {"app.py": "# line\n" * 300, "docs/guide.md": "line\n" * 300})
    number = await fleet.ticket("Say and write", BODY, ready=False)
    await fleet.settle()
    return number


async def test_a_ticket_is_planned_edited_and_divided(fleet: Fleet, divisible: int) -> None:
    told = await fleet.person.answer("kim", "plan", {"ticket": divisible})
    assert [part["scope"] for part in told["parts"]] == [("/app.py",), ("/docs/guide.md",)]
    assert fleet.events("ticket_split") == []
    text = told["text"].replace("title: Say it", "title: Say it well")
    edited = await fleet.person.answer("kim", "plan", {"ticket": divisible, "text": text})
    assert edited["parts"][0]["title"].startswith("Say it well")
    assert edited["body_sha"] == told["body_sha"]
    given = {"ticket": divisible, "body_sha": edited["body_sha"], "parts": edited["parts"]}
    given["parts"] = [part | {"scope": list(part["scope"]), "after": list(part["after"])} for part in given["parts"]]
    await fleet.person.answer("kim", "split", given)
    assert [event.payload["ticket"] for event in fleet.events("ticket_split")] == [divisible]
    with pytest.raises(FleetError, match="divided already"):
        await fleet.person.answer("kim", "plan", {"ticket": divisible})


async def test_parts_that_cannot_be_marked_are_named(
    fleet: Fleet, divisible: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fleet.reconfigure(agents=[])
    await fleet.ctx.forge.set_labels(divisible, add=["ready"])
    await fleet.settle()
    told = await fleet.person.answer("kim", "plan", {"ticket": divisible})
    parts = [part | {"scope": list(part["scope"]), "after": list(part["after"])} for part in told["parts"]]
    marking = fleet.ctx.forge.set_labels

    async def failing(number: int, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        if number == divisible + 1:
            raise FleetError("the forge is away", "for a moment")
        await marking(number, add, remove)

    monkeypatch.setattr(fleet.ctx.forge, "set_labels", failing)
    given = {"ticket": divisible, "body_sha": told["body_sha"], "parts": parts}
    done = await fleet.person.answer("kim", "split", given)
    assert done["message"] == "ticket #1 is done as #2, #3: fleet ticket ready 2 lets agents take them"
    assert [event.payload["ticket"] for event in fleet.events("ticket_split")] == [divisible]


async def test_what_is_no_list_of_parts_is_refused_and_nothing_gives_it_up(fleet: Fleet, divisible: int) -> None:
    with pytest.raises(FleetError, match="not YAML"):
        await fleet.person.answer("kim", "plan", {"ticket": divisible, "text": "- {title: ["})
    given_up = await fleet.person.answer("kim", "plan", {"ticket": divisible, "text": "# nothing"})
    assert given_up["parts"] == ()


async def test_only_what_nobody_has_begun(fleet: Fleet) -> None:
    number = await fleet.ticket("Begun", BODY)
    await fleet.settle()
    await fleet.queued()
    with pytest.raises(FleetError, match="too late"):
        await fleet.person.answer("kim", "plan", {"ticket": number})
    with pytest.raises(FleetError, match="no such ticket"):
        await fleet.person.answer("kim", "plan", {"ticket": 99})
