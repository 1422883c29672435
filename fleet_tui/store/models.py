"""The tables as peewee models, for queries. Migrations create them; a test compares the two.

Columns are named as the fields of the values in :mod:`fleet_tui.domain.model`. Lists and maps are canonical JSON text.
Models are bound to no database: every query is executed on an explicit one, so that two fleets can be open at once.
"""

from __future__ import annotations

from peewee import BigIntegerField, BlobField, BooleanField, CompositeKey, Model, TextField


class Base(Model):
    class Meta:
        legacy_table_names = False


class Event(Base):
    seq = BigIntegerField(primary_key=True)
    stream = TextField()
    eid = TextField(unique=True)
    key = TextField(null=True)
    kind = TextField()
    ver = BigIntegerField()
    actor = TextField()
    subject = TextField()
    cause = TextField(null=True)
    epoch = BigIntegerField()
    at_ns = BigIntegerField()
    mono_ns = BigIntegerField()
    boot = TextField()
    body_hash = BlobField()
    prev = BlobField()
    hash = BlobField()


class EventBody(Base):
    """``seq`` is the event's; ``hash`` may differ from the event's ``body_hash`` only after an erasure."""

    seq = BigIntegerField(primary_key=True)
    salt = BlobField()
    bytes = BlobField()


class Head(Base):
    """One row: the last event and the epoch of the writer that owns the log."""

    id = BigIntegerField(primary_key=True)
    stream = TextField()
    seq = BigIntegerField()
    hash = BlobField()
    epoch = BigIntegerField()


class Agent(Base):
    name = TextField(primary_key=True)
    role = TextField()
    vendor = TextField()
    model = TextField(null=True)
    enabled = BooleanField()
    max_concurrent = BigIntegerField()
    department = TextField(null=True)
    reports_to = TextField(null=True)
    subscribes_to = TextField()
    budget_s = BigIntegerField(null=True)
    extended_s = BigIntegerField()
    charged_ms = BigIntegerField()
    quarantined = BooleanField()
    quarantine_reason = TextField()
    paused = BooleanField()
    epoch = BigIntegerField()
    denials = BigIntegerField()
    acked_seq = BigIntegerField()
    configured = BooleanField()
    run_budgets = TextField()
    risk_floor = BigIntegerField()
    teams = TextField()


class Ticket(Base):
    number = BigIntegerField(primary_key=True)
    title = TextField()
    excerpt = TextField()
    body_sha = TextField()
    labels = TextField()
    depends_on = TextField()
    priority = BigIntegerField()
    state = TextField()
    agent = TextField(null=True)
    run = TextField(null=True)
    pr = BigIntegerField(null=True)
    blocked_reason = TextField()
    question = TextField(null=True)
    created_ns = BigIntegerField()
    changed_ns = BigIntegerField()
    scope = TextField()
    parts = TextField()
    repo = TextField()


class Run(Base):
    id = TextField(primary_key=True)
    agent = TextField()
    role = TextField()
    vendor = TextField()
    model = TextField(null=True)
    trigger = TextField()
    ticket = BigIntegerField(null=True)
    pr = BigIntegerField(null=True)
    head_sha = TextField(null=True)
    round = BigIntegerField()
    attempt = BigIntegerField()
    previous = TextField(null=True)
    instructions = TextField()
    not_before_ns = BigIntegerField()
    state = TextField()
    state_source = TextField()
    state_reason = TextField()
    state_ns = BigIntegerField()
    session = TextField()
    pane_uuid = TextField()
    workspace = TextField()
    branch = TextField()
    base_sha = TextField()
    isolation = TextField()
    agent_epoch = BigIntegerField()
    token_sha = TextField()
    host = TextField()
    queued_ns = BigIntegerField()
    started_ns = BigIntegerField(null=True)
    ended_ns = BigIntegerField(null=True)
    exit_code = BigIntegerField(null=True)
    signal = BigIntegerField(null=True)
    active_ms = BigIntegerField()
    charged_ms = BigIntegerField()
    stop_requested = BooleanField()
    published = BooleanField()
    queued_id = TextField()
    queued_seq = BigIntegerField()
    risk = BigIntegerField()
    risk_band = TextField()
    risk_reasons = TextField()
    lens = TextField()
    context_used = BigIntegerField(null=True)
    context_window = BigIntegerField(null=True)
    context_source = TextField()
    held = BooleanField()
    memory_mb = BigIntegerField(null=True)
    memory_by = TextField()
    stop_until_ns = BigIntegerField(null=True)
    stop_again = BooleanField()


class PullRequest(Base):
    number = BigIntegerField(primary_key=True)
    ticket = BigIntegerField()
    title = TextField()
    body = TextField()
    branch = TextField()
    target = TextField()
    agent = TextField()
    run = TextField()
    head_sha = TextField()
    base_sha = TextField()
    state = TextField()
    reason = TextField()
    round = BigIntegerField()
    files = BigIntegerField()
    added = BigIntegerField()
    deleted = BigIntegerField()
    merge_sha = TextField(null=True)
    created_ns = BigIntegerField()
    changed_ns = BigIntegerField()
    risk = BigIntegerField()
    risk_band = TextField()
    risk_reasons = TextField()
    risk_head = TextField()


