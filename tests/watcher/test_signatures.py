"""Deciding by signature: real keys, real ``ssh-keygen``; a signature counts for one person, one decision, once."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, Refused
from fleet_tui.domain.states import ApprovalState, Isolation, PullRequestState
from fleet_tui.governance.isolation import Level
from fleet_tui.readmodel.gist import gist
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet

TWO = [{"name": "two", "acts": ["merge"], "quorum": 2}]


def keygen(*arguments: str, text: str = "") -> str:
    done = subprocess.run(["ssh-keygen", *arguments], input=text, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("keys")
    for name in ("lou", "mallory"):
        keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(directory / name))
    return {name: directory / name for name in ("lou", "mallory")}


def sign(key: Path, statement: str, namespace: str = "fleet") -> str:
    return keygen("-Y", "sign", "-n", namespace, "-f", str(key), text=statement)


def signers(keys: dict[str, Path], name: str = "lou") -> list[dict[str, str]]:
    return [{"name": name, "key": keys["lou"].with_suffix(".pub").read_text().strip()}]


async def asked(make_fleet: MakeFleet, keys: dict[str, Path], name: str = "lou", **more: Any) -> Fleet:
    fleet = await make_fleet(
        approval={"when": "sensitive", "hold_s": 0, "rules": TWO, "signers": signers(keys, name), **more}
    )
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    return fleet


async def statement_of(fleet: Fleet) -> str:
    answer = await fleet.person.answer("kim", "statement", {"approval": fleet.open_approval().id})
    return str(answer["text"])


async def approve(fleet: Fleet, signature: str | None = None) -> dict[str, Any]:
    approval = fleet.open_approval()
    args: dict[str, Any] = {"approval": approval.id, "head": approval.head_sha}
    return await fleet.person.answer("kim", "approve", args | ({"signature": signature} if signature else {}))


async def test_owner_and_signer_are_the_two_persons(make_fleet: MakeFleet, keys: dict[str, Path]) -> None:
    fleet = await asked(make_fleet, keys)
    approval = await fleet.to_approval()
    signature = sign(keys["lou"], await statement_of(fleet))
    await approve(fleet, signature)
    assert fleet.open_approval().votes == ("signer:lou",)
    await approve(fleet)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.MERGED
    used = fleet.ctx.reader.approval(approval.id)
    assert used is not None
    assert used.votes == ("signer:lou", "operator:kim")
    (seconded,) = fleet.events("approval_seconded")
    assert seconded.actor == "signer:lou"
    kept = seconded.payload["shown"]
    assert (kept["signature"], kept["handed_in_by"]) == (signature, "operator:kim")
    assert f"head: {approval.head_sha}" in kept["statement"], "who checks the log later needs what was signed"


async def test_the_owner_who_signs_too_is_still_one(make_fleet: MakeFleet, keys: dict[str, Path]) -> None:
    fleet = await asked(make_fleet, keys, name="kim")
    await fleet.to_approval()
    await approve(fleet)
    with pytest.raises(Conflict, match="already approved by you: 1 of 2"):
        await approve(fleet, sign(keys["lou"], await statement_of(fleet)))
    assert fleet.open_approval().state is ApprovalState.REQUESTED


async def test_what_is_no_signature_of_a_signer_over_this_decision_is_refused(
    make_fleet: MakeFleet, keys: dict[str, Path]
) -> None:
    fleet = await asked(make_fleet, keys)
    await fleet.to_approval()
    statement = await statement_of(fleet)
    forged = {
        "somebody else's key": sign(keys["mallory"], statement),
        "made for git": sign(keys["lou"], statement, "git"),
        "over another head": sign(keys["lou"], statement.replace("head: ", "head: 0")),
        "no signature": "yes",
        "too long": "x" * 30_000,
    }
    why = {
        "somebody else's key": "its key is no signer's",
        "made for git": "it was made for `git`, not with `-n fleet`",
        "over another head": "it is over something else",
        "no signature": "it cannot be read",
    }
    for what, told in why.items():
        with pytest.raises(Refused, match=told):
            await approve(fleet, forged[what])
    for what, signature in forged.items():
        with pytest.raises(Exception, match=r"does not hold|not a signature"):
            await approve(fleet, signature)
        assert fleet.open_approval().votes == (), what


async def test_a_signature_that_was_taken_back_does_not_count_again(
    make_fleet: MakeFleet, keys: dict[str, Path]
) -> None:
    fleet = await asked(make_fleet, keys, hold_s=600)
    await fleet.to_approval()
    signature = sign(keys["lou"], await statement_of(fleet))
    await approve(fleet, signature)
    await fleet.person.answer("kim", "undo", {"approval": fleet.open_approval().id})
    assert fleet.open_approval().votes == (), "one vote of two can be taken back as well"
    with pytest.raises(Refused, match="the signature does not hold"):
        await approve(fleet, signature)
    await approve(fleet, sign(keys["lou"], await statement_of(fleet)))
    assert fleet.open_approval().votes == ("signer:lou",)


async def test_a_budget_is_extended_when_two_persons_want_the_same(
    make_fleet: MakeFleet, keys: dict[str, Path]
) -> None:
    rules = [{"name": "money", "acts": ["budget"], "quorum": 2, "expires_h": 4}]
    fleet = await make_fleet(
        approval={"rules": rules, "signers": signers(keys)},
        budgets=[{"scope": "agent", "unit": "tokens", "ceiling": 10}],
    )
    args = {"scope": "agent", "name": "dev", "amount": 5}
    answer = await fleet.person.answer("kim", "extend_budget", args)
    assert answer["message"] == "1 of 2 persons want it (rule money); it waits for another one"
    assert fleet.events("budget_extended") == []
    with pytest.raises(Conflict, match="already asked for by you"):
        await fleet.person.answer("kim", "extend_budget", args)
    more = args | {"amount": 500}
    text = (await fleet.person.answer("kim", "statement", more))["text"]
    told = await fleet.person.answer("kim", "extend_budget", more | {"signature": sign(keys["lou"], text)})
    assert told["message"].endswith("; also open: 5 tokens more (operator:kim)")
    assert fleet.events("budget_extended") == [], "another amount is another question"
    await fleet.settle()
    (alarm,) = fleet.alarms("budget-wanted")
    wanted = "agent:dev is to get 5 tokens more (operator:kim; 1 of 2 persons), or 500 tokens more (signer:lou;"
    assert alarm.title.startswith(wanted)
    seconded = fleet.events("budget_extension_seconded")[0]
    assert "wants 5 tokens more for agent dev" in gist(seconded)
    text = (await fleet.person.answer("kim", "statement", args))["text"]
    signed = args | {"signature": sign(keys["lou"], text)}
    await fleet.person.answer("kim", "extend_budget", signed)
    (extended,) = fleet.events("budget_extended")
    await fleet.settle()
    assert fleet.alarms("budget-wanted") == [], "another ceiling is another question"
    assert (extended.payload["extra"], extended.actor) == (5, "signer:lou")
    with pytest.raises(Refused, match="the signature does not hold"):
        await fleet.person.answer("kim", "extend_budget", signed)
    await fleet.person.answer("kim", "extend_budget", args)
    assert len(fleet.events("budget_extended")) == 1, "the next extension takes two persons again"


async def test_what_nobody_seconds_in_time_is_asked_anew(make_fleet: MakeFleet, keys: dict[str, Path]) -> None:
    rules = [{"name": "money", "acts": ["budget"], "quorum": 2, "expires_h": 1}]
    fleet = await make_fleet(
        approval={"rules": rules, "signers": signers(keys)},
        budgets=[{"scope": "agent", "unit": "tokens", "ceiling": 10}],
    )
    args = {"scope": "agent", "name": "dev", "amount": 5}
    await fleet.person.answer("kim", "extend_budget", args)
    fleet.later(3_601)
    await fleet.person.answer("lou", "extend_budget", args)
    assert fleet.events("budget_extended") == []
    await fleet.person.answer("kim", "extend_budget", args)
    assert len(fleet.events("budget_extended")) == 1
