"""Installs the vendors' programs that the tests marked `vendor` run, as vendors.lock has them: `make vendors`.

    python tools/vendors.py .vendors [NAME...]

npm fetches, without running the packages' own scripts; what it unpacked must be in vendors.lock to the letter. What has
the name of a file there instead is Python's: pip installs it with the hashes of that file. All of it lies in the
directory given.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
Locked = dict[str, list[tuple[str, str, str]]]


def locked(text: str) -> Locked:
    """Vendor to its packages (name, version, integrity), the one to ask for first."""
    found: Locked = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            vendor, *package = line.split()
            name, version, integrity = package
            found.setdefault(vendor, []).append((name, version, integrity))
    return found


def install(target: Path, packages: list[tuple[str, str, str]]) -> None:
    """Install the first of ``packages`` into ``target``, unless just that is there already."""
    name, version, _ = packages[0]
    if not problems(target, packages):
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier", "--loglevel=error"]
    subprocess.run(["npm", "install", *flags, "--prefix", str(target), f"{name}@{version}"], check=True)
    found = problems(target, packages)
    if found:
        shutil.rmtree(target)
        raise SystemExit(f"vendors: not what vendors.lock says, removed again: {'; '.join(found)}")


def install_python(target: Path, lock: Path) -> None:
    """Install what ``lock`` lists into an environment of its own, unless just that is there already."""
    stamp, wanted = target / "installed.lock", lock.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(target, ignore_errors=True)
    venv.create(target, with_pip=True, symlinks=True)
    flags = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:", "--no-deps"]
    subprocess.run([str(target / "bin" / "python"), "-m", "pip", "install", *flags, "-r", str(lock)], check=True)
    stamp.write_text(wanted, encoding="utf-8")


def problems(target: Path, packages: list[tuple[str, str, str]]) -> list[str]:
    """What of ``target`` is not as locked; one entry when nothing is there."""
    try:
        listed = json.loads((target / "node_modules" / ".package-lock.json").read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError):
        return ["nothing is installed"]
    known = set(packages)
    found = []
    for path, entry in listed.items():
        name = entry.get("name") or path.rpartition("node_modules/")[2]
        if (name, entry["version"], entry.get("integrity")) not in known:
            found.append(f"{name} {entry['version']} {entry.get('integrity')}")
    return found if listed else ["nothing is installed"]


def main(arguments: list[str]) -> None:
    target = Path(arguments[0])
    everything = locked((ROOT / "vendors.lock").read_text(encoding="utf-8"))
    names = arguments[1:] or list(everything)
    unknown = set(names) - set(everything)
    if unknown:
        raise SystemExit(f"vendors: not in vendors.lock: {', '.join(sorted(unknown))}")
    for name in names:
        print(f"vendors: {name} {everything[name][0][1]}", flush=True)
        _, _, integrity = everything[name][0]
        if integrity.endswith(".lock"):
            install_python(target / name, ROOT / integrity)
        else:
            install(target / name, everything[name])


if __name__ == "__main__":
    main(sys.argv[1:])
