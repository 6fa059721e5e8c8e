"""What is wrong with a map, and where."""

from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """What kind of thing is wrong.

    Attributes:
        MISSING: A file that the manifest lists is not there.
        UNREADABLE: A file is there and cannot be read.
        SIZE: A file has another size than the manifest says.
        CHECKSUM: A file has the right size and other bytes.
        STRAY: Something is there that belongs to no version.
        STRUCTURE: Files are as they were written, and do not go together.
        FEATURES: Stored features that no network makes.
        SEARCH: A picture is not found by its own features.
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
    """One thing that is wrong.

    Attributes:
        path: The file, below the map, with ``/``.
        kind: What kind of thing.
        message: A sentence for people.
    """

    path: str
    kind: ProblemKind
    message: str


def link(name: str) -> Problem:
    """Something that is elsewhere: it could be changed there, or not be copied with the map."""
    return Problem(name, ProblemKind.MISSING, "it is not a regular file")


def unreadable(name: str, error: OSError) -> Problem:
    """A file that the system does not give."""
    if isinstance(error, FileNotFoundError):
        return Problem(name, ProblemKind.MISSING, "it is not there")
    return Problem(name, ProblemKind.UNREADABLE, f"it cannot be read: {error.strerror}")
