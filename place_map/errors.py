"""Errors of a map; ``model.errors`` draws the tree of all errors."""

from pathlib import Path

from model.errors import InvalidInput, PlacefixError


class MapError(PlacefixError):
    """The map cannot be used."""

    code = "invalid_map"


class MapNotFound(MapError):
    """There is no map at that path, or of that name."""

    code = "map_not_found"


class VersionNotFound(InvalidInput):
    """The map does not have this version, or no longer has it."""

    code = "version_not_found"


class MapExists(MapError):
    """There is already a map at that path."""

    code = "map_exists"


class MapCorrupt(MapError):
    """The files of a map and its manifest disagree.

    Attributes:
        path: The file, if the error concerns a single one.
    """

    code = "map_corrupt"

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path

    @property
    def may_pass(self) -> bool:
        """Return whether the file could not be read, for example on an unreachable network share; otherwise its content
        is wrong.
        """
        return isinstance(self.__cause__, OSError)


class MapVersionUnsupported(MapError):
    """The map was written in a format that this release does not know."""

    code = "map_version_unsupported"


class NetworkMismatch(MapError):
    """The map was made with another network or another preprocessing."""

    code = "network_mismatch"


class MapBusy(MapError):
    """Another process is writing the map."""

    code = "map_busy"


class BuildConflict(MapError):
    """There is an unfinished build of other pictures, with another network or with other settings."""

    code = "build_conflict"


class OriginError(MapError):
    """An origin of maps cannot be reached, or holds something else than it should."""

    code = "origin_failed"


class PublishConflict(MapError):
    """An origin names another version than the one to replace."""

    code = "publish_conflict"
