"""``python -m benchmarks encode-recall``: the effect of rounding on recall, on the town or on other pictures."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.ablations.bootstrap import Interval, bootstrap, bootstrap_difference
from benchmarks.ablations.outcome import Outcome
from benchmarks.encoding.networks import network_of
from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from index_builder.sources.read_options import ReadOptions
from model.device import DeviceName, choose_device
from model.encoder import Encoder
from model.errors import InvalidInput
from model.features import Features
from model.matching import MatchingPrecision, count_mutual_matches
from model.network_precision import NetworkPrecision, choose_network_precision
from model.places import Place
from model.progress import Progress
from model.recall import DEFAULT_THRESHOLD_M
from model.training.picture_batches import read_batches
from place_map.local_codec import LocalCodec
from placefix.console import output_console
from placefix.evaluation.run import read_dataset
from placefix.evaluation.truth import NearbyTruth
from placefix.progress import show_progress

RECALLS = (1, 5, 10)

Rounded = Literal["bfloat16", "int8"]
Stored = Literal["float16", "int8"]

_BATCH = 16
_DECODERS = 2


@dataclass(frozen=True)
class Pairing:
    """Describe the precisions of a map and its queries."""

    of_map: NetworkPrecision
    of_queries: NetworkPrecision

    def __str__(self) -> str:
        """Return the text for people."""
        return f"map {self.of_map}, queries {self.of_queries}"


REFERENCE = Pairing("float32", "float32")


def pairings_with(rounded: Rounded) -> tuple[Pairing, ...]:
    """Return all pairings of float32 and another precision, the reference first."""
    return REFERENCE, Pairing(rounded, rounded), Pairing("float32", rounded), Pairing(rounded, "float32")


def encode_recall(
    database: Annotated[
        list[Path], typer.Option(help="The pictures to search: a folder or a CSV file.", show_default=False)
    ],
    asked: Annotated[list[Path], typer.Option("--queries", help="The queries, with positions.", show_default=False)],
    frame_tolerance: Annotated[
        int | None,
        typer.Option(min=0, help="The greatest difference in frames of a right picture, instead of 25 m."),
    ] = None,
    network: Annotated[str, typer.Option(help="demo, or the file of a checkpoint.")] = "demo",
    rounded: Annotated[Rounded, typer.Option(help="The precision that is compared with float32.")] = "bfloat16",
    shortlist: Annotated[int, typer.Option(min=max(RECALLS), help="Candidates that are re-ranked.")] = 20,
    matching: Annotated[MatchingPrecision, typer.Option(help="The way of counting mutual matches.")] = "fast",
    store: Annotated[Stored, typer.Option(help="The store of the map's local features.")] = "int8",
    every: Annotated[int, typer.Option(min=1, help="Ask every n-th query, for a quick result.")] = 1,
    device: DeviceName = "auto",
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path(
        "benchmarks/results/encode_recall.json"
    ),
) -> None:
    """Measure recall with map and queries in float32, in a rounded precision, and in one each, with differences by the
    paired bootstrap.
    """
    chosen = choose_device(device).device
    choose_network_precision(rounded, chosen)  # this refuses an emulated precision
    truth = NearbyTruth(DEFAULT_THRESHOLD_M, None) if frame_tolerance is None else frame_tolerance
    dataset = read_dataset(asked, database, None, truth, None, ReadOptions())
    if dataset.positives is None:
        raise InvalidInput("the queries do not say where they were taken: recall cannot be computed")
    places, queries, positives = dataset.database, dataset.queries[::every], dataset.positives[::every]
    plain = network_of(network)
    pairings = pairings_with(rounded)
    encoders = {each.of_map: Encoder(plain, chosen, precision=each.of_map) for each in pairings[:2]}
    with show_progress("encoding and asking") as progress:
        progress.started(len(places) + len(queries), 0)
        outcomes = _measure(encoders, pairings, places, queries, positives, shortlist, matching, store, progress)
    rows = {str(pairing): _row(outcomes[pairing], outcomes[REFERENCE], shortlist) for pairing in pairings}
    console = output_console()
    console.print(describe_hardware(), soft_wrap=True)
    console.print(_table(rows, len(places), len(queries), shortlist))
    summary = {
        "network": network,
        "database": len(places),
        "queries": len(queries),
        "shortlist": shortlist,
        "matching": matching,
        "store": store,
        "rows": {name: {key: vars(value) for key, value in row.items()} for name, row in rows.items()},
        "distributions": _distributions(outcomes),
    }
    write_result(out, summary)
    console.print(str(out), soft_wrap=True)


def _measure(
    encoders: dict[NetworkPrecision, Encoder],
    pairings: Sequence[Pairing],
    database: Sequence[Place],
    queries: Sequence[Place],
    positives: Sequence[NDArray[np.int64]],
    shortlist: int,
    matching: MatchingPrecision,
    store: Stored,
    progress: Progress,
) -> dict[Pairing, Outcome]:
    """Answer all queries in all pairings; each picture is decoded once. A map is kept as on disk."""
    parts: dict[NetworkPrecision, list[Features]] = {precision: [] for precision in encoders}
    for images in _read(database):
        for precision, encoder in encoders.items():
            found = encoder.encode(images)
            stored = LocalCodec(store, found.local_features.shape[-1]).encode(found.local_features)
            parts[precision].append(Features(found.global_features.half(), stored, found.local_grid))
        progress.advanced(len(images))
    globals_of = {
        precision: torch.cat([part.global_features for part in each]).float() for precision, each in parts.items()
    }
    locals_of = {precision: torch.cat([part.local_features for part in parts.pop(precision)]) for precision in encoders}
    found_by: dict[Pairing, list[tuple[Any, Any, Any]]] = {pairing: [] for pairing in pairings}
    for images in _read(queries):
        asked = {precision: encoder.encode(images) for precision, encoder in encoders.items()}
        for row in range(len(images)):
            for pairing in pairings:
                query = asked[pairing.of_queries]
                away = (globals_of[pairing.of_map] - query.global_features[row]).norm(dim=1)  # (n,)
                near = away.argsort(stable=True)[:shortlist]
                counts = count_mutual_matches(
                    query.local_features[row], locals_of[pairing.of_map][near], precision=matching
                )
                found_by[pairing].append((near.cpu().numpy(), away[near].cpu().numpy(), counts.cpu().numpy()))
        progress.advanced(len(images))
    return {
        pairing: Outcome(
            is_right=np.stack([np.isin(near, right) for (near, _, _), right in zip(found, positives, strict=True)]),
            distances=np.stack([away for _, away, _ in found]),
            counts=np.stack([counts for _, _, counts in found]),
        )
        for pairing, found in found_by.items()
    }


def _read(places: Sequence[Place]) -> Iterator[torch.Tensor]:
    paths = [place.path for place in places]
    batches = [paths[first : first + _BATCH] for first in range(0, len(paths), _BATCH)]
    with closing(read_batches(batches, _DECODERS)) as opened:
        yield from opened


def _row(outcome: Outcome, reference: Outcome, shortlist: int) -> dict[str, Interval]:
    """Return recall before and after re-ranking, and the differences from the reference, in points."""
    row: dict[str, Interval] = {}
    for stage, reranked in (("before", 0), ("after", shortlist)):
        ranks, reference_ranks = outcome.first_right(reranked), reference.first_right(reranked)
        for at in RECALLS:
            row[f"{stage} R@{at}"] = bootstrap([ranks < at])
            row[f"{stage} R@{at} difference"] = bootstrap_difference([ranks < at], [reference_ranks < at])
    return row


def _distributions(outcomes: dict[Pairing, Outcome]) -> dict[str, dict[str, float]]:
    """Return the absolute change of distances by rounding, for the nearest candidate of each query."""
    reference = outcomes[REFERENCE].distances[:, 0].astype(np.float64)
    moved = {str(pairing): np.abs(outcome.distances[:, 0] - reference) for pairing, outcome in outcomes.items()}
    return {name: {"median": float(np.median(each)), "largest": float(each.max())} for name, each in moved.items()}


def _table(rows: dict[str, dict[str, Interval]], database: int, queries: int, shortlist: int) -> Table:
    table = Table(title=f"{database:,} pictures, {queries:,} queries, {shortlist} candidates re-ranked; recall in %")
    table.add_column("encoded in")
    for stage in ("before", "after"):
        for at in RECALLS:
            table.add_column(f"{stage}, R@{at}", justify="right")
    for name, row in rows.items():
        cells = []
        for stage in ("before", "after"):
            for at in RECALLS:
                value, difference = row[f"{stage} R@{at}"], row[f"{stage} R@{at} difference"]
                cells.append(
                    f"{value.value:.2f}\n{difference.value:+.2f} [{difference.low:+.2f}, {difference.high:+.2f}]"
                )
        table.add_row(name, *cells)
    return table
