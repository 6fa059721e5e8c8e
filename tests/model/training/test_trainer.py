"""The loop of training: the parts that learn, the end, and the messages of failures."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.images import open_image
from model.picture_errors import CorruptImage
from model.preprocess import preprocess
from model.recall import Recalls
from model.selavpr.initialisation import seeded_network
from model.training.config import LossConfig, MiningConfig, NetworkStart
from model.training.data import TrainingSet
from model.training.errors import InvalidTrainingConfig, TrainingDiverged, UnsuitableTrainingData
from model.training.events import Began, Event, Mined, Stepped, Validated
from model.training.losses import batch_losses
from model.training.position import Position
from model.training.trainable import starting_network, trainable_parameters
from model.training.trainer import Trainer
from model.training.triplets import Triplet, TripletMiner
from model.training.validation import ValidationResult
from model.weights import load_selavpr
from tests.model.training.small_run import NETWORK, small_config, small_set, small_trainer

CPU = torch.device("cpu")


def ignore(_: Event) -> None:
    """Ignore all events."""


def paths_of(places: TrainingSet, triplets: tuple[Triplet, ...]) -> list[Path]:
    return [
        path
        for triplet in triplets
        for path in (
            places.queries[triplet.query].path,
            *(places.database[row].path for row in (triplet.positive, *triplet.negatives)),
        )
    ]


def read(paths: Sequence[Path]) -> Tensor:
    return torch.stack([preprocess(open_image(path)) for path in paths])


def test_three_steps_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    config = replace(
        config,
        mining=replace(config.mining, queries_per_epoch=6, negatives=2),
        optimization=replace(config.optimization, epochs=1),
    )
    trainer = small_trainer(tmp_path, config)
    assert trainer.run().steps == 3

    places = small_set(tmp_path)
    network = seeded_network(NETWORK, seed=1)
    with torch.no_grad():
        draw = TripletMiner(places, config.mining).draw(torch.Generator().manual_seed(5), 6)
        mined = TripletMiner(places, config.mining).mine(
            draw, lambda paths: iter([network(read(paths)).global_features])
        )
    assert len(mined.triplets) == 6
    learning = [
        each for name, each in network.named_parameters() if "adapter." in name or not name.startswith("backbone.")
    ]
    adam = torch.optim.Adam(learning, lr=1e-3)
    for first in (0, 2, 4):
        images = read(paths_of(places, mined.triplets[first : first + 2]))
        adam.zero_grad()
        batch_losses(network(images), negatives=2, loss=LossConfig()).total.backward()  # type: ignore[no-untyped-call]
        adam.step()
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(trainer.network.state_dict()[name], tensor, atol=1e-7, rtol=0, msg=name)


def test_what_is_frozen_does_not_move_and_the_rest_does(tmp_path: Path) -> None:
    before = seeded_network(NETWORK, seed=1).state_dict()
    trainer = small_trainer(tmp_path)
    trainer.run()
    after = trainer.network.state_dict()
    learning = {name for name, _ in trainable_parameters(trainer.network, full_fine_tuning=False)}
    assert len(learning) < len(before)
    for name, tensor in after.items():
        assert torch.equal(tensor, before[name]) is (name not in learning), name


def test_full_fine_tuning_moves_everything(tmp_path: Path) -> None:
    before = seeded_network(NETWORK, seed=1).state_dict()
    trainer = small_trainer(
        tmp_path, replace(small_config(tmp_path), network=NetworkStart("seeded", full_fine_tuning=True))
    )
    trainer.run()
    unmoved = {name for name, tensor in trainer.network.state_dict().items() if torch.equal(tensor, before[name])}
    assert unmoved == {"backbone.mask_token"}


def test_what_is_told(tmp_path: Path) -> None:
    events: list[Event] = []
    report = small_trainer(tmp_path, events=events).run()
    assert isinstance(events[0], Began)
    steps = [event for event in events if isinstance(event, Stepped)]
    assert [event.step for event in steps] == list(range(1, 13))
    assert [event.epoch for event in steps] == [1] * 6 + [2] * 6
    assert [event.queries_done for event in steps] == [2, 4, 6, 8, 10, 12] * 2
    assert all(event.total == pytest.approx(event.global_loss + event.local_loss) for event in steps)
    assert all(event.gradient_norm > 0 for event in steps if event.total > 0)
    assert [event.step for event in events if isinstance(event, Mined)] == [0, 3, 6, 9]
    validated = [event for event in events if isinstance(event, Validated)]
    assert [event.epoch for event in validated] == [1, 2]
    assert validated[0].mean_loss == pytest.approx(sum(event.total for event in steps[:6]) / 6)
    assert validated[0].is_best
    assert (report.epochs, report.steps, report.is_stopped_early) == (2, 12, False)
    assert report.best_percent == max(event.reranked.percent[5] for event in validated)
    assert load_selavpr(report.best_path).is_trained


@pytest.mark.parametrize(
    "start",
    [
        NetworkStart("w", adapters="none", full_fine_tuning=True),
        NetworkStart("w", adapters="serial", global_pooling="class_token"),
        NetworkStart("w", adapters="parallel", local_features="coarse"),
        NetworkStart("w", adapter_ratio=0.125, local_features="none"),
    ],
    ids=["no adapters", "serial, class token", "parallel, coarse", "narrow, global alone"],
)
def test_every_variant_learns(tmp_path: Path, start: NetworkStart) -> None:
    config = replace(small_config(tmp_path), network=start)
    network = starting_network(seeded_network(NETWORK, seed=1), start, seed=0)
    events: list[Event] = []
    places = small_set(tmp_path)
    Trainer(network, config, places, small_set(tmp_path, "val", seed=100), CPU, events.append).run()
    steps = [event for event in events if isinstance(event, Stepped)]
    assert len(steps) == 12
    assert any(event.local_loss for event in steps) is (start.local_features != "none")


def test_it_stops_when_nothing_improves(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    patient = replace(config.optimization, learning_rate=1e-12, epochs=9, patience=2)
    events: list[Event] = []
    report = small_trainer(tmp_path, replace(config, optimization=patient), events).run()
    assert (report.epochs, report.is_stopped_early) == (3, True)
    validated = [event for event in events if isinstance(event, Validated)]
    assert [event.epochs_without_improvement for event in validated] == [0, 1, 2]


def test_accumulated_steps_drop_what_a_refresh_leaves_over(tmp_path: Path) -> None:
    """Six queries are mined at a time, and a step takes two passes of two: two queries are left, twice an epoch."""
    config = small_config(tmp_path)
    events: list[Event] = []
    accumulating = replace(config, optimization=replace(config.optimization, accumulation=2))
    assert small_trainer(tmp_path, accumulating, events).run().steps == 4
    assert [event.queries_done for event in events if isinstance(event, Stepped)] == [4, 10] * 2


def test_only_a_strictly_better_recall_is_an_improvement() -> None:
    def result(percent: float) -> ValidationResult:
        reranked = Recalls({1: 0.0, 5: percent, 10: 99.0, 20: 99.0}, 10, 0)
        return ValidationResult(Recalls({1: 0.0, 5: 99.9, 10: 99.9, 20: 99.9}, 10, 0), reranked)

    position = Position(step=7, drawn=3, epoch_steps=4, epoch_loss=2.0, skipped=1)
    seen = []
    for percent in (50.0, 50.0, 40.0, 50.1, 10.0):
        position = position.after_epoch(result(percent))
        seen.append((position.best_percent, position.epochs_without_improvement))
    assert seen == [(50.0, 0), (50.0, 1), (50.0, 2), (50.1, 0), (50.1, 1)]
    assert (position.epoch, position.step, position.drawn, position.epoch_loss) == (5, 7, 0, 0.0)


def test_fine_tuning_begins_with_fresh_counters(tmp_path: Path) -> None:
    first = small_trainer(tmp_path)
    best_path = first.run().best_path
    assert first.position.epoch == 2
    config = small_config(tmp_path / "second")
    start = NetworkStart(str(best_path))
    tuned = starting_network(load_selavpr(best_path), start, seed=0)
    places = small_set(tmp_path / "second", seed=50)
    second = Trainer(tuned, replace(config, network=start), places, places, CPU, ignore)
    assert second.position == Position()
    assert second.run().steps == 12


def test_a_picture_that_is_damaged_is_named(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    damaged = places.database[3].path
    damaged.write_bytes(damaged.read_bytes()[:600])
    with pytest.raises(CorruptImage, match=r"database/03\.jpg"):
        small_trainer(tmp_path).run()


def test_features_that_are_not_finite_end_it_with_their_pictures(tmp_path: Path) -> None:
    trainer = small_trainer(tmp_path)
    with torch.no_grad():
        trainer.network.get_parameter("backbone.norm.weight")[0] = torch.nan
    with pytest.raises(TrainingDiverged, match=r"queries/\d\d\.jpg"):
        trainer.run()


def test_a_set_that_nothing_can_be_learned_from(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    places = small_set(tmp_path)
    nowhere = TrainingSet(places.database[:6], places.queries[6:])

    def trainer(training: TrainingSet, validation: TrainingSet) -> Trainer:
        return Trainer(seeded_network(NETWORK), config, training, validation, CPU, ignore)

    with pytest.raises(UnsuitableTrainingData, match="no training query of 6"):
        trainer(nowhere, places)
    with pytest.raises(UnsuitableTrainingData, match="no validation query of 6"):
        trainer(places, nowhere)
    with pytest.raises(UnsuitableTrainingData, match="only 1 of 1 training queries have a positive"):
        trainer(TrainingSet(places.database, places.queries[:1]), places)
    close = replace(config, mining=MiningConfig(6, 6, 8, 2, negative_radius_m=5000))
    with pytest.raises(UnsuitableTrainingData, match=r"an epoch had no step: 6 of 6 queries were skipped"):
        Trainer(seeded_network(NETWORK), close, places, places, CPU, ignore).run()


def test_a_network_of_which_nothing_would_learn(tmp_path: Path) -> None:
    start = NetworkStart("w", adapters="none", global_pooling="class_token", local_features="none")
    network = starting_network(seeded_network(NETWORK), start, seed=0)
    places = small_set(tmp_path)
    config = replace(small_config(tmp_path), network=start)
    with pytest.raises(InvalidTrainingConfig, match="nothing would learn"):
        Trainer(network, config, places, places, CPU, ignore)
