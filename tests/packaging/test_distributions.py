"""What users install: an sdist, the wheel built from it, a bare environment with nothing but that wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTRA_ENTRIES = re.compile(r"^([a-z0-9][a-z0-9._-]*==\S+)", re.MULTILINE)

pytestmark = pytest.mark.slow
_OUTSIDE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
"""Nothing of this checkout is found by the way it is tested."""


def run(*argv: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env={**_OUTSIDE, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{argv}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return next(out.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(out)  # made by us a moment ago; `filter` is newer than the oldest supported Python
    return next(out.iterdir())


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist, not from the checkout: what is missing in the one is missing in the other."""
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, unpacked, cwd=out)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of an environment with the wheel and its run-time dependencies at their locked versions, no more."""
    home = tmp_path_factory.mktemp("bare")
    venv.create(home / "venv", with_pip=True)
    constraints = home / "constraints.txt"
    constraints.write_text("\n".join(EXTRA_ENTRIES.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))))
    binaries = home / "venv" / "bin"
    run(binaries / "python", "-m", "pip", "install", "--quiet", "--constraint", constraints, wheel, cwd=home)
    return binaries


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_installs_two_modules_and_no_more(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"fleet_tui", "fleet_widgets"}


def test_the_wheel_holds_every_shipped_file(wheel: Path) -> None:
    shipped = {f"fleet_tui/config/{path.relative_to(ROOT / 'config')}" for path in files(ROOT / "config")}
    sources = {str(path.relative_to(ROOT)) for path in files(ROOT / "fleet_tui")}
    widgets = {str(path.relative_to(ROOT / "widgets")) for path in files(ROOT / "widgets")}
    assert (shipped | sources | widgets) - set(names(wheel)) == set()
    assert {"fleet_tui/config/defaults.yaml", "fleet_tui/py.typed", "fleet_widgets/py.typed"} <= set(names(wheel))


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_the_wheel_holds_no_tests_and_no_rubbish(wheel: Path) -> None:
    # The demo plays on a project of its own, which has tests as any project does.
    ours = [name for name in names(wheel) if not name.startswith("fleet_tui/config/demo/project/")]
    assert [name for name in ours if re.search(r"(^|/)tests?/", name)] == []
    assert [name for name in names(wheel) if re.search(r"__pycache__|\.pyc$|\.orig$|~$", name)] == []
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names(wheel))


def test_the_sdist_can_be_worked_on(unpacked: Path) -> None:
    needed = [
        "tests",
        "docs",
        "Makefile",
        "requirements.lock",
        "tools/bootstrap.sh",
        "LICENSE",
        "README.md",
        "config",
        "CHANGELOG.md",
    ]
    assert [name for name in needed if not (unpacked / name).exists()] == []
    assert not list(unpacked.rglob("*.pyc"))


def test_version_and_help(bare: Path, tmp_path: Path) -> None:
    version = re.search(r'__version__ = "(.+)"', (ROOT / "fleet_tui" / "__init__.py").read_text(encoding="utf-8"))
    assert version
    assert version[1] in run(bare / "fleet", "--version", cwd=tmp_path)
    assert version[1] in run(bare / "python", "-m", "fleet_tui", "--version", cwd=tmp_path)
    shown = run(bare / "fleet", "--help", cwd=tmp_path)
    assert [word for word in ("ticket", "log", "config") if word not in shown] == []


def test_the_shipped_configuration_is_found(bare: Path, tmp_path: Path) -> None:
    code = "from fleet_tui.paths import shipped_config; print(shipped_config())"
    found = Path(run(bare / "python", "-c", code, cwd=tmp_path).strip())
    assert found.parts[-2:] == ("fleet_tui", "config")
    assert "site-packages" in found.parts
    assert run(bare / "fleet", "config", "schema", cwd=tmp_path).lstrip().startswith("{")


def test_every_module_can_be_imported_without_the_development_tools(bare: Path, tmp_path: Path) -> None:
    code = """
import importlib, pkgutil, fleet_tui, fleet_widgets
skip = ("fleet_tui.__main__",)
for package in (fleet_tui, fleet_widgets):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name not in skip:
            importlib.import_module(module.name)
            print(module.name)
"""
    imported = run(bare / "python", "-c", code, cwd=tmp_path).split()
    assert len(imported) > 100
    assert "fleet_widgets.pane_wall" in imported


def test_the_dependencies_agree_with_each_other(bare: Path, tmp_path: Path) -> None:
    run(bare / "python", "-m", "pip", "check", cwd=tmp_path)


def test_an_editable_installation_uses_the_checkout(unpacked: Path, bare: Path, tmp_path: Path) -> None:
    """In an environment that borrows the bare one's dependencies; the build uses the tools of this environment."""
    venv.create(tmp_path / "venv", with_pip=False)
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    run(
        *(sys.executable, "-m", "pip", "--python", tmp_path / "venv" / "bin" / "python", "install", "--quiet"),
        *("--no-deps", "--no-build-isolation", "--editable", unpacked),
        cwd=tmp_path,
        PYTHONPATH=os.pathsep.join(path for path in sys.path if path.endswith("site-packages")),
    )
    (site / "borrowed.pth").write_text(str(next(bare.parent.glob("lib/python*/site-packages"))))
    code = """
import fleet_tui, fleet_widgets
from fleet_tui.paths import shipped_config
print(fleet_tui.__file__, fleet_widgets.__file__, shipped_config())
"""
    found = run(tmp_path / "venv" / "bin" / "python", "-c", code, cwd=tmp_path).split()
    assert [Path(name).is_relative_to(unpacked.resolve()) for name in found] == [True, True, True]
    assert Path(found[1]).relative_to(unpacked.resolve()).parts[0] == "widgets"
    run(tmp_path / "venv" / "bin" / "fleet", "--version", cwd=tmp_path)
