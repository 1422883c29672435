"""Names and words that try to steer the person's terminal, in every field that an agent, a ticket or a repository can
fill: the real room shows them on all of its screens, and every byte that it writes is looked at."""

from __future__ import annotations

import base64
import json

import pytest

from tests.e2e.e2e_support import Place, scene
from tests.e2e.pty_room import PtyRoom, pty_room
from tests.e2e.terminal_stream import foreign

MARKUP = "[bold]b[/bold] [@click=app.quit]c[/] [/x]"
CLIPBOARD = "\x1b]52;c;b3duZWQ=\x07"
PIECES = (
    CLIPBOARD,
    *("\x1b]0;OWNED\x07", "\x1b]2;OWNED\x1b\\"),  # the title
    *("\x1bP+q544e\x1b\\", f"\x1bPtmux;\x1b{CLIPBOARD}\x1b\\"),  # device control, tmux's way through
    *("\x1b_Gi=1\x1b\\", "\x1b^pm\x1b\\", "\x1bXsos\x1b\\"),
    *("\x1b[6n", "\x1b[>q", "\x1bc"),  # two questions, a reset
    "\x1b]8;;http://evil.example/\x07link\x1b]8;;\x07",
    *("\x9b31m", "\x9d0;OWNED\x9c", "\x90x\x9c"),  # the same in one character each
    *("\u202eesrever", "\u2066", "\u200b", "\ufeff", "\U000e0041", "\u2028"),  # what deceives the eye
    *("\x07", "\x0e", "\x7f"),
)
STEERING = "".join((*PIECES, "\x1b[31m\x1b[2J\x1b[?1049l\x08"))  # as Textual writes them too: not for this oracle
HOSTILE = f"{MARKUP} {STEERING} end"
FILE = f"src/{MARKUP.replace('/', '|')}{STEERING.replace('/', '|')}.py"
"""git allows any byte but NUL and the slash in a name."""


def author() -> dict[str, object]:
    """Fills every field that an author has."""
    code = "import pathlib,base64,sys;p=pathlib.Path(base64.b64decode(sys.argv[1]).decode());"
    code += "p.parent.mkdir(exist_ok=True);p.write_bytes(base64.b64decode(sys.argv[2]))"
    name, text = (base64.b64encode(value.encode()).decode() for value in (FILE, f"x = 1\n# {HOSTILE}\n"))
    return scene(
        "developer",
        {"say": HOSTILE},
        {"run": ["python3", "-c", code, name, text]},
        {"usage": {"model": f"m {HOSTILE}", "input_tokens": 10}},
        {"publish": {"event": "note", "summary": HOSTILE}},
        {"run": ["git", "push", "origin", f"HEAD:{MARKUP}{STEERING}"]},
        {"commit": f"Commit {HOSTILE}"},
        "push",
        {"publish": {"event": "pr_created", "summary": HOSTILE, "payload": {"title": HOSTILE, "body": HOSTILE}}},
        {"ask": f"Which? {HOSTILE}"},
    )


REVIEWS = scene("reviewer", {"publish": {"event": "pr_approved", "summary": f"Good. {HOSTILE}"}}, "stop")
PRINTED = base64.b64encode(f"{HOSTILE}\r\n{MARKUP}\r\ndrawn ".encode()).decode()
RAW = f"printf '%s' {PRINTED} | base64 -d; sleep 600"


def hostile_fleet(place: Place) -> None:
    """A fleet at work: a question is open, an approval waits, an alarm stands, an agent writes raw bytes."""
    place.configure(
        [author(), REVIEWS],
        agents=(
            {"name": "dev", "role": "developer"},
            {"name": "rev", "role": "reviewer"},
            {"name": "raw", "role": "developer", "vendor": "raw", "max_concurrent": 1},
        ),
        vendors={
            "scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "0"]},
            "raw": {"kind": "command", "argv": ["sh", "-c", RAW], "prompt": "file"},
        },
        gates=[{"name": "test", "run": ["sh", "-c", RAW.replace("sleep 600", "true")]}],
    )
    tickets = place.repository / ".fleet" / "tickets"
    tickets.mkdir(parents=True, exist_ok=True)
    for number in (1, 2):
        head = f"title: {json.dumps(HOSTILE)}\nlabels: [ready, {json.dumps(HOSTILE[:50])}]\n"
        (tickets / f"{number:04}-hostile.md").write_text(f"---\n{head}---\n{HOSTILE}\n", newline="")
    (tickets / "0003-broken.md").write_text(f"---\ntitle: {json.dumps(HOSTILE)}\n{json.dumps(HOSTILE)}: 1\n---\n")
    place.fleet("watcher", "start")
    place.until_approval(1)
    place.until(lambda: place.reader.questions(), "the author asks")


