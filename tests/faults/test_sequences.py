"""Maps live through random sequences of changes as their model does: dictionaries."""

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from model.encoder import Encoder
from model.selavpr.initialisation import seeded_network
from model.weights import load_network, save_network
from tests.faults.hands import CommandHands, LibraryHands
from tests.faults.picture_pool import PicturePool
from tests.faults.sequence_machine import POOL_SIZE, SequenceMachine, machine_of
from tests.faults.stub_encoder import StubEncoder
from tests.model.training.small_run import NETWORK

FEW, MANY, WITH_PROCESSES = 15, 1000, 20


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> type[SequenceMachine]:
    encoder = StubEncoder()
    pool = PicturePool.make(tmp_path_factory.mktemp("pool"), POOL_SIZE, encoder)
    return machine_of(LibraryHands(encoder), pool, can_be_interrupted=True)


def run_sequences(machine: type[SequenceMachine], count: int, steps: int) -> None:
    """Return the same pictures each time."""
    run_state_machine_as_test(machine, settings=settings(max_examples=count, stateful_step_count=steps))
    assert machine.done.keys() >= {"add", "update", "remove", "compact", "activate", "roll back", "prune", "refused"}
    print(f"{count} sequences: {', '.join(f'{times} x {what}' for what, times in sorted(machine.done.items()))}")  # noqa: T201


def test_a_few_sequences(library: type[SequenceMachine]) -> None:
    run_sequences(library, FEW, steps=8)


@pytest.mark.faults
def test_many_sequences(library: type[SequenceMachine]) -> None:
    run_sequences(library, MANY, steps=10)


@pytest.mark.faults
def test_sequences_of_commands(tmp_path: Path) -> None:
    """Each change in a process of its own, with a real network."""
    weights = tmp_path / "weights.safetensors"
    save_network(seeded_network(NETWORK, seed=1), weights)
    pool = PicturePool.make(tmp_path / "pool", POOL_SIZE, Encoder(load_network(weights)))
    run_sequences(machine_of(CommandHands(weights), pool, can_be_interrupted=False), WITH_PROCESSES, steps=6)
