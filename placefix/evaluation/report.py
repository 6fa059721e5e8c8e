"""The report of ``placefix evaluate``: lines for people, one object for programs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.filesize import decimal

from model.recall import Recalls
from placefix.evaluation.confidence import Trust
from placefix.evaluation.confidence_report import confidence_json, confidence_lines
from placefix.evaluation.differences import Differences
from placefix.evaluation.truth import FrameTruth, NearbyTruth, Truth
from service.evaluate import Evaluation
from service.localizer import Localizer

_NAMES = {"before": "before re-ranking", "after": "after re-ranking"}


@dataclass(frozen=True)
class Settings:
    """Hold the conditions of a measurement.

    Attributes:
        network: Fingerprint of the network.
        is_trained: Whether the network is trained, so that re-ranking has a meaning.
        preprocessing: The value of ``--preprocess``.
        store: Type of the stored features.
        precision: Precision of the products in matching.
        encoding: Precision of the products in the network, for queries.
        device: ``cpu`` or ``cuda``.
        searcher: The name of the searcher of the shortlists.
        rerank: Candidates re-ranked; 0 for none.
        threshold_m: Greatest distance of a positive in metres; None if frames count.
        heading_deg: Greatest angle between the cameras of a positive; None if any angle counts.
        frame_tolerance: Greatest distance of a positive in frames; None if metres count.
    """

    network: str
    is_trained: bool
    preprocessing: str
    store: str
    precision: str
    encoding: str
    device: str
    searcher: str
    rerank: int
    threshold_m: float | None
    heading_deg: float | None
    frame_tolerance: int | None

    @classmethod
    def of(cls, localizer: Localizer, truth: Truth | None, rerank: int) -> "Settings":
        """Return the conditions of an evaluation."""
        return cls(
            network=localizer.encoder.fingerprint,
            is_trained=localizer.encoder.is_trained,
            preprocessing=localizer.preparation.preprocessing.value,
            store=localizer.place_map.store,
            precision=localizer.matching_precision,
            encoding=localizer.encoder.precision,
            device=localizer.encoder.device.type,
            searcher=localizer.searcher.name,
            rerank=rerank,
            threshold_m=truth.threshold_m if isinstance(truth, NearbyTruth) else None,
            heading_deg=truth.heading_deg if isinstance(truth, NearbyTruth) else None,
            frame_tolerance=truth.tolerance if isinstance(truth, FrameTruth) else None,
        )


def to_json(
    evaluation: Evaluation,
    settings: Settings,
    comparison: dict[str, dict[str, dict[str, float]]] | None,
    differences: Differences | None,
    groups: Mapping[str, Trust] | None = None,
) -> dict[str, Any]:
    """Return an object with all measurements and their conditions."""
    return {
        "database": evaluation.database,
        "queries": evaluation.queries,
        "queries_without_positive": None if evaluation.before is None else evaluation.before.without_positive,
        "recalls_before": _percent(evaluation.before),
        "recalls_after": _percent(evaluation.after),
        "comparisons": evaluation.compared,
        "published": comparison,
        "differences": None if differences is None else differences.to_json(),
        "confidence": None if groups is None else confidence_json(groups),
        "seconds": {str(stage): duration_s for stage, duration_s in evaluation.seconds.items()},
        "duration_s": evaluation.duration_s,
        "peak_memory_bytes": evaluation.peak_memory_bytes,
        "peak_device_bytes": evaluation.peak_device_bytes,
        "settings": asdict(settings),
    }


def to_lines(
    evaluation: Evaluation,
    settings: Settings,
    truth: Truth | None,
    comparison: dict[str, dict[str, dict[str, float]]] | None,
    differences: Differences | None,
    groups: Mapping[str, Trust] | None = None,
) -> list[str]:
    """Return lines for people; the lines of recalls have the usual form of the field."""
    queries = evaluation.queries
    about_queries = (
        ", whose positions are not known: no recall can be computed"
        if evaluation.before is None
        else f"; {evaluation.before.without_positive:,} have no positive within {truth} and count as misses"
    )
    lines = [
        f"database           {evaluation.database:,} pictures",
        f"queries            {queries:,}{about_queries}",
        f"measured with      {settings.preprocessing}, {settings.encoding} network, {settings.store} store, "
        f"{settings.precision} matching, {settings.searcher}",
    ]
    if evaluation.before is not None:
        lines.append(f"before re-ranking  {evaluation.before}")
    if evaluation.after is not None:
        lines.append(f"after re-ranking   {evaluation.after}  (of {settings.rerank} candidates)")
        every = queries * min(settings.rerank, evaluation.database)
        if evaluation.compared < every:
            saved = f"{1 - evaluation.compared / every:.1%} saved"
            lines.append(f"comparisons        {evaluation.compared / queries:.1f} a query, {saved}")
    per_query = ", ".join(
        f"{stage} {1000 * duration_s / queries:.1f}" for stage, duration_s in evaluation.seconds.items()
    )
    lines.append(f"ms per query       {per_query}; all queries took {evaluation.duration_s:.1f} s")
    device = "" if evaluation.peak_device_bytes is None else f", {decimal(evaluation.peak_device_bytes)} of the GPU's"
    lines.append(f"peak memory        {decimal(evaluation.peak_memory_bytes)}{device}")
    if not settings.is_trained:
        lines.append("the network is not trained for places: its results say little")
    if differences is not None:
        lines += differences.to_lines(settings.store)
    if groups is not None:
        lines += ["", *confidence_lines(groups)]
    return lines + _comparison_lines(comparison)


def _comparison_lines(comparison: dict[str, dict[str, dict[str, float]]] | None) -> list[str]:
    if comparison is None:
        return []
    lines = ["", f"{'':<25}published  measured  difference"]
    for stage, values in comparison.items():
        lines += [
            f"{_NAMES[stage]:<17}  {name:<5} {row['published']:9.1f} {row['measured']:9.1f} {row['difference']:+11.1f}"
            for name, row in values.items()
        ]
    return lines


def _percent(table: Recalls | None) -> dict[str, float] | None:
    return None if table is None else {f"R@{value}": percent for value, percent in table.percent.items()}
