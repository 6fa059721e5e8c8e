"""A folder with a ``model.py`` of the user's own: Placefix takes its own packages, however it is started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model.geo import LatLon
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from tests.conftest import MakePhoto
from tests.packaging.context import ROOT

# Packages of Placefix, a module of Python and a library: all are imported by the command line.
FILES = ("model.py", "service/__init__.py", "place_map.py", "index_builder.py", "queue.py", "typer.py")
CALL = "from placefix.__main__ import main; main()"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of pictures with programs among them, which must not run."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in FILES:
        (pictures / name).parent.mkdir(exist_ok=True)
        (pictures / name).write_text(f"raise SystemExit('{name} of the user has been imported')\n")
    return pictures


def run(folder: Path, packages: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "start",
    [("-m", "placefix"), ("-c", CALL), ("bin/placefix",)],
    ids=("module", "program", "script"),
)
def test_own_packages_are_imported(start: tuple[str, ...], folder: Path, installed: Path) -> None:
    start = tuple(str(installed / each) if "/" in each else each for each in start)
    done = run(folder, installed, sys.executable, *start, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "evaluate" in done.stdout


def test_script_beside_a_module_of_that_name_may_start_the_command_line(folder: Path, installed: Path) -> None:
    (folder / "start.py").write_text(f"{CALL}\n")
    done = run(folder, installed, sys.executable, "start.py", "--version")
    assert (done.returncode, done.stderr) == (0, "")


def test_folder_that_placefix_lies_in_stays() -> None:
    """A checkout that is not installed, and from which nothing else leads to it: ``-S`` leaves out ``.pth`` files."""
    libraries = os.pathsep.join(each for each in sys.path if each.endswith("site-packages"))
    command = [sys.executable, "-S", "-m", "placefix", "--help"]
    done = run(ROOT, Path(libraries), *command)
    assert done.returncode == 0, done.stderr


def test_map_is_built_in_a_folder_of_programs(folder: Path, make_photo: MakePhoto, tiny_network: SelaVPR) -> None:
    for number in range(2):
        make_photo(folder / f"{number}.jpg", number, LatLon(55.7, 13.2))
    weights, out = folder.parent / "tiny.safetensors", folder.parent / "maps" / "town"
    save_network(tiny_network, weights)
    options = ("--source", ".", "--weights", str(weights), "--out", str(out))
    done = run(folder, ROOT, sys.executable, "-m", "placefix", "build", *options)
    assert done.returncode == 0, done.stderr
    assert (out / "CURRENT").is_file()
