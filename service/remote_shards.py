"""Ask the shards of one version of a map on other machines."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.encoder import Encoder
from model.errors import InvalidInput
from model.rerankers.registry import make_reranker
from model.rerankers.reranker import LocalFeatures, RerankSettings
from place_map.reader import PlaceMap
from place_map.shard import Assignment, Shard
from service.errors import MalformedBody, ShardUnavailable
from service.matches import MatchedCells
from service.query_options import QueryOptions
from service.shard_answers import unpack_comparisons, unpack_matches, unpack_shortlist
from service.shard_connections import ShardConnections
from service.shard_identity import ShardIdentity
from service.shard_messages import COMPARE_PATH, MATCH_PATH, SHORTLIST_PATH, Question, pack_question
from service.sharded_localizer import ShardedLocalizer
from service.shortlist import ProposedShortlist

_UNKNOWN = "unknown"
_LOOK_PAUSE_S = 0.2  # between two looks while shards load a version

Answer = TypeVar("Answer")


class RemoteShards:
    """Ask shards on other machines. A call names all properties that a shard must have, so no answer is a mixture.

    Shards hold the parts of a version as long as this is open.
    """

    def __init__(
        self,
        connections: ShardConnections,
        expected: Sequence[ShardIdentity],
        assignment: Assignment,
        numbers: int = 1,
        cells: int = 0,
    ) -> None:
        """Have the shards told which parts are needed; nothing is asked yet.

        Args:
            connections: The connections to all shards, for all maps.
            expected: The identity that each shard must have; all must have the matcher and the search of the first one.
            assignment: The rows of each shard.
            numbers: ``Reranker.parts`` of the map's re-ranker.
            cells: The number of local features of a picture.
        """
        self._numbers = numbers
        self._cells = cells
        self._connections = connections
        self._expected = expected
        self._assignment = assignment
        self._parts = [identity.part for identity in expected]
        self._is_open = True
        connections.want(self._parts)

    @property
    def count(self) -> int:
        """Return the number of shards."""
        return len(self._parts)

    @property
    def matcher(self) -> str:
        """Return the matcher of all shards; ``unknown`` as long as one is missing."""
        try:
            return self._agreed_identity().matcher
        except ShardUnavailable:
            return _UNKNOWN

    def check_ready(self) -> None:
        """See ``Shards.check_ready``; this looks at the latest state of each shard."""
        self._agreed_identity()

    def wait_until_held(self) -> None:
        """Wait until each shard holds its part, as long as the others load theirs.

        Raises:
            ShardUnavailable: A shard is missing, is another than it must be, or does not bring its part in.
            NotReady: The service stops.
        """
        while True:
            self._connections.look_again()
            if not any(self._is_loading(number) for number in range(self.count)):
                break
            self._check_none_refuses()
            time.sleep(_LOOK_PAUSE_S)
        self._agreed_identity()

    def shortlists(
        self, query: Tensor, options: QueryOptions, without: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> Sequence[ProposedShortlist]:
        """See ``Shards.shortlists``."""
        tensors = {"query": query, "without": torch.from_numpy(without)}
        everyone = range(len(self._expected))
        bodies = self._bodies(dict.fromkeys(everyone, tensors), options)
        answers = self._connections.ask(SHORTLIST_PATH, bodies, self.count, is_wanted)
        found = [
            self._read(number, partial(self._shortlist_of, number, answers[number], options.shortlist))
            for number in everyone
        ]
        for number in everyone:
            self._read(number, partial(_check_as_many, found[number], found[0]))
        return found

    def comparisons(
        self, query: LocalFeatures, rows: Mapping[int, NDArray[np.int64]], is_wanted: Callable[[], bool]
    ) -> Mapping[int, NDArray[np.float64]]:
        """See ``Shards.comparisons``."""
        answers = self._connections.ask(COMPARE_PATH, self._of_rows(query, rows), self.count, is_wanted)
        return {
            number: self._read(number, partial(unpack_comparisons, answer, (len(rows[number]), self._numbers)))
            for number, answer in answers.items()
        }

    def matches(
        self, query: LocalFeatures, rows: Mapping[int, NDArray[np.int64]], is_wanted: Callable[[], bool]
    ) -> Mapping[int, Sequence[MatchedCells] | None]:
        """See ``Shards.matches``."""
        answers = self._connections.ask(MATCH_PATH, self._of_rows(query, rows), self.count, is_wanted)
        return {
            number: self._read(number, partial(unpack_matches, answer, len(rows[number]), self._cells))
            for number, answer in answers.items()
        }

    def close(self) -> None:
        """Have the shards told that the version is needed no more; the connections stay open for other versions."""
        if self._is_open:
            self._is_open = False
            self._connections.unwant(self._parts)

    def _of_rows(self, query: LocalFeatures, rows: Mapping[int, NDArray[np.int64]]) -> dict[int, bytes]:
        """Return the bodies of calls about pictures."""
        features = query.features.cpu()
        extras = features.new_zeros(len(features), 0) if query.extras is None else query.extras.cpu()
        return self._bodies(
            {
                number: {"query": features, "extras": extras, "rows": torch.from_numpy(of_shard)}
                for number, of_shard in rows.items()
            }
        )

    def _bodies(
        self, tensors: Mapping[int, Mapping[str, Tensor]], options: QueryOptions | None = None
    ) -> dict[int, bytes]:
        agreed = self._agreed_identity()
        question = Question(self._expected[0], self._connections.timeout_s)
        if options is not None:
            question = replace(question, shortlist=options.shortlist, prior=options.prior)
        return {
            number: pack_question(replace(question, identity=self._expected[number].computed_as(agreed)), of_shard)
            for number, of_shard in tensors.items()
        }

    def _shortlist_of(self, number: int, answer: bytes, most: int) -> ProposedShortlist:
        found = unpack_shortlist(answer, most)
        rows = np.concatenate([found.answers.rows, found.rivals.rows])
        if not self._assignment.has_all(rows, number):
            raise MalformedBody("the answer names pictures of other shards")
        return found

    def _read(self, number: int, unpack: Callable[[], Answer]) -> Answer:
        try:
            return unpack()
        except MalformedBody as error:
            raise ShardUnavailable(f"{self._name(number)} answers, and not as a shard does: {error.message}") from error

    def _name(self, number: int) -> str:
        return f"shard {self._parts[number].shard}"

    def _is_loading(self, number: int) -> bool:
        state, part = self._connections.state_of(number), self._parts[number]
        return not isinstance(state, str) and state.identity_of(part) is None and state.reason_against(part) is None

    def _check_none_refuses(self) -> None:
        wrong = [self._problem_of(number, None) for number in range(self.count) if not self._is_loading(number)]
        if found := [each for each in wrong if each is not None]:
            raise ShardUnavailable("; ".join(found))

    def _problem_of(self, number: int, agreed: ShardIdentity | None) -> str | None:
        """Return why a shard cannot be asked; None if it can be.

        Args:
            number: The number of the shard, from 0.
            agreed: The identity of the shard whose matcher and search it must have; None for any.
        """
        state, name, expected = self._connections.state_of(number), self._name(number), self._expected[number]
        if isinstance(state, str):
            return f"{name} {state}"
        found = state.identity_of(expected.part)
        if found is None:
            version = f"version {expected.version} of {expected.map}"
            return f"{name} {state.reason_against(expected.part) or f'does not hold {version} yet'}"
        difference = found.difference(expected.computed_as(agreed or found))
        return None if difference is None else f"{name} is another than it must be: {difference}"

    def _agreed_identity(self) -> ShardIdentity:
        """Return the identity of a shard, whose matcher and search all shards have.

        Raises:
            ShardUnavailable: A shard is missing, or is another than it must be; the error names all of these.
        """
        states = [self._connections.state_of(number) for number in range(self.count)]
        found = [
            None if isinstance(state, str) else state.identity_of(part)
            for state, part in zip(states, self._parts, strict=True)
        ]
        agreed = next((identity for identity in found if identity is not None), None)
        wrong = [self._problem_of(number, agreed) for number in range(self.count)]
        if agreed is None or any(wrong):
            raise ShardUnavailable("; ".join(each for each in wrong if each is not None))
        return agreed


def _check_as_many(found: ProposedShortlist, other: ProposedShortlist) -> None:
    """Pass if two shards propose as many pictures of the whole map.

    Raises:
        MalformedBody: They do not.
    """
    for own, others in ((found.answers, other.answers), (found.rivals, other.rivals)):
        if own.most and others.most and own.most != others.most:
            raise MalformedBody(f"it proposes {own.most} pictures, and another shard {others.most}")


def connect(
    connections: ShardConnections,
    encoder: Encoder,
    place_map: PlaceMap,
    count: int,
) -> ShardedLocalizer:
    """Make the localizer of a version whose features are on shards.

    Args:
        connections: The connections to the shards.
        encoder: The network that the map was built with.
        place_map: The whole map.
        count: The number of shards; the first so many addresses have them.

    Raises:
        InvalidInput: There are fewer addresses or fewer segments than shards.
        NetworkMismatch: The map was built with another network.
    """
    if not 1 <= count <= len(connections.addresses):
        raise InvalidInput(
            f"the settings name {len(connections.addresses)} addresses of shards, which are not enough for {count} "
            "shards: restart the front end with more in PLACEFIX_SHARDS"
        )
    assignment = Assignment(place_map.manifest, count)
    expected = [
        ShardIdentity.of(encoder, place_map, _UNKNOWN, _UNKNOWN, Shard(number, count)) for number in range(1, count + 1)
    ]
    features = place_map.manifest.features
    settings = RerankSettings(floor=features.match_floor)
    numbers = make_reranker(features.reranker, encoder, settings).parts if encoder.local_dim else 1
    shards = RemoteShards(connections, expected, assignment, numbers, features.local_count)
    return ShardedLocalizer(encoder, place_map, shards, assignment)
