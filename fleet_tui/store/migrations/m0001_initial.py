"""Version 1: the log, its head, and the state tables."""

from __future__ import annotations

import sqlite3

_SCHEMA = """
CREATE TABLE event (
    "seq" INTEGER PRIMARY KEY,
    "stream" TEXT NOT NULL,
    "eid" TEXT NOT NULL UNIQUE,
    "key" TEXT,
    "kind" TEXT NOT NULL,
    "ver" INTEGER NOT NULL,
    "actor" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "cause" TEXT,
    "epoch" INTEGER NOT NULL,
    "at_ns" INTEGER NOT NULL,
    "mono_ns" INTEGER NOT NULL,
    "boot" TEXT NOT NULL,
    "body_hash" BLOB NOT NULL,
    "prev" BLOB NOT NULL,
    "hash" BLOB NOT NULL
);
CREATE TABLE "event_body" (
    "seq" INTEGER PRIMARY KEY REFERENCES event (seq),
    "salt" BLOB NOT NULL,
    "bytes" BLOB NOT NULL
);
CREATE TABLE "head" (
    "id" INTEGER PRIMARY KEY CHECK (id = 1),
    "stream" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "hash" BLOB NOT NULL,
    "epoch" INTEGER NOT NULL
);
CREATE TABLE "agent" (
    "name" TEXT NOT NULL PRIMARY KEY,
    "role" TEXT NOT NULL,
    "vendor" TEXT NOT NULL,
    "model" TEXT,
    "enabled" INTEGER NOT NULL CHECK ("enabled" IN (0, 1)),
    "max_concurrent" INTEGER NOT NULL,
    "department" TEXT,
    "reports_to" TEXT,
    "subscribes_to" TEXT NOT NULL,
    "budget_s" INTEGER,
    "extended_s" INTEGER NOT NULL,
    "charged_ms" INTEGER NOT NULL,
    "quarantined" INTEGER NOT NULL CHECK ("quarantined" IN (0, 1)),
    "quarantine_reason" TEXT NOT NULL,
    "paused" INTEGER NOT NULL CHECK ("paused" IN (0, 1)),
    "epoch" INTEGER NOT NULL,
    "denials" INTEGER NOT NULL,
    "acked_seq" INTEGER NOT NULL,
    "configured" INTEGER NOT NULL CHECK ("configured" IN (0, 1))
);
CREATE TABLE "ticket" (
    "number" INTEGER PRIMARY KEY,
    "title" TEXT NOT NULL,
    "excerpt" TEXT NOT NULL,
    "body_sha" TEXT NOT NULL,
    "labels" TEXT NOT NULL,
    "depends_on" TEXT NOT NULL,
    "priority" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "agent" TEXT,
    "run" TEXT,
    "pr" INTEGER,
    "blocked_reason" TEXT NOT NULL,
    "question" TEXT,
    "created_ns" INTEGER NOT NULL,
    "changed_ns" INTEGER NOT NULL
);
CREATE TABLE "run" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "agent" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "vendor" TEXT NOT NULL,
    "model" TEXT,
    "trigger" TEXT NOT NULL,
    "ticket" INTEGER,
    "pr" INTEGER,
    "head_sha" TEXT,
    "round" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "previous" TEXT,
    "instructions" TEXT NOT NULL,
    "not_before_ns" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "state_source" TEXT NOT NULL,
    "state_reason" TEXT NOT NULL,
    "state_ns" INTEGER NOT NULL,
    "session" TEXT NOT NULL,
    "pane_uuid" TEXT NOT NULL,
    "workspace" TEXT NOT NULL,
    "branch" TEXT NOT NULL,
    "base_sha" TEXT NOT NULL,
    "isolation" TEXT NOT NULL,
    "agent_epoch" INTEGER NOT NULL,
    "token_sha" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "queued_ns" INTEGER NOT NULL,
    "started_ns" INTEGER,
    "ended_ns" INTEGER,
    "exit_code" INTEGER,
    "signal" INTEGER,
    "active_ms" INTEGER NOT NULL,
    "charged_ms" INTEGER NOT NULL,
    "stop_requested" INTEGER NOT NULL CHECK ("stop_requested" IN (0, 1)),
    "published" INTEGER NOT NULL CHECK ("published" IN (0, 1)),
    "queued_id" TEXT NOT NULL,
    "queued_seq" INTEGER NOT NULL
);
CREATE TABLE "pull_request" (
    "number" INTEGER PRIMARY KEY,
    "ticket" INTEGER NOT NULL,
    "title" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "branch" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "agent" TEXT NOT NULL,
    "run" TEXT NOT NULL,
    "head_sha" TEXT NOT NULL,
    "base_sha" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "files" INTEGER NOT NULL,
    "added" INTEGER NOT NULL,
    "deleted" INTEGER NOT NULL,
    "merge_sha" TEXT,
    "created_ns" INTEGER NOT NULL,
    "changed_ns" INTEGER NOT NULL
);
CREATE TABLE "review" (
    "pr" INTEGER NOT NULL,
    "agent" TEXT NOT NULL,
    "head_sha" TEXT NOT NULL,
    "run" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "verdict" TEXT NOT NULL,
    "summary" TEXT NOT NULL,
    "at_ns" INTEGER NOT NULL,
    PRIMARY KEY ("pr", "agent", "head_sha")
);
CREATE TABLE "gate" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "pr" INTEGER NOT NULL,
    "tree" TEXT NOT NULL,
    "head_sha" TEXT NOT NULL,
    "base_sha" TEXT NOT NULL,
    "command" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "exit_code" INTEGER,
    "duration_ms" INTEGER NOT NULL,
    "log" TEXT NOT NULL,
    "tail" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "started_ns" INTEGER NOT NULL
);
CREATE TABLE "release" (
    "pr" INTEGER PRIMARY KEY,
    "agent" TEXT NOT NULL,
    "run" TEXT NOT NULL,
    "head_sha" TEXT NOT NULL,
    "decision" TEXT NOT NULL,
    "summary" TEXT NOT NULL,
    "at_ns" INTEGER NOT NULL
);
CREATE TABLE "approval" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "pr" INTEGER NOT NULL,
    "ticket" INTEGER NOT NULL,
    "head_sha" TEXT NOT NULL,
    "base_sha" TEXT NOT NULL,
    "tree" TEXT NOT NULL,
    "gates" TEXT NOT NULL,
    "policy" TEXT NOT NULL,
    "reasons" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "requested_ns" INTEGER NOT NULL,
    "expires_ns" INTEGER NOT NULL,
    "hold_until_ns" INTEGER,
    "decided_ns" INTEGER,
    "decided_by" TEXT,
    "reason" TEXT NOT NULL,
    "verdict" TEXT NOT NULL
);
CREATE TABLE "question" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "run" TEXT NOT NULL,
    "agent" TEXT NOT NULL,
    "ticket" INTEGER,
    "summary" TEXT NOT NULL,
    "answer" TEXT,
    "asked_ns" INTEGER NOT NULL,
    "answered_ns" INTEGER
);
CREATE TABLE "message" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "run" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "text_sha" TEXT,
    "sender" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "sent_ns" INTEGER NOT NULL
);
CREATE TABLE "mail" (
    "agent" TEXT NOT NULL,
    "seq" INTEGER NOT NULL REFERENCES event (seq),
    PRIMARY KEY ("agent", "seq")
) WITHOUT ROWID;
CREATE TABLE "alarm" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "rule" TEXT NOT NULL,
    "priority" INTEGER NOT NULL,
    "title" TEXT NOT NULL,
    "response" TEXT NOT NULL,
    "about" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "acknowledged_by" TEXT,
    "raised_ns" INTEGER NOT NULL,
    "cleared_ns" INTEGER
);
CREATE TABLE "effect" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "effect_class" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "precondition" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "fence" INTEGER NOT NULL,
    "error" TEXT NOT NULL,
    "result" TEXT NOT NULL,
    "cause" TEXT,
    "planned_ns" INTEGER NOT NULL
);
CREATE TABLE "workspace" (
    "ticket" INTEGER PRIMARY KEY,
    "branch" TEXT NOT NULL,
    "base_sha" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "removed" INTEGER NOT NULL CHECK ("removed" IN (0, 1)),
    "backup_ref" TEXT
);
CREATE TABLE "fleet" (
    "id" INTEGER PRIMARY KEY CHECK (id = 1),
    "config_sha" TEXT NOT NULL,
    "policy" TEXT NOT NULL,
    "config_problems" TEXT NOT NULL,
    "watcher_pid" INTEGER NOT NULL,
    "watcher_host" TEXT NOT NULL,
    "watcher_epoch" INTEGER NOT NULL,
    "watcher_running" INTEGER NOT NULL CHECK ("watcher_running" IN (0, 1)),
    "isolation" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "target_sha" TEXT NOT NULL,
    "published_sha" TEXT NOT NULL
);
CREATE UNIQUE INDEX event_key ON event (key) WHERE key IS NOT NULL;
CREATE INDEX event_kind ON event (kind, seq);
CREATE INDEX event_subject ON event (subject, seq);
CREATE INDEX event_actor ON event (actor, seq);
CREATE INDEX event_cause ON event (cause) WHERE cause IS NOT NULL;
CREATE INDEX ticket_state ON ticket (state, number);
CREATE INDEX run_state ON run (state, queued_seq);
CREATE INDEX run_agent ON run (agent, queued_seq);
CREATE INDEX run_ticket ON run (ticket, queued_seq);
CREATE INDEX run_pr ON run (pr, queued_seq);
CREATE INDEX run_queued ON run (queued_seq);
CREATE INDEX pull_request_state ON pull_request (state, number);
CREATE INDEX pull_request_ticket ON pull_request (ticket, number);
CREATE INDEX gate_pr ON gate (pr, started_ns);
CREATE INDEX gate_tree ON gate (tree);
CREATE INDEX approval_state ON approval (state, requested_ns);
CREATE INDEX approval_pr ON approval (pr, requested_ns);
CREATE INDEX question_open ON question (asked_ns) WHERE answer IS NULL;
CREATE INDEX message_state ON message (state, sent_ns);
CREATE INDEX message_run ON message (run, sent_ns);
CREATE INDEX alarm_state ON alarm (state, raised_ns);
CREATE INDEX effect_state ON effect (state, planned_ns);
"""


def up(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";\n"):
        if statement.strip():
            connection.execute(statement)
