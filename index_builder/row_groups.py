"""Groups of linked rows: the connected components of a graph that is given in blocks."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


class RowGroups:
    """Join rows; memory does not grow with the number of pairs.

    It is a forest of disjoint sets (Galler and Fischer, 1964).
    """

    def __init__(self, rows: int) -> None:
        """Begin with all rows alone."""
        self._parents = np.arange(rows, dtype=np.int64)

    def join(self, row: int, other: int) -> None:
        """Join the groups of two rows."""
        first, second = sorted((self._root(row), self._root(other)))
        self._parents[second] = first

    def join_block(self, rows: NDArray[np.int64], others: NDArray[np.int64], linked: NDArray[np.bool_]) -> None:
        """Join all pairs of a matrix.

        Each round joins every row, and every other, with one that is not yet in its group, so the number of groups at
        least halves. A full matrix therefore takes as many joins as it has rows and columns, not cells.

        Args:
            rows: ``(k,)``.
            others: ``(m,)``.
            linked: ``(k, m)``, whether a row and an other belong together.
        """
        while True:
            apart = linked & (self._roots(rows)[:, None] != self._roots(others)[None, :])
            lines, columns = np.flatnonzero(apart.any(axis=1)), np.flatnonzero(apart.any(axis=0))
            if not len(lines):
                return
            self._join_all(rows[lines], others[apart[lines].argmax(axis=1)])
            self._join_all(rows[apart[:, columns].argmax(axis=0)], others[columns])

    def groups(self) -> Iterable[NDArray[np.int64]]:
        """Return the groups of at least two rows: each ascending, in the order of their first rows."""
        roots = self._roots(np.arange(len(self._parents)))
        order = np.argsort(roots, kind="stable")
        starts = np.flatnonzero(np.diff(roots[order])) + 1
        return (group for group in np.split(order, starts) if len(group) > 1)

    def _join_all(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> None:
        for row, other in zip(rows.tolist(), others.tolist(), strict=True):
            self.join(row, other)

    def _root(self, row: int) -> int:
        while (parent := int(self._parents[row])) != row:
            self._parents[row] = self._parents[parent]  # halves the path for the next search
            row = parent
        return row

    def _roots(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the lowest row of each row's group."""
        roots = self._parents[rows]
        while not np.array_equal(parents := self._parents[roots], roots):
            roots = parents
        self._parents[rows] = roots
        return roots
