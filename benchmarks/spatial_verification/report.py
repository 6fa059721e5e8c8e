"""The report of the comparison: tables for people, an object for programs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.ablations.bootstrap import Interval, bootstrap, bootstrap_difference
from benchmarks.spatial_verification.homography import RansacSettings
from benchmarks.spatial_verification.measure import Comparison

RECALL_VALUES = (1, 5, 10)
PAPER = (
    "the paper states about 3 % of the retrieval runtime of two-stage methods with RANSAC, on other hardware and data"
)


@dataclass(frozen=True)
class Conditions:
    """Describe the conditions of the measurement.

    Attributes:
        weights: The fingerprint of the network.
        is_trained: Whether the network is trained, so that its local features have a meaning.
        database: The number of searched pictures.
        queries: The number of queries.
        shortlist: The number of re-ranked candidates.
        precision: The precision of counting.
        device: The device that finds matches, ``cpu`` or ``cuda``.
        hardware: The hardware in one line.
        ransac: The settings of RANSAC.
    """

    weights: str
    is_trained: bool
    database: int
    queries: int
    shortlist: int
    precision: str
    device: str
    hardware: str
    ransac: RansacSettings


@dataclass(frozen=True)
class Summary:
    """Summarise the results.

    Attributes:
        seconds: Step → seconds per query, mean and median. ``with_ransac`` is counting and RANSAC together, as if
            finding the pairs for RANSAC cost no more than counting them.
        share_percent: The share of counting in ``with_ransac``.
        mean_matches: The mean number of mutual matches of a pair of pictures.
        recalls: ``global``, ``count``, ``inliers`` and ``count_minus_inliers`` → N → percent or points.
    """

    seconds: Mapping[str, Mapping[str, float]]
    share_percent: float
    mean_matches: float
    recalls: Mapping[str, Mapping[int, Interval]]

    @classmethod
    def of(cls, found: Comparison) -> "Summary":
        """Compute means, medians and intervals of a comparison."""
        steps = found.steps
        seconds = {
            "counting": _seconds(steps.counting_s),
            "pairing": _seconds(steps.pairing_s),
            "ransac": _seconds(steps.ransac_s),
            "with_ransac": _seconds(steps.counting_s + steps.ransac_s),
        }
        reranked = found.by_count.shortlist
        ranks = {
            "global": found.by_count.first_right(0),
            "count": found.by_count.first_right(reranked),
            "inliers": found.by_inliers.first_right(reranked),
        }
        recalls = {
            name: {value: bootstrap([first < value]) for value in RECALL_VALUES} for name, first in ranks.items()
        }
        recalls["count_minus_inliers"] = {
            value: bootstrap_difference([ranks["count"] < value], [ranks["inliers"] < value]) for value in RECALL_VALUES
        }
        share_percent = 100 * seconds["counting"]["mean"] / seconds["with_ransac"]["mean"]
        return cls(seconds, share_percent, found.mean_matches, recalls)


def to_json(summary: Summary, conditions: Conditions) -> dict[str, Any]:
    """Return one object with all measured values and the conditions."""
    return {
        "seconds_a_query": summary.seconds,
        "counting_share_percent": summary.share_percent,
        "paper": PAPER,
        "mean_matches": summary.mean_matches,
        "recalls": {
            name: {f"R@{value}": asdict(interval) for value, interval in row.items()}
            for name, row in summary.recalls.items()
        },
        "conditions": asdict(conditions),
    }


def to_tables(summary: Summary, conditions: Conditions) -> tuple[Table, Table]:
    """Return the tables of seconds and recall."""
    settings = conditions.ransac
    times = Table(title=f"seconds a query, {conditions.shortlist} candidates, {conditions.queries} queries")
    for heading in ("step", "mean", "median"):
        times.add_column(heading, justify="left" if heading == "step" else "right")
    says = {
        "counting": "counting mutual matches",
        "ransac": f"RANSAC ({settings.method}, {settings.threshold_px:g} px)",
        "with_ransac": "both together",
        "pairing": "for comparison: finding pairs one by one",
    }
    for step, words in says.items():
        times.add_row(words, *(f"{summary.seconds[step][kind]:.3f}" for kind in ("mean", "median")))
    recall = Table(title="recall in percent [95 %]")
    recall.add_column("order")
    for value in RECALL_VALUES:
        recall.add_column(f"R@{value}", justify="right")
    names = {
        "global": "global distance",
        "count": "mutual matches",
        "inliers": "inliers of RANSAC",
        "count_minus_inliers": "matches − inliers",
    }
    for name, words in names.items():
        recall.add_row(words, *(str(interval) for interval in summary.recalls[name].values()))
    return times, recall


def _seconds(of_query: NDArray[np.float64]) -> dict[str, float]:
    return {"mean": float(of_query.mean()), "median": float(np.median(of_query))}
