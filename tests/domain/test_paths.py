"""State directories are ours alone, or the fleet refuses to start; names of fleets are safe and stable."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.ids import is_safe_id, new_id
from fleet_tui.paths import FleetPaths, fleet_id, shipped_config, unusable

AS_ROOT = os.getuid() == 0
NOBODY = 65534


@pytest.fixture
def home() -> Iterator[Path]:
    """A short private directory: unix sockets do not fit under pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp"))
    yield path
    for directory, _, _ in os.walk(path):
        Path(directory).chmod(0o700)
    shutil.rmtree(path)


@pytest.fixture
def paths(home: Path, monkeypatch: pytest.MonkeyPatch) -> FleetPaths:
    monkeypatch.setenv("FLEET_STATE_HOME", str(home / "s"))
    monkeypatch.setenv("FLEET_RUNTIME_DIR", str(home / "r"))
    (home / "shop").mkdir()
    return FleetPaths.of(home / "shop")


def refusal(paths: FleetPaths) -> FleetError:
    with pytest.raises(FleetError) as caught:
        paths.create()
    assert caught.value.hint, "every refusal says what to do"
    return caught.value


def test_everything_is_made_private_whatever_the_umask(paths: FleetPaths, home: Path) -> None:
    before = os.umask(0)
    try:
        paths.create()
    finally:
        os.umask(before)
    made = [path for path in (home / "s", home / "r") for path in (path, *path.rglob("*"))]
    assert len(made) > 6
    assert {path.stat().st_mode & 0o777 for path in made} == {0o700}


def test_creating_twice_is_fine(paths: FleetPaths) -> None:
    paths.create()
    (paths.state / "fleet.db").write_bytes(b"x")
    paths.create()
    assert paths.database.read_bytes() == b"x"


def test_looking_at_paths_creates_nothing(paths: FleetPaths, home: Path) -> None:
    assert paths.state.name == paths.fleet
    assert sorted(entry.name for entry in home.iterdir()) == ["shop"]


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o770])
@pytest.mark.parametrize("which", ["state", "runtime"])
def test_a_directory_open_to_others_is_refused(paths: FleetPaths, which: str, mode: int) -> None:
    path: Path = getattr(paths, which)
    path.mkdir(parents=True)
    path.chmod(mode)
    error = refusal(paths)
    assert f"{mode:o}" in error.message
    assert error.hint == f"chmod 700 {path}"


@pytest.mark.parametrize("which", ["state", "runtime", "workspaces"])
def test_a_link_is_refused_even_to_a_private_directory(paths: FleetPaths, home: Path, which: str) -> None:
    elsewhere = home / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    path: Path = getattr(paths, which)
    path.parent.mkdir(parents=True, mode=0o700)
    path.symlink_to(elsewhere)
    assert "link" in refusal(paths).message
    assert list(elsewhere.iterdir()) == []


def test_a_dangling_link_and_a_file_are_refused(paths: FleetPaths, home: Path) -> None:
    paths.state.parent.mkdir(mode=0o700)
    paths.state.symlink_to(home / "nowhere")
    assert "not a directory" in refusal(paths).message
    paths.state.unlink()
    paths.state.write_text("a file")
    assert "not a directory" in refusal(paths).message


@pytest.mark.parametrize("parent", ["s", "r"])
def test_a_parent_that_others_can_write_is_refused(paths: FleetPaths, home: Path, parent: str) -> None:
    (home / parent).mkdir()
    (home / parent).chmod(0o777)
    assert refusal(paths).hint == f"chmod go-w {home / parent}"


def test_a_sticky_parent_such_as_tmp_is_fine(paths: FleetPaths, home: Path) -> None:
    (home / "r").mkdir()
    (home / "r").chmod(0o1777)
    paths.create()
    assert paths.runtime.is_dir()


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a directory away")
@pytest.mark.parametrize("which", ["state", "runtime", "parent"])
def test_a_foreign_directory_is_refused(paths: FleetPaths, which: str) -> None:
    path = paths.state.parent if which == "parent" else getattr(paths, which)
    path.mkdir(parents=True, mode=0o700)
    os.chown(path, NOBODY, NOBODY)
    assert f"uid {NOBODY}" in refusal(paths).message


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Without root's right to write everywhere; the saved uid keeps the way back open, and no process is forked."""
    if AS_ROOT:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if AS_ROOT:
            os.setresuid(0, 0, 0)


