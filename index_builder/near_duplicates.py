"""Duplicate pictures in a collection: the same file, or the same drive uploaded twice.

Mapillary's "twin drives" are the second kind: the same place, the same minute, nearly the same picture. They take
memory and time. If one is a query and the other is in the database, recall seems better than it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from index_builder.position_grid import near_blocks
from index_builder.row_groups import RowGroups
from model.errors import InvalidInput
from model.geo import LatLon, distance_m
from place_map.reader import PlaceMap

_PAIRS_AT_A_TIME = 2048  # 34 MB of float64 at D = 1024


@dataclass(frozen=True, slots=True)
class DuplicateLimits:
    """Set the similarity of pictures that count as duplicates; the limits are inclusive.

    Attributes:
        radius_m: The distance of their positions in metres, in [0, 10,000].
        within_s: The seconds between their times, at least 0. It applies only if both have a time, and both or neither
            a time zone: otherwise the difference is unknown.
        cosine: The cosine of their global features, in [-1, 1].
    """

    radius_m: float = 5.0
    within_s: float = 60.0
    cosine: float = 0.99

    def __post_init__(self) -> None:
        if not isfinite(self.within_s) or self.within_s < 0:
            raise InvalidInput(f"the time between duplicates is {self.within_s} s; it must be a number from 0")
        if not -1 <= self.cosine <= 1:
            raise InvalidInput(f"the cosine of duplicates is {self.cosine}; it must be in [-1, 1]")


@dataclass(frozen=True)
class ComparedPictures:
    """Hold the pictures to compare, in arrays.

    Attributes:
        latitudes: ``(n,)`` float64 degrees.
        longitudes: ``(n,)`` float64 degrees.
        times: ``(n,)`` datetime64[us], NaT if unknown: UTC, or the digits of a clock without a time zone.
        has_time_zone: ``(n,)`` bool, whether the time is UTC.
        contents: ``(n,)`` int64, equal for pictures of the same file.
        global_features: A function from rows ``(k,)`` int64 to their features ``(k, D)`` float32, of any length.
    """

    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]
    times: NDArray[np.datetime64]
    has_time_zone: NDArray[np.bool_]
    contents: NDArray[np.int64]
    global_features: Callable[[NDArray[np.int64]], NDArray[np.float32]]

    @classmethod
    def of_map(cls, place_map: PlaceMap) -> "ComparedPictures":
        """Return the pictures of a map; features are read when they are needed."""
        places = place_map.places
        return cls(
            latitudes=places.latitudes,
            longitudes=places.longitudes,
            times=places.times,
            has_time_zone=places.has_time_zone,
            contents=places.contents,
            global_features=place_map.global_features,
        )

    def __len__(self) -> int:
        return len(self.latitudes)


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Describe a duplicate of an earlier picture.

    Attributes:
        row: The row of the picture.
        twin: The first row of its group that it duplicates.
        distance_m: The distance between the two.
        cosine: The cosine of their global features.
        apart_s: The seconds between their times; None if unknown.
        is_same_file: Whether the files are equal byte by byte; then no limits apply to the other values.
    """

    row: int
    twin: int
    distance_m: float
    cosine: float
    apart_s: float | None
    is_same_file: bool


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Hold pictures that are duplicates of each other, directly or through others of the group.

    Attributes:
        first: The lowest row.
        others: The other duplicates, by row; at least one.
    """

    first: int
    others: tuple[NearDuplicate, ...]


def find_near_duplicates(pictures: ComparedPictures, limits: DuplicateLimits) -> tuple[DuplicateGroup, ...]:
    """Return groups of pictures that are byte-identical, or taken at one place and time with nearly equal features.

    Only pictures within the radius of each other are compared; memory is bounded for any number of pairs.

    Args:
        pictures: Any number of pictures.
        limits: The limits of similarity.

    Returns:
        Groups by their first rows; a row is in one group at most.

    Raises:
        InvalidInput: The radius is out of its range.
    """
    groups = RowGroups(len(pictures))
    twins = np.full(len(pictures), len(pictures), dtype=np.int64)
    for row, earlier in _same_files(pictures.contents):
        groups.join(earlier, row)
        twins[row], twins[earlier] = min(twins[row], earlier), min(twins[earlier], row)
    for block in near_blocks(pictures.latitudes, pictures.longitudes, limits.radius_m):
        linked = block.near & ~_is_at_another_time(pictures, block.rows, block.others, limits.within_s)
        lines, columns = linked.any(axis=1), linked.any(axis=0)
        rows, others, linked = block.rows[lines], block.others[columns], linked[np.ix_(lines, columns)]
        if not len(rows):
            continue
        linked &= _are_similar(pictures.global_features(rows), pictures.global_features(others), limits.cosine, linked)
        groups.join_block(rows, others, linked)
        twins[rows] = np.minimum(twins[rows], np.where(linked, others[None, :], len(twins)).min(axis=1))
        twins[others] = np.minimum(twins[others], np.where(linked, rows[:, None], len(twins)).min(axis=0))
    return _described(pictures, [group.tolist() for group in groups.groups()], twins)


def _same_files(contents: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return each row whose file occurred before, and the first row with that file."""
    _, first_rows, numbers = np.unique(contents, return_index=True, return_inverse=True)
    firsts = first_rows[numbers]
    rows = np.flatnonzero(firsts != np.arange(len(contents)))
    return list(zip(rows.tolist(), firsts[rows].tolist(), strict=True))


