"""Errors of a checkpoint of weights; the tree of all errors is drawn in ``model.errors``."""

from model.errors import PlacefixError


class WeightsError(PlacefixError):
    """A checkpoint that cannot be used, with the tensors that are to blame."""

    code = "invalid_weights"


class DownloadFailed(WeightsError):
    """A checkpoint that could not be fetched, or whose checksum is another."""

    code = "download_failed"
