"""What a fresh interpreter really loads: a static table cannot see whether an import was deferred."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"textual", "rich", "peewee", "libtmux", "pydantic", "yaml", "watchfiles", "croniter", "psutil", "asyncio"}
CLIENT = ROOT / "fleet_tui" / "bus" / "client.py"
# `_json` and `_socket` are the C halves; their Python halves cost more than everything else together.
OS_AND_ITS_OWN = {"os", "os.path", "posixpath", "genericpath", "stat", "_stat", "_collections_abc"}
CLIENT_MAY_LOAD = {"__future__", "_json", "_socket", "fcntl", "time"} | OS_AND_ITS_OWN
CLIENT_MUST_NOT_LOAD = {
    "argparse",
    "json",
    "re",
    "socket",
    "subprocess",
    "typing",
    "pathlib",
    "contextlib",
    "asyncio",
    "logging",
}


def loaded(code: str, *flags: str) -> set[str]:
    """The modules that ``code`` has loaded at its end, beyond those of a bare interpreter."""
    report = "\nimport sys\nsys.stdout.write('\\n' + ' '.join(sys.modules))"
    names = [
        subprocess.run(
            [sys.executable, *flags, "-c", text + report],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.splitlines()[-1]
        for text in (code, "")
    ]
    return set(names[0].split()) - set(names[1].split())


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    assert {name.split(".")[0] for name in loaded("import fleet_tui.cli.main")} & HEAVY == set()


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_version_and_help_stay_light(arguments: list[str]) -> None:
    code = f"""
import sys
sys.argv = ['fleet', *{arguments!r}]
from fleet_tui.cli.main import main
try:
    main()
except SystemExit:
    pass
"""
    assert {name.split(".")[0] for name in loaded(code)} & HEAVY == set()


def test_the_domain_loads_the_standard_library_only() -> None:
    names = [path.stem for path in (ROOT / "fleet_tui" / "domain").glob("*.py") if path.stem != "__init__"]
    code = "\n".join(f"import fleet_tui.domain.{name}" for name in names)
    tops = {name.split(".")[0] for name in loaded(code)}
    assert tops - sys.stdlib_module_names == {"fleet_tui"}


def test_the_agents_client_loads_only_what_is_listed() -> None:
    """As agents run it: isolated, without site-packages, and without fleet_tui being importable at all."""
    code = f"""
import sys
before = set(sys.modules)
sys.argv = ['fleet', 'help']
source = open({str(CLIENT)!r}, encoding='utf-8').read()
try:
    exec(compile(source, 'client.py', 'exec'), {{'__name__': '__main__'}})
except SystemExit:
    pass
sys.stdout.write('\\n' + ' '.join(set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd="/", capture_output=True, text=True, check=True, timeout=60
    )
    assert "fleet publish" in done.stdout
    assert set(done.stdout.splitlines()[-1].split()) <= CLIENT_MAY_LOAD


def test_the_agents_client_runs_without_an_installation() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", str(CLIENT), "help"],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    names = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "fleet publish" in done.stdout
    assert names & CLIENT_MUST_NOT_LOAD == set()


@pytest.mark.parametrize("package", ["bus.operator", "readmodel.needs", "governance.approvals", "settings.load"])
def test_parts_without_a_screen_load_no_screen(package: str) -> None:
    assert {name.split(".")[0] for name in loaded(f"import fleet_tui.{package}")} & {"textual", "libtmux"} == set()
