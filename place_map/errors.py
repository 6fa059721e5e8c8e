"""Errors of a map; the tree of all errors is drawn in ``model.errors``."""

from pathlib import Path

from model.errors import InvalidInput, PlacefixError


class MapError(PlacefixError):
    """A map that cannot be used."""

    code = "invalid_map"


class MapNotFound(MapError):
    """There is no map at that path, or of that name."""

    code = "map_not_found"


class VersionNotFound(InvalidInput):
    """The map has no version of that number, or not any more."""

    code = "version_not_found"


class MapExists(MapError):
    """There is a map at that path already."""

    code = "map_exists"


class MapCorrupt(MapError):
    """The files of a map and its manifest disagree.

    Attributes:
        path: The file, where it is known to be a single one.
    """

    code = "map_corrupt"

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path

    @property
    def may_pass(self) -> bool:
        """Whether the file could not be read, as while a network share is away; else it holds something else."""
        return isinstance(self.__cause__, OSError)


class MapVersionUnsupported(MapError):
    """The map was written in a format that this release does not know."""

    code = "map_version_unsupported"


class NetworkMismatch(MapError):
    """The map was made with another network, or with another preprocessing."""

    code = "network_mismatch"


class MapBusy(MapError):
    """Another process is writing the map."""

    code = "map_busy"


class BuildConflict(MapError):
    """An unfinished build is in the way, of other pictures, of another network or with other settings."""

    code = "build_conflict"
