"""Errors of a picture collection; the tree of all errors is drawn in ``model.errors``."""

from model.errors import PlacefixError


class SourceError(PlacefixError):
    """A picture collection that cannot be read."""

    code = "invalid_source"


class NothingUsable(SourceError):
    """Not one picture of the collection could go into the map."""

    code = "nothing_usable"


class TooManyRejected(SourceError):
    """More pictures of the collection are unreadable than was allowed."""

    code = "too_many_rejected"
