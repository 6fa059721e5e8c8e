"""Errors of writing positions back; the tree of all errors is drawn in ``model.errors``."""

from model.errors import PlacefixError


class CannotWrite(PlacefixError):
    """A position that cannot be written to a photo, or not be taken away from it."""

    code = "cannot_write"
