"""``python -m benchmarks spatial-verification``: counting matches against verifying them, in seconds and in recall."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.hardware import describe_hardware
from benchmarks.spatial_verification.homography import Method, RansacSettings, load_opencv
from benchmarks.spatial_verification.measure import compare
from benchmarks.spatial_verification.report import PAPER, Conditions, Summary, to_json, to_tables
from benchmarks.split import read_split
from model.device import DeviceName, choose_device
from model.durable import write_atomically
from model.fingerprint import fingerprint
from model.matching import MatchingPrecision
from model.places import Place
from model.weights import load_selavpr, resolve_weights
from placefix.console import output_console
from placefix.progress import show_progress

_DEFAULTS = RansacSettings()


def spatial_verification(
    weights: Annotated[str, typer.Option(help="A network with local features.", show_default=False)],
    pictures: Annotated[Path, typer.Option(help="The folder of a rendered split.")] = Path(".town/pictures/test"),
    queries: Annotated[
        int | None, typer.Option(min=1, help="The number of queries, spread evenly over the split; by default all.")
    ] = None,
    shortlist: Annotated[int, typer.Option(min=1, help="Candidates that are re-ranked.")] = 100,
    method: Annotated[Method, typer.Option(help="The estimator of OpenCV.")] = _DEFAULTS.method,
    threshold_px: Annotated[
        float, typer.Option(help="Greatest error of an inlier, in pixels of the network's input of 224.")
    ] = _DEFAULTS.threshold_px,
    precision: Annotated[MatchingPrecision, typer.Option(help="The precision of counting mutual matches.")] = "exact",
    device: Annotated[DeviceName, typer.Option(help="The device that finds matches; RANSAC runs on the CPU.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="The JSON file of the figures.")] = None,
) -> None:
    """Compare re-ranking by mutual matches with RANSAC over the same matches: seconds per query, and recall."""
    settings = RansacSettings(method, threshold_px)
    opencv = load_opencv()
    split = read_split(pictures)
    asked = spread(split.queries, queries)
    network = load_selavpr(resolve_weights(weights))
    chosen = choose_device(device).device
    weights_fingerprint = fingerprint(network)
    with show_progress("encoding, then re-ranking") as progress:
        found = compare(
            network.to(chosen),
            split.database,
            asked,
            chosen,
            settings,
            shortlist=shortlist,
            precision=precision,
            progress=progress,
        )
    conditions = Conditions(
        weights=weights_fingerprint,
        is_trained=network.is_trained,
        database=len(split.database),
        queries=len(asked),
        shortlist=found.by_count.shortlist,
        precision=precision,
        device=chosen.type,
        hardware=f"{describe_hardware()}, OpenCV {opencv.__version__} with {opencv.getNumThreads()} threads",
        ransac=settings,
    )
    summary = Summary.of(found)
    console = output_console()
    for table in to_tables(summary, conditions):
        console.print(table)
    console.print(
        f"counting takes {summary.share_percent:.1f} % of counting and RANSAC together ({summary.mean_matches:.0f} "
        f"matches of a pair); {PAPER}",
        soft_wrap=True,
    )
    if not network.is_trained:
        console.print("the network is not trained for places: recall by its local features says nothing")
    console.print(conditions.hardware, soft_wrap=True)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, (json.dumps(to_json(summary, conditions), indent=1) + "\n").encode())


def spread(queries: Sequence[Place], count: int | None) -> tuple[Place, ...]:
    """Return a number of queries, evenly spaced; all for None, or if there are fewer."""
    if count is None or count >= len(queries):
        return tuple(queries)
    return tuple(queries[row] for row in np.linspace(0, len(queries) - 1, count).round().astype(int))
