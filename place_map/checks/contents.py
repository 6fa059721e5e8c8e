"""The check that the files of a map agree with each other, for maps with wrong content and right sums."""

import csv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from place_map import layout
from place_map.checks.problem import Problem, ProblemKind
from place_map.errors import MapCorrupt
from place_map.feature_store import StoredArray, map_features
from place_map.global_index import find_difference
from place_map.left_out import HEADER
from place_map.local_codec import LocalCodec
from place_map.manifest import Manifest
from place_map.place_file import read_places, wrong_geometries
from place_map.reader import PlaceMap
from place_map.segment import Segment
from place_map.stored_thumbnails import wrong_thumbnail

_LENGTH_TOLERANCE = 2e-3  # float16 rounds each value by at most 1/2048 of it
_OTHER_LENGTH = "features that are not finite, or whose length is not 1"
_VALUES_AT_A_TIME = 2**24  # 64 MB of float32


def check_contents(place_map: PlaceMap, checked: set[str]) -> Iterator[Problem]:
    """Check tables, features, index and the list of the pictures that were left out.

    Args:
        place_map: A version of a map with right sums.
        checked: Segments that are skipped because they have been checked; the segments of this version are added.
    """
    manifest = place_map.manifest
    for segment in manifest.segments:
        if segment.id in checked:
            continue
        checked.add(segment.id)
        yield from _check_table(place_map.path, segment)
        yield from _check_features(place_map.path, manifest, segment)
    yield from _check_index(place_map)
    yield from _check_left_out(place_map.path, manifest)


def _check_table(path: Path, segment: Segment) -> Iterator[Problem]:
    name = f"{layout.SEGMENTS}/{segment.id}/{layout.PLACES}"
    table = read_places(path / name, segment.rows)
    latitudes, longitudes = table.column("latitude").to_numpy(), table.column("longitude").to_numpy()
    is_on_earth = (np.abs(latitudes) <= 90) & (np.abs(longitudes) <= 180)  # False for NaN
    if not is_on_earth.all():
        row = int(np.flatnonzero(~is_on_earth)[0])
        message = f"row {row} lies at {latitudes[row]}, {longitudes[row]}, which is nowhere"
        yield Problem(name, ProblemKind.STRUCTURE, message)
    wrong = wrong_geometries(table)
    if wrong:
        message = f"the geometry of row {wrong[0]} is not the point of its latitude and longitude"
        yield Problem(name, ProblemKind.STRUCTURE, message)
    row_of_another = wrong_thumbnail(layout.segment_dir(path, segment.id), segment, table)
    if row_of_another is not None:
        message = f"the thumbnail of row {row_of_another} differs from the table"
        yield Problem(f"{layout.SEGMENTS}/{segment.id}/{layout.THUMBNAILS}", ProblemKind.STRUCTURE, message)


def _check_features(path: Path, manifest: Manifest, segment: Segment) -> Iterator[Problem]:
    shapes = manifest.features
    codec = shapes.local_codec
    names = [f"{layout.SEGMENTS}/{segment.id}/{file}" for file in (layout.GLOBALS, layout.LOCALS)]
    global_features = map_features(path / names[0], (segment.rows, shapes.global_dim), shapes.dtype)
    local_shape = (segment.rows, *codec.row_shape(shapes.local_count))
    local_features = map_features(path / names[1], local_shape, codec.array_type)
    row = _first_bad(global_features, shapes.global_dim, _has_other_length)
    if row is not None:
        yield Problem(names[0], ProblemKind.FEATURES, f"row {row} holds {_OTHER_LENGTH}")
    values, largest = shapes.local_count * shapes.local_dim, codec.largest_code
    if largest is None:
        row = _first_bad(local_features, values, lambda rows: _has_other_length(codec.channels_of(rows)))
        says = _OTHER_LENGTH
    else:
        is_bad = partial(_has_impossible_codes, codec=codec, largest=largest)
        row = _first_bad(local_features, values, is_bad)
        says = f"codes beyond {largest}, or features of nothing but zeros"
    if row is None and codec.extras:
        row = _first_bad(local_features, values, partial(_has_infinite_extras, codec=codec))
        says = "numbers beside its features that are not finite"
    if row is not None:
        yield Problem(names[1], ProblemKind.FEATURES, f"row {row} holds {says}")


def _first_bad(
    rows: StoredArray, values_per_row: int, is_bad: Callable[[StoredArray], NDArray[np.bool_]]
) -> int | None:
    """Return the first bad row; ``is_bad`` takes some rows at a time and judges each."""
    rows_at_a_time = max(1, _VALUES_AT_A_TIME // max(1, values_per_row))
    for start in range(0, len(rows), rows_at_a_time):
        found = np.flatnonzero(is_bad(rows[start : start + rows_at_a_time]))
        if len(found):
            return start + int(found[0])
    return None


def _has_other_length(rows: StoredArray) -> NDArray[np.bool_]:
    """Return for each row whether a feature is not finite or does not have length 1."""
    lengths = np.linalg.norm(rows.astype(np.float32), axis=-1).reshape(len(rows), -1)
    is_bad = ~(np.abs(lengths - 1) <= _LENGTH_TOLERANCE)  # True for NaN
    of_row: NDArray[np.bool_] = np.any(is_bad, axis=1)
    return of_row


def _has_infinite_extras(rows: StoredArray, codec: LocalCodec) -> NDArray[np.bool_]:
    """Return for each row whether an extra of a feature is not finite."""
    of_row: NDArray[np.bool_] = ~np.all(np.isfinite(codec.extras_of(rows)), axis=(1, 2))
    return of_row


def _has_impossible_codes(rows: StoredArray, codec: LocalCodec, largest: int) -> NDArray[np.bool_]:
    """Return for each row whether it has codes that features of length 1 never give."""
    codes = codec.codes(rows)
    is_beyond = np.any((codes < -largest) | (codes > largest), axis=(1, 2))
    of_row: NDArray[np.bool_] = is_beyond | np.any(~np.any(codes, axis=2), axis=1)
    return of_row


def _check_index(place_map: PlaceMap) -> Iterator[Problem]:
    try:
        difference = find_difference(place_map)
    except MapCorrupt as error:
        names = list(place_map.manifest.index.files(place_map.version))
        if error.path is not None:
            names = [error.path.relative_to(place_map.path).as_posix()]
        name = names[0] if names else f"{layout.VERSIONS}/{place_map.version}/{layout.MANIFEST}"
        yield Problem(name, ProblemKind.STRUCTURE, error.message)
        return
    if difference is not None:
        yield Problem(difference.name, ProblemKind.STRUCTURE, difference.message)


def _check_left_out(path: Path, manifest: Manifest) -> Iterator[Problem]:
    name = f"{layout.VERSIONS}/{manifest.version}/{layout.LEFT_OUT}"
    with (path / name).open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    counted = [line.get(HEADER[1]) for line in lines]
    expected = manifest.counts
    if (counted.count("skipped"), counted.count("rejected"), len(counted)) != (
        expected.skipped,
        expected.rejected,
        expected.skipped + expected.rejected,
    ):
        message = (
            f"it lists {counted.count('skipped')} skipped and {counted.count('rejected')} rejected pictures, the "
            f"manifest {expected.skipped} and {expected.rejected}"
        )
        yield Problem(name, ProblemKind.STRUCTURE, message)
