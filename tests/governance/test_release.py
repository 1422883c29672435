"""Every reason why a pull request on a forge may not be merged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.states import GateState
from fleet_tui.governance.release import Ground, Remote, Verdict, gate_reasons, remote_reasons
from tests.examples import tried

HEAD, OLD = "a" * 40, "b" * 40
GOOD = Remote(
    forge="github",
    state="OPEN",
    draft=False,
    head_sha=HEAD,
    target="main",
    mergeable="MERGEABLE",
    merge_state="CLEAN",
    checks={"build": "passed", "docs": "passed"},
    required=frozenset({"build"}),
    verdicts=(Verdict("rev", "APPROVED", HEAD),),
    approvals=1,
    conversations=(),
)

AGAINST = Verdict("lee", "CHANGES_REQUESTED", OLD)


def grounds(**changes: Any) -> list[Ground]:
    return [reason.ground for reason in remote_reasons(replace(GOOD, **changes), HEAD, "main")]


def test_nothing_speaks_against_it() -> None:
    assert grounds() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "CLOSED", "draft": True}, [Ground.NOT_OPEN]),
        ({"state": "MERGED"}, [Ground.NOT_OPEN]),
        ({"draft": True, "merge_state": "DRAFT"}, [Ground.DRAFT]),
        ({"target": "release"}, [Ground.TARGET]),
        ({"mergeable": "CONFLICTING", "merge_state": "DIRTY"}, [Ground.CONFLICT]),
        ({"mergeable": "UNKNOWN", "merge_state": "UNKNOWN"}, [Ground.UNKNOWN]),
        ({"merge_state": "BEHIND"}, [Ground.PROTECTION]),
        ({"merge_state": "BLOCKED"}, [Ground.PROTECTION]),
        ({"checks": {"build": "failed"}, "merge_state": "BLOCKED"}, [Ground.CHECKS]),
        ({"checks": {"build": "pending"}}, [Ground.CHECKS]),
        ({"checks": {}}, [Ground.CHECKS]),
        ({"checks": {"build": "passed", "docs": "failed"}, "merge_state": "UNSTABLE"}, []),
        ({"checks": {"docs": "failed"}, "required": frozenset()}, [Ground.CHECKS]),
        ({"checks": {}, "required": frozenset()}, []),
        ({"verdicts": ()}, [Ground.REVIEWS]),
        ({"verdicts": (), "approvals": 0}, []),
        ({"verdicts": (Verdict("rev", "APPROVED", OLD),)}, [Ground.REVIEWS, Ground.STALE]),
        ({"verdicts": (Verdict("rev", "COMMENTED", HEAD),)}, [Ground.REVIEWS]),
        ({"verdicts": (*GOOD.verdicts, AGAINST)}, [Ground.CHANGES_REQUESTED]),
        ({"verdicts": (Verdict("rev", "CHANGES_REQUESTED", OLD), *GOOD.verdicts)}, []),
        ({"verdicts": (AGAINST, Verdict("lee", "DISMISSED", OLD), *GOOD.verdicts)}, []),
        ({"verdicts": (AGAINST, Verdict("lee", "COMMENTED", HEAD), *GOOD.verdicts)}, [Ground.CHANGES_REQUESTED]),
        ({"conversations": ("a.py", "b.py")}, [Ground.CONVERSATIONS]),
        ({"complete": False}, [Ground.UNKNOWN]),
        ({"draft": True, "checks": {}, "conversations": ("a",)}, [Ground.DRAFT, Ground.CHECKS, Ground.CONVERSATIONS]),
    ],
)  # fmt: skip
def test_what_speaks_against_it(changes: dict[str, Any], expected: list[Ground]) -> None:
    assert grounds(**changes) == expected


def test_another_head_than_the_one_decided_on() -> None:
    (reason,) = remote_reasons(GOOD, OLD, "main")
    assert (reason.ground, reason.where) == (Ground.STALE, "github")
    assert reason.message == "bbbbbbbb was decided on, aaaaaaaa would land"


NAMES = st.sampled_from(["build", "docs", "lint"])
STATES = st.sampled_from(["passed", "failed", "pending"])
REMOTES = st.builds(
    Remote,
    forge=st.just("github"),
    state=st.sampled_from(["OPEN", "CLOSED", "MERGED"]),
    draft=st.booleans(),
    head_sha=st.sampled_from([HEAD, OLD]),
    target=st.sampled_from(["main", "release"]),
    mergeable=st.sampled_from(["MERGEABLE", "CONFLICTING", "UNKNOWN", "new"]),
    merge_state=st.sampled_from(["CLEAN", "BLOCKED", "BEHIND", "DIRTY", "UNSTABLE", "new"]),
    checks=st.dictionaries(NAMES, STATES),
    required=st.frozensets(NAMES),
    verdicts=st.lists(
        st.builds(
            Verdict,
            st.sampled_from(["a", "b"]),
            st.sampled_from(["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"]),
            st.sampled_from([HEAD, OLD]),
        ),
        max_size=4,
    ).map(tuple),
    approvals=st.integers(0, 2),
    conversations=st.lists(NAMES, max_size=2).map(tuple),
    complete=st.booleans(),
)


@given(remote=REMOTES)
@tried(2000)
def test_what_is_let_through_has_everything(remote: Remote) -> None:
    if remote_reasons(remote, HEAD, "main"):
        return
    assert (remote.state, remote.draft, remote.head_sha, remote.mergeable) == ("OPEN", False, HEAD, "MERGEABLE")
    assert remote.merge_state in ("CLEAN", "UNSTABLE")
    assert all(remote.checks.get(name) == "passed" for name in remote.required)
    assert remote.complete
    assert not remote.conversations
    approving = {v.author for v in remote.verdicts if v.state == "APPROVED" and v.head_sha == HEAD}
    assert len(approving) >= remote.approvals


def test_gates_by_name() -> None:
    results = {"lint": GateState.PASSED, "test": GateState.FAILED, "docs": GateState.RUNNING}
    told = [reason.message for reason in gate_reasons(["lint", "test", "docs", "build"], results)]
    assert told == ["gate test: failed", "gate docs: has not ended", "gate build: has not run"]
