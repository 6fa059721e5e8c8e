"""kill -9 at any moment of anything that writes a map; the same call then ends where an undisturbed one does."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from signal import SIGKILL

import pytest

from model.encoder import Encoder
from tests.faults.children import Child, Finished, kill_after
from tests.faults.map_state import MapState, Served, check_good_and_alone, read_served
from tests.faults.operations import MAP, OPERATIONS, fresh_copy, perform, prepared, small_encoder

SOME_STEPS = 2
RANDOM_MOMENTS = 20
MOST_TRIALS = 10 * RANDOM_MOMENTS  # a run may be over before it is killed


@dataclass(frozen=True)
class Scenario:
    """Hold an operation, and the outcome of an undisturbed run.

    Attributes:
        name: The name of the operation.
        folder: With the collection and the map before it.
        before: The map that readers get before it.
        after: The map that they get after it.
        state: The state of the map after it.
        undisturbed: The message of the run.
    """

    name: str
    folder: Path
    before: Served | None
    after: Served | None
    state: MapState
    undisturbed: Finished


def undisturbed(name: str, folder: Path, encoder: Encoder) -> Scenario:
    prepared(name, folder, encoder)
    map_dir = fresh_copy(folder, folder / "undisturbed")
    ended = Child(name, folder, map_dir).ended()
    assert ended.finished is not None, ended
    check_good_and_alone(map_dir)
    before = read_served(folder / "before" / MAP)
    return Scenario(name, folder, before, read_served(map_dir), MapState.of(map_dir), ended.finished)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return small_encoder()


def check_whole(scenario: Scenario, map_dir: Path) -> Served | None:
    """Assert that readers get the map before or after the operation, and nothing else; return which one."""
    served = read_served(map_dir)
    assert served in (scenario.before, scenario.after)
    return served


def check_resumed(scenario: Scenario, map_dir: Path, encoder: Encoder) -> None:
    """Assert that the same call again gives the same map, in spite of remains of the first one."""
    check_whole(scenario, map_dir)
    perform(scenario.name, scenario.folder, map_dir, encoder)
    assert MapState.of(map_dir) == scenario.state
    check_good_and_alone(map_dir)


def kill_before_steps(scenario: Scenario, steps: Iterable[int], folder: Path, encoder: Encoder) -> None:
    for step in steps:
        map_dir = fresh_copy(scenario.folder, folder / f"{step}")
        ended = Child(scenario.name, scenario.folder, map_dir, stop_before=step).ended()
        assert (ended.exit_code, ended.finished) == (-SIGKILL, None), (scenario.name, step)
        check_resumed(scenario, map_dir, encoder)
        shutil.rmtree(map_dir.parent)


@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_before_some_steps(name: str, tmp_path: Path, encoder: Encoder) -> None:
    """One of them is the last step but one, when all is published and the rest is cleaned up."""
    scenario = undisturbed(name, tmp_path / "scenario", encoder)
    total = scenario.undisturbed.steps
    chosen = {*Random(name).sample(range(1, total + 1), SOME_STEPS), total - 1}
    kill_before_steps(scenario, sorted(chosen), tmp_path, encoder)


@pytest.mark.faults
@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_before_every_step(name: str, tmp_path: Path, encoder: Encoder) -> None:
    scenario = undisturbed(name, tmp_path / "scenario", encoder)
    kill_before_steps(scenario, range(1, scenario.undisturbed.steps + 1), tmp_path, encoder)
    print(f"{name}: killed before each of {scenario.undisturbed.steps} steps")  # noqa: T201


@pytest.mark.faults
@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_at_random_moments_under_a_reader(name: str, tmp_path: Path, encoder: Encoder) -> None:
    """Until it is killed, a reader opens the map again and again."""
    scenario = undisturbed(name, tmp_path / "scenario", encoder)
    random, killed, openings = Random(name), 0, 0
    duration_s = scenario.undisturbed.duration_s

    def read() -> None:
        nonlocal openings
        openings += check_whole(scenario, map_dir) is not None  # before a build publishes there is nothing to open

    for number in range(MOST_TRIALS):
        map_dir = fresh_copy(scenario.folder, tmp_path / f"{number}")
        child = Child(name, scenario.folder, map_dir)
        ended = kill_after(child, random.random() * duration_s, read)
        killed += ended.exit_code == -SIGKILL
        if ended.finished is not None:  # the machine is less busy than it was
            duration_s = min(duration_s, ended.finished.duration_s)
        check_resumed(scenario, map_dir, encoder)
        shutil.rmtree(map_dir.parent)
        if killed == RANDOM_MOMENTS:
            break
    assert killed == RANDOM_MOMENTS
    print(f"{name}: killed {killed} times in {number + 1} runs, opened {openings} times meanwhile")  # noqa: T201


@pytest.mark.faults
@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_twice(name: str, tmp_path: Path, encoder: Encoder) -> None:
    """The call that resumes is killed, too, if it has not ended before."""
    scenario = undisturbed(name, tmp_path / "scenario", encoder)
    random, killed = Random(name), 0
    for number in range(RANDOM_MOMENTS):
        map_dir = fresh_copy(scenario.folder, tmp_path / f"{number}")
        for _ in range(2):
            step = random.randint(1, scenario.undisturbed.steps)
            killed += Child(name, scenario.folder, map_dir, stop_before=step).ended().exit_code == -SIGKILL
            check_whole(scenario, map_dir)
        check_resumed(scenario, map_dir, encoder)
    assert killed > RANDOM_MOMENTS
    print(f"{name}: killed {killed} times in {RANDOM_MOMENTS} runs")  # noqa: T201
