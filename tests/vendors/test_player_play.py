"""The player in a real terminal, with a real git workspace and the real agents' client."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fleet_tui.bus.identity import Caller, Origin
from fleet_tui.bus.server import BusServer
from tests.vendors.players import READY, World, seen, steps


async def test_minimal_story_from_prompt_to_pull_request(world: World) -> None:
    pane = await world.prompted((Path(__file__).parents[2] / "config/stories/minimal.yaml").read_text())
    await pane.until(lambda _: "turn_ended" in world.events(), "the turn ends")
    assert world.events() == ["prompt_submitted", "pr_created", "turn_ended"]
    created = next(args for name, args in world.said if name == "pr_created")
    assert created["summary"] == "Log in; `now`"
    assert created["payload"] == {"title": "Log in; `now`", "body": "Adds notes for ticket 3."}
    assert world.git("log", "-1", "--format=%s") == "Log in; `now` (#3)"
    assert world.git("--git-dir", str(world.gate), "rev-parse", "agent/3-login") == world.git("rev-parse", "HEAD")
    text = await pane.until(READY.search)
    assert "esc to interrupt" not in text
    assert "Done; the pull request is open." in text


async def test_rework_scene_by_trigger_and_round(world: World) -> None:
    story = (Path(__file__).parents[2] / "config/stories/minimal.yaml").read_text()
    await_end = await world.prompted(story, FLEET_TRIGGER="pr_changes_requested", FLEET_ROUND="2")
    await await_end.until(lambda _: "turn_ended" in world.events())
    assert world.git("log", "-1", "--format=%s") == "Rework #3 as reviewed (round 2)"


async def test_question_waits_for_its_answer(world: World) -> None:
    pane = await world.prompted(
        steps("ask: 'Which colour for {ticket}?'", "write: {path: colour.txt, text: '{answer}'}")
    )
    text = await pane.until(lambda text: "waiting for an answer" in text, "the question")
    assert [name for name, _ in world.said][:2] == ["hook", "blocker"]
    assert world.said[1][1]["summary"] == "Which colour for 3?"
    assert world.said[1][1]["payload"] == {"question": True}
    observation = seen(text)
    assert observation is not None
    assert observation.state == "asking"
    pane.paste("blue; $(id)")
    pane.keys(b"\r")
    await pane.until(lambda _: (world.workspace / "colour.txt").exists(), "the answer is used")
    assert (world.workspace / "colour.txt").read_text() == "blue; $(id)"


async def test_message_before_the_question_is_no_answer(world: World) -> None:
    pane = await world.prompted(steps("spin: 1", "ask: Well?", "write: {path: a.txt, text: '{answer}'}"), speed="1")
    await pane.until(lambda text: "esc to interrupt" in text)
    pane.keys(b"hurry up\r")
    await pane.until(lambda text: "waiting for an answer" in text, "the question")
    pane.keys(b"yes\r")
    await pane.until(lambda _: (world.workspace / "a.txt").exists())
    assert (world.workspace / "a.txt").read_text() == "yes"
    await pane.until(lambda text: "> hurry up" in text and "Noted." in text, "the earlier message is taken up after")


async def test_wait_for_mail_polls_the_inbox(world: World) -> None:
    pane = await world.prompted(steps("wait_for: mail", "say: 'Got {message}'"))
    await pane.until(lambda _: "inbox" in world.events(), "the first look")
    world.answers["inbox"] = {"messages": [{"seq": 4, "kind": "note", "sender": "x", "summary": "use API two"}]}
    await pane.until(lambda text: "Got use API two" in text, "the mail")
    assert "ack" in world.events()


async def test_steps_stay_in_the_workspace_and_failures_are_shown(world: World) -> None:
    (world.workspace / "way-out").symlink_to(world.home)
    pane = await world.prompted(
        steps(
            "write: {path: ../escape.txt, text: x}",
            "write: {path: way-out/escape.txt, text: x}",
            "write: {path: .git/hooks/pre-commit, text: x}",
            "delete: missing.txt",
            "patch: {path: README.md, replace: absent, with: y}",
            "patch: {path: README.md, replace: Shop, with: Store}",
            "run: 'echo out; echo err >&2; exit 7'",
            "run: [printf, '%s', '$HOME']",
        )
    )
    text = await pane.until(lambda text: "turn_ended" in world.events() and text)
    assert "exit code 7" in text
    assert "$HOME" in text
    assert "cannot delete" in text
    assert pane.text.count("outside the workspace") >= 1
    assert not (world.home / "escape.txt").exists()
    assert not (world.workspace / ".git/hooks/pre-commit").exists()
    assert (world.workspace / "README.md").read_text() == "# Store\n"


async def test_a_nul_in_a_step_fails_that_step_and_no_more(world: World) -> None:
    """No argument of a program and no path can hold one."""
    nul = "\\0"  # as YAML writes it
    pane = await world.prompted(
        steps(
            f'say: "one{nul}two"',
            f'run: "echo a{nul}b"',
            f'run: [echo, "a{nul}b"]',
            f'write: {{path: "a{nul}b", text: x}}',
            f'delete: "a{nul}b"',
            f'write: {{path: c.txt, text: "x{nul}y"}}',
            f'commit: "c{nul}d"',
            f'publish: {{event: pr_created, summary: "e{nul}f"}}',
            f'ask: "g{nul}h"',
        )
    )
    await pane.until(lambda text: "waiting for an answer" in text)
    pane.paste("yes")
    pane.keys(b"\r")
    await pane.until(lambda text: "? for shortcuts" in text)
    assert (world.workspace / "c.txt").read_text() == "x\0y"


async def test_refused_publication_is_shown_and_the_story_goes_on(world: World) -> None:
    world.refuse.add("pr_approved")
    pane = await world.prompted(steps("misbehave: forge_approval", "say: moving on"))
    text = await pane.until(lambda text: "moving on" in text)
    assert "refused: a run-1 may not publish pr_approved" in text


async def test_push_main_is_tried(world: World) -> None:
    hook = world.gate / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho only your own branch\nexit 1\n")
    hook.chmod(0o755)
    pane = await world.prompted(steps("misbehave: push_main", "say: hm"))
    text = await pane.until(lambda text: "● hm" in text)
    assert "only your own branch" in text
    assert world.git("--git-dir", str(world.gate), "for-each-ref") == ""


async def test_forked_child_outlives_the_turn_in_a_session_of_its_own(world: World) -> None:
    pane = await world.prompted(steps("misbehave: fork", "say: gone"))
    await pane.until(lambda text: "● gone" in text)
    import psutil

    def escapees() -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.cmdline() == ["sleep", "600"] and process.environ() == {}:
                    found.append(process)
            except psutil.Error:
                continue
        return [process for process in found if process.cwd() == str(world.workspace)]

    await pane.until(lambda _: escapees(), "the child")
    for process in escapees():
        assert os.getsid(process.pid) != os.getsid(pane.process.pid)
        process.kill()


async def test_read_secrets_is_refused_by_the_operators_socket(world: World, home: Path) -> None:
    denied: list[tuple[str, dict[str, Any]]] = []

    async def handle(caller: Caller, op: str, args: dict[str, Any], _id: str) -> dict[str, Any]:
        denied.append((f"{caller.principal} {op}", args))
        return {}

    server = BusServer(handle, lambda _pid: Origin("run run-1", "run:run-1", "run-1"))
    await server.listen_operator(home / "operator.sock")
    (home / "fleet.db").touch()
    pane = await world.prompted(steps("misbehave: read_secrets", "say: foiled"))
    text = await pane.until(lambda text: "● foiled" in text)
    await server.close()
    # A paragraph is folded at the edge of the screen, which is in the middle of words too.
    assert "may not use the operator's socket" in text.replace("\n", "")
    assert "fleet.db" in text
    assert denied[0][0] == "run:run-1 denied"
    assert denied[0][1]["act"] == "approve"


async def test_command_that_closes_its_output_or_leaves_a_child_behind(world: World) -> None:
    pane = await world.prompted(
        steps("run: 'exec >&- 2>&-; sleep 0.3; exit 4'", "run: 'sleep 30 & echo started'", "say: after")
    )
    text = await pane.until(lambda text: "● after" in text)
    assert "exit code 4" in text
    assert "started" in text


async def test_unknown_vendor_client_is_shown_as_a_failure(world: World) -> None:
    pane = await world.prompted(steps("publish: {event: note}", "say: after"), PATH="/usr/bin:/bin")
    text = await pane.until(lambda text: "● after" in text)
    assert "fleet: No such file or directory" in text
