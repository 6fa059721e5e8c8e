"""Errors of a training; the tree of all errors is drawn in ``model.errors``."""

from model.errors import PlacefixError


class TrainingError(PlacefixError):
    """A training that cannot begin, or not go on."""

    code = "training_error"


class InvalidTrainingConfig(TrainingError):
    """A setting of a training that is unknown, impossible, or contradicts another."""

    code = "invalid_training_config"


class UnsuitableTrainingData(TrainingError):
    """Pictures that nothing can be learned from: without positives, or too few."""

    code = "unsuitable_training_data"


class TrainingDiverged(TrainingError):
    """NaN or infinity in a loss, a gradient or a feature."""

    code = "training_diverged"


class CheckpointError(TrainingError):
    """A checkpoint of a training that cannot be written, or that cannot be continued from."""

    code = "invalid_checkpoint"
