"""Answer for one shard of a map, in rows of the whole map."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from model.errors import InvalidInput
from model.rerankers.reranker import LocalFeatures
from place_map.proposals import Proposals
from service.localizer import Localizer
from service.matches import MatchedCells
from service.query_options import QueryOptions
from service.shard_identity import ShardIdentity
from service.shortlist import ProposedShortlist, propose_shortlist
from service.stages import StageClock


class MapShard:
    """Take the steps of a localizer that look at features, in the segments of one shard. One thread uses it.

    Attributes:
        localizer: The localizer, which finds queries in the shard.
        identity: The properties on which an answer depends.
    """

    def __init__(self, localizer: Localizer) -> None:
        """Find the rows of the map that the shard has.

        Raises:
            InvalidInput: The localizer has the whole map.
        """
        place_map = localizer.place_map
        if place_map.shard is None:
            raise InvalidInput(f"the map {place_map.name} is open as a whole, not as a shard")
        self.localizer = localizer
        self.identity = ShardIdentity.of(
            localizer.encoder, place_map, localizer.matcher, localizer.searcher.rule, place_map.shard
        )
        self._rows = place_map.shard.rows(place_map.manifest)

    def shortlist(
        self, query: Tensor, options: QueryOptions, without: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> ProposedShortlist:
        """Return the proposals of this shard; see ``propose_shortlist``.

        Args:
            query: ``(1, D)`` global features.
            options: How many candidates are wanted, and the prior.
            without: ``(m,)`` rows of the map; the rows of other shards are ignored.
            is_wanted: Whether somebody still waits for the query.
        """
        own, is_here = self._found(without)
        searcher, place_map = self.localizer.searcher, self.localizer.place_map
        found = propose_shortlist(searcher, place_map, query, options, own[is_here], is_wanted)
        return ProposedShortlist(self._in_map(found.answers), self._in_map(found.rivals))

    def compare(
        self, query: LocalFeatures, rows: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> NDArray[np.float64]:
        """Compare a query with pictures of this shard: ``(k, parts)``; see ``Localizer.compare``.

        Args:
            query: The local features of one picture.
            rows: ``(k,)`` rows of the map.
            is_wanted: Whether somebody still waits for the query.

        Raises:
            InvalidInput: A row belongs to another shard.
        """
        return self.localizer.compare(query, self._own(rows), is_wanted, StageClock())

    def match(
        self, query: LocalFeatures, rows: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> list[MatchedCells] | None:
        """Choose pairs of cells of a query and pictures of this shard; see ``Localizer.match``.

        Args:
            query: The local features of one picture.
            rows: ``(k,)`` rows of the map.
            is_wanted: Whether somebody still waits for the query.

        Raises:
            InvalidInput: A row belongs to another shard.
        """
        return self.localizer.match(query, self._own(rows), is_wanted)

    def _own(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return rows of the map as rows of this shard.

        Raises:
            InvalidInput: A row belongs to another shard.
        """
        own, is_here = self._found(rows)
        if not is_here.all():
            raise InvalidInput(f"{(~is_here).sum()} of {len(rows)} rows are not in this shard")
        return own

    def _found(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return rows of the map as rows of this shard, and which of them are here; the others have no meaning."""
        own = np.searchsorted(self._rows, rows)
        is_here = own < len(self._rows)
        is_here[is_here] = self._rows[own[is_here]] == rows[is_here]
        return own, is_here

    def _in_map(self, own: Proposals) -> Proposals:
        return replace(own, rows=self._rows[own.rows])
