"""How the backbone is pre-trained."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class PretrainingConfig:
    """The settings of a pre-training.

    Attributes:
        steps: Of the optimizer.
        streets: In a batch.
        places: Of each street in a batch: pictures of the same street are the hard negatives.
        views: Of each place.
        kept_patches: Of the 256 patches of a picture that the network sees (PatchDropout); a step takes a fifth of the
            time, and the network learns not to rely on any single thing.
        late_patches: Kept in the last tenth of the steps.
        matrix_learning_rate: The highest, of Muon, for the matrices of the blocks; it rises over ``warmup`` steps and
            falls as a cosine.
        learning_rate: Likewise, of AdamW, for everything else.
        warmup: Steps.
        weight_decay: Of matrices.
        largest_gradient: The norm that gradients are clipped to.
        first_scale: 1 / temperature of the loss at the beginning; it is learned.
        same_place_m: Two pictures of one street and direction nearer than that show the same place.
        other_place_m: From that distance they show different places; between the two they are not compared.
        checkpoint_every: Steps.
        seed: Of the weights, the batches, the patches and the colours.
    """

    steps: int = 4000
    streets: int = 16
    places: int = 4
    views: int = 2
    kept_patches: int = 64
    late_patches: int = 128
    matrix_learning_rate: float = 3e-3
    learning_rate: float = 1.2e-3
    warmup: int = 200
    weight_decay: float = 0.03
    largest_gradient: float = 1.0
    first_scale: float = 30.0
    same_place_m: float = 9.0
    other_place_m: float = 25.0
    checkpoint_every: int = 100
    seed: int = 0

    @property
    def batch_size(self) -> int:
        """Pictures of a step."""
        return self.streets * self.places * self.views

    def patches_at(self, step: int) -> int:
        """How many patches of a picture a step sees."""
        return self.late_patches if step >= self.steps * 9 // 10 else self.kept_patches

    def what_is_learned(self) -> dict[str, int | float]:
        """Everything that a checkpoint depends on."""
        settings: dict[str, int | float] = asdict(self)
        del settings["checkpoint_every"]
        return settings
