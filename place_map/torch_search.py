"""Exact search with torch alone on any device, for a GPU without faiss and for queries that faiss cannot complete."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from place_map.reader import CHUNK_ROWS, PlaceMap
from place_map.searching import Coverage, Hits


class TorchProposer:
    """Compare queries with all global features, piece by piece.

    On the CPU the features stay in the mapped files. On a GPU its memory holds them in the stored type (2 GB for a
    million pictures at D = 1024 in float16). In addition, a piece in float32 (64 MB) and its distances need memory.
    """

    coverage: Coverage = "all"
    proposals_per_hit = 1.0
    rounding = ""

    def __init__(self, place_map: PlaceMap, device: torch.device) -> None:
        self.name = f"torch-{device.type}"
        self.most_hits = len(place_map)
        self._map = place_map
        self._device = device
        self._resident = None if device.type == "cpu" else self._load()

    @torch.inference_mode()
    def propose(self, queries: NDArray[np.float32], count: int) -> Hits:
        """See ``Proposer.propose``."""
        vectors = torch.from_numpy(queries).to(self._device)
        nearest = torch.empty((len(queries), 0), device=self._device)
        rows = torch.empty((len(queries), 0), dtype=torch.int64, device=self._device)
        first_row = 0
        for chunk in self._chunks():
            # Differences instead of products, because |x|² + |y|² - 2xy loses all digits if the pictures are similar.
            distances = torch.cdist(vectors, chunk.float(), compute_mode="donot_use_mm_for_euclid_dist")
            chunk_rows = torch.arange(first_row, first_row + len(chunk), device=self._device)
            nearest, order = torch.cat([nearest, distances], dim=1).topk(
                min(count, nearest.shape[1] + len(chunk)), largest=False
            )
            rows = torch.cat([rows, chunk_rows.expand(len(queries), -1)], dim=1).gather(1, order)
            first_row += len(chunk)
        return Hits(nearest.square().cpu().numpy(), rows.cpu().numpy())

    def absolute_error(self, _query: NDArray[np.float32], _distance: float, /) -> float:
        """Return 0: only the sums are rounded."""
        return 0.0

    def _chunks(self) -> Iterator[torch.Tensor]:
        if self._resident is not None:
            yield from torch.split(self._resident, CHUNK_ROWS)
        else:
            # A copy, because torch warns of tensors over read-only memory.
            yield from (torch.from_numpy(chunk.copy()) for chunk in self._map.global_chunks())

    def _load(self) -> torch.Tensor:
        resident = torch.empty(
            (len(self._map), self._map.manifest.features.global_dim), dtype=self._map.store_type, device=self._device
        )
        first_row = 0
        for chunk in self._map.global_chunks():
            resident[first_row : first_row + len(chunk)] = torch.from_numpy(chunk.copy()).to(self._device)
            first_row += len(chunk)
        return resident
