"""The settings of the pre-training of the backbone."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class PretrainingConfig:
    """Set the parameters of a pre-training.

    Attributes:
        steps: Steps of the optimizer.
        streets: Streets in a batch.
        places: Places of each street in a batch: pictures of the same street are the hard negatives.
        views: Views of each place.
        kept_patches: The number of the 256 patches of a picture that the network receives (PatchDropout); a step takes
            a fifth of the time, and the network learns not to rely on single objects.
        late_patches: The patches that are kept in the last tenth of the steps.
        matrix_learning_rate: The highest learning rate of Muon, for the matrices of the blocks; it rises over
            ``warmup`` steps and falls as a cosine.
        learning_rate: The highest learning rate of AdamW, for all other parameters, with the same schedule.
        warmup: Steps of the warm-up.
        weight_decay: Weight decay of matrices.
        largest_gradient: The greatest norm of gradients; greater ones are clipped.
        first_scale: 1 / temperature of the loss at the beginning; it is learned.
        same_place_m: Two pictures of one street and direction within this distance show the same place.
        other_place_m: Two pictures from this distance on show different places; between the two distances they are not
            compared.
        checkpoint_every: Steps between checkpoints.
        seed: The seed of the weights, the batches, the patches and the colours.
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
        """Return the number of pictures of a step."""
        return self.streets * self.places * self.views

    def patches_at(self, step: int) -> int:
        """Return how many patches of a picture a step uses."""
        return self.late_patches if step >= self.steps * 9 // 10 else self.kept_patches

    def what_is_learned(self) -> dict[str, int | float]:
        """Return all settings on which a checkpoint depends."""
        settings: dict[str, int | float] = asdict(self)
        del settings["checkpoint_every"]
        return settings