def _is_at_another_time(
    pictures: ComparedPictures, rows: NDArray[np.int64], others: NDArray[np.int64], within_s: float
) -> NDArray[np.bool_]:
    apart = np.abs(pictures.times[rows][:, None] - pictures.times[others][None, :])
    is_known = pictures.has_time_zone[rows][:, None] == pictures.has_time_zone[others][None, :]
    limit = np.timedelta64(min(round(within_s * 1e6), 2**62), "us")
    return np.asarray(is_known & (apart > limit))  # a difference to an unknown time is NaT


def _are_similar(
    features: NDArray[np.float32], others: NDArray[np.float32], cosine: float, asked: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return ``(k, m)``, whether the cosine reaches the limit; cases that float32 leaves open use float64."""
    products = _of_length_one(features) @ _of_length_one(others).T
    is_similar = products >= cosine
    rounding = (features.shape[1] + 8) * float(np.finfo(np.float32).eps)  # bound of a sum of D products in any order
    lines, columns = np.nonzero(asked & (np.abs(products - cosine) <= rounding))
    for start in range(0, len(lines), _PAIRS_AT_A_TIME):
        line, column = lines[start : start + _PAIRS_AT_A_TIME], columns[start : start + _PAIRS_AT_A_TIME]
        is_similar[line, column] = _cosines(features[line], others[column]) >= cosine
    return np.asarray(is_similar, dtype=np.bool_)


def _of_length_one(features: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(features / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _cosines(features: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosines of k pairs in float64, ``(k,)``; 0 if a feature is 0."""
    left, right = features.astype(np.float64), others.astype(np.float64)
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    products = np.einsum("ij,ij->i", left, right)
    return np.asarray(np.clip(products / np.where(lengths > 0, lengths, 1), -1, 1), dtype=np.float64)


def _described(
    pictures: ComparedPictures, groups: list[list[int]], twins: NDArray[np.int64]
) -> tuple[DuplicateGroup, ...]:
    rows = np.array([row for group in groups for row in group[1:]], dtype=np.int64)
    duplicates: dict[int, NearDuplicate] = {}
    for start in range(0, len(rows), _PAIRS_AT_A_TIME):
        some = rows[start : start + _PAIRS_AT_A_TIME]
        cosines = _cosines(pictures.global_features(some), pictures.global_features(twins[some]))
        for row, twin, cosine in zip(some.tolist(), twins[some].tolist(), cosines.tolist(), strict=True):
            duplicates[row] = NearDuplicate(
                row=row,
                twin=twin,
                distance_m=distance_m(_position(pictures, row), _position(pictures, twin)),
                cosine=cosine,
                apart_s=_apart_s(pictures, row, twin),
                is_same_file=bool(pictures.contents[row] == pictures.contents[twin]),
            )
    return tuple(DuplicateGroup(group[0], tuple(duplicates[row] for row in group[1:])) for group in groups)


def _position(pictures: ComparedPictures, row: int) -> LatLon:
    return LatLon(float(pictures.latitudes[row]), float(pictures.longitudes[row]))


def _apart_s(pictures: ComparedPictures, row: int, twin: int) -> float | None:
    apart = abs(pictures.times[row] - pictures.times[twin])
    if np.isnat(apart) or pictures.has_time_zone[row] != pictures.has_time_zone[twin]:
        return None
    return float(apart / np.timedelta64(1, "s"))
