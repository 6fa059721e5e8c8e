"""Errors of a training; ``model.errors`` draws the tree of all errors."""

from model.errors import PlacefixError


class TrainingError(PlacefixError):
    """The training cannot begin or continue."""

    code = "training_error"


class InvalidTrainingConfig(TrainingError):
    """A setting of the training is unknown, impossible, or contradicts another."""

    code = "invalid_training_config"


class UnsuitableTrainingData(TrainingError):
    """The pictures do not suffice for training: they have no positives, or are too few."""

    code = "unsuitable_training_data"


class TrainingDiverged(TrainingError):
    """A loss, a gradient or a feature is NaN or infinity."""

    code = "training_diverged"


class CheckpointError(TrainingError):
    """A checkpoint of a training cannot be written or continued."""

    code = "invalid_checkpoint"
