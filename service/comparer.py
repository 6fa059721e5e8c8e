"""Compare a query with pictures of a map by their stored local features, on the device of the network."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.encoder import Encoder
from model.matching import MatchingPrecision
from model.rerankers.registry import make_reranker
from model.rerankers.reranker import LocalFeatures, Reranker, RerankSettings
from place_map.reader import PlaceMap
from service.matches import MatchedCells, most_similar
from service.shortlist import check_wanted
from service.stages import Stage, StageClock

# This many candidates are gathered and compared at a time: 61 MB of float16 at 61 × 61 × 128. A shortlist of 1000
# would otherwise need 950 MB, and could not stop early once nobody waits for it. While some are compared, the system
# fetches the next ones from the disk.
_GATHER_ROWS = 64


class Comparer:
    """Compare queries with pictures of one version of one map. One thread uses it: the one that owns the device.

    Attributes:
        reranker: The re-ranker of the map.
    """

    def __init__(self, place_map: PlaceMap, encoder: Encoder, precision: MatchingPrecision) -> None:
        """Combine parts that are open.

        Args:
            place_map: A map with local features.
            encoder: The network that the map was built with.
            precision: The precision of the products in matching.
        """
        self._place_map = place_map
        self._device = encoder.device
        self._shapes = place_map.manifest.features
        self._codec = self._shapes.local_codec
        # Stored features are compared, so cosines are lower than with the features themselves.
        floor = self._shapes.match_floor
        floor = None if floor is None else floor * self._codec.cosine
        self.reranker: Reranker = make_reranker(self._shapes.reranker, encoder, RerankSettings(precision, floor))
        self._gathered: Tensor | None = None  # reused from query to query; pinned for a GPU

    @torch.inference_mode()
    def project(self, query: LocalFeatures) -> LocalFeatures:
        """Return a query as ``compare`` and ``match`` take it; see ``place_map.local_codec.LocalCodec.project``."""
        return replace(query, features=self._codec.project(query.features))

    def compare(
        self, query: LocalFeatures, rows: NDArray[np.int64], is_wanted: Callable[[], bool], clock: StageClock
    ) -> NDArray[np.float64]:
        """See ``Localizer.compare``."""
        parts = np.empty((len(rows), self.reranker.parts), dtype=np.float64)
        for start in range(0, len(rows), _GATHER_ROWS):
            check_wanted(is_wanted)
            chunk = slice(start, start + _GATHER_ROWS)
            with clock.measure(Stage.GATHER):
                candidates = self._gather(rows[chunk])
                self._place_map.announce(rows[chunk.stop : chunk.stop + _GATHER_ROWS])
            with clock.measure(Stage.RERANK):
                parts[chunk] = self.reranker.compare(query, candidates).cpu().numpy()
        return parts

    def match(
        self, query: LocalFeatures, rows: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> list[MatchedCells] | None:
        """See ``Localizer.match``."""
        matched = []
        for number in range(len(rows)):
            check_wanted(is_wanted)
            [features] = self._gather(rows[number : number + 1])
            pairs = self.reranker.pairs(query, features)
            if pairs is None:
                return None
            matched.append(most_similar(query.features, features.features, pairs, unit=self._codec.cosine))
        return matched

    def _gather(self, rows: NDArray[np.int64]) -> LocalFeatures:
        """Return local features ``(k, N, C)`` on the encoder's device; valid until the next call."""
        if self._gathered is None:
            self._gathered = torch.empty(
                (min(_GATHER_ROWS, len(self._place_map)), self._shapes.local_count, self._shapes.local_dim),
                dtype=self._place_map.local_type,
                pin_memory=self._device.type == "cuda",
            )
        extras = torch.empty(len(rows), self._shapes.local_count, self._shapes.local_extras)
        features = self._place_map.local_features(rows, out=self._gathered, extras=extras)
        return LocalFeatures(features.to(self._device), extras.to(self._device))
