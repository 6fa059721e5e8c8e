"""Whether the files of a map go together: for maps that were written wrong, with the right sums."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from index_builder.checks.problem import Problem, ProblemKind
from index_builder.left_out import HEADER
from index_builder.place_map import layout
from index_builder.place_map.feature_store import StoredFeatures, map_features
from index_builder.place_map.global_index import differing_row
from index_builder.place_map.manifest import Manifest, Segment
from index_builder.place_map.place_table import read_places, wrong_geometries
from index_builder.place_map.reader import PlaceMap
from model.errors import MapCorrupt

_LENGTH_TOLERANCE = 2e-3  # float16 rounds each value by at most 1/2048 of it
_VALUES_AT_A_TIME = 2**24  # 64 MB of float32


def check_contents(place_map: PlaceMap) -> Iterator[Problem]:
    """Looks at tables, features, index and the list of what was left out.

    Args:
        place_map: A map whose sums are right.
    """
    manifest = place_map.manifest
    for segment in manifest.segments:
        yield from _check_table(place_map.path, segment)
        yield from _check_features(place_map.path, manifest, segment)
    yield from _check_index(place_map)
    yield from _check_left_out(place_map.path, manifest)


def _check_table(path: Path, segment: Segment) -> Iterator[Problem]:
    name = f"{layout.SEGMENTS}/{segment.id}/{layout.PLACES}"
    table = read_places(path / name, segment.rows)
    latitudes, longitudes = table.column("latitude").to_numpy(), table.column("longitude").to_numpy()
    is_on_earth = (np.abs(latitudes) <= 90) & (np.abs(longitudes) <= 180)  # false for NaN
    if not is_on_earth.all():
        row = int(np.flatnonzero(~is_on_earth)[0])
        message = f"row {row} lies at {latitudes[row]}, {longitudes[row]}, which is nowhere"
        yield Problem(name, ProblemKind.STRUCTURE, message)
    wrong = wrong_geometries(table)
    if wrong:
        message = f"the geometry of row {wrong[0]} is not the point of its latitude and longitude"
        yield Problem(name, ProblemKind.STRUCTURE, message)


def _check_features(path: Path, manifest: Manifest, segment: Segment) -> Iterator[Problem]:
    shapes = manifest.features
    for file_name, row_shape in (
        (layout.GLOBALS, (shapes.global_dim,)),
        (layout.LOCALS, (shapes.local_count, shapes.local_dim)),
    ):
        name = f"{layout.SEGMENTS}/{segment.id}/{file_name}"
        features = map_features(path / name, (segment.rows, *row_shape), shapes.dtype)
        row = _first_bad_row(features)
        if row is not None:
            message = f"row {row} holds features that are not finite, or whose length is not 1"
            yield Problem(name, ProblemKind.FEATURES, message)


def _first_bad_row(features: StoredFeatures) -> int | None:
    rows_at_a_time = max(1, _VALUES_AT_A_TIME // max(1, features[0].size))
    for start in range(0, len(features), rows_at_a_time):
        lengths = np.linalg.norm(features[start : start + rows_at_a_time].astype(np.float32), axis=-1)
        is_bad = ~(np.abs(lengths - 1) <= _LENGTH_TOLERANCE)  # true for NaN
        if is_bad.any():
            return start + int(np.nonzero(is_bad)[0][0])
    return None


def _check_index(place_map: PlaceMap) -> Iterator[Problem]:
    name = f"{layout.VERSIONS}/{place_map.version}/{layout.INDEX}"
    try:
        row = differing_row(place_map)
    except MapCorrupt as error:
        yield Problem(name, ProblemKind.STRUCTURE, error.message)
        return
    if row is not None:
        message = f"vector {row} is not the global feature of picture {place_map.places[row].id}"
        yield Problem(name, ProblemKind.STRUCTURE, message)


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
