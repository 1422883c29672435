"""What a contained run looked like, kept outside the log: screen, work, processes, events; and a manifest that the log
vouches for."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import psutil

from fleet_tui.beneath import Beneath
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import EvidenceKept
from fleet_tui.domain.model import Run
from fleet_tui.domain.text import clean, one_line
from fleet_tui.domain.untrusted import write_new
from fleet_tui.store.reader import EventFilter
from fleet_tui.tmux.runner_client import read_runner
from fleet_tui.watcher.context import Context

_SCROLLBACK_LINES = 5_000
_MOST_FILES = 20_000
_MOST_BYTES = 64 * 1024 * 1024
_EVENTS = 1_000
_MOST_DIFF = 4_000_000


def key_of(run: Run, epoch: int) -> str:
    """One bundle for each containment of a run."""
    return f"evidence:{run.id}:{epoch}"


async def keep(ctx: Context, run: Run, epoch: int) -> None:
    """Write the bundle of ``run`` and record it. What cannot be had is said in its place; a repeat makes a new one."""
    backup_ref = await _backup(ctx, run)
    texts = {
        "screen.txt": await _screen(ctx, run, 0),
        "scrollback.txt": await _screen(ctx, run, _SCROLLBACK_LINES),
        "diff.patch": await _diff(ctx, run, backup_ref),
        "processes.json": await asyncio.to_thread(_processes, ctx.paths.run_dir(run.id)),
        "environment.txt": await asyncio.to_thread(_environment_names, ctx.paths.run_dir(run.id)),
        "files.json": await asyncio.to_thread(_listing, Path(run.workspace)) if run.workspace else "[]",
        "events.jsonl": _events(ctx, run),
    }
    folder, manifest_sha = await asyncio.to_thread(_write, ctx.paths.evidence, run, texts, backup_ref)
    kept = EvidenceKept(run.id, run.agent, folder, len(texts), manifest_sha, backup_ref)
    await ctx.say(kept, f"run:{run.id}", key=key_of(run, epoch))


def _write(evidence: Path, run: Run, texts: dict[str, str], backup_ref: str | None) -> tuple[str, str]:
    """The folder's name and the manifest's SHA-256. A folder of a fresh name: nobody can have prepared it."""
    evidence.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"quarantine-{run.id}-", dir=evidence))
    digests = {}
    for name, text in texts.items():
        data = text.encode("utf-8", "replace")
        write_new(folder / name, data)
        digests[name] = hashlib.sha256(data).hexdigest()
    manifest = {"run": run.id, "agent": run.agent, "backup_ref": backup_ref, "files": digests}
    data = json.dumps(manifest, sort_keys=True, indent=1).encode()
    write_new(folder / "manifest.json", data)
    return folder.name, hashlib.sha256(data).hexdigest()


async def _screen(ctx: Context, run: Run, history: int) -> str:
    try:
        panes = await ctx.tmux.panes()
        pane = next((pane for pane in panes or () if pane.session == run.session), None)
        return "no pane\n" if pane is None else await ctx.tmux.capture(pane, history=history)
    except FleetError as error:
        return f"no picture: {error}\n"


async def _diff(ctx: Context, run: Run, backup_ref: str | None) -> str:
    """The work as it lay in the workspace, committed or not, against what it was begun on; of who has no workspace
    what was handed over."""
    try:
        ends = await _ends(ctx, run, backup_ref)
        if ends is None:
            return "no workspace, and nothing was handed over\n"
        files = await ctx.repository_of(run).control.diff(*ends, max_bytes=_MOST_DIFF)
    except FleetError as error:
        return f"no diff: {error}\n"
    lines: list[str] = []
    for file in files:
        lines.append(f"== {file.change.status} {file.change.path} +{file.change.added} -{file.change.deleted}")
        lines += [f"{line.kind}{line.text}" for hunk in file.hunks for line in hunk.lines]
    return "\n".join(lines or ["nothing was changed"]) + "\n"


async def _ends(ctx: Context, run: Run, backup_ref: str | None) -> tuple[str, str] | None:
    """Base and head of the diff; None when there is nothing to compare."""
    if backup_ref is not None:
        repository = ctx.repository_of(run)
        return run.base_sha or await repository.base(), await repository.control.commit_at(backup_ref)
    pull_request = ctx.reader.pull_request(run.pr) if run.pr is not None else None
    if pull_request is None and run.ticket is not None:
        ticket = ctx.reader.ticket(run.ticket)
        pull_request = ctx.reader.pull_request(ticket.pr) if ticket is not None and ticket.pr is not None else None
    return (pull_request.base_sha, pull_request.head_sha) if pull_request is not None else None


async def _backup(ctx: Context, run: Run) -> str | None:
    """The work itself, uncommitted files included, as a commit that nothing can take away."""
    if run.ticket is None or ctx.home.workspaces.find(run.ticket) is None or not run.branch:
        return None
    try:
        return await ctx.repository_of(run).workspaces.snapshot(run.ticket, "quarantine")
    except FleetError:
        return None


def _processes(run_dir: Path) -> str:
    record = read_runner(run_dir)
    found: list[dict[str, Any]] = []
    try:
        root = psutil.Process(record.pid) if record is not None else None
    except psutil.Error:
        root = None
    for process in (root, *root.children(recursive=True)) if root is not None else ():
        try:
            with process.oneshot():
                words = [one_line(word, 400) for word in process.cmdline()]
                facts = (process.pid, process.ppid(), process.status(), int(process.create_time()))
            found.append(dict(zip(("pid", "ppid", "status", "started_s"), facts, strict=True)) | {"argv": words})
        except psutil.Error:
            continue
    return json.dumps(found, indent=1)


def _environment_names(run_dir: Path) -> str:
    """Names alone: values may be secrets."""
    names: set[str] = set()
    record = read_runner(run_dir)
    try:
        family = psutil.Process(record.pid).children(recursive=True) if record is not None else []
    except psutil.Error:
        family = []
    for process in family:
        try:
            names.update(process.environ())
        except psutil.Error:
            continue
    return "".join(f"{one_line(name, 200)}\n" for name in sorted(names))


def _events(ctx: Context, run: Run) -> str:
    about = ctx.reader.events(EventFilter(subjects=(f"run:{run.id}",)), limit=_EVENTS)
    by = ctx.reader.events(EventFilter(actors=(f"agent:{run.agent}/{run.id}",)), limit=_EVENTS)
    ordered = sorted({event.seq: event for event in (*about, *by)}.items())
    lines = [
        {"seq": seq, "kind": e.kind, "at_ns": e.at_ns, "actor": e.actor, "payload": e.payload} for seq, e in ordered
    ]
    return "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)


def _listing(tree: Path) -> str:
    """Every file with size, mode and SHA-256; links are named, not followed, git's own files are left out."""
    try:
        top = Beneath(tree)
    except OSError:
        return "[]"
    entries: list[dict[str, Any]] = []
    left = _MOST_BYTES
    with top:
        for path, kind in top.walk(but=b".git"):
            if kind == stat.S_IFDIR:
                continue
            if len(entries) >= _MOST_FILES:
                entries.append({"path": "…", "more": True})
                break
            with contextlib.suppress(OSError):
                entry, used = _entry(top, path, left)
                entries.append(entry)
                left -= used
    return json.dumps(entries, indent=1)


def _entry(top: Beneath, path: bytes, left: int) -> tuple[dict[str, Any], int]:
    """What is said of one file, and how many bytes of it were read."""
    info = top.stat(path)
    entry: dict[str, Any] = {"path": clean(os.fsdecode(path)), "mode": oct(info.st_mode), "bytes": info.st_size}
    if not stat.S_ISREG(info.st_mode) or info.st_size > left:
        return entry, 0
    try:
        with top.open(path) as file:
            entry["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        entry["sha256"] = None
    return entry, info.st_size