def test_a_read_only_parent_is_explained(paths: FleetPaths, home: Path) -> None:
    (home / "s").mkdir()
    (home / "s").chmod(0o555)
    home.chmod(0o755)
    if AS_ROOT:
        os.chown(home / "s", NOBODY, NOBODY)
    with as_ordinary_user():
        error = refusal(paths)
    assert error.title == "cannot create the state directory"
    assert str(paths.state) in error.message
    assert "FLEET_STATE_HOME" in error.hint


def test_a_read_only_state_directory_is_explained(paths: FleetPaths, home: Path) -> None:
    paths.state.mkdir(parents=True)
    paths.state.chmod(0o500)
    if AS_ROOT:
        os.chown(paths.state, NOBODY, NOBODY)
    home.chmod(0o755)
    with as_ordinary_user():
        error = refusal(paths)
    assert error.title == "state directory is read-only"
    assert "FLEET_STATE_HOME" in error.hint


def test_a_runtime_directory_too_deep_for_a_socket_is_refused(
    paths: FleetPaths, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_RUNTIME_DIR", str(home / ("deep" * 25)))
    assert "FLEET_RUNTIME_DIR" in refusal(FleetPaths.of(paths.repository)).hint


def test_the_deepest_socket_can_be_bound(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest name of a repository, in the longest base that is taken from XDG_RUNTIME_DIR."""
    monkeypatch.delenv("FLEET_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("FLEET_STATE_HOME", str(home / "s"))
    taken = []
    for length in range(len(str(home)) + 2, 60):
        base = home / ("x" * (length - len(str(home)) - 1))
        base.mkdir(mode=0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
        paths = FleetPaths.of(home / ("n" * 100))
        if base in paths.runtime.parents:
            taken.append(paths)
    run_dir = taken[-1].run_dir(new_id("run"))
    taken[-1].create()
    run_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(run_dir / "runner.sock"))
    assert len(os.fsencode(run_dir / "runner.sock")) == 103


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=60))
def test_fleet_ids_are_safe_and_stable(name: str) -> None:
    repository = Path("/nonexistent") / f"{name}x"
    assert is_safe_id(fleet_id(repository))
    assert fleet_id(repository) == fleet_id(repository)
    assert len(fleet_id(repository)) <= 33


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=20).map(
            lambda n: f"{n}x"
        ),
        min_size=2,
        max_size=6,
        unique=True,
    )
)
def test_different_repositories_have_different_fleets(names: list[str]) -> None:
    assert len({fleet_id(Path("/nonexistent") / name) for name in names}) == len(names)


def test_one_repository_has_one_fleet_however_it_is_reached(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "shop").mkdir()
    (home / "alias").symlink_to(home / "shop")
    monkeypatch.chdir(home)
    assert len({fleet_id(Path(p)) for p in ("shop", "./shop/../shop", str(home / "alias"), str(home / "shop"))}) == 1


def test_names_that_are_not_utf8_have_a_fleet_too(home: Path) -> None:
    assert is_safe_id(fleet_id(home / os.fsdecode(b"caf\xe9")))


def test_shipped_config_is_found_in_a_checkout() -> None:
    assert (shipped_config() / "defaults.yaml").is_file()


@pytest.mark.parametrize(("which", "variable"), [("state", "FLEET_STATE_HOME"), ("runtime", "FLEET_RUNTIME_DIR")])
def test_what_cannot_be_used_is_called_by_its_name(paths: FleetPaths, which: str, variable: str) -> None:
    path: Path = getattr(paths, which)
    path.parent.mkdir(mode=0o700)
    path.write_text("a file")
    error = refusal(paths)
    assert error.title == f"unsafe {which} directory"
    assert variable in error.hint
    full = unusable(OSError(errno.ENOSPC, "No space left on device", str(path / "x")))
    assert (full.title, full.message) == (
        f"the {which} directory cannot be used",
        f"{path / 'x'}: No space left on device",
    )
    assert full.hint == f"free some space, or set {variable} to a directory on another disk"
    assert unusable(OSError(errno.EACCES, "Permission denied", "/etc/x")).title == "the system refused"
