"""The loop of training: refresh, steps, validation and checkpoint, repeated until recall no longer improves."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from model.features import Features
from model.images import DEFAULT_LIMITS, ImageLimits
from model.selavpr.selavpr import SelaVPR
from model.training.checkpoint import TrainingCheckpoint, load_checkpoint, remove_unfinished, save_checkpoint
from model.training.config import TrainingConfig
from model.training.data import TrainingSet
from model.training.errors import CheckpointError, UnsuitableTrainingData
from model.training.events import Began, Encoded, Mined, Observer, Purpose, Saved, Stepped, Validated
from model.training.learner import Learner, StepResult
from model.training.picture_batches import encode_pictures, read_batches
from model.training.picture_cache import PictureCache
from model.training.position import Position
from model.training.triplets import Triplet, TripletMiner
from model.training.validation import ValidationResult, Validator
from model.weights import save_network

CHECKPOINT_NAME = "checkpoint.pt"
BEST_NAME = "best.safetensors"


@dataclass(frozen=True)
class TrainingReport:
    """Hold the result of a training.

    Attributes:
        epochs: Number of finished epochs.
        steps: Number of optimizer steps.
        best_percent: The best R@5 after re-ranking.
        best_path: The file of the network with it.
        is_stopped_early: Whether patience ended it instead of the number of epochs.
    """

    epochs: int
    steps: int
    best_percent: float
    best_path: Path
    is_stopped_early: bool


class Trainer:
    """Train one network on one data set, in one folder.

    If the folder holds a checkpoint of the same training, training continues from it. On a CPU with the same number of
    threads, the result is equal to the last bit to a training without a stop. The only source of chance is a generator
    in the checkpoint.

    Attributes:
        network: The network, on its device.
        position: The progress.
    """

    def __init__(
        self,
        network: SelaVPR,
        config: TrainingConfig,
        training: TrainingSet,
        validation: TrainingSet,
        device: torch.device,
        observe: Observer,
        limits: ImageLimits = DEFAULT_LIMITS,
    ) -> None:
        """Prepare the training, and continue a checkpoint if there is one; no picture is read yet.

        Args:
            network: The network at the beginning (``model.training.trainable.starting_network``); it is changed.
            config: All settings.
            training: The training set.
            validation: The validation set.
            device: The device of the work.
            observe: A function that receives events, in the calling thread.
            limits: The limits on the size of a picture.

        Raises:
            UnsuitableTrainingData: A set has no positives.
            InvalidTrainingConfig: No part of the network would learn.
            CheckpointError: The folder holds a checkpoint of another training, or a damaged one.
        """
        config.run.folder.mkdir(parents=True, exist_ok=True)
        self.network = network
        self.position = Position()
        self._config = config
        self._training = training
        self._device = device
        self._observe = observe
        self._miner = TripletMiner(training, config.mining)
        if len(self._miner.usable_queries) < config.optimization.queries_per_step:
            raise UnsuitableTrainingData(
                f"only {len(self._miner.usable_queries)} of {len(training.queries)} training queries have a positive, "
                f"and a step takes {config.optimization.queries_per_step} (optimization.batch_size × "
                "optimization.accumulation)"
            )
        self._validator = Validator(validation, config.validation, config.run.folder)
        self._data = {"training": training.fingerprint(), "validation": validation.fingerprint()}
        self._learner = Learner(network, config, device)
        self._pictures = PictureCache(round(config.run.picture_cache_gb * 1e9), device, limits)
        self._generator = torch.Generator().manual_seed(config.optimization.seed)
        self._checkpoint_path = config.run.folder / CHECKPOINT_NAME
        remove_unfinished(self._checkpoint_path)
        if self._checkpoint_path.exists():
            self._continue(load_checkpoint(self._checkpoint_path))

    def run(self) -> TrainingReport:
        """Train until recall has not improved for a while, or the last epoch ends.

        Raises:
            TrainingDiverged: A loss, a gradient or a feature is not finite; the message names the pictures. The last
                checkpoint is older.
            CheckpointError: A checkpoint cannot be written; the last good one is kept.
            ImageError: A picture cannot be read.
            UnsuitableTrainingData: An epoch has no step.
        """
        self._observe(
            Began(
                epoch=self.position.epoch,
                step=self.position.step,
                trainable=sum(each.numel() for each in self._learner.trainable.values()),
                parameters=sum(each.numel() for each in self.network.parameters()),
                queries_without_positive=self._miner.queries_without_positive,
            )
        )
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            if self._config.validation.at_start and not self.position.is_start_measured:
                self._measure_start()
            while not self._is_over():
                self._finish_epoch()
        return TrainingReport(
            epochs=self.position.epoch,
            steps=self.position.step,
            best_percent=self.position.best_percent or 0.0,
            best_path=self._config.run.folder / BEST_NAME,
            is_stopped_early=self.position.epoch < self._config.optimization.epochs,
        )

    def _is_over(self) -> bool:
        optimization = self._config.optimization
        return (
            self.position.epoch >= optimization.epochs
            or self.position.epochs_without_improvement >= optimization.patience
        )

    def _measure_start(self) -> None:
        result = self._validate()
        self.position = Position(is_start_measured=True)
        self._observe(Validated(0, 0, None, result.by_global, result.reranked, False, 0, 0))
        self._save()

    def _finish_epoch(self) -> None:
        """Run the rest of the current epoch: steps and refreshes in turn, then validation."""
        while True:
            if self.position.waiting >= self._config.optimization.queries_per_step:
                self._learn_from_triplets()
            elif self.position.drawn < self._config.mining.queries_per_epoch:
                self._refresh()
            else:
                break
        if not self.position.epoch_steps:
            raise UnsuitableTrainingData(
                f"an epoch had no step: {self.position.skipped} of {self.position.drawn} queries were skipped, because "
                f"their pool held fewer than {self._config.mining.negatives} pictures farther away than "
                f"{self._config.mining.negative_radius_m:g} m. Use a larger mining.pool_size, or a wider database"
            )
        result = self._validate()
        ended, self.position = self.position, self.position.after_epoch(result)
        is_best = not self.position.epochs_without_improvement
        if is_best:  # before the checkpoint: a run that is killed between the two measures this epoch again
            self.network.is_trained = True
            save_network(self.network, self._config.run.folder / BEST_NAME)
        self._save()
        self._observe(
            Validated(
                epoch=self.position.epoch,
                step=self.position.step,
                mean_loss=ended.epoch_loss / ended.epoch_steps,
                by_global=result.by_global,
                reranked=result.reranked,
                is_best=is_best,
                epochs_without_improvement=self.position.epochs_without_improvement,
                skipped=ended.skipped,
            )
        )

    def _refresh(self) -> None:
        mining = self._config.mining
        draw = self._miner.draw(
            self._generator, min(mining.refresh_every, mining.queries_per_epoch - self.position.drawn)
        )
        mined = self._miner.mine(
            draw, lambda paths: (each.global_features.cpu() for each in self._encode(paths, "mining"))
        )
        self.position = self.position.after_refresh(len(draw.queries), mined.triplets, mined.skipped)
        self._observe(Mined(self.position.step, len(mined.triplets), mined.skipped))
        self._save()

    def _learn_from_triplets(self) -> None:
        """Make steps until the triplets of the last refresh are used."""
        optimization = self._config.optimization
        usable = self.position.waiting // optimization.queries_per_step * optimization.queries_per_step
        triplets = self.position.triplets[self.position.next_triplet : self.position.next_triplet + usable]
        batches = [
            self._miner.paths(triplets[first : first + optimization.batch_size])
            for first in range(0, usable, optimization.batch_size)
        ]
        with closing(read_batches(batches, self._config.run.decoders, self._pictures.read)) as pictures:
            for first in range(0, len(batches), optimization.accumulation):
                of_step = range(first, first + optimization.accumulation)
                result = self._learner.step(
                    [batches[number] for number in of_step],
                    pictures,
                    comparable=[self._comparable(triplets, number) for number in of_step],
                    learning_rate=self._learning_rate(),
                )
                self._advance(result)
                if self.position.step % self._config.run.checkpoint_every == 0:
                    self._save()

    def _comparable(self, triplets: Sequence[Triplet], batch: int) -> Tensor:
        size = self._config.optimization.batch_size
        return self._miner.comparable(triplets[batch * size : (batch + 1) * size])

    def _learning_rate(self) -> float:
        """Return the rate of the next step; it depends only on the position, so a continued training has the same."""
        queries_done = self.position.drawn - self.position.waiting
        epochs_done = self.position.epoch + queries_done / self._config.mining.queries_per_epoch
        return self._config.optimization.learning_rate_after(epochs_done)

    def _advance(self, result: StepResult) -> None:
        self.position = self.position.after_step(self._config.optimization.queries_per_step, result.total)
        self._observe(
            Stepped(
                epoch=self.position.epoch + 1,
                step=self.position.step,
                total=result.total,
                global_loss=result.global_loss,
                local_loss=result.local_loss,
                gradient_norm=result.gradient_norm,
                queries_done=self.position.drawn - self.position.waiting,
            )
        )

    def _validate(self) -> ValidationResult:
        return self._validator.measure(lambda paths: self._encode(paths, "validation"))

    def _encode(self, paths: Sequence[Path], purpose: Purpose) -> Generator[Features, None, None]:
        run = self._config.run
        done = 0
        encoded = encode_pictures(
            self.network,
            paths,
            self._device,
            batch_size=run.encode_batch_size,
            decoders=run.decoders,
            read=self._pictures.read,
            precision=self._config.optimization.precision,
        )
        with closing(encoded):
            for features in encoded:
                done += len(features)
                self._observe(Encoded(purpose, done, len(paths)))
                yield features

    def _save(self) -> None:
        checkpoint = TrainingCheckpoint(
            settings=self._config.what_is_learned(),
            data=self._data,
            network=self.network.state_dict(),
            optimizer=self._learner.optimizer.state_dict(),
            generator=self._generator.get_state(),
            position=self.position,
        )
        save_checkpoint(checkpoint, self._checkpoint_path)
        self._observe(Saved(self._checkpoint_path, self.position.step))

    def _continue(self, checkpoint: TrainingCheckpoint) -> None:
        checkpoint.check_continues(self._config.what_is_learned(), self._data, self._checkpoint_path)
        try:
            self.network.load_state_dict(checkpoint.network)
            self._learner.optimizer.load_state_dict(checkpoint.optimizer)
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"{self._checkpoint_path} holds a network of another shape than network.weights; choose another "
                "run.folder"
            ) from error
        self._generator.set_state(checkpoint.generator)
        self.position = checkpoint.position
