"""The system's limit on the open files of a process; a reader of a map holds two for each segment."""

import os
import resource
from pathlib import Path

from place_map.errors import MapError

FILES_PER_SEGMENT = 2  # its global features, which are mapped, and its local features
_SPARE_FILES = 128  # for connections, tables that are read, and libraries that are loaded later


def allow_open_files(count: int) -> None:
    """Raise the limit of this process, up to the limit of the system, if files could not be opened otherwise.

    Usual limits are 1024, and 524,288 or more for a process that asks.

    Args:
        count: The number of files that will be opened.

    Raises:
        MapError: The system permits too few.
    """
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _open_files() + count + _SPARE_FILES
    if limit == resource.RLIM_INFINITY or needed <= limit:
        return
    if most != resource.RLIM_INFINITY and needed > most:
        raise MapError(
            f"the map needs {count:,} open files, and the system lets this process have {most:,}: raise the limit "
            "(ulimit -Hn), or give the map larger segments (placefix compact --segment-size)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))


def _open_files() -> int:
    folder = Path("/proc/self/fd")  # elsewhere /dev/fd lists some of them
    return len(os.listdir(folder if folder.is_dir() else "/dev/fd"))  # noqa: PTH208  (names alone)
