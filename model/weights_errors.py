"""Errors of weights files; the tree of all errors is drawn in ``model.errors``."""

from model.errors import PlacefixError


class WeightsError(PlacefixError):
    """A weights file that cannot be used, with the tensors that are to blame."""

    code = "invalid_weights"


class DownloadFailed(WeightsError):
    """A weights file that could not be fetched, or whose checksum is another."""

    code = "download_failed"
