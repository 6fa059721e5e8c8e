"""The candidates found for each query, and recall before and after re-ranking."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.durable import written_whole
from model.errors import InvalidInput

NEVER = 32767  # rank of a query without a right candidate


@dataclass(frozen=True)
class Outcome:
    """Hold the shortlists of Q queries.

    Attributes:
        is_right: ``(Q, s)`` bool: whether each candidate of the shortlist is within 25 m, nearest in feature space
            first.
        distances: ``(Q, s)`` float32, distances of global features.
        counts: ``(Q, s)`` int64, mutual matches; None for a network without local features.
    """

    is_right: NDArray[np.bool_]
    distances: NDArray[np.float32]
    counts: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.is_right)

    @property
    def shortlist(self) -> int:
        """Return the number of candidates of a query."""
        return int(self.is_right.shape[1])

    def order(self, reranked: int) -> NDArray[np.int64]:
        """Return the final order of the shortlist ``(Q, s)`` with a number of re-ranked candidates, which may be 0.

        If counts are equal, the candidate nearer in feature space comes first, as everywhere in Placefix.

        Raises:
            InvalidInput: There are no counts for this number of candidates.
        """
        order = np.tile(np.arange(self.shortlist), (len(self), 1))
        if reranked:
            if self.counts is None or reranked > self.shortlist:
                raise InvalidInput(f"{reranked} candidates were not counted")
            order[:, :reranked] = np.argsort(-self.counts[:, :reranked], axis=1, kind="stable")
        return order

    def first_right(self, reranked: int) -> NDArray[np.int16]:
        """Return the rank from 0 of the first right candidate of each query ``(Q,)``, ``NEVER`` if there is none."""
        is_right = np.take_along_axis(self.is_right, self.order(reranked), axis=1)
        return np.where(is_right.any(axis=1), is_right.argmax(axis=1), NEVER).astype(np.int16)

    def save(self, path: Path) -> None:
        """Write the outcome as a compressed ``.npz`` file, completely or not at all."""
        arrays = {"is_right": np.packbits(self.is_right, axis=1), "distances": self.distances.astype(np.float16)}
        if self.counts is not None:
            arrays["counts"] = self.counts.astype(np.uint16)
        with written_whole(path) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(file, shortlist=np.array(self.shortlist), **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> "Outcome":
        """Read the result of ``save``; distances are rounded to float16."""
        with np.load(path, allow_pickle=False) as arrays:
            shortlist = int(arrays["shortlist"])
            return cls(
                is_right=np.unpackbits(arrays["is_right"], axis=1, count=shortlist).astype(bool),
                distances=arrays["distances"].astype(np.float32),
                counts=arrays["counts"].astype(np.int64) if "counts" in arrays else None,
            )


def recall_percent(first_right: NDArray[np.int16], at: int) -> float:
    """Return recall@N in percent from the ranks of ``Outcome.first_right``."""
    return 100 * float(np.mean(first_right < at))
