"""Errors of a picture collection and of the workers of a build; the tree of all errors is drawn in ``model.errors``."""

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


class ClusterError(PlacefixError):
    """The workers of a build cannot be reached, or cannot start."""

    code = "cluster_error"


class WorkerMismatch(ClusterError):
    """A worker would give other bytes than the process that leads the build."""

    code = "worker_mismatch"


class SegmentFailed(ClusterError):
    """A segment has failed in each of its tries."""

    code = "segment_failed"
