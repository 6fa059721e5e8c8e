"""The check that pictures of a map find themselves, by their stored features and by their files encoded again."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from index_builder.picture_files import DecodedPicture, decode_picture, source_base
from model.encoder import Encoder
from model.images import DEFAULT_LIMITS, ImageLimits
from model.places import Place
from place_map import layout
from place_map.checks.problem import Problem, ProblemKind
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from place_map.searching import Searcher

_HITS = 10
_SAME_DISTANCE = 1e-6  # distance between a picture and its duplicates, which may come before it
_SAME_SIMILARITY = 2e-3  # float16 changes a dot product of two unit vectors by at most 1e-3
_LEAST_OWN = 0.99  # share of local features


def sample_rows(place_map: PlaceMap, count: int) -> NDArray[np.int64]:
    """Return at most ``count`` rows, evenly spread and always the same."""
    return np.unique(np.linspace(0, len(place_map) - 1, min(count, len(place_map))).astype(np.int64))


def check_stored(place_map: PlaceMap, rows: NDArray[np.int64]) -> Iterator[Problem]:
    """Search the map with its own features."""
    searcher = open_searcher(place_map, "cpu")
    for row in rows.tolist():
        global_feature = torch.from_numpy(place_map.global_features(np.array([row])))
        local_features = place_map.local_features(np.array([row]))
        yield from _check_finds_itself(place_map, searcher, row, global_feature, local_features[0], "stored features")


@dataclass(frozen=True)
class Reencoding:
    """Hold the results of encoding source pictures again.

    Attributes:
        problems: Pictures that are not found.
        encoded: The number of encoded pictures.
        gone: The number of pictures that are missing or have changed.
    """

    problems: tuple[Problem, ...]
    encoded: int
    gone: int


def check_reencoded(
    place_map: PlaceMap, rows: NDArray[np.int64], encoder: Encoder, limits: ImageLimits = DEFAULT_LIMITS
) -> Reencoding:
    """Search the map with its source pictures, if they are still at their places.

    Raises:
        NetworkMismatch: The map was made with another network.
    """
    place_map.check_network(encoder)
    searcher = open_searcher(place_map, "cpu")
    problems: list[Problem] = []
    encoded = gone = 0
    for row in rows.tolist():
        record = place_map.places[row]
        base = source_base(Path(place_map.source_of(row).path))
        place = Place(record.id, base / record.source_path, record.position)
        picture = decode_picture(place, place_map.manifest.preparation, limits, thumbnail=False)
        if not isinstance(picture, DecodedPicture) or picture.content_sha256 != record.content_sha256:
            gone += 1
            continue
        encoded += 1
        features = encoder.encode(picture.pixels[None]).to("cpu")
        # Rounded like those in the map; otherwise adjacent cells could not be distinguished.
        rounded = place_map.manifest.features.local_codec.round_trip(features.local_features)[0]
        problems += _check_finds_itself(
            place_map, searcher, row, features.global_features, rounded, "its file, encoded again"
        )
    return Reencoding(tuple(problems), encoded, gone)


def _check_finds_itself(
    place_map: PlaceMap, searcher: Searcher, row: int, global_feature: Tensor, local_features: Tensor, by: str
) -> Iterator[Problem]:
    """Check that the picture is the nearest, or as near as its duplicates, and that its local features match the stored
    ones.
    """
    place_id = place_map.places[row].id
    result = searcher.search(global_feature, _HITS)
    own = place_map.global_features(np.array([row]))[0].astype(np.float64) - global_feature[0].numpy()
    nearest = int(result.rows[0, 0])
    if nearest != row and float(np.linalg.norm(own)) > float(result.distances[0, 0]) + _SAME_DISTANCE:
        of_index = list(place_map.manifest.index.files(place_map.version))
        yield Problem(
            (of_index or [f"{layout.SEGMENTS}/{place_map.segment_of(row)}/{layout.GLOBALS}"])[0],
            ProblemKind.SEARCH,
            f"picture {place_id}, searched by {by}, is not found first, but {place_map.places[nearest].id}",
        )
    own_cells = _count_own_cells(*map(_unit, (local_features, place_map.local_features(np.array([row]))[0])))
    if own_cells < _LEAST_OWN * len(local_features):
        yield Problem(
            f"{layout.SEGMENTS}/{place_map.segment_of(row)}/{layout.LOCALS}",
            ProblemKind.SEARCH,
            f"picture {place_id}, compared by {by}: only {own_cells} of {len(local_features)} local features are "
            "nearest to their own cell",
        )


def _unit(local_features: Tensor) -> Tensor:
    """Return features or codes as features of length 1, independent of the rounding of a store."""
    return normalize(local_features.float(), dim=-1)


def _count_own_cells(local_features: Tensor, stored: Tensor) -> int:
    """Count the local features ``(N, C)`` to which the stored feature of their own cell is nearest.

    These are not mutual matches: in flat areas cells have equal features, and only the first of them is matched.
    """
    if not len(local_features):
        return 0
    similarity = local_features @ stored.T  # (N, N)
    is_own = similarity.diagonal() >= similarity.amax(dim=1) - _SAME_SIMILARITY
    return int(is_own.sum())
