"""The description of a problem of a map: the file, the kind and a sentence."""

from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """Name the kind of a problem.

    Attributes:
        MISSING: A file that the manifest lists is not there.
        UNREADABLE: A file is there and cannot be read.
        SIZE: A file has another size than the manifest says.
        CHECKSUM: A file has the right size and other bytes.
        STRAY: A file or directory belongs to no version.
        STRUCTURE: Files are unchanged and contradict each other.
        FEATURES: No network makes the stored features.
        SEARCH: A search by the features of a picture does not find it.
    """

    MISSING = "missing"
    UNREADABLE = "unreadable"
    SIZE = "size"
    CHECKSUM = "checksum"
    STRAY = "stray"
    STRUCTURE = "structure"
    FEATURES = "features"
    SEARCH = "search"


@dataclass(frozen=True, slots=True)
class Problem:
    """Describe a single problem.

    Attributes:
        path: The file, below the map, with ``/``.
        kind: The kind of the problem.
        message: A sentence for people.
    """

    path: str
    kind: ProblemKind
    message: str


def link(name: str) -> Problem:
    """Return the problem of a link: its target could change, or be missing in a copy of the map."""
    return Problem(name, ProblemKind.MISSING, "it is not a regular file")


def unreadable(name: str, error: OSError) -> Problem:
    """Return the problem of a file that the system cannot read."""
    if isinstance(error, FileNotFoundError):
        return Problem(name, ProblemKind.MISSING, "it is not there")
    return Problem(name, ProblemKind.UNREADABLE, f"it cannot be read: {error.strerror}")
