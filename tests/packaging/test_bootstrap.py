"""tools/bootstrap.sh on systems that lack something, played with a PATH of small stand-in programs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "bootstrap.sh"
# What a bare system has; everything else that the script may find is made by a test.
COREUTILS = ("sh", "true", "sed", "printf", "cat", "env", "chmod", "touch", "mkdir", "rm")

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")


class System:
    """A made-up system: its programs, and what was run on it."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "bin"
        self.bin.mkdir()
        self.log = root / "log"
        self.log.touch()
        self.venv = root / "venv"
        for name in COREUTILS:
            found = shutil.which(name)
            assert found, name
            (self.bin / name).symlink_to(found)
        self.user(1000)
        self.program("git", "exit 0")
        self.program("tmux", 'echo "tmux 3.3a"')
        self.python("python3", sys.executable)

    def program(self, name: str, body: str) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.log}"\n{body}\n')
        path.chmod(0o755)

    def python(self, name: str, real: str) -> None:
        self.program(name, f'exec "{real}" "$@"')

    def user(self, uid: int) -> None:
        self.program("id", f"echo {uid}")

    def lacks(self, name: str) -> None:
        (self.bin / name).unlink()

    def provides(self, manager: str, package: str, body: str, path: str | None = None) -> None:
        """The package manager that makes program ``path`` appear when ``package`` is installed."""
        target = self.bin / (path or package)
        script = f"printf '#!/bin/sh\\n%s\\n' '{body}' > '{target}' && chmod 755 '{target}'"
        self.program(manager, f'case "$*" in *" {package}"*) {script} ;; esac')

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(SCRIPT), str(self.venv)],
            env={"PATH": str(self.bin), "HOME": str(self.bin), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def ran(self, start: str) -> bool:
        return any(line.startswith(start) for line in self.log.read_text().splitlines())


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


@pytest.mark.slow
def test_a_complete_system_gets_a_virtual_environment(system: System) -> None:
    done = system.run()
    assert done.returncode == 0, done.stderr
    assert (system.venv / "bin" / "python").exists()
    before = (system.venv / "pyvenv.cfg").stat().st_mtime_ns
    assert system.run().returncode == 0
    assert (system.venv / "pyvenv.cfg").stat().st_mtime_ns == before, "an environment that works is left alone"


def test_without_a_password_it_says_exactly_what_to_type(system: System) -> None:
    system.lacks("tmux")
    system.program("apt-get", "exit 0")
    system.program("sudo", "exit 1")
    done = system.run()
    assert done.returncode == 1
    assert "\n  sudo apt-get install -y --no-install-recommends tmux\n" in done.stderr
    assert not system.ran("apt-get")


def test_root_installs_tmux_and_says_so_first(system: System) -> None:
    system.lacks("tmux")
    system.user(0)
    system.provides("apt-get", "tmux", "echo tmux 3.3a")
    system.lacks("python3")
    done = system.run()
    assert "installing with: apt-get install -y --no-install-recommends tmux" in done.stdout
    assert system.ran("apt-get install")
    assert "no Python 3.11 or newer was found" in done.stderr, "it went on to the next need"


def test_sudo_is_used_only_when_it_asks_no_password(system: System) -> None:
    system.lacks("git")
    system.lacks("python3")
    system.provides("dnf", "git", "exit 0")
    system.program("sudo", 'shift; exec "$@"')
    done = system.run()
    assert system.ran("sudo -n true")
    assert system.ran("sudo -n dnf install -y git")
    assert "no Python 3.11" in done.stderr


@pytest.mark.parametrize(
    ("manager", "line"),
    [
        ("apt-get", "sudo apt-get install -y --no-install-recommends tmux"),
        ("dnf", "sudo dnf install -y tmux"),
        ("pacman", "sudo pacman -S --noconfirm --needed tmux"),
        ("apk", "sudo apk add tmux"),
        ("brew", "brew install tmux"),
    ],
)
def test_every_package_manager_has_its_own_words(system: System, manager: str, line: str) -> None:
    system.lacks("tmux")
    system.program(manager, "exit 1")
    done = system.run(FLEET_NO_INSTALL="1")
    assert f"\n  {line}\n" in done.stderr
    assert not system.ran(manager)


def test_homebrew_needs_no_root(system: System) -> None:
    system.lacks("tmux")
    system.provides("brew", "tmux", "echo tmux 3.5a")
    system.lacks("python3")
    assert "no Python 3.11" in system.run().stderr
    assert system.ran("brew install tmux")


def test_an_unknown_system_is_told_what_is_missing(system: System) -> None:
    system.lacks("tmux")
    done = system.run()
    assert done.returncode == 1
    assert "no package manager" in done.stderr
    assert "tmux" in done.stderr


def test_a_failed_installation_stops(system: System) -> None:
    system.lacks("tmux")
    system.user(0)
    system.program("apt-get", "exit 100")
    done = system.run()
    assert done.returncode == 1
    assert "that failed" in done.stderr


@pytest.mark.parametrize("version", ["tmux 3.1c", "tmux 2.9a", "tmux 1.8", "tmux master"])
def test_an_old_tmux_is_refused_with_its_version(system: System, version: str) -> None:
    system.program("tmux", f'echo "{version}"')
    done = system.run()
    assert done.returncode == 1
    assert version in done.stderr
    assert "3.2" in done.stderr


@pytest.mark.parametrize(
    "version", ["tmux 3.2", "tmux 3.2a", "tmux 3.10", "tmux 4.0", "tmux next-3.6", "tmux openbsd-7.4"]
)
def test_a_new_tmux_is_accepted(system: System, version: str) -> None:
    system.program("tmux", f'echo "{version}"')
    system.lacks("python3")
    assert "no Python 3.11" in system.run().stderr


def test_pythons_that_are_too_old_or_do_not_run_are_passed_over(system: System) -> None:
    system.program("python3.13", "echo 'shim: not found' >&2; exit 127")
    system.program("python3.12", "exit 1")
    system.program("python3", "exit 1")
    done = system.run()
    assert done.returncode == 1
    assert "FLEET_PYTHON=" in done.stderr
    assert all(system.ran(name) for name in ("python3.13", "python3.12", "python3 "))


def test_debian_without_the_venv_module_names_the_package(system: System) -> None:
    body = 'case "$2" in *ensurepip*) exit 1 ;; *print*) echo 3.11 ;; esac'
    system.program("python3", body)
    system.program("apt-get", "exit 0")
    system.program("sudo", "exit 1")
    done = system.run()
    assert "\n  sudo apt-get install -y --no-install-recommends python3.11-venv\n" in done.stderr


def test_a_python_with_venv_is_preferred_to_a_newer_one_without(system: System) -> None:
    system.program("python3.13", 'case "$2" in *ensurepip*) exit 1 ;; esac')
    system.program("python3", 'case "$1" in -m) mkdir -p "$4" ;; -V) echo Python 3.11.2 ;; esac')
    done = system.run()
    assert done.returncode == 0, done.stderr
    assert system.ran("python3 -m venv")
    assert not system.ran("python3.13 -m venv")


@pytest.mark.parametrize(("manager", "package"), [("apt-get", "gh"), ("apk", "github-cli"), ("pacman", "github-cli")])
def test_gh_is_offered_and_not_demanded(system: System, manager: str, package: str) -> None:
    system.provides(manager, "something", "exit 0")
    system.lacks("python3")  # ends the set-up behind what is offered
    done = system.run()
    (told,) = [line for line in (done.stdout + done.stderr).splitlines() if "gh was not found" in line]
    assert "fleet works with local tickets only" in told
    assert told.rstrip().endswith(f" {package}")


def test_what_is_offered_is_installed_where_no_password_is_asked(system: System) -> None:
    system.user(0)
    system.lacks("python3")
    system.provides("apt-get", "gh", "exit 0")
    done = system.run()
    assert "gh was not found (it is how fleet talks to GitHub); installing with: apt-get install" in done.stdout
    calls = [line for line in system.log.read_text().splitlines() if line.startswith("apt-get")]
    at = next(place for place, line in enumerate(calls) if line.endswith(" gh"))
    assert calls[at - 1] == "apt-get update -qq"
    assert (system.bin / "gh").exists()


def test_hostile_directory_names_are_one_word(tmp_path: Path) -> None:
    root = tmp_path / "a b;touch $HOME"
    root.mkdir()
    system = System(root)
    system.program("python3", 'case "$1" in -m) mkdir -p "$4" ;; esac')
    assert system.run().returncode == 0
    assert (system.venv).is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["a b;touch $HOME"]
