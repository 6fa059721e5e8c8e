"""A folder with a ``model.py`` of the user's own: Placefix takes its own packages, however it is started."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from model.geo import LatLon
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from tests.conftest import MakePhoto
from tests.end_to_end.conftest import free_port, ready_client
from tests.packaging.conftest import Installed, environment
from tests.packaging.context import ROOT

# Packages of Placefix, a module of Python and a library: all are imported by the help, which knows every command.
FILES = ("model.py", "service/__init__.py", "place_map.py", "index_builder.py", "queue.py", "typer.py")
CALL = "from placefix.__main__ import main; main()"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of pictures with programs among them, which must not run."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in FILES:
        (pictures / name).parent.mkdir(exist_ok=True)
        (pictures / name).write_text(f"raise SystemExit('{name} of the user has been imported')\n")
    return pictures


def test_own_packages_are_imported(folder: Path, installed: Installed) -> None:
    done = installed.run(folder, installed.script, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "evaluate" in done.stdout


@pytest.mark.parametrize("start", [("-m", "placefix"), ("-c", CALL)], ids=("module", "program"))
def test_other_starts_leave_the_folder_too(start: tuple[str, ...], folder: Path, installed: Installed) -> None:
    """The version needs only some of the packages, and the folder is left before any of them is imported."""
    done = installed.run(folder, installed.python, *start, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("placefix ")


def test_script_beside_a_module_of_that_name_may_start_the_command_line(folder: Path, installed: Installed) -> None:
    (folder / "start.py").write_text(f"{CALL}\n")
    done = installed.run(folder, installed.python, "start.py", "--version")
    assert (done.returncode, done.stderr) == (0, "")


def test_folder_that_placefix_lies_in_stays() -> None:
    """A checkout that is not installed, and from which nothing else leads to it: ``-S`` leaves out ``.pth`` files."""
    libraries = os.pathsep.join(each for each in sys.path if each.endswith("site-packages"))
    command = [sys.executable, "-S", "-m", "placefix", "--version"]
    variables = environment() | {"PYTHONPATH": libraries}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_map_is_built_served_and_asked_in_a_folder_of_programs(
    folder: Path, installed: Installed, make_photo: MakePhoto, tiny_network: SelaVPR
) -> None:
    position = LatLon(55.7, 13.2)
    for number in range(2):
        make_photo(folder / f"{number}.jpg", number, position)
    weights, maps = folder.parent / "tiny.safetensors", folder.parent / "maps" / "town"
    save_network(tiny_network, weights)
    built = installed.run(folder, installed.script, "build", "--source", ".", "--weights", weights, "--out", maps)
    assert built.returncode == 0, built.stderr
    asked = installed.run(folder, installed.script, "localize", "1.jpg", "--map", maps, "--json")
    assert asked.returncode == 0, asked.stderr
    log, port = folder.parent / "log", free_port()
    command = [str(each) for each in (installed.script, "serve", "--map", maps, "--port", port)]
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=folder, stdout=output, stderr=output) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.kill)
        client = stack.enter_context(ready_client(port, process.poll, log))
        photo = (folder / "1.jpg").read_bytes()
        answer = client.post("/localize", content=photo).raise_for_status().json()
        assert client.get("/").raise_for_status().text.startswith("<!doctype html>")
    for each in (json.loads(asked.stdout), answer):
        assert each["candidates"][0]["id"] == "1.jpg"
        assert LatLon(**each["position"]) == pytest.approx(position, abs=1e-6)
