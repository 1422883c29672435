"""``fleet ticket new``: what a person wrote is taken as it is, refused, or what was taken out is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fleet_tui.cli.main import fleet
from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.events import (
    Payload,
    TicketBlocked,
    TicketClaimed,
    TicketCreated,
    TicketReady,
    TicketShipped,
    draft,
)
from tests.cli.conftest import Shop

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
"""A family: three people joined by what shows nothing."""


@pytest.fixture
def tickets(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(shop.repository)
    return shop.paths.tickets


def new(*words: str) -> Result:
    return CliRunner().invoke(fleet, ["ticket", "new", *words])


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (b"caf\xe9", "the body is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0", "the body is no text"),
        (b"fine\0", "the body is no text"),
        (b"x" * 3_000_000, "body too long"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tickets: Path, content: bytes, title: str) -> None:
    body = tickets.parent / "body"
    body.write_bytes(content)
    error = new("Work", "--body-file", str(body)).exception
    assert isinstance(error, UsageError)
    assert error.title == title
    assert error.hint
    assert not tickets.exists()


@pytest.mark.parametrize(("words", "title"), [(("x" * 201,), "title too long"), ((" ",), "ticket without a title")])
def test_a_title_that_does_not_fit_is_refused(tickets: Path, words: tuple[str, ...], title: str) -> None:
    error = new(*words).exception
    assert isinstance(error, UsageError)
    assert error.title == title
    assert not list(tickets.glob("*.md")) if tickets.exists() else True


@pytest.mark.parametrize("words", [[b"caf\xe9"], [b"Work", b"--body", b"caf\xe9"]], ids=["title", "body"])
def test_arguments_that_are_no_text_are_refused(tickets: Path, words: list[bytes]) -> None:
    argv = [sys.executable.encode(), b"-m", b"fleet_tui", b"ticket", b"new", *words]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    assert (done.returncode, b"is not UTF-8" in done.stderr) == (2, True)
    assert not tickets.exists()


def test_what_is_taken_out_is_told(tickets: Path) -> None:
    done = new("A \x1b[31mred title", "--body", f"{FAMILY} and \u202eback", "--json")
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        "note: 5 hidden character(s) were taken out of the title: U+001B",
        "note: 3 hidden character(s) were taken out of the body: U+200D, U+202E",
    ]
    assert json.loads(done.stdout)["title"] == "A red title"


def test_plain_text_is_taken_as_it_is_and_nothing_is_said(tickets: Path) -> None:
    text = "Zürich\n\n\tcode\n東京 \U0001f600\n"
    done = new("Work", "--body", text, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout)["body"] == text.strip("\n")


def released(*words: str) -> str:
    """What the command said, or the title and text of its refusal."""
    done = CliRunner().invoke(fleet, ["ticket", *words])
    error = done.exception
    return f"{error.title}: {error.message}" if isinstance(error, Conflict) else done.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("after", "hold", "ready"),
    [
        ([], "ticket #1 is held back", "ticket #1 is ready already"),
        (
            [TicketClaimed(1, "dev", "run-1")],
            "too late to hold it back: ticket #1 is in progress now",
            "an agent has taken it already: ticket #1 is in progress now",
        ),
        (
            [TicketClaimed(1, "dev", "run-1"), TicketBlocked(1, "which one?")],
            "too late to hold it back: ticket #1 is blocked now",
            "ticket #1 is ready",
        ),
        (
            [TicketClaimed(1, "dev", "run-1"), TicketShipped(1, 1, "a" * 40)],
            "too late to hold it back: ticket #1 is shipped now",
            "an agent has taken it already: ticket #1 is shipped now",
        ),
    ],
    ids=["ready", "in progress", "blocked", "shipped"],
)
def test_only_what_no_agent_has_begun_is_held_or_released(
    shop: Shop, tickets: Path, after: list[Payload], hold: str, ready: str
) -> None:
    new("Work", "--ready")
    first = [TicketCreated(1, "Work", "", "a" * 64, ["ready"], [], 3), TicketReady(1)]
    shop.add(*(draft(payload, "ticket:1") for payload in [*first, *after]))
    file = next(tickets.glob("*.md"))
    before = file.read_text()
    assert released("ready", "1") == ready
    assert file.read_text() == before
    assert released("hold", "1") == hold
    assert (file.read_text() == before) == ("too late" in hold)


def test_none_is_released_when_one_of_them_cannot_be(shop: Shop, tickets: Path) -> None:
    new("Done", "--ready")
    new("Next")
    done = [TicketCreated(1, "Done", "", "a" * 64, ["ready"], [], 3), TicketReady(1), TicketClaimed(1, "dev", "run-1")]
    shop.add(*(draft(payload, "ticket:1") for payload in done))
    assert "in progress" in released("ready", "2", "1")
    assert "not ready: nothing to hold back" in released("hold", "2")
