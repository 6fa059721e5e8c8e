"""The effect of storing local features in fewer bits: recall, counts and order, against float32 counted exactly."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.ablations.bootstrap import Interval, bootstrap, bootstrap_difference
from benchmarks.ablations.outcome import Outcome
from benchmarks.store.measure import EXACT, Measurement, Reranked, Way

RANKS = (1, 5, 10)

_Hits: TypeAlias = Mapping[int, NDArray[np.bool_]]  # rank → whether each query has a right answer within it


@dataclass(frozen=True)
class Conditions:
    """Describe the conditions of the measurement.

    Attributes:
        database: The name of the searched pictures.
        queries: The name of the queries.
        weights: The fingerprint of the network.
        is_trained: Whether the network is trained, so that its local features have a meaning.
        pictures: The number of searched pictures.
        asked: The number of queries.
        shortlist: The number of re-ranked candidates.
        device: The device that counts matches, ``cpu`` or ``cuda``.
        hardware: The hardware in one line.
    """

    database: tuple[str, ...]
    queries: tuple[str, ...]
    weights: str
    is_trained: bool
    pictures: int
    asked: int
    shortlist: int
    device: str
    hardware: str


@dataclass(frozen=True)
class Changes:
    """Compare counts and orders with float32 counted exactly, over the queries with both.

    Attributes:
        queries: The number of these queries.
        pairs: The number of pairs of a query and a candidate.
        mean_count: The mean of the exact counts.
        mean: The mean absolute change of a count.
        p50: The median absolute change.
        p99: The 99th percentile of the absolute change.
        largest: The largest absolute change.
        other_order: N → percent of the queries whose first N candidates differ, or have another order.
        other_set: N → percent of the queries whose first N candidates differ.
    """

    queries: int
    pairs: int
    mean_count: float
    mean: float
    p50: float
    p99: float
    largest: int
    other_order: Mapping[int, float]
    other_set: Mapping[int, float]

    @classmethod
    def between(cls, exact: NDArray[np.int64], counts: NDArray[np.int64]) -> "Changes":
        """Compare counts ``(q, k)`` in the order of the shortlist."""
        changes = np.abs(counts - exact)
        expected, found = (np.argsort(-each, axis=1, kind="stable") for each in (exact, counts))
        is_other = found != expected
        return cls(
            queries=len(exact),
            pairs=exact.size,
            mean_count=float(exact.mean()),
            mean=float(changes.mean()),
            p50=float(np.percentile(changes, 50)),
            p99=float(np.percentile(changes, 99)),
            largest=int(changes.max()),
            other_order={rank: 100 * float(is_other[:, :rank].any(axis=1).mean()) for rank in RANKS},
            other_set={
                rank: 100 * float((np.sort(found[:, :rank]) != np.sort(expected[:, :rank])).any(axis=1).mean())
                for rank in RANKS
            },
        )


@dataclass(frozen=True)
class Row:
    """Hold the results of one way of re-ranking.

    Attributes:
        way: The store and precision.
        bytes_per_picture: The bytes of local features on the disk.
        recall: N → percent, over all its queries.
        difference: N → points more than float32 at the same precision, paired by query. For float32 in less than full
            precision: points more than float32 counted exactly, over the queries with both.
        changes: The changes against float32 counted exactly.
        gather_ms: The median time of gathering for a query.
        match_ms: The median time of counting for a query.
    """

    way: Way
    bytes_per_picture: int
    recall: Mapping[int, Interval]
    difference: Mapping[int, Interval]
    changes: Changes
    gather_ms: float
    match_ms: float


def summarize(found: Measurement) -> list[Row]:
    """Return a row for each way; float32 counted exactly is the first."""
    every = slice(None, None, found.exact_every)
    exact_hits = _hits(found.is_right[every], found.exact)
    rows = [_row(found, EXACT, found.exact, exact_hits, (exact_hits, exact_hits), found.exact.counts)]
    for way, reranked in found.reranked.items():
        if way == EXACT:
            continue
        hits = _hits(found.is_right, reranked)
        if way.store == EXACT.store:
            mine: _Hits = {rank: each[every] for rank, each in hits.items()}
            others = exact_hits
        else:
            mine, others = hits, _hits(found.is_right, found.reranked[Way(EXACT.store, way.precision)])
        rows.append(_row(found, way, reranked, hits, (mine, others), reranked.counts[every]))
    return rows


def to_json(rows: list[Row], conditions: Conditions) -> dict[str, Any]:
    """Return one object with all measured values and the conditions."""
    return {
        "rows": [
            asdict(row)
            | {
                name: {f"R@{rank}": asdict(interval) for rank, interval in intervals.items()}
                for name, intervals in (("recall", row.recall), ("difference", row.difference))
            }
            for row in rows
        ],
        "conditions": asdict(conditions),
    }


def to_tables(rows: list[Row], conditions: Conditions) -> Iterator[Table]:
    """Return the tables of recall and time, then of counts and orders."""
    queries = f"{conditions.asked:,} queries, {conditions.pictures:,} pictures, top {conditions.shortlist}"
    recall = Table(title=f"recall in percent, and points more than float32 [95 %]: {queries}")
    changes = rows[0].changes
    counts = Table(
        title=f"against float32 counted exactly, {changes.queries:,} queries, {changes.pairs:,} pairs with "
        f"{changes.mean_count:.0f} matches on average"
    )
    for table in (recall, counts):
        table.add_column("store, precision")
    for heading in ("bytes a picture", "R@1", *(f"Δ R@{rank}" for rank in RANKS), "gather ms", "match ms"):
        recall.add_column(heading, justify="right")
    for heading in ("|Δ count| mean", "median", "99 %", "largest"):
        counts.add_column(heading, justify="right")
    for rank in RANKS:
        counts.add_column(f"other order in first {rank}", justify="right")
    for row in rows:
        recall.add_row(
            str(row.way),
            f"{row.bytes_per_picture:,}",
            str(row.recall[1]),
            *("" if row.way == EXACT else str(row.difference[rank]) for rank in RANKS),
            f"{row.gather_ms:.1f}",
            f"{row.match_ms:.1f}",
        )
        if row.way != EXACT:
            found = row.changes
            counts.add_row(
                str(row.way),
                f"{found.mean:.2f}",
                f"{found.p50:.0f}",
                f"{found.p99:.0f}",
                f"{found.largest}",
                *(f"{found.other_order[rank]:.1f} %" for rank in RANKS),
            )
    yield recall
    yield counts


def _row(
    found: Measurement,
    way: Way,
    reranked: Reranked,
    hits: _Hits,
    compared: tuple[_Hits, _Hits],
    counts: NDArray[np.int64],
) -> Row:
    """Make a row.

    Args:
        found: All results.
        way: The way of the row.
        reranked: The results of the way.
        hits: The hits of all its queries.
        compared: The hits of the way and of its reference, on the same queries.
        counts: The counts of the way, for the queries that were counted exactly.
    """
    mine, others = compared
    return Row(
        way=way,
        bytes_per_picture=found.bytes_per_picture[way.store],
        recall={rank: bootstrap([hits[rank]]) for rank in RANKS},
        difference={rank: bootstrap_difference([mine[rank]], [others[rank]]) for rank in RANKS},
        changes=Changes.between(found.exact.counts, counts),
        gather_ms=1000 * float(np.median(reranked.gather_s)),
        match_ms=1000 * float(np.median(reranked.match_s)),
    )


def _hits(is_right: NDArray[np.bool_], reranked: Reranked) -> _Hits:
    outcome = Outcome(is_right, np.zeros(is_right.shape, np.float32), reranked.counts)
    first = outcome.first_right(outcome.shortlist)
    return {rank: first < rank for rank in RANKS}
