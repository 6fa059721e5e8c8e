"""The settings of a training, with checks of types, ranges and contradictions.

A section of the configuration file is a dataclass here, and a key is a field. The defaults are the paper's.
"""

from dataclasses import MISSING, asdict, dataclass, field, fields
from math import cos, pi
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from model.device import DeviceName
from model.matching import MatchingPrecision
from model.recall import DEFAULT_THRESHOLD_M
from model.selavpr.config import Adapters, GlobalPooling, LocalFeatures
from model.training.errors import InvalidTrainingConfig
from model.training.section import Above, Least, Section

TrainingPrecision = Literal["float32", "bfloat16"]
GlobalLoss = Literal["triplet", "contrastive"]
Schedule = Literal["constant", "cosine"]


Count: TypeAlias = Annotated[int, Least(1)]
Length: TypeAlias = Annotated[float, Above(0)]
Weight: TypeAlias = Annotated[float, Least(0)]


@dataclass(frozen=True)
class DataConfig(Section):
    """Name the pictures: either a data set in the field's layout, or four folders or lists of pictures.

    Attributes:
        dataset: A folder with ``images/train`` and ``images/val``, each with ``database`` and ``queries``.
        train_database: Folder or list of pictures; this and the next three replace ``dataset``.
        train_queries: The queries of training.
        val_database: The database of validation.
        val_queries: The queries of validation.
        latitude_column: Name of the column in CSV files with an unusual name.
        longitude_column: Name of the column in CSV files with an unusual name.
    """

    NAME = "data"
    dataset: Path | None = None
    train_database: Path | None = None
    train_queries: Path | None = None
    val_database: Path | None = None
    val_queries: Path | None = None
    latitude_column: str | None = None
    longitude_column: str | None = None

    def check(self) -> None:
        """Check that either the data set or all four parts are given."""
        parts = ("train_database", "train_queries", "val_database", "val_queries")
        given = [name for name in parts if getattr(self, name) is not None]
        if self.dataset is not None and given:
            raise InvalidTrainingConfig(f"data.dataset and data.{given[0]} contradict each other: give one of them")
        if self.dataset is None and len(given) < len(parts):
            missing = ", ".join(f"data.{name}" for name in parts if name not in given)
            raise InvalidTrainingConfig(f"missing: {missing} (or data.dataset, and none of the four)")
        if (self.latitude_column is None) != (self.longitude_column is None):
            raise InvalidTrainingConfig("data.latitude_column and data.longitude_column go together: give both or none")


@dataclass(frozen=True)
class NetworkStart(Section):
    """Describe the network at the beginning of training, its parts, and the parts that learn.

    Attributes:
        weights: A backbone, or a trained network to fine-tune; a file or a known name.
        num_heads: Attention heads, if they are not width / 64 and the file does not state them.
        adapters: Adapters of a block (paper, table 6).
        adapter_ratio: Width of the adapters' bottleneck, as a share of the tokens' (paper: 0.5).
        global_pooling: GeM, or the class token (paper, table 8).
        local_features: Dense by local adaptation, the coarse patch tokens, or none (paper, table 9).
        full_fine_tuning: Whether the backbone learns too.
        adapters_learn: Whether adapters and p of GeM learn; if not, only the local adaptation does.
    """

    NAME = "network"
    weights: str
    num_heads: Annotated[int, Least(1)] | None = None
    adapters: Adapters | None = None
    adapter_ratio: Annotated[float, Above(0)] | None = None
    global_pooling: GlobalPooling | None = None
    local_features: LocalFeatures | None = None
    full_fine_tuning: bool = False
    adapters_learn: bool = True

    def check(self) -> None:
        """Check that a ratio comes with adapters, and that a part learns."""
        if self.full_fine_tuning and not self.adapters_learn:
            raise InvalidTrainingConfig(
                "network.full_fine_tuning = true and network.adapters_learn = false contradict each other"
            )
        if self.adapters == "none" and self.adapter_ratio is not None:
            raise InvalidTrainingConfig(
                'network.adapter_ratio and network.adapters = "none" contradict each other: leave the ratio out'
            )


@dataclass(frozen=True)
class MiningConfig(Section):
    """Set how triplets are mined.

    Attributes:
        queries_per_epoch: Queries of an epoch (paper: 5,000 for Pitts30k, 30,000 for MSLS).
        refresh_every: Queries after which features are computed anew.
        pool_size: Pictures of the database in the pool of negatives, drawn anew at each refresh.
        negatives: Negatives of a query.
        positive_radius_m: Greatest distance of a positive.
        negative_radius_m: Distance that a negative must exceed.
    """

    NAME = "mining"
    queries_per_epoch: Count = 5000
    refresh_every: Count = 1000
    pool_size: Count = 1000
    negatives: Count = 2
    positive_radius_m: Length = 10.0
    negative_radius_m: Length = 25.0

    def check(self) -> None:
        """Check that no picture is both positive and negative, and that the pool can hold the negatives."""
        if self.positive_radius_m > self.negative_radius_m:
            raise InvalidTrainingConfig(
                f"mining.positive_radius_m = {self.positive_radius_m:g} and mining.negative_radius_m = "
                f"{self.negative_radius_m:g} contradict each other: a picture between them would be both"
            )
        if self.pool_size < self.negatives:
            raise InvalidTrainingConfig(
                f"mining.pool_size = {self.pool_size} and mining.negatives = {self.negatives} contradict each other: "
                "the negatives are taken from the pool"
            )


