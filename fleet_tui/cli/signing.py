"""Deciding by signature: the statement comes from the watcher, the key never leaves its owner."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fleet_tui.cli.common import ask_watcher, fleet_paths
from fleet_tui.domain.errors import FleetError, UsageError

_NAMESPACE = "fleet"
_MOST = 20_000


Command = TypeVar("Command", bound=Callable[..., Any])


def options(command: Command) -> Command:
    """Add ``--sign KEY`` and ``--signature FILE`` to a command."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option("--signature", type=file, help="Decide as the person who signed the statement elsewhere."),
        click.option("--sign", type=file, metavar="KEY", help="Decide as the person with this SSH key."),
    ):
        command = option(command)
    return command


def statement(repo: Path | None, args: dict[str, Any]) -> str:
    """What is to be signed for the act ``args``, as the watcher sees it now."""
    return str(ask_watcher(fleet_paths(repo), "statement", args)["text"])


def signed(repo: Path | None, args: dict[str, Any], key: Path | None, signature: Path | None) -> dict[str, Any]:
    """``args`` with the signature, if one was asked for or brought.

    Raises:
        UsageError: both were given, or the file is no signature.
        FleetError: the key cannot sign.
    """
    if key is not None and signature is not None:
        raise UsageError("sign or signature", "--sign makes a signature, --signature hands one in", "give one of them")
    if signature is not None:
        text = signature.read_bytes()[:_MOST].decode("ascii", "replace")
        if "BEGIN SSH SIGNATURE" not in text:
            raise UsageError("not a signature", str(signature), "make it with `ssh-keygen -Y sign -n fleet`")
        return args | {"signature": text}
    return args | {"signature": _sign(statement(repo, args), key)} if key is not None else args


def _sign(text: str, key: Path) -> str:
    # No time limit: the key may ask for its passphrase, or to be touched.
    argv = ["ssh-keygen", "-Y", "sign", "-n", _NAMESPACE, "-f", str(key)]
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise FleetError("ssh-keygen is missing", "it makes the signature", "install openssh") from None
    if done.returncode != 0:
        raise FleetError("cannot sign", f"{key}: {done.stderr.strip()[-300:]}", "is its key in your ssh-agent?")
    return done.stdout
