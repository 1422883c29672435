"""Nothing that came from outside steers the terminal of a person who types a command, or forges a line in it."""

from __future__ import annotations

import asyncio
import sys
import unicodedata
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fleet_tui.bus.server import BusServer
from fleet_tui.domain import events as ev
from tests.cli.conftest import Shop, Terminal, in_a_terminal

HOSTILE = (
    "\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x1b[2J\x9b31mevil\u202eback\u2066\u061c\u200b\x7f\x85\x07\r"
    "FORGED\nFORGED\n  FORGED\x0bFORGED\x0cFORGED\u2028FORGED\U000e0041\U0001f600 "
)
SHA = {name: name * 40 for name in "abcd"}
RUN = "run-1"


def drafts() -> list[ev.Draft]:
    """A pull request of a hostile repository that waits for approval, and everything that may stand beside it."""
    agents: list[dict[str, Any]] = [
        {"name": "dev", "role": f"role {HOSTILE}", "vendor": f"vendor {HOSTILE}", "model": None, "enabled": True},
        {"name": "rev", "role": "reviewer", "vendor": "v", "model": None, "enabled": True},
    ]
    files = (2, 3, 1)
    return [
        ev.draft(ev.ConfigLoaded("0" * 64, HOSTILE, agents), "fleet"),
        ev.draft(ev.ConfigRejected([HOSTILE, HOSTILE]), "fleet"),
        ev.draft(ev.TicketCreated(1, HOSTILE, HOSTILE, "0" * 64, [HOSTILE], [], 0), "ticket:1"),
        ev.draft(ev.RunQueued(RUN, "dev", HOSTILE, HOSTILE, HOSTILE, HOSTILE, ticket=1), f"run:{RUN}", actor=HOSTILE),
        ev.draft(ev.TicketClaimed(1, "dev", RUN), "ticket:1"),
        ev.draft(ev.RunStarted(RUN, RUN, "pane", "/w", HOSTILE, SHA["a"], "L0", 1, "0" * 64), f"run:{RUN}"),
        ev.draft(ev.RunStateChanged(RUN, "running", HOSTILE, HOSTILE), f"run:{RUN}"),
        ev.draft(ev.WorkspaceCreated(1, HOSTILE, SHA["a"], f"/w/{HOSTILE}"), "ticket:1"),
        ev.draft(
            ev.PullRequestCreated(1, 1, HOSTILE, HOSTILE, HOSTILE, HOSTILE, "dev", RUN, SHA["c"], SHA["b"], *files),
            "pr:1",
        ),
        ev.draft(ev.PullRequestApproved(1, "rev", "r", HOSTILE, SHA["c"], HOSTILE), "pr:1"),
        ev.draft(ev.GateStarted("g", HOSTILE, 1, SHA["d"], SHA["c"], SHA["b"], HOSTILE), "pr:1"),
        ev.draft(ev.GateFailed("g", HOSTILE, 1, SHA["d"], 8, 1, "log", HOSTILE, HOSTILE), "pr:1"),
        ev.draft(ev.PullRequestStateChanged(1, "gated", HOSTILE, 1), "pr:1"),
        ev.draft(
            ev.ApprovalRequested(
                "apr", 1, 1, SHA["c"], SHA["b"], SHA["d"], HOSTILE, HOSTILE, [HOSTILE, HOSTILE], 2**62
            ),
            "pr:1",
        ),
        ev.draft(ev.TicketBlocked(1, HOSTILE), "ticket:1"),
        ev.draft(ev.Blocker("q", HOSTILE, RUN, "dev", 1), "ticket:1"),
        ev.draft(ev.AlarmRaised("alm", "rule", 1, HOSTILE, HOSTILE, f"agent:{HOSTILE}"), "fleet"),
        ev.draft(ev.AgentQuarantined("dev", HOSTILE, "rule", 2, RUN), "agent:dev"),
        ev.draft(ev.Note(HOSTILE, run=RUN, data={HOSTILE: [HOSTILE]}), HOSTILE, actor=f"agent:{HOSTILE}/{RUN}"),
        ev.Draft(HOSTILE, {"text": HOSTILE}, "ticket:1"),
    ]


DIFF = {
    "files": [
        {"path": HOSTILE, "status": HOSTILE, "added": 1, "deleted": 0, "binary": False, "truncated": False,
         "hunks": [{"header": HOSTILE, "lines": [["+", None, 1, HOSTILE]]}]},
    ],
}  # fmt: skip


@pytest.fixture
def hostile(shop: Shop) -> Shop:
    shop.add(*drafts())
    shop.paths.tickets.mkdir()
    body = HOSTILE.replace("FORGED", "body")
    (shop.paths.tickets / "0001-evil.md").write_text(f"---\ntitle: Evil\n---\n{body}\n", encoding="utf-8")
    (shop.paths.tickets / "0002-\x1b]0;FORGED\x07\nFORGED.md").write_text("---\ntitle: [\n", encoding="utf-8")
    return shop