class Review(Base):
    pr = BigIntegerField()
    agent = TextField()
    head_sha = TextField()
    run = TextField()
    role = TextField()
    verdict = TextField()
    summary = TextField()
    at_ns = BigIntegerField()
    lens = TextField()

    class Meta:
        primary_key = CompositeKey("pr", "agent", "head_sha")


class Gate(Base):
    id = TextField(primary_key=True)
    name = TextField()
    pr = BigIntegerField()
    tree = TextField()
    head_sha = TextField()
    base_sha = TextField()
    command = TextField()
    state = TextField()
    exit_code = BigIntegerField(null=True)
    duration_ms = BigIntegerField()
    log = TextField()
    tail = TextField()
    reason = TextField()
    started_ns = BigIntegerField()
    isolation = TextField()


class Release(Base):
    pr = BigIntegerField(primary_key=True)
    agent = TextField()
    run = TextField()
    head_sha = TextField()
    decision = TextField()
    summary = TextField()
    at_ns = BigIntegerField()


class Approval(Base):
    id = TextField(primary_key=True)
    pr = BigIntegerField()
    ticket = BigIntegerField()
    head_sha = TextField()
    base_sha = TextField()
    tree = TextField()
    gates = TextField()
    policy = TextField()
    reasons = TextField()
    state = TextField()
    requested_ns = BigIntegerField()
    expires_ns = BigIntegerField()
    hold_until_ns = BigIntegerField(null=True)
    decided_ns = BigIntegerField(null=True)
    decided_by = TextField(null=True)
    reason = TextField()
    verdict = TextField()
    risk_band = TextField()
    quorum = BigIntegerField()
    votes = TextField()


class Question(Base):
    id = TextField(primary_key=True)
    run = TextField()
    agent = TextField()
    ticket = BigIntegerField(null=True)
    summary = TextField()
    answer = TextField(null=True)
    asked_ns = BigIntegerField()
    answered_ns = BigIntegerField(null=True)


class Message(Base):
    id = TextField(primary_key=True)
    run = TextField()
    purpose = TextField()
    text = TextField()
    text_sha = TextField(null=True)
    sender = TextField()
    state = TextField()
    reason = TextField()
    sent_ns = BigIntegerField()


class Mail(Base):
    """Who got which event; the letter itself is the event."""

    agent = TextField()
    seq = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("agent", "seq")


class Alarm(Base):
    id = TextField(primary_key=True)
    rule = TextField()
    priority = BigIntegerField()
    title = TextField()
    response = TextField()
    about = TextField()
    state = TextField()
    acknowledged_by = TextField(null=True)
    raised_ns = BigIntegerField()
    cleared_ns = BigIntegerField(null=True)
    first = TextField(null=True)
    shelved_until_ns = BigIntegerField(null=True)
    shelved_reason = TextField()


class Effect(Base):
    id = TextField(primary_key=True)
    name = TextField()
    effect_class = TextField()
    target = TextField()
    precondition = TextField()
    state = TextField()
    fence = BigIntegerField()
    error = TextField()
    result = TextField()
    cause = TextField(null=True)
    planned_ns = BigIntegerField()


class Workspace(Base):
    ticket = BigIntegerField(primary_key=True)
    branch = TextField()
    base_sha = TextField()
    path = TextField()
    removed = BooleanField()
    backup_ref = TextField(null=True)


class Repository(Base):
    name = TextField(primary_key=True)
    target = TextField()
    target_sha = TextField()
    published_sha = TextField()


class Fleet(Base):
    id = BigIntegerField(primary_key=True)
    config_sha = TextField()
    policy = TextField()
    config_problems = TextField()
    watcher_pid = BigIntegerField()
    watcher_host = TextField()
    watcher_epoch = BigIntegerField()
    watcher_running = BooleanField()
    isolation = TextField()
    target = TextField()
    target_sha = TextField()
    published_sha = TextField()
    halted = TextField()
    budgets = TextField()


class Spending(Base):
    scope = TextField()
    name = TextField()
    window = TextField()
    start_ns = BigIntegerField()
    first_ns = BigIntegerField()
    run_ms = BigIntegerField()
    input_tokens = BigIntegerField()
    output_tokens = BigIntegerField()
    cache_read = BigIntegerField()
    cache_write = BigIntegerField()
    microusd = BigIntegerField()
    turns = BigIntegerField()
    estimated = BigIntegerField()
    unpriced = BigIntegerField()
    more_seconds = BigIntegerField()
    more_tokens = BigIntegerField()
    more_money = BigIntegerField()
    more_turns = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("scope", "name", "window", "start_ns")


class Account(Base):
    id = TextField(primary_key=True)
    vendor = TextField()
    agent = TextField()
    reason = TextField()
    limited = BooleanField()
    limited_ns = BigIntegerField()
    reset_ns = BigIntegerField(null=True)
    opened_ns = BigIntegerField(null=True)
    released_ns = BigIntegerField(null=True)
    released = BigIntegerField()
    limits = BigIntegerField()


class Cost(Base):
    run = TextField()
    model = TextField()
    source = TextField()
    hour_ns = BigIntegerField()
    agent = TextField()
    ticket = BigIntegerField(null=True)
    requests = BigIntegerField()
    input_tokens = BigIntegerField()
    output_tokens = BigIntegerField()
    cache_read = BigIntegerField()
    cache_write = BigIntegerField()
    reasoning_tokens = BigIntegerField()
    reasoned = BigIntegerField()
    microusd = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("run", "model", "source", "hour_ns")
