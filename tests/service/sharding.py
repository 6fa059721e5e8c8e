"""Run shards in one process and as servers, and compare their results with those of one machine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from index_builder.changes.add import add_pictures
from model.encoder import Encoder
from model.geo import LatLon
from model.rerankers.reranker import LocalFeatures
from model.selavpr.initialisation import seeded_network
from place_map.activation import roll_back
from place_map.evidence import Ranking
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from place_map.segment import Segment
from place_map.shard import Assign, Assignment, Shard, assign_segments
from service.localization import Localization, Matches
from service.localizer import Localizer
from service.map_shard import MapShard
from service.matches import MatchedCells
from service.query_options import QueryOptions
from service.settings import ServiceSettings
from service.sharded_localizer import ShardedLocalizer
from service.shortlist import ProposedShortlist
from tests import calibrations
from tests.conftest import TINY_CONFIG
from tests.index_builder.map_factory import SMALL, photo_listing
from tests.service.conftest import HasClient, Served, Town, build_town, serving
from tests.service.map_versions import Asked, contents

NEAR = {"near": "55.704,13.192", "within_m": "300"}
ALL = {"candidates": "12", "shortlist": "12"}


def contiguous(segments: Sequence[Segment], shards: int) -> tuple[int, ...]:
    """Assign neighbouring segments to each shard."""
    return tuple(number * shards // len(segments) for number in range(len(segments)))


class LocalShards:
    """Ask shards in this process, one after the other.

    Attributes:
        rounds: How often all were asked to compare.
    """

    def __init__(self, shards: Sequence[MapShard]) -> None:
        self.rounds = 0
        self._shards = shards

    @property
    def matcher(self) -> str:
        [matcher] = {shard.localizer.matcher for shard in self._shards}
        return matcher

    def check_ready(self) -> None:
        pass

    def wait_until_held(self) -> None:
        pass

    def shortlists(
        self, query: Tensor, options: QueryOptions, without: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> Sequence[ProposedShortlist]:
        return [shard.shortlist(query, options, without, is_wanted) for shard in self._shards]

    def comparisons(
        self, query: LocalFeatures, rows: Mapping[int, NDArray[np.int64]], is_wanted: Callable[[], bool]
    ) -> Mapping[int, NDArray[np.float64]]:
        self.rounds += 1
        return {number: self._shards[number].compare(query, of_shard, is_wanted) for number, of_shard in rows.items()}

    def matches(
        self, query: LocalFeatures, rows: Mapping[int, NDArray[np.int64]], is_wanted: Callable[[], bool]
    ) -> Mapping[int, Sequence[MatchedCells] | None]:
        return {number: self._shards[number].match(query, of_shard, is_wanted) for number, of_shard in rows.items()}

    def close(self) -> None:
        for shard in self._shards:
            shard.localizer.close()


@contextmanager
def sharded(
    encoder: Encoder, path: Path, count: int, assign: Assign = assign_segments, version: str | None = None
) -> Iterator[ShardedLocalizer]:
    """Open a map as several shards in this process."""
    with ExitStack() as stack:
        parts = [
            stack.enter_context(PlaceMap.open(path, version, Shard(number + 1, count, assign)))
            for number in range(count)
        ]
        shards = LocalShards(
            [MapShard(Localizer(encoder, part, open_searcher(part, encoder.device))) for part in parts]
        )
        whole = stack.enter_context(PlaceMap.open(path, version))
        yield ShardedLocalizer(encoder, whole, shards, Assignment(whole.manifest, count, assign))


def check_same(found: Localization, expected: Localization) -> None:
    """Assert that two answers are the same to the last bit, but for the seconds that they took."""
    for field in fields(Localization):
        if field.name not in ("seconds", "ranking", "matches"):
            assert getattr(found, field.name) == getattr(expected, field.name), field.name
    assert bits(found.ranking) == bits(expected.ranking)
    assert cells_of(found.matches) == cells_of(expected.matches)


def cells_of(matches: Matches | None) -> object:
    if matches is None:
        return None
    return matches.grid, [
        (each.candidate, each.rank, each.is_elsewhere, each.cells.count, *bytes_of(each.cells))
        for each in matches.candidates
    ]


def bytes_of(cells: MatchedCells) -> tuple[bytes, ...]:
    return tuple(values.tobytes() for values in (cells.query_cells, cells.candidate_cells, cells.similarities))


def bits(ranking: Ranking | None) -> object:
    if ranking is None:
        return None
    return ranking.rows.tobytes(), ranking.distances.tobytes(), ranking.scores.tobytes(), ranking.rivals


@dataclass(frozen=True)
class Fleet:
    """Hold a front end, its shards, and one machine with the same map.

    Attributes:
        front: The front end, which asks the shards.
        shards: The servers with a part of the map each.
        alone: The server with all of it.
    """

    front: Served
    shards: tuple[Served, ...]
    alone: Served


def judged_town(folder: Path, index: str = "Flat") -> Town:
    """Make twelve pictures in three segments, by a network that counts as trained, with a calibration for ``auto``."""
    network = seeded_network(TINY_CONFIG, seed=7)
    network.is_trained = True
    positions = {f"a street/{number}.jpg": LatLon(55.7 + 0.001 * number, 13.2 - 0.002 * number) for number in range(12)}
    town = build_town(folder, "town", network, positions, first_seed=100, index=index)
    calibrations.give(town.map_path, calibrations.calibration(steps=((0, 0.5), (2, 0.6), (4, 0.7), (8, 0.95))))
    return town


def judged_town_of_two_versions(folder: Path) -> Town:
    """Make a town like that with two versions, and serve the first one."""
    town = judged_town(folder)
    network = seeded_network(TINY_CONFIG, seed=7)
    network.is_trained = True
    add_pictures(town.map_path, photo_listing(folder / "more", 7), Encoder(network), SMALL)
    roll_back(town.map_path)
    return town


def serve_shards(stack: ExitStack, town: Town, count: int, **settings: Any) -> tuple[Served, ...]:
    """Start all shards of a town, and wait until they are ready."""
    shards = tuple(
        stack.enter_context(serving(ServiceSettings(maps=(town.map_path,), shard=f"{number}/{count}", **settings)))
        for number in range(1, count + 1)
    )
    for shard in shards:
        shard.wait_until_ready()
    return shards


def serve_front(stack: ExitStack, town: Town, urls: Sequence[str], **settings: Any) -> Served:
    """Start a front end, which may not become ready."""
    return stack.enter_context(serving(ServiceSettings(maps=(town.map_path,), shards=tuple(urls), **settings)))


def answer_of(served: HasClient, photos: list[Path], fields: dict[str, str]) -> dict[str, Any]:
    files = [("image", ("photo", path.read_bytes())) for path in photos]
    response = served.client.post("/localize", files=files, data=fields)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    del answer["timings_ms"], answer["request_id"]
    return answer


def activate(front: Served, version: str, **more: Any) -> tuple[int, dict[str, Any]]:
    response = front.client.post("/maps/town/activate", json={"version": version, **more})
    return response.status_code, response.json()


def photo_of(town: Town) -> bytes:
    return next(iter(town.photos.values())).read_bytes()


def check_nothing_lost(asked: Asked, town: Town, *versions: str) -> None:
    """Assert that all were answered, and that each answer has exactly the pictures of its version."""
    assert asked.failures == []
    of_versions = contents(town)
    assert asked.answers == {version: {frozenset(of_versions[version])} for version in versions}
