"""Localize with features on several machines: with the answers that one machine would give."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.encoder import Encoder
from model.rerankers.reranker import LocalFeatures
from place_map.proposals import NO_ROWS, Proposals, merge_proposals
from place_map.reader import PlaceMap
from place_map.searching import SearchResult
from place_map.shard import Assignment
from service.localizer import Localizer
from service.matches import MatchedCells
from service.query_options import QueryOptions
from service.rounds import MOST_ROUNDS
from service.shortlist import ProposedShortlist, Shortlist, check_wanted, merge_shortlists
from service.stages import Stage, StageClock

SEARCHER = "shards"


class Shards(Protocol):
    """Ask all shards of one version of a map. Rows count through the whole map.

    Several threads may ask at once.
    """

    @property
    def matcher(self) -> str:
        """Return the instructions and numbers that compare local features, the same on all of them."""
        ...

    def check_ready(self) -> None:
        """Pass as long as no shard is known to be missing.

        Raises:
            ShardUnavailable: A shard is missing; the error names it.
        """
        ...

    def wait_until_held(self) -> None:
        """Wait until all shards hold this version.

        Raises:
            ShardUnavailable: A shard is missing, or does not bring it in.
        """
        ...

    def shortlists(
        self, query: Tensor, options: QueryOptions, without: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> Sequence[ProposedShortlist]:
        """Return the result of ``MapShard.shortlist`` of each shard.

        Raises:
            ShardUnavailable: A shard does not answer.
            DeadlineExceeded: Nobody waits for the query any more.
        """
        ...

    def comparisons(
        self, query: LocalFeatures, rows: Mapping[int, NDArray[np.int64]], is_wanted: Callable[[], bool]
    ) -> Mapping[int, NDArray[np.float64]]:
        """Return the results of ``MapShard.compare`` of some shards.

        Args:
            query: The local features of one picture.
            rows: Number of a shard, from 0 → its rows.
            is_wanted: A function that tells whether somebody still waits for the query.

        Raises:
            ShardUnavailable: A shard does not answer.
            DeadlineExceeded: Nobody waits for the query any more.
        """
        ...

    def matches(
        self, query: LocalFeatures, rows: Mapping[int, NDArray[np.int64]], is_wanted: Callable[[], bool]
    ) -> Mapping[int, Sequence[MatchedCells] | None]:
        """Return the results of ``MapShard.match`` of some shards.

        Args:
            query: The local features of one picture.
            rows: Number of a shard, from 0 → its rows.
            is_wanted: A function that tells whether somebody still waits for the query.

        Raises:
            ShardUnavailable: A shard does not answer.
            DeadlineExceeded: Nobody waits for the query any more.
        """
        ...

    def close(self) -> None:
        """Let the shards drop this version."""
        ...


class ShardedSearcher:
    """Search as a ``Searcher`` over all shards."""

    name = rule = SEARCHER

    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    def propose(self, queries: Tensor, k: int, without: NDArray[np.int64] = NO_ROWS) -> list[Proposals]:
        """See ``Searcher.propose``; this asks one query at a time."""
        options = QueryOptions(1, k, "never")
        asked = (self._shards.shortlists(query[None], options, without, lambda: True) for query in queries)
        return [merge_proposals([part.answers for part in parts]) for parts in asked]

    def search(self, queries: Tensor, k: int) -> SearchResult:
        """See ``Searcher.search``; this asks one query at a time."""
        found = self.propose(queries, k)
        return SearchResult.of(found, min([k, *(len(each.rows) for each in found)]))


class ShardedLocalizer(Localizer):
    """Find queries like a ``Localizer``, with the three steps that look at features left to shards.

    Several threads may use it. It reads only manifest, table of places and calibration of the map.
    """

    most_rounds: ClassVar[int | None] = MOST_ROUNDS

    def __init__(
        self,
        encoder: Encoder,
        place_map: PlaceMap,
        shards: Shards,
        assignment: Assignment,
    ) -> None:
        """Combine parts that are open.

        Args:
            encoder: The network that the map was built with.
            place_map: The whole map.
            shards: The shards of this version.
            assignment: The rows of each shard.

        Raises:
            NetworkMismatch: The map was built with another network.
        """
        super().__init__(encoder, place_map, ShardedSearcher(shards))
        self.shards = shards
        self._assignment = assignment

    @property
    def matcher(self) -> str:
        """Return the instructions and numbers that compare local features on the shards."""
        return self.shards.matcher

    def check_ready(self) -> None:
        """Pass as long as no shard is known to be missing; see ``Shards.check_ready``."""
        self.shards.check_ready()

    def shortlist(
        self, query: Tensor, options: QueryOptions, without: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> Shortlist:
        """See ``Localizer.shortlist``."""
        check_wanted(is_wanted)
        found = self.shards.shortlists(query, options, without, is_wanted)
        return merge_shortlists(found, options.shortlist)

    @torch.inference_mode()
    def compare(
        self, query: LocalFeatures, rows: NDArray[np.int64], is_wanted: Callable[[], bool], clock: StageClock
    ) -> NDArray[np.float64]:
        """See ``Localizer.compare``; each shard compares its own rows, all at the same time."""
        check_wanted(is_wanted)
        owners = self._assignment.owners_of(rows)
        with clock.measure(Stage.RERANK):
            found = self.shards.comparisons(query, _by_owner(rows, owners), is_wanted)
        parts = np.empty((len(rows), self._needed_comparer().reranker.parts), dtype=np.float64)
        for owner, of_shard in found.items():
            parts[owners == owner] = of_shard
        return parts

    @torch.inference_mode()
    def match(
        self, query: LocalFeatures, rows: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> list[MatchedCells] | None:
        """See ``Localizer.match``; each shard matches its own rows, all at the same time."""
        check_wanted(is_wanted)
        owners = self._assignment.owners_of(rows)
        matched: dict[int, MatchedCells] = {}
        for owner, of_shard in self.shards.matches(query, _by_owner(rows, owners), is_wanted).items():
            if of_shard is None:
                return None
            matched.update(zip(np.flatnonzero(owners == owner).tolist(), of_shard, strict=True))
        return [matched[number] for number in range(len(rows))]

    def close(self) -> None:
        """Close the files and the shards."""
        super().close()
        self.shards.close()


def _by_owner(rows: NDArray[np.int64], owners: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Return number of a shard → its rows."""
    return {owner: rows[owners == owner] for owner in np.unique(owners).tolist()}
