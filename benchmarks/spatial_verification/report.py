"""What the comparison says: tables for people, an object for programs."""

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
    """Under which was measured.

    Attributes:
        weights: Fingerprint of the network.
        is_trained: Whether its local features mean anything.
        database: Pictures searched.
        queries: Queries asked.
        shortlist: Candidates re-ranked.
        precision: Of counting.
        device: ``cpu`` or ``cuda``, where matches are found.
        hardware: One line.
        ransac: Settings of RANSAC.
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
    """What was found.

    Attributes:
        seconds: Step → seconds a query, on average and in the median. ``with_ransac`` is counting and RANSAC together:
            as if the pairs that RANSAC needs cost no more than their count does.
        share_percent: Of ``with_ransac`` that counting alone takes.
        mean_matches: Mutual matches of a pair of pictures.
        recalls: ``global``, ``count``, ``inliers`` and ``count_minus_inliers`` → N → percent or points.
    """

    seconds: Mapping[str, Mapping[str, float]]
    share_percent: float
    mean_matches: float
    recalls: Mapping[str, Mapping[int, Interval]]

    @classmethod
    def of(cls, found: Comparison) -> "Summary":
        """Means, medians and intervals of a comparison."""
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
    """One object with everything that was measured, and how."""
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
    """Seconds, and recall."""
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
