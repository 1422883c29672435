"""Who signed a statement: SSH signatures, checked by ``ssh-keygen`` against the signers of the configuration."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fleet_tui.domain.errors import FleetError, Refused, UsageError
from fleet_tui.domain.text import one_line
from fleet_tui.settings.approval import Signer

NAMESPACE = "fleet"
"""What a signature must have been made for: one for git or a file is not one for a decision."""
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_LONGEST = 20_000
_LIMIT_S = 10


async def signer_of(signers: Sequence[Signer], statement: str, signature: str) -> str:
    """The name of the signer who signed exactly ``statement``.

    Raises:
        Refused: nobody of ``signers`` did.
        FleetError: ``ssh-keygen`` is missing or does not end.
    """
    if len(signature) > _LONGEST:
        raise UsageError("not a signature", f"{len(signature)} characters", "make it with `ssh-keygen -Y sign`")
    return await asyncio.to_thread(_signer_of, signers, statement, signature)


def _signer_of(signers: Sequence[Signer], statement: str, signature: str) -> str:
    with tempfile.TemporaryDirectory(prefix="fleet-signature-") as directory:
        allowed, signed = Path(directory, "allowed_signers"), Path(directory, "signature")
        allowed.write_text("".join(f'{s.name} namespaces="{NAMESPACE}" {s.key}\n' for s in signers))
        signed.write_text(signature)
        files = ["-f", str(allowed), "-s", str(signed)]
        for name in dict.fromkeys(signer.name for signer in signers):
            checked = _keygen(["-Y", "verify", "-I", name, "-n", NAMESPACE, *files], statement)
            if checked.returncode == 0:
                return name
    names = ", ".join(sorted({signer.name for signer in signers})) or "nobody: `approval.signers` is empty"
    raise Refused(
        "the signature does not hold",
        f"{_what_it_is(signers, signature)} (signers: {names})",
        "look again and sign what `fleet approval statement` prints now",
    )


def _what_it_is(signers: Sequence[Signer], signature: str) -> str:
    """Why a signature was not accepted, from what it says of itself: the key and the purpose that it was made with."""
    key, namespace = _told_by(signature)
    if namespace is None:
        return "it cannot be read"
    if namespace != NAMESPACE:
        return f"it was made for `{one_line(namespace, 40)}`, not with `-n {NAMESPACE}`"
    if not any(key == signer.key.split()[1] for signer in signers):
        return "its key is no signer's"
    return "it is over something else than what would be decided now"


def _told_by(signature: str) -> tuple[str, str | None]:
    """The key in base64 and the namespace of an armoured SSH signature; no namespace when it is none."""
    try:
        data = base64.b64decode(signature.split(_BEGIN)[1].split("-----")[0])
        key, rest = _string(data.removeprefix(b"SSHSIG")[4:])
        return base64.b64encode(key).decode(), _string(rest)[0].decode("utf-8", "replace")
    except (IndexError, ValueError):
        return "", None


def _string(data: bytes) -> tuple[bytes, bytes]:
    """The first length-prefixed string of SSH's encoding, and what follows it."""
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 + size:
        raise ValueError("cut off")
    return data[4 : 4 + size], data[4 + size :]


def _keygen(arguments: Sequence[str], statement: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments], input=statement, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except FileNotFoundError:
        raise FleetError("ssh-keygen is missing", "signatures cannot be checked", "install openssh") from None
    except subprocess.TimeoutExpired:
        raise FleetError("ssh-keygen does not end", f"within {_LIMIT_S} s", "try again") from None
