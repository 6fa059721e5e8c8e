"""Errors of a map; the tree of all errors is drawn in ``model.errors``."""

from model.errors import PlacefixError


class MapError(PlacefixError):
    """A map that cannot be used."""

    code = "invalid_map"


class MapNotFound(MapError):
    """There is no map at that path, or of that name."""

    code = "map_not_found"


class MapExists(MapError):
    """There is a map at that path already."""

    code = "map_exists"


class MapCorrupt(MapError):
    """The files of a map and its manifest disagree."""

    code = "map_corrupt"


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
