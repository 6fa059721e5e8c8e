"""``python -m benchmarks floor``: the effect of a floor in the score of mutual matches, by light and weather.

The cosines of all mutual matches of each query and candidate are computed once. The number of matches above each floor
follows from them, so ten floors take the time of none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.table import Table
from torch import Tensor

from benchmarks.ablations.bootstrap import Interval, bootstrap, bootstrap_difference
from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from benchmarks.spatial_verification.command import spread
from benchmarks.split import DAY, read_split
from model.cosines import checked_floor, pair_cosines
from model.device import DeviceName, choose_device
from model.errors import InvalidInput
from model.fingerprint import fingerprint
from model.matching import MatchingPrecision, find_mutual_matches
from model.places import Place
from model.progress import SILENT, Progress
from model.recall import DEFAULT_THRESHOLD_M, positives_within
from model.selavpr.selavpr import SelaVPR
from model.training.picture_batches import encode_pictures
from model.weights import load_selavpr, resolve_weights
from placefix.console import output_console
from placefix.progress import show_progress

BATCH_SIZE = 16
DECODERS = 2
NO_FLOOR = -1.0
FLOORS = (NO_FLOOR, 0.0, *(number / 10 for number in range(1, 9)), 0.82, 0.84, 0.86, 0.88, 0.9)


@dataclass(frozen=True)
class FloorCounts:
    """Hold the counts for Q queries with s candidates each.

    Attributes:
        floors: ``(F,)``, ascending; the first is -1, which every match reaches.
        is_right: ``(Q, s)`` bool: whether each candidate is within 25 m, nearest in feature space first.
        counts: ``(Q, s, F)`` int64: mutual matches that reach each floor.
    """

    floors: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    counts: NDArray[np.int64]

    def hits(self, floor: int) -> NDArray[np.bool_]:
        """Return ``(Q,)``, whether the first candidate is right with the floor of this index.

        If counts are equal, the candidate nearer in feature space comes first, as everywhere in Placefix.
        """
        best = self.counts[:, :, floor].argmax(axis=1)  # the first of equal ones
        return np.take_along_axis(self.is_right, best[:, None], axis=1)[:, 0]

    def global_hits(self) -> NDArray[np.bool_]:
        """Return ``(Q,)``, whether the first candidate is right before re-ranking."""
        return self.is_right[:, 0]

    def mean_matches(self, floor: int, *, of_right: bool) -> float | None:
        """Return the mean number of matches that reach a floor, over right or wrong candidates; None without any."""
        counts = self.counts[:, :, floor][self.is_right == of_right]
        return float(counts.mean()) if len(counts) else None


@torch.no_grad()
def measure_floors(
    network: SelaVPR,
    database: Sequence[Place],
    queries: Sequence[Place],
    floors: Sequence[float],
    device: torch.device,
    *,
    shortlist: int,
    precision: MatchingPrecision = "fast",
    progress: Progress = SILENT,
) -> FloorCounts:
    """Retrieve every query, and compute the cosines of its mutual matches with each candidate of its shortlist.

    Local features of the database are kept in memory, rounded to float16: 0.95 MB per picture with 3721 × 128.

    Args:
        network: A network with local features, on the device.
        database: The pictures to search.
        queries: The queries.
        floors: The floors in [-1, 1]; -1 is added.
        device: The device of the work.
        shortlist: The number of candidates of a query; at most the whole database.
        precision: The precision of finding the matches.
        progress: The display of progress, advanced for every picture.

    Raises:
        InvalidInput: The network has no local features, there is no query, or a floor is out of range.
        ImageError: A picture cannot be read.
    """
    if not network.config.local_channels:
        raise InvalidInput("the network has no local features, so there are no matches to count: give other weights")
    if not queries or not database or shortlist < 1:
        raise InvalidInput(
            f"{len(queries)} queries, {len(database)} pictures and a shortlist of {shortlist}: each must be at least 1"
        )
    for floor in floors:
        checked_floor(floor)
    ascending = np.unique([NO_FLOOR, *floors])
    progress.started(len(database) + len(queries), 0)
    global_parts: list[Tensor] = []
    local_parts: list[Tensor] = []
    for features in encode_pictures(
        network, [place.path for place in database], device, batch_size=BATCH_SIZE, decoders=DECODERS
    ):
        global_parts.append(features.global_features)
        local_parts.append(features.local_features.half())
        progress.advanced(len(features))
    global_features, local_features = torch.cat(global_parts), [each for part in local_parts for each in part]
    rows: list[NDArray[np.int64]] = []
    counts: list[list[NDArray[np.int64]]] = []
    for features in encode_pictures(
        network, [place.path for place in queries], device, batch_size=BATCH_SIZE, decoders=DECODERS
    ):
        for query_global, query_local in zip(features.global_features, features.local_features, strict=True):
            near = (global_features - query_global).norm(dim=1).argsort(stable=True)[:shortlist].cpu().numpy()
            rows.append(near)
            counts.append([_reaching(query_local, local_features[row], ascending, precision) for row in near])
            progress.advanced(1)
    positives = positives_within(queries, database, DEFAULT_THRESHOLD_M)
    is_right = np.stack([np.isin(near, right) for near, right in zip(rows, positives, strict=True)])
    return FloorCounts(ascending, is_right, np.array(counts))


def _reaching(
    query: Tensor, candidate: Tensor, floors: NDArray[np.float64], precision: MatchingPrecision
) -> NDArray[np.int64]:
    """Return how many of the mutual matches reach each floor ``(F,)``."""
    matches = find_mutual_matches(query, candidate, precision=precision)
    cosines = pair_cosines(query, candidate, matches.query_cells, matches.candidate_cells).cpu().numpy()
    below = np.searchsorted(np.sort(cosines), floors, side="left")
    below[floors == NO_FLOOR] = 0  # independent of the last bit of a cosine
    return len(cosines) - below


def groups_of(conditions: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """Return the groups of queries ``(Q,)``: all, day, and every other condition."""
    of_query = np.array(conditions)
    parts = {"all": np.ones(len(of_query), dtype=bool), "day": np.isin(of_query, DAY)}
    parts |= {name: of_query == name for name in sorted(set(conditions) - set(DAY))}
    return {name: part for name, part in parts.items() if part.any()}


def summarize(found: FloorCounts, conditions: Sequence[str]) -> dict[str, Any]:
    """Return R@1 at each floor, by condition, with intervals, and the change of each floor, paired by query."""
    groups = groups_of(conditions)
    without = found.hits(0)
    floors = []
    for index, floor in enumerate(found.floors.tolist()):
        hits = found.hits(index)
        recall = {name: asdict(bootstrap([hits[part]])) for name, part in groups.items()}
        difference = {
            name: asdict(bootstrap_difference([hits[part]], [without[part]])) for name, part in groups.items()
        }
        floors.append(
            {
                "floor": floor,
                "mean_matches_of_right": found.mean_matches(index, of_right=True),
                "mean_matches_of_wrong": found.mean_matches(index, of_right=False),
                "R@1": recall,
                "R@1_minus_no_floor": difference,
            }
        )
    global_hits = found.global_hits()
    return {
        "queries_by_condition": {name: int(part.sum()) for name, part in groups.items()},
        "global_R@1": {name: asdict(bootstrap([global_hits[part]])) for name, part in groups.items()},
        "floors": floors,
    }


def floor(
    weights: Annotated[str, typer.Option(help="A network with local features.", show_default=False)],
    pictures: Annotated[Path, typer.Option(help="The folder of a rendered split.")] = Path(".town/pictures/test"),
    queries: Annotated[
        int | None, typer.Option(min=1, help="The number of queries, spread evenly over the split; by default all.")
    ] = None,
    shortlist: Annotated[int, typer.Option(min=1, help="Candidates that are re-ranked.")] = 20,
    floors: Annotated[
        list[float] | None,
        typer.Option("--floor", min=-1, max=1, help="A least cosine; may be repeated. By default 15 up to 0.9."),
    ] = None,
    precision: Annotated[MatchingPrecision, typer.Option(help="The precision of finding mutual matches.")] = "fast",
    device: Annotated[DeviceName, typer.Option(help="The device of the work.")] = "auto",
    out: Annotated[Path, typer.Option(help="The result, as JSON.")] = Path("benchmarks/results/floor.json"),
) -> None:
    """Measure R@1 by light and weather when re-ranking counts only the mutual matches that reach a floor."""
    split = read_split(pictures)
    condition_of = dict(zip((place.path for place in split.queries), split.conditions, strict=True))
    asked = spread(split.queries, queries)
    network = load_selavpr(resolve_weights(weights))
    weights_fingerprint = fingerprint(network)
    chosen = choose_device(device).device
    with show_progress("encoding and matching") as progress:
        found = measure_floors(
            network.to(chosen),
            split.database,
            asked,
            floors or FLOORS,
            chosen,
            shortlist=shortlist,
            precision=precision,
            progress=progress,
        )
    summary = summarize(found, [condition_of[place.path] for place in asked])
    result = {
        "weights": weights_fingerprint,
        "is_trained": network.is_trained,
        "database": len(split.database),
        "queries": len(asked),
        "shortlist": found.is_right.shape[1],
        "precision": precision,
        "device": chosen.type,
        **summary,
    }
    write_result(out, result)
    console = output_console()
    for name, title in (("R@1", "R@1 in percent"), ("R@1_minus_no_floor", "points of R@1 more than without a floor")):
        console.print(_table(summary, name, f"{title}, top {result['shortlist']}, {len(asked):,} queries"))
    if not network.is_trained:
        console.print("the network is not trained for places: recall by its local features says nothing")
    console.print(describe_hardware(), soft_wrap=True)


def _table(summary: Mapping[str, Any], name: str, title: str) -> Table:
    table = Table("floor", title=title)
    for heading in ("matches of right", "of wrong", *summary["queries_by_condition"]):
        table.add_column(heading, justify="right")
    for row in summary["floors"]:
        means = (row[f"mean_matches_of_{which}"] for which in ("right", "wrong"))
        table.add_row(
            "none" if row["floor"] == NO_FLOOR else f"{row['floor']:g}",
            *("–" if mean is None else f"{mean:.0f}" for mean in means),
            *(str(Interval(**each)) for each in row[name].values()),
        )
    return table