@dataclass(frozen=True)
class LossConfig(Section):
    """Set the losses; the defaults are the paper's.

    Attributes:
        global_loss: The triplet loss of Eq. 9, or a contrastive one over all pictures of a batch.
        margin: m of Eq. 9.
        temperature: Temperature of the contrastive loss.
        local_weight: λ of Eq. 11.
        local_margin: Least difference of similarity between positive and negative in Eq. 10 (paper: 0).
        correspondence_weight: Weight of the loss of correspondences in Eq. 10 (paper: none).
        correspondence_temperature: Temperature of that loss.
    """

    NAME = "loss"
    global_loss: GlobalLoss = "triplet"
    margin: Weight = 0.1
    temperature: Length = 0.025
    local_weight: Weight = 1.0
    local_margin: Weight = 0.0
    correspondence_weight: Weight = 0.0
    correspondence_temperature: Length = 0.1


@dataclass(frozen=True)
class OptimizationConfig(Section):
    """Set how the loss is minimised.

    Attributes:
        learning_rate: Learning rate of Adam.
        schedule: ``constant``, as in the paper, or ``cosine``: falling to 0 at the end of the last epoch.
        batch_size: Queries of a forward pass; each comes with its positive and negatives.
        accumulation: Forward passes of a step.
        precision: Precision of the forward pass of training; losses and weights are always float32.
        epochs: Greatest number of epochs.
        patience: Number of epochs without a better R@5 after which training stops.
        seed: Seed of the draws, and of the parts that a backbone lacks.
    """

    NAME = "optimization"
    learning_rate: Length = 1e-5
    schedule: Schedule = "constant"
    batch_size: Count = 4
    accumulation: Count = 1
    precision: TrainingPrecision = "float32"
    epochs: Count = 50
    patience: Count = 3
    seed: Annotated[int, Least(0)] = 0

    @property
    def queries_per_step(self) -> int:
        """Return the number of queries of an optimizer step."""
        return self.batch_size * self.accumulation

    def learning_rate_after(self, epochs: float) -> float:
        """Return the learning rate of the next step, after a number of epochs, 0 or more."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * (1 + cos(pi * min(epochs / self.epochs, 1.0))) / 2


@dataclass(frozen=True)
class ValidationConfig(Section):
    """Set how recall is measured after each epoch.

    Attributes:
        threshold_m: Greatest distance of a right answer.
        heading_deg: Greatest angle between the cameras of a right answer; no limit if not given (MSLS: 40).
        shortlist: Candidates that are re-ranked.
        precision: Precision of counting mutual matches.
        at_start: Whether to measure also before the first step.
    """

    NAME = "validation"
    threshold_m: Length = DEFAULT_THRESHOLD_M
    heading_deg: Annotated[float, Least(0)] | None = None
    shortlist: Count = 100
    precision: MatchingPrecision = "exact"
    at_start: bool = True


@dataclass(frozen=True)
class RunConfig(Section):
    """Set the place and the resources of the work; they affect the result only by rounding.

    Attributes:
        folder: Folder for checkpoints, the best network and tensorboard's files.
        checkpoint_every: Steps between checkpoints; one is also written at each refresh and after each epoch.
        encode_batch_size: Pictures of a forward pass without gradients.
        decoders: Threads that decode pictures.
        picture_cache_gb: Memory of the device for decoded pictures; 0.6 MB each.
        device: Device of the network.
    """

    NAME = "run"
    folder: Path
    checkpoint_every: Count = 100
    encode_batch_size: Count = 16
    decoders: Count = 4
    picture_cache_gb: Weight = 0.0
    device: DeviceName = "auto"


@dataclass(frozen=True)
class TrainingConfig:
    """Describe a whole training; each field is a section of the file."""

    data: DataConfig
    network: NetworkStart
    run: RunConfig
    mining: MiningConfig = field(default_factory=MiningConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimization: OptimizationConfig = field(default_factory=OptimizationConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)

    def __post_init__(self) -> None:
        step = self.optimization.queries_per_step
        for name, count, why in (
            ("queries_per_epoch", self.mining.queries_per_epoch, "an epoch would have no step"),
            ("refresh_every", self.mining.refresh_every, "the queries of a step are mined together"),
        ):
            if count < step:
                raise InvalidTrainingConfig(
                    f"mining.{name} = {count} and optimization.batch_size × optimization.accumulation = {step} "
                    f"contradict each other: {why}"
                )

    def what_is_learned(self) -> dict[str, dict[str, Any]]:
        """Return the settings on which a checkpoint depends: with others it cannot be continued."""
        sections = {name: values for name, values in asdict(self).items() if name not in ("run", "data")}
        del sections["optimization"]["patience"]
        if self.optimization.schedule == "constant":  # otherwise the rate of each step depends on it
            del sections["optimization"]["epochs"]
        return sections


DEFAULT_SETTINGS: dict[str, dict[str, Any]] = {
    section.NAME: {each.name: each.default for each in fields(section) if each.default is not MISSING}
    for section in (NetworkStart, MiningConfig, LossConfig, OptimizationConfig, ValidationConfig)
}
"""Section → setting → default."""
