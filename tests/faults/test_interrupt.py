"""Ctrl-C at any moment of a command: a sentence that says how to go on, its own exit code, no trace."""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from signal import SIGINT

import pytest

from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from placefix.exit_codes import ExitCode
from tests.child_processes import Program
from tests.conftest import write_photo
from tests.faults.interrupted_command import interrupt
from tests.faults.map_state import MapState, Served, check_good_and_alone, read_served
from tests.model.training.small_run import NETWORK

PATIENCE_S = 60.0
SEGMENTS = ("--batch-size", "2", "--segment-size", "4")
COMMANDS = ("build", "add", "update", "remove", "compact")
MOMENTS = 8


@dataclass(frozen=True)
class Told:
    """Hold the output and the exit code of a command.

    Attributes:
        exit_code: The exit code of the process.
        printed: Its output, on one line.
        steps: On the disk, below the map's folder.
    """

    exit_code: int
    printed: str
    steps: int


@dataclass(frozen=True)
class Town:
    """Hold collections, a network, and the map that each command begins with.

    Attributes:
        folder: The folder of all files.
    """

    folder: Path

    def arguments(self, command: str, map_dir: Path) -> list[str]:
        one, two, later = (str(self.folder / name / "photos.csv") for name in ("one", "two", "later"))
        weights = ["--weights", str(self.folder / "weights.safetensors")]
        return {
            "build": [
                "build",
                "--source",
                one,
                "--out",
                str(map_dir),
                "--network-precision",
                "float32",
                *weights,
                *SEGMENTS,
            ],
            "add": ["add", str(map_dir), "--source", two, *weights, *SEGMENTS],
            "update": ["update", str(map_dir), "--source", later, "--source-number", "0", *weights, *SEGMENTS],
            "remove": ["remove", str(map_dir), "--id", "00.jpg", "--id", "05.jpg"],
            "compact": ["compact", str(map_dir), "--segment-size", "4"],
        }[command]

    def run(self, command: str, map_dir: Path, interrupted_before: int = 0) -> Told:
        count_file = self.folder / "steps"
        printed = self.folder / "printed"
        printed.unlink(missing_ok=True)
        hook = partial(interrupt, map_dir.parent, interrupted_before, SIGINT, count_file)
        with Program(*self.arguments(command, map_dir), output=printed, prepare=hook) as process:
            exit_code = process.wait(PATIENCE_S)
        assert exit_code is not None
        return Told(exit_code, " ".join(printed.read_text().split()), int(count_file.read_text()))


def csv_source(folder: Path, numbers: range, seed: int = 0) -> None:
    lines = ["path,latitude,longitude"]
    for number in numbers:
        write_photo(folder / f"{number:02d}.jpg", seed=number if number % 3 else number + seed)
        lines.append(f"{number:02d}.jpg,{55 + number / 1000},13.2")
    (folder / "photos.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    csv_source(folder / "one", range(10))
    csv_source(folder / "later", range(1, 11), seed=500)
    csv_source(folder / "two", range(20, 27))
    save_network(seeded_network(NETWORK, seed=1), folder / "weights.safetensors")
    return Town(folder)


def before_of(town: Town, command: str) -> Path:
    """Return a folder with the map that a command begins with, if it needs one."""
    before = town.folder / "before" / command
    if not before.exists():
        before.mkdir(parents=True)
        earlier = {"build": [], "compact": ["build", "add", "remove"]}.get(command, ["build"])
        for each in earlier:
            assert town.run(each, before / "town").exit_code == 0
    return before


def check_interrupted(town: Town, command: str, moments: int, folder: Path) -> None:
    before = before_of(town, command)
    undisturbed = folder / "undisturbed" / "town"
    shutil.copytree(before, undisturbed.parent)
    told = town.run(command, undisturbed)
    assert told.exit_code == 0, told.printed
    states = (read_served(before / "town"), read_served(undisturbed))
    random = Random(command)
    for number in range(moments):
        step = random.randint(1 + number * told.steps // moments, (number + 1) * told.steps // moments)
        map_dir = folder / f"{number}" / "town"
        shutil.copytree(before, map_dir.parent)
        interrupted = town.run(command, map_dir, interrupted_before=step)
        check_told(interrupted, states, read_served(map_dir))
        assert town.run(command, map_dir).exit_code == 0
        assert MapState.of(map_dir) == MapState.of(undisturbed)
        check_good_and_alone(map_dir)


def check_told(interrupted: Told, states: tuple[Served | None, Served | None], served: Served | None) -> None:
    """Assert that the message about the map is true."""
    assert interrupted.exit_code == ExitCode.INTERRUPTED, interrupted
    assert "Traceback" not in interrupted.printed
    before, after = states
    if served == before:
        assert "nothing was published." in interrupted.printed or "the map is as it was." in interrupted.printed
        assert "The same command continues behind the last finished segment" in interrupted.printed
    else:
        assert served == after
        assert "already. The same command removes the remains beside it." in interrupted.printed


def test_an_interrupted_command_says_how_to_go_on(town: Town, tmp_path: Path) -> None:
    check_interrupted(town, "build", 1, tmp_path)


@pytest.mark.faults
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_interrupted_at_any_moment(command: str, town: Town, tmp_path: Path) -> None:
    check_interrupted(town, command, MOMENTS, tmp_path)