LITERAL = "[bold]b[/bold] [@click=app.quit]c[/]"
"""What must be readable wherever the markup is: it was taken as text."""
PASTED = HOSTILE.replace("\x1b", "").encode()
"""Terminals take the escape character out of what is pasted, and leave those of one byte in."""
ENTER = b"\r"
PALETTE = "a word of what to do, an agent"
"""It stands in its field while that is empty."""
DECIDES = "open the decision on a pull request"


def on_the_wall(room: PtyRoom) -> None:
    room.until("WALL", f"APPROVE merge of PR 1 {LITERAL[:12]}", f"#2 {LITERAL[:14]}", "drawn")
    room.keys(b"/")
    room.until("empty shows all")
    room.paste(PASTED)
    room.until(LITERAL, "no agent matches")
    room.escape()
    room.until("WALL", without="Esc closes")
    room.keys(b"w")


def in_approvals(room: PtyRoom) -> None:
    room.keys(b"2")
    room.until("APPROVALS", f"merge    PR 1 {LITERAL}", "<U+202E>es", "<U+001B>]0;OWNED", '"Good. [bold]b[/bold]')
    room.keys(b"\t]}n")
    room.keys(b"A")
    room.until(f"APPROVE PR 1 {LITERAL}")
    room.escape()
    room.until("APPROVALS", without="APPROVE PR 1")
    with_a_reason(room, b"R", "REJECT PR 1")


def with_a_reason(room: PtyRoom, key: bytes, title: str) -> None:
    """A strip that wants a reason gets a hostile one, and is closed."""
    room.keys(key)
    room.until(title)
    room.paste(PASTED)
    room.until(title, LITERAL)
    room.escape()
    room.until(without=title)


def in_events(room: PtyRoom) -> None:
    room.keys(b"5")
    room.until("EVENTS", "FOLLOW", f"dev asks: Which? {LITERAL}")
    for _ in range(8):
        room.keys(b"k" + ENTER)
        room.until("EVENTS")
    room.keys(b"/")
    room.paste(PASTED)
    room.until(f"{LITERAL} [/x]")
    room.keys(ENTER)
    room.until("filter: [bold]", without="Esc closes")
    room.escape()
    room.until("filter: none")


def at_an_agent(room: PtyRoom, name: str) -> None:
    room.keys(b":")
    room.until(PALETTE)
    room.keys(f"agent {name}".encode())
    room.until(f"agent {name}")
    room.keys(ENTER)
    room.until("AGENT", f"#{1 if name == 'dev' else 2} {LITERAL}")
    room.keys(b"?")
    room.until("HELP")
    room.escape()
    room.until("AGENT", without="HELP")
    with_a_reason(room, b"Q", f"QUARANTINE {name}")


def in_the_composer(room: PtyRoom) -> None:
    room.keys(b"m")
    room.until("[ Send ]")
    room.paste(PASTED)
    room.until("[ Send ]", f"{LITERAL} [/x]")
    room.escape()
    room.until(without="[ Send ]")


def in_the_palette(room: PtyRoom) -> None:
    room.keys(b":")
    room.until(PALETTE)
    room.keys(b"pr 1")
    room.until(f"pr 1 {LITERAL}", DECIDES)
    room.escape()
    room.until(without=DECIDES)


@pytest.mark.slow
def test_every_byte_of_the_room_is_its_own(place: Place) -> None:
    hostile_fleet(place)
    with pty_room(place) as room:
        on_the_wall(room)
        in_approvals(room)
        in_events(room)
        at_an_agent(room, "dev")
        at_an_agent(room, "raw")
        in_the_composer(room)
        in_the_palette(room)
        room.keys(b"qqqq")
        room.until_gone()
        assert room.process.returncode == 0
    assert len(room.written) > 50_000, "something was drawn"
    assert foreign(room.written) == []


@pytest.mark.parametrize("piece", PIECES)
def test_the_oracle_finds(piece: str) -> None:
    assert foreign(f"\x1b[1;1H\x1b[38;2;1;2;3mtext{piece}text".encode())


def test_the_oracle_lets_textual_write() -> None:
    assert foreign(b"\x1b[?1049h\x1b[1;1H\x1b[1;38;5;7mtext\r\n\x1b[?2026l\x1b]22;default\x07") == []
