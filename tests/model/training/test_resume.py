"""A training that is killed at any moment continues exactly; a checkpoint is never lost, nor continued by mistake."""

import random
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from model.geo import LatLon
from model.selavpr.initialisation import seeded_network
from model.training.checkpoint import load_checkpoint
from model.training.config import LossConfig
from model.training.data import TrainingSet
from model.training.errors import CheckpointError
from model.training.events import Event, Saved, Stepped, Validated
from model.training.trainer import Trainer
from tests.child_processes import child_context
from tests.model.training.small_run import NETWORK, small_config, small_set, small_trainer, train_and_tell
from tests.waiting import PATIENCE_S


def ignore(_: Event) -> None:
    """Ignore all events."""


class Killed(BaseException):
    """End a run in the middle, without cleanup."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """Return the folder of a finished training, and its events."""
    folder, events = tmp_path_factory.mktemp("undisturbed"), list[Event]()
    small_trainer(folder, events=events).run()
    return folder, events


@pytest.fixture
def finished(undisturbed: tuple[Path, list[Event]], tmp_path: Path) -> Path:
    """Return a copy of the finished training."""
    return Path(shutil.copytree(undisturbed[0], tmp_path / "finished"))


def train(folder: Path, *, kill_after: int | None = None) -> list[str]:
    """Train in a separate process, and kill it after a number of events; return its events."""
    told: list[str] = []
    context = child_context()
    events, theirs = context.Pipe(duplex=False)
    process = context.Process(target=train_and_tell, args=(folder, theirs))
    process.start()
    theirs.close()
    with events, suppress(EOFError):
        while len(told) != kill_after:
            told.append(events.recv())
    if kill_after is not None:
        process.kill()
    process.join(PATIENCE_S)
    assert process.exitcode == (0 if kill_after is None else -signal.SIGKILL)
    return told


def assert_same(one: Any, other: Any, where: str = "checkpoint") -> None:
    """Assert equality to the last bit at any depth."""
    assert type(one) is type(other), where
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    else:
        assert one == other, where


def test_killed_at_three_random_moments_it_ends_the_same_to_the_last_bit(tmp_path: Path) -> None:
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    events = train(undisturbed)
    assert events.count("Stepped") == 12
    seed = random.SystemRandom().randrange(10**6)
    moments = random.Random(seed)
    print(f"moments from the seed {seed}")  # noqa: T201
    first_steps_saved = [number for number, event in enumerate(events, start=1) if event == "Saved"][2]
    train(disturbed, kill_after=moments.randint(first_steps_saved, len(events) // 2))
    for _ in range(2):
        train(disturbed, kill_after=moments.randint(2, len(events) // 4))
    continued = train(disturbed)
    assert continued.count("Stepped") < 12, "the last of the four began anew"
    for name in ("checkpoint.pt", "best.safetensors"):
        assert not list((disturbed / "run").glob(f".{name}.*")), "what was killed while writing left something behind"
    of_undisturbed, of_disturbed = (
        load_checkpoint(folder / "run" / "checkpoint.pt") for folder in (undisturbed, disturbed)
    )
    for part in ("network", "optimizer", "generator", "position"):
        assert_same(getattr(of_undisturbed, part), getattr(of_disturbed, part), part)
    best = [(folder / "run" / "best.safetensors").read_bytes() for folder in (undisturbed, disturbed)]
    assert best[0] == best[1]


@pytest.mark.parametrize("steps", range(1, 12, 2))
def test_interrupted_after_a_step_it_tells_the_same_steps(
    undisturbed: tuple[Path, list[Event]], tmp_path: Path, steps: int
) -> None:
    expected = {event.step: event for event in undisturbed[1] if isinstance(event, Stepped)}
    config = small_config(tmp_path)

    def interrupt(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == steps:
            raise Killed

    places, validation = small_set(tmp_path), small_set(tmp_path, "val", seed=100)
    with pytest.raises(Killed):
        Trainer(seeded_network(NETWORK, 1), config, places, validation, torch.device("cpu"), interrupt).run()
    again: list[Event] = []
    small_trainer(tmp_path, events=again).run()
    continued = [event for event in again if isinstance(event, Stepped)]
    assert continued[0].step in (steps, steps + 1)
    assert continued == [expected[event.step] for event in continued]
    assert [event for event in again if isinstance(event, Validated)][-1] == [
        event for event in undisturbed[1] if isinstance(event, Validated)
    ][-1]


def test_a_finished_training_is_finished_until_more_epochs_are_asked_for(finished: Path) -> None:
    events: list[Event] = []
    small_trainer(finished, events=events).run()
    assert not any(isinstance(event, Stepped) for event in events)
    config = small_config(finished)
    longer = replace(config, optimization=replace(config.optimization, epochs=3))
    assert small_trainer(finished, longer, events).run().epochs == 3
    assert [event.step for event in events if isinstance(event, Stepped)] == list(range(13, 19))


def test_another_training_does_not_continue_it(finished: Path) -> None:
    config = small_config(finished)
    other = replace(config, loss=LossConfig(margin=0.2), mining=replace(config.mining, pool_size=9))
    with pytest.raises(CheckpointError, match=r"mining\.pool_size was 8, is 9; loss\.margin was 0\.1, is 0\.2"):
        small_trainer(finished, other)
    places = small_set(finished)
    moved = [replace(places.database[0], position=LatLon(0.0, 13.00001)), *places.database[1:]]
    with pytest.raises(CheckpointError, match="the training pictures are others"):
        Trainer(
            seeded_network(NETWORK, 1),
            config,
            TrainingSet(moved, places.queries),
            small_set(finished, "val", seed=100),
            torch.device("cpu"),
            ignore,
        )
    larger = seeded_network(replace(NETWORK, depth=2))
    with pytest.raises(CheckpointError, match="a network of another shape"):
        Trainer(larger, config, places, small_set(finished, "val", seed=100), torch.device("cpu"), ignore)


def test_a_checkpoint_older_than_a_setting_did_what_its_default_does(finished: Path) -> None:
    config = small_config(finished)
    path = config.run.folder / "checkpoint.pt"
    content = torch.load(path, weights_only=True)
    del content["settings"]["loss"]["local_margin"], content["settings"]["network"]["adapters_learn"]
    torch.save(content, path)
    assert small_trainer(finished).run().epochs == 2
    with pytest.raises(CheckpointError, match=r"loss\.local_margin was 0\.0, is 0\.5"):
        small_trainer(finished, replace(config, loss=LossConfig(local_margin=0.5)))


@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
def test_a_damaged_checkpoint_is_told(finished: Path, damage: str) -> None:
    path = finished / "run" / "checkpoint.pt"
    content = path.read_bytes()
    path.write_bytes({"truncated": content[: len(content) // 2], "text": b"hello", "empty": b""}[damage])
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt cannot be continued from"):
        small_trainer(finished)


@contextmanager
def no_file_larger_than(size_bytes: int) -> Iterator[None]:
    """Make long writes fail in this process, like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_stops_it_and_the_last_checkpoint_stays(finished: Path) -> None:
    path = finished / "run" / "checkpoint.pt"
    before = path.read_bytes()
    config = small_config(finished)
    longer = replace(config, optimization=replace(config.optimization, epochs=4))
    with no_file_larger_than(20_000), pytest.raises(CheckpointError, match=r"cannot be written .*still there"):
        small_trainer(finished, longer).run()
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == ["best.safetensors", "checkpoint.pt"]
    assert small_trainer(finished, longer).run().epochs == 4


def test_a_full_disk_before_the_first_checkpoint(tmp_path: Path) -> None:
    small_set(tmp_path), small_set(tmp_path, "val", seed=100)
    with no_file_larger_than(20_000), pytest.raises(CheckpointError, match=r"cannot be written .*there is none yet"):
        small_trainer(tmp_path).run()
    assert not list((tmp_path / "run").iterdir())


def test_checkpoints_come_as_often_as_asked_for(undisturbed: tuple[Path, list[Event]]) -> None:
    saved = [event.step for event in undisturbed[1] if isinstance(event, Saved)]
    assert saved == [0, 2, 3, 4, 6, 6, 6, 8, 9, 10, 12, 12]