@pytest.fixture
async def watcher(hostile: Shop) -> AsyncIterator[None]:
    """Somebody on the operator's socket who answers with hostile texts only."""

    async def answer(caller: object, op: str, args: dict[str, Any], request: str) -> dict[str, Any]:
        return DIFF if op == "diff" else {"message": HOSTILE}

    server = BusServer(answer, lambda pid: None)
    await server.listen_operator(hostile.paths.operator_socket)
    yield
    await server.close()


def is_harmless(character: str) -> bool:
    """Whether a terminal draws ``character`` where it stands, told from the Unicode database."""
    return character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def check(written: str) -> None:
    assert written
    assert sorted({character for character in written if not is_harmless(character)}) == []
    assert [line for line in written.splitlines() if line.strip().startswith("FORGED")] == []


COMMANDS: list[tuple[str, ...]] = [
    ("agent", "explain", "dev"),
    ("agent", "list"),
    ("alarm", "list", "--all"),
    ("approval", "list", "--all"),
    ("approval", "show", "1"),
    ("approval", "reject", "1", "--reason", "no"),
    ("board",),
    ("budget",),
    ("log",),
    ("pr", "list"),
    ("pr", "show", "1"),
    ("question", "list"),
    ("queue",),
    ("status",),
    ("ticket", "list"),
    ("ticket", "show", "1"),
    ("workspace", "list", "--all"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
async def test_foreign_text_is_only_text(watcher: None, terminal: Terminal, words: tuple[str, ...]) -> None:
    written = await asyncio.to_thread(terminal, *words)
    check(written)
    assert "Traceback" not in written


@pytest.mark.parametrize(
    "words", [("approval", "show", "1"), ("pr", "show", "1"), ("log",), ("status",), ("audit", "export")], ids=" ".join
)
async def test_json_is_escaped(watcher: None, terminal: Terminal, words: tuple[str, ...]) -> None:
    """Nothing is taken out of what a program reads; it is only written in ASCII that draws."""
    written = await asyncio.to_thread(terminal, *words, *(() if words[0] == "audit" else ("--json",)))
    assert [character for character in written if character != "\n" and not " " <= character <= "~"] == []
    assert "\\u001b]0;owned\\u0007" in written
    assert "\\u007f" in written


@pytest.mark.parametrize(
    "words",
    [
        (HOSTILE,),
        ("approval", "show", HOSTILE),
        ("agent", "explain", HOSTILE),
        ("agent", "list", f"--{HOSTILE}"),
        ("ticket", "new", HOSTILE, "--priority", HOSTILE),
        ("config", "explain", HOSTILE),
    ],
    ids=lambda words: " ".join(words)[:20].encode("ascii", "backslashreplace").decode(),
)
def test_errors_repeat_nothing_that_steers(hostile: Shop, terminal: Terminal, words: tuple[str, ...]) -> None:
    check(terminal(*words))


FLAW = """
import sys
from fleet_tui.cli import main

def fail(**_):
    raise RuntimeError(sys.argv[1])

main.fleet.main = fail
main.main()
"""


def test_an_unexpected_error_steers_nothing_either(shop: Shop) -> None:
    """A flaw of ours tells its story, which may quote anything."""
    written = in_a_terminal([sys.executable, "-c", FLAW, HOSTILE], shop.repository, "")
    assert "RuntimeError: evilback" in written
    assert [character for character in written if not is_harmless(character)] == []


def test_a_configuration_with_hostile_names(shop: Shop, terminal: Terminal) -> None:
    text = HOSTILE.encode("unicode_escape").decode().replace('"', "")
    shop.configure(f'version: 1\nagents:\n  - {{name: "{text}", role: "{text}"}}\n"{text}": 1\n')
    for words in (("config", "validate"), ("config", "explain", "agents"), ("status",), ("doctor",)):
        check(terminal(*words))


def test_questions_of_init_show_only_text(shop: Shop, terminal: Terminal) -> None:
    """Scripts of the repository are proposed as gates, and quoted in the question."""
    (shop.repository / ".fleet" / "config.yaml").unlink()
    (shop.repository / "package.json").write_text('{"scripts": {"test": "jest"}}')
    written = terminal("init", "--branch", HOSTILE, keys="\n" * 8)
    check(written)
    assert "Gate test" in written
    assert "at most 8h00 a day for 3 agents together" in written


def test_what_a_run_showed_last_is_only_text(hostile: Shop, terminal: Terminal) -> None:
    hostile.add(ev.draft(ev.RunCrashed(RUN, 3, None, 10, HOSTILE), f"run:{RUN}"))
    hostile.paths.run_output(RUN).write_text(f"{HOSTILE}\n{HOSTILE}", encoding="utf-8", errors="surrogatepass")
    for words in (("agent", "logs", "dev"), ("agent", "logs", "dev", "--json"), ("agent", "explain", "dev")):
        check(terminal(*words))


def test_the_room_without_a_terminal(hostile: Shop, terminal: Terminal) -> None:
    check(terminal("up"))
