"""Read the request for its photos: the options of each, prior knowledge, and how they belong together."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import get_args

from model.errors import InvalidInput
from service.prior import NOTHING_KNOWN, AskedPrior
from service.query_options import QueryOptions
from service.words import Togetherness


@dataclass(frozen=True)
class Together:
    """Say how several photos belong together.

    Attributes:
        kind: ``place``: all show one place. ``sequence``: they were taken one after the other, along a path.
        times_s: The time of each photo, in their order, in seconds since any moment; None if the request does not say.
    """

    kind: Togetherness
    times_s: tuple[float, ...] | None = None

    @classmethod
    def of(cls, kind: str | None, times: str | None, photos: int) -> "Together | None":
        """Read how the photos of a request belong together.

        Args:
            kind: One of ``Togetherness``; None if the photos are not asked together.
            times: The times of the photos, as seconds or ISO 8601, separated by commas.
            photos: The number of photos.

        Returns:
            None if the request does not say how its photos belong together.

        Raises:
            InvalidInput: The kind is unknown, or there are times without a sequence, times that cannot be read, or a
                wrong number of them.
        """
        if times is not None and kind != "sequence":
            raise InvalidInput("times has no effect without together=sequence: leave it out, or ask for a sequence")
        if kind is None:
            return None
        if kind not in get_args(Togetherness):
            raise InvalidInput(f"together must be one of {', '.join(get_args(Togetherness))}, not {kind!r}")
        times_s = None if times is None else read_times(times)
        if times_s is not None and len(times_s) != photos:
            raise InvalidInput(f"times has {len(times_s)} times for {photos} photos: give one for each")
        return cls("place" if kind == "place" else "sequence", times_s)


def read_times(text: str) -> tuple[float, ...]:
    """Read times that are separated by commas: all seconds, or all ISO 8601.

    Returns:
        The seconds since any moment; only their differences have a meaning.

    Raises:
        InvalidInput: One of them cannot be read, or is earlier than the one before it.
    """
    parts = [part.strip() for part in text.split(",")]
    times_s: list[float] = []
    for read in (float, _seconds_of):
        try:
            times_s = [read(part) for part in parts]
            break
        except ValueError:
            continue
    if not times_s or not all(map(isfinite, times_s)):
        raise InvalidInput(f"times is {text[:80]!r}: give seconds, as 0,1.5,3, or ISO 8601 times, separated by commas")
    if any(later < earlier for earlier, later in pairwise(times_s)):
        raise InvalidInput("times must not go back: send the photos in the order in which they were taken")
    return tuple(times_s)


def _seconds_of(text: str) -> float:
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


@dataclass(frozen=True)
class Asked:
    """Hold the request for its photos.

    Attributes:
        options: The options of every photo, still without its prior.
        prior: The prior of each photo.
        together: How the photos belong together; None if the request does not say.

    Raises:
        InvalidInput: The request asks for evidence of one photo, and for several photos together.
    """

    options: QueryOptions
    prior: AskedPrior = NOTHING_KNOWN
    together: Together | None = None

    def __post_init__(self) -> None:
        if self.together is not None and self.options.evidence is not None:
            raise InvalidInput(
                f"evidence={self.options.evidence} is for one photo: leave it out, or leave together out and ask about "
                "each photo alone"
            )

    def options_for(self, photo: Path | bytes) -> QueryOptions:
        """Return the options of one photo, with its prior.

        Raises:
            ImageError: The request takes the photo's own position as the prior, and the photo states none.
        """
        return replace(self.options, prior=self.prior.for_photo(photo))
