"""Ask the shards of one version of a map over HTTP."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.encoder import Encoder
from model.rerankers.registry import reranker_named
from model.rerankers.reranker import LocalFeatures
from place_map.reader import PlaceMap
from place_map.shard import Assignment, Shard
from service.errors import MalformedBody, ShardUnavailable
from service.query_options import QueryOptions
from service.shard_connections import ShardConnections
from service.shard_identity import ShardIdentity
from service.shard_messages import Question, pack_question, unpack_comparisons, unpack_shortlist
from service.sharded_localizer import ShardedLocalizer
from service.shortlist import Shortlist

SHORTLIST_PATH = "/shard/shortlist"
COMPARE_PATH = "/shard/compare"

_UNKNOWN = "unknown"

Answer = TypeVar("Answer")


class HttpShards:
    """Ask shards that are servers. A call names all properties that a shard must have, so no answer is a mixture."""

    def __init__(
        self, connections: ShardConnections, expected: Sequence[ShardIdentity], assignment: Assignment, parts: int = 1
    ) -> None:
        """Keep the connections; nothing is asked yet.

        Args:
            connections: The connections to all shards, for all maps.
            expected: The identity that each shard must have; all must have the matcher of the first one.
            assignment: The rows of each shard.
            parts: ``Reranker.parts`` of the map's re-ranker.
        """
        self._parts = parts
        self._connections = connections
        self._expected = expected
        self._assignment = assignment

    @property
    def matcher(self) -> str:
        """Return the matcher of all shards; ``unknown`` as long as one is missing."""
        try:
            return self._agreed_matcher()
        except ShardUnavailable:
            return _UNKNOWN

    def check_ready(self) -> None:
        """See ``Shards.check_ready``; this looks at the latest state of each shard."""
        self._agreed_matcher()

    def shortlists(
        self, query: Tensor, options: QueryOptions, without: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> Sequence[Shortlist]:
        """See ``Shards.shortlists``."""
        tensors = {"query": query, "without": torch.from_numpy(without)}
        everyone = range(len(self._expected))
        bodies = self._bodies(dict.fromkeys(everyone, tensors), options)
        answers = self._connections.ask(SHORTLIST_PATH, bodies, is_wanted)
        return [
            self._read(number, partial(self._shortlist_of, number, answers[number], options.shortlist))
            for number in everyone
        ]

    def comparisons(
        self, query: LocalFeatures, rows: Mapping[int, NDArray[np.int64]], is_wanted: Callable[[], bool]
    ) -> Mapping[int, NDArray[np.float64]]:
        """See ``Shards.comparisons``."""
        features = query.features.cpu()
        bodies = self._bodies(
            {number: {"query": features, "rows": torch.from_numpy(of_shard)} for number, of_shard in rows.items()}
        )
        answers = self._connections.ask(COMPARE_PATH, bodies, is_wanted)
        return {
            number: self._read(number, partial(unpack_comparisons, answer, (len(rows[number]), self._parts)))
            for number, answer in answers.items()
        }

    def close(self) -> None:
        """Leave the connections open: they serve other versions."""

    def _bodies(
        self, tensors: Mapping[int, Mapping[str, Tensor]], options: QueryOptions | None = None
    ) -> dict[int, bytes]:
        matcher = self._agreed_matcher()
        question = Question(self._expected[0], self._connections.timeout_s)
        if options is not None:
            question = replace(question, shortlist=options.shortlist, prior=options.prior)
        return {
            number: pack_question(replace(question, identity=self._expected[number].counted_by(matcher)), of_shard)
            for number, of_shard in tensors.items()
        }

    def _shortlist_of(self, number: int, answer: bytes, most: int) -> Shortlist:
        found = unpack_shortlist(answer, most)
        rows = np.concatenate([found.answers.rows, found.rivals.rows])
        if not self._assignment.has_all(rows, number):
            raise MalformedBody("the answer names pictures of other shards")
        return found

    def _read(self, number: int, unpack: Callable[[], Answer]) -> Answer:
        try:
            return unpack()
        except MalformedBody as error:
            name = self._connections.name_of(number)
            raise ShardUnavailable(f"shard {name} answers, and not as a shard does: {error.message}") from error

    def _agreed_matcher(self) -> str:
        """Return the matcher of all shards.

        Raises:
            ShardUnavailable: A shard is missing, or is another than it must be; the error names all of these.
        """
        matcher, wrong = "", list[str]()
        for number, expected in enumerate(self._expected):
            state = self._connections.state_of(number)
            name = f"shard {self._connections.name_of(number)}"
            if isinstance(state, str):
                wrong.append(f"{name} {state}")
                continue
            found = next((each for each in state if each.map == expected.map), None)
            if found is None:
                wrong.append(f"{name} does not serve the map {expected.map}")
                continue
            matcher = matcher or found.matcher
            if (difference := found.difference(expected.counted_by(matcher))) is not None:
                wrong.append(f"{name} is another than it must be: {difference}")
        if wrong:
            raise ShardUnavailable("; ".join(wrong))
        return matcher


def connect(
    connections: ShardConnections, encoder: Encoder, place_map: PlaceMap, match_floor: float | None
) -> ShardedLocalizer:
    """Make the localizer of a version whose features are on shards.

    Args:
        connections: The connections to the shards.
        encoder: The network that the map was built with.
        place_map: The whole map.
        match_floor: The least cosine of a match; None for the map's.

    Raises:
        InvalidInput: The map has fewer segments than there are shards.
        NetworkMismatch: The map was built with another network.
    """
    count = len(connections.addresses)
    assignment = Assignment(place_map.manifest, count)
    floor = place_map.manifest.features.match_floor if match_floor is None else match_floor
    identity = ShardIdentity.of(encoder, place_map, floor, _UNKNOWN, Shard(1, count))
    expected = [replace(identity, shard=connections.name_of(number)) for number in range(count)]
    parts = reranker_named(place_map.manifest.features.reranker).parts
    shards = HttpShards(connections, expected, assignment, parts)
    return ShardedLocalizer(encoder, place_map, shards, assignment, floor)
