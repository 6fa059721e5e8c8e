"""Errors of weights files; ``model.errors`` draws the tree of all errors."""

from model.errors import PlacefixError


class WeightsError(PlacefixError):
    """A weights file cannot be used; the message names the faulty tensors."""

    code = "invalid_weights"


class DownloadFailed(WeightsError):
    """A weights file could not be fetched, or has another checksum."""

    code = "download_failed"
