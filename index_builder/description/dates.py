"""The times of a map's pictures: first, last, and a histogram over the time between."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

MOST_BINS = 24
BinUnit = Literal["day", "month", "quarter", "year", "years"]

# Lengths in months. The last one covers all years of a datetime.
_UNITS: tuple[tuple[BinUnit, int], ...] = (
    ("month", 1),
    ("quarter", 3),
    ("year", 12),
    *(("years", 12 * years) for years in (2, 5, 10, 20, 50, 100, 200, 500)),
)


@dataclass(frozen=True)
class DateBin:
    """Describe a span of time.

    Attributes:
        label: ``2024-05-17``, ``2024-05``, ``2024-Q2``, ``2024`` or ``2020–2024``.
        first_day: The first day.
        pictures: The number of pictures taken in it.
    """

    label: str
    first_day: date
    pictures: int


@dataclass(frozen=True)
class Dates:
    """Hold the times of a map, in local time at the places.

    Attributes:
        known: The number of pictures with a time.
        first: The earliest time; None if no time is known.
        last: The latest time; None if no time is known.
        unit: The length of a bin: the shortest unit of which at most 24 cover all times.
        bins: The bins from first to last, including empty ones; none if no time is known.
    """

    known: int
    first: datetime | None
    last: datetime | None
    unit: BinUnit | None
    bins: tuple[DateBin, ...]


def summarise_dates(clock_times: NDArray[np.datetime64]) -> Dates:
    """Count times.

    Args:
        clock_times: ``(n,)`` datetime64[us]; NaT if unknown.
    """
    known = clock_times[~np.isnat(clock_times)]
    if not len(known):
        return Dates(0, None, None, None, ())
    days, months = known.astype("datetime64[D]").astype(np.int64), known.astype("datetime64[M]").astype(np.int64)
    first, last = known.min().item(), known.max().item()
    unit, bins = _bins(days, months)
    return Dates(len(known), first, last, unit, bins)


def _bins(days: NDArray[np.int64], months: NDArray[np.int64]) -> tuple[BinUnit, tuple[DateBin, ...]]:
    """Return unit and histogram of times, which are given as days and as months since 1970."""
    if int(days.max() - days.min()) < MOST_BINS:
        counts = np.bincount(days - days.min()).tolist()
        first_days = [np.datetime64(int(days.min()) + number, "D").item() for number in range(len(counts))]
        return "day", tuple(DateBin(day.isoformat(), day, count) for day, count in zip(first_days, counts, strict=True))
    months = months + 1970 * 12  # since the year 0, so that ten years are a decade
    unit, length_months = next(
        (unit, length)
        for unit, length in _UNITS
        if int(months.max()) // length - int(months.min()) // length < MOST_BINS
    )
    steps = months // length_months
    bins = []
    for number, count in enumerate(np.bincount(steps - steps.min()).tolist()):
        year, month = divmod((int(steps.min()) + number) * length_months, 12)
        # There is no year 0; a step that would begin there begins a year later.
        bins.append(DateBin(_label(unit, year, month, length_months), date(max(year, 1), month + 1, 1), count))
    return unit, tuple(bins)


def _label(unit: BinUnit, year: int, month: int, length_months: int) -> str:
    if unit == "month":
        return f"{year}-{month + 1:02d}"
    if unit == "quarter":
        return f"{year}-Q{month // 3 + 1}"
    return f"{year}" if unit == "year" else f"{year}–{year + length_months // 12 - 1}"
