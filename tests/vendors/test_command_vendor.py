"""Commands: placeholders, the four ways to prompt, and what a hostile prompt cannot do."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_tui.domain.errors import FleetError
from fleet_tui.vendors.base import Launch, LaunchRequest, Probe
from fleet_tui.vendors.command import CommandVendor
from fleet_tui.vendors.prompting import ARGUMENT_LIMIT
from fleet_tui.vendors.registry import vendor_for
from fleet_tui.vendors.scripted import ScriptedVendor
from fleet_tui.vendors.version import ask_version
from tests.examples import BUSY, tried

PRINT_ARGUMENTS = [sys.executable, "-c", "import sys; sys.stdout.write('\\0'.join(sys.argv[1:]))"]


@dataclass
class Entry:
    kind: str = "command"
    argv: tuple[str, ...] = ("agent",)
    prompt: str = "argv"
    env: dict[str, str] = field(default_factory=dict)
    story: str | None = None
    carry: tuple[str, ...] = ()


def launched(home: Path, argv: tuple[str, ...], *, how: str = "argv", prompt: str = "Do it.", **more: object) -> Launch:
    fields: dict[str, object] = {"model": "m-1", "ticket": 3} | more
    request = LaunchRequest(
        run="run-1", agent="dev", role="developer", prompt=prompt, run_dir=home, workspace=home / "w", home=home,
        model=fields["model"], ticket=fields["ticket"],  # type: ignore[arg-type]
    )  # fmt: skip
    return CommandVendor("x", argv, how, {"A": "b"}).launch(request)


def test_prompt_is_appended_when_no_placeholder_names_it(tmp_path: Path) -> None:
    assert launched(tmp_path, ("agent", "-p")).argv == ("agent", "-p", "Do it.")


def test_placeholders(tmp_path: Path) -> None:
    argv = ("agent", "--model={model}", "--dir", "{workspace}", "-t{ticket}", "{prompt}", "{other}", "{{model}}")
    found = launched(tmp_path, argv).argv
    assert found == ("agent", "--model=m-1", "--dir", f"{tmp_path}/w", "-t3", "Do it.", "{other}", "{m-1}")


def test_value_is_not_filled_again(tmp_path: Path) -> None:
    assert launched(tmp_path, ("agent", "{prompt}"), prompt="say {model} {workspace} {0} %s").argv[1] == (
        "say {model} {workspace} {0} %s"
    )


def test_without_a_model_its_option_goes_too(tmp_path: Path) -> None:
    argv = ("agent", "--verbose", "--model", "{model}", "--m={model}", "{prompt}")
    assert launched(tmp_path, argv, model=None).argv == ("agent", "--verbose", "Do it.")


def test_stdin_file_and_paste(tmp_path: Path) -> None:
    by_stdin = launched(tmp_path, ("agent",), how="stdin")
    assert by_stdin.argv == ("agent",)
    assert by_stdin.stdin_file is not None
    assert by_stdin.stdin_file.read_text() == "Do it."
    by_file = launched(tmp_path, ("agent", "{prompt_file}"), how="file")
    assert Path(by_file.argv[1]).read_text() == "Do it."
    assert by_file.env == {"A": "b", "FLEET_PROMPT_FILE": by_file.argv[1]}
    assert by_file.stdin_file is None
    by_paste = launched(tmp_path, ("agent",), how="paste")
    assert (by_paste.argv, by_paste.paste) == (("agent",), "Do it.")


def test_prompt_file_is_private_and_replaces_a_planted_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    (tmp_path / "prompt.md").symlink_to(target)
    (tmp_path / "prompt.md.tmp").symlink_to(target)
    (path,) = launched(tmp_path, ("agent",)).files
    assert target.read_text() == "untouched"
    assert not path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_long_prompt_goes_by_file(tmp_path: Path) -> None:
    prompt = "Ü" * ARGUMENT_LIMIT
    launch = launched(tmp_path, ("agent",), prompt=prompt)
    assert launch.argv[1] == f"Read the file {tmp_path / 'prompt.md'} and carry out the instructions in it."
    assert (tmp_path / "prompt.md").read_text() == prompt


@pytest.mark.parametrize("start", ["-rf", "--help", "/exit", "!id", "# Heading", "@file"])
def test_prompt_never_starts_like_an_option_or_a_command(tmp_path: Path, start: str) -> None:
    assert launched(tmp_path, ("agent",), prompt=f"  {start} text").argv[1] == f"Your instructions:\n\n{start} text"


@settings(max_examples=40, suppress_health_check=[*BUSY, HealthCheck.function_scoped_fixture], deadline=None)
@given(prompt=st.text(min_size=1, max_size=300))
def test_any_prompt_arrives_as_one_argument(tmp_path: Path, prompt: str) -> None:
    launch = launched(tmp_path, (*PRINT_ARGUMENTS, "{prompt}", "end"), prompt=prompt)
    done = subprocess.run(launch.argv, capture_output=True, check=True, timeout=30)
    first, last = done.stdout.decode().split("\0")
    assert last == "end"
    assert first == (tmp_path / "prompt.md").read_bytes().decode()


@tried(100, suppress_health_check=[*BUSY, HealthCheck.function_scoped_fixture])
@given(argv=st.lists(st.sampled_from(["agent", "-m", "{model}", "a{ticket}b", "{prompt}", "$(id)", "{x}"]), min_size=1))
def test_arguments_stay_apart(tmp_path: Path, argv: list[str]) -> None:
    launch = launched(tmp_path, tuple(argv), prompt="a b; c")
    assert len(launch.argv) == len(argv) + ("{prompt}" not in argv)


def test_probe_finds_programs_and_says_what_is_missing(tmp_path: Path) -> None:
    python = CommandVendor("py", (sys.executable,), "argv", {})
    assert python.probe(start=True).version == f"Python {sys.version.split()[0]}"
    assert python.probe() == Probe(True, program=sys.executable)
    missing = CommandVendor("nope", ("no-such-agent",), "argv", {}).probe(start=True)
    assert not missing.ok
    assert "no-such-agent is not on PATH" in missing.problem
    assert "vendors.nope.argv" in missing.hint
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexit 3\n")
    silent.chmod(0o755)
    assert CommandVendor("silent", (str(silent),), "argv", {}).probe(start=True).ok
    silent.write_text("not a program")
    assert not CommandVendor("silent", (str(silent),), "argv", {}).probe(start=True).ok


def test_a_program_that_does_not_tell_its_version_is_ended_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    silent = tmp_path / "silent"
    silent.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {child}\nwait\n")
    silent.chmod(0o755)
    with pytest.raises(TimeoutError):
        ask_version(str(silent), limit_s=2.0)
    deadline = time.monotonic() + 60
    while is_running(int(child.read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (Entry(argv=()), "argv is empty"),
        (Entry(prompt="telepathy"), "telepathy"),
        (Entry(kind="magic"), "magic"),
        (Entry(kind="scripted", story="no-such"), "shipped stories: "),
        (Entry(kind="scripted", story="../../etc/passwd"), "no shipped story"),
    ],
)
def test_settings_that_cannot_work(entry: Entry, message: str, tmp_path: Path) -> None:
    with pytest.raises(FleetError) as caught:
        vendor_for(entry, "x", repository=tmp_path)
    assert message in str(caught.value)


def test_stories_are_shipped_or_in_the_repository(tmp_path: Path) -> None:
    shipped = vendor_for(Entry(kind="scripted"), "s")
    assert isinstance(shipped, ScriptedVendor)
    assert shipped.probe().ok
    (tmp_path / "own.yaml").write_text("scenes:\n  - steps: [push, jump]\n")
    own = vendor_for(Entry(kind="scripted", story="own.yaml"), "s", repository=tmp_path)
    probe = own.probe()
    assert not probe.ok
    assert "own.yaml:2: unknown step `jump`" in probe.problem


def test_scripted_launch_is_the_same_each_time(tmp_path: Path) -> None:
    vendor = vendor_for(Entry(kind="scripted", argv=("--speed", "0")), "s")
    request = LaunchRequest("run-1", "dev", "developer", None, "Hi\x1b[201~", tmp_path, tmp_path, tmp_path, 3)
    first, second = vendor.launch(request), vendor.launch(request)
    assert first == second
    assert first.paste == "Hi"
    assert first.argv[-2:] == ("--speed", "0")


def test_files_that_the_configuration_names_are_meant_to_be_seen(tmp_path: Path) -> None:
    """In a sandbox: but none that a prompt names."""
    (tmp_path / "agent.py").write_text("pass\n")
    argv = ("python3", str(tmp_path / "agent.py"), "/no/such/file", "{prompt}")
    assert launched(tmp_path, argv, prompt=str(tmp_path / "agent.py")).reads == (tmp_path / "agent.py",)
