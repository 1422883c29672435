"""Ticket files become events and tables; people and the watcher edit the same labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.states import TicketState
from fleet_tui.watcher.passes import tickets
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent


def path_of(fleet: Fleet, number: int) -> Path:
    (path,) = [
        p for p in fleet.ctx.paths.tickets.iterdir() if p.name.startswith((f"{number:04d}", f"{number}-", f"{number}."))
    ]
    return path


def labels_in_file(fleet: Fleet) -> tuple[str, ...]:
    return tuple(fleet.of_ticket().labels)


async def observe(fleet: Fleet) -> None:
    fleet.ctx.look_at_tickets = True
    await tickets.observe(fleet.ctx)


async def test_new_ticket_is_recorded_once(fleet: Fleet) -> None:
    await fleet.ticket("Login", "The button", ready=False, depends_on=[], priority=2)
    for _ in range(50):
        await observe(fleet)
    assert fleet.kinds().count("ticket_created") == 1
    ticket = fleet.of_ticket()
    assert (ticket.title, ticket.state, ticket.priority) == ("Login", TicketState.DRAFT, 2)
    assert fleet.ctx.store.blob(ticket.body_sha).strip() == "The button"


async def test_ready_and_withdrawn_by_label(fleet: Fleet) -> None:
    number = await fleet.ticket(ready=False)
    await observe(fleet)
    await fleet.ctx.forge.set_labels(number, add=["ready"])
    await observe(fleet)
    assert fleet.of_ticket().state is TicketState.READY
    await fleet.ctx.forge.set_labels(number, remove=["ready"])
    await observe(fleet)
    assert fleet.of_ticket().state is TicketState.DRAFT
    assert fleet.kinds().count("ticket_withdrawn") == 1


async def test_changed_text_is_recorded_with_its_body(fleet: Fleet) -> None:
    number = await fleet.ticket("Login", "old")
    await observe(fleet)
    path = path_of(fleet, number)
    path.write_text(path.read_text().replace("old", "new and longer").replace("Login", "Log in"))
    await observe(fleet)
    await observe(fleet)
    assert fleet.kinds().count("ticket_changed") == 1
    ticket = fleet.of_ticket()
    assert ticket.title == "Log in"
    assert "new and longer" in fleet.ctx.store.blob(ticket.body_sha)


async def test_without_a_notice_files_are_read_every_few_seconds(fleet: Fleet) -> None:
    fleet.ctx.look_at_tickets = False
    fleet.ctx.looked_at_tickets_ns = fleet.clock_ns
    await fleet.ticket()
    await tickets.observe(fleet.ctx)
    assert fleet.ctx.reader.tickets() == []
    fleet.later(6)
    await tickets.observe(fleet.ctx)
    assert len(fleet.ctx.reader.tickets()) == 1


async def test_state_label_follows_the_work_and_overrules_people(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    assert labels_in_file(fleet) == ("in-progress",)
    # In the middle of the work a person marks it ready and shipped, and adds a label of their own.
    await fleet.ctx.forge.set_labels(1, add=["ready", "shipped", "urgent"], remove=["in-progress"])
    await fleet.settle()
    assert set(labels_in_file(fleet)) == {"in-progress", "urgent"}
    assert fleet.of_ticket().state is TicketState.IN_PROGRESS
    assert len(fleet.ctx.reader.runs(ticket=1)) == 1
    (record,) = await fleet.ctx.forge.tickets() or []
    assert set(record.labels) == {"in-progress", "urgent"}


async def test_blocked_ticket_goes_on_when_marked_ready_again(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await tickets.block(fleet.ctx, 1, "too thin")
    await fleet.end(run, "failed")
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.BLOCKED
    assert labels_in_file(fleet) == ("blocked",), "the ready label of before must not let it go on"
    await fleet.ctx.forge.set_labels(1, add=["ready"])
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.IN_PROGRESS
    assert len(fleet.ctx.reader.runs(ticket=1)) == 2
    assert labels_in_file(fleet) == ("in-progress",)


@pytest.mark.parametrize(("ready", "closed"), [(True, True), (False, True)])
async def test_removed_file_closes_a_ticket_that_nobody_works_on(fleet: Fleet, ready: bool, closed: bool) -> None:
    await fleet.ticket(ready=ready)
    await observe(fleet)
    path_of(fleet, 1).unlink()
    await observe(fleet)
    assert (fleet.of_ticket().state is TicketState.CLOSED) == closed


async def test_removed_file_does_not_end_work_under_way(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    path_of(fleet, 1).unlink()
    await observe(fleet)
    assert fleet.of_ticket().state is TicketState.IN_PROGRESS


async def test_work_on_a_removed_ticket_goes_on_to_the_end(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    path_of(fleet, 1).unlink()
    await fleet.author()
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.SHIPPED


async def test_broken_file_is_told_and_closes_nothing(fleet: Fleet) -> None:
    await fleet.ticket("One", ready=False)
    await fleet.ticket("Two", ready=False)
    await observe(fleet)
    path = path_of(fleet, 2)
    good = path.read_text()
    path.write_text("---\ntitle: [unclosed\n---\nbody\n")
    path_of(fleet, 1).unlink()
    for _ in range(5):
        await observe(fleet)
    (alarm,) = fleet.alarms("ticket-file")
    assert path.name in alarm.title
    assert {ticket.state for ticket in fleet.ctx.reader.tickets()} == {TicketState.DRAFT}
    path.write_text(good)
    await observe(fleet)
    assert fleet.alarms("ticket-file") == []
    assert fleet.of_ticket(1).state is TicketState.CLOSED


async def test_hostile_ticket_is_stored_harmless(fleet: Fleet) -> None:
    await fleet.ticket("Log\u202ein \x1b]52;c;AAAA\x07 [red]x[/]", "a\x1b[31mb\u200bc\n" * 50)
    await observe(fleet)
    ticket = fleet.of_ticket()
    assert ticket.title == "Login [red]x[/]"
    assert "\x1b" not in ticket.excerpt
    assert len(ticket.excerpt) <= 400


async def test_own_label_names(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer")], labels={"ready": "go", "in_progress": "wip"})
    await fleet.ctx.forge.create_ticket("A", "a", ["go"])
    await fleet.ctx.forge.create_ticket("B", "b", ["ready"])
    await fleet.settle()
    assert fleet.of_ticket(1).labels == ("wip",)
    assert fleet.of_ticket(2).state is TicketState.DRAFT
