"""What is said: questions, messages to panes, and mail between agents."""

from __future__ import annotations

from fleet_tui.domain.events import (
    Blocker,
    Event,
    MessageDelivered,
    MessageSent,
    Payload,
    QuestionAnswered,
    QuestionWithdrawn,
    payload_of,
)
from fleet_tui.domain.states import MessageState
from fleet_tui.store.projections.base import Apply, publish
from fleet_tui.store.tables import MAIL, MESSAGE, QUESTION, Tables


def asked(tables: Tables, event: Event) -> None:
    blocker = payload_of(event, Blocker)
    publish(tables, blocker.run)
    if tables.get(QUESTION, blocker.question) is not None:
        return
    facts = {"run": blocker.run, "agent": blocker.agent, "ticket": blocker.ticket, "summary": blocker.summary}
    answer = {"answer": None, "asked_ns": event.at_ns, "answered_ns": None}
    tables.put(QUESTION, {"id": blocker.question, **facts, **answer})


def answered(tables: Tables, event: Event) -> None:
    answer = payload_of(event, QuestionAnswered)
    tables.change(QUESTION, answer.question, answer=answer.text, answered_ns=event.at_ns)


def withdrawn(tables: Tables, event: Event) -> None:
    """It is closed for good, in the words that stand where the answer would."""
    question = payload_of(event, QuestionWithdrawn)
    row = tables.get(QUESTION, question.question)
    if row is not None and row["answer"] is None:
        tables.put(QUESTION, {**row, "answer": f"(withdrawn: {question.reason})", "answered_ns": event.at_ns})


def sent(tables: Tables, event: Event) -> None:
    facts = payload_of(event, MessageSent).as_dict()
    facts["id"] = facts.pop("message")
    if tables.get(MESSAGE, facts["id"]) is not None:
        return
    state = {"sender": event.actor, "state": MessageState.QUEUED.value, "reason": "", "sent_ns": event.at_ns}
    tables.put(MESSAGE, {**facts, **state})


def delivered(tables: Tables, event: Event) -> None:
    receipt = payload_of(event, MessageDelivered)
    state = MessageState(receipt.state).value
    tables.change(MESSAGE, receipt.message, state=state, reason=receipt.reason)


def mailed(tables: Tables, event: Event) -> None:
    """Any kind of event may name agents in ``to``: each gets it in its inbox."""
    recipients = event.payload.get("to")
    if not isinstance(recipients, list):
        return
    for agent in recipients:
        if isinstance(agent, str) and agent:
            tables.put(MAIL, {"agent": agent, "seq": event.seq})


APPLY: dict[type[Payload], Apply] = {
    Blocker: asked,
    QuestionAnswered: answered,
    QuestionWithdrawn: withdrawn,
    MessageSent: sent,
    MessageDelivered: delivered,
}
