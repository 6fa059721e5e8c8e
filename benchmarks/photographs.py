"""Recall on photographs: the starter against the demo's network and a random one.

The photographs are not part of this repository; ``PLACEFIX_SHARED`` names their folder.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.gardenspoint import TOLERANCE_FRAMES, WalkResult, measure
from benchmarks.result_file import write_result
from demo.shipped import SHIPPED
from index_builder.errors import SourceError
from index_builder.sources.read_options import ReadOptions
from model.device import DeviceName
from model.errors import InvalidInput
from model.selavpr.config import VIT_SMALL
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from model.weights_cache import STARTER
from placefix.console import output_console
from placefix.evaluation.run import Dataset, NetworkChoice, read_dataset
from placefix.evaluation.truth import NearbyTruth
from service.evaluate import EvaluationOptions

FOLDER = Path("data")
RECALL_VALUES = (1, 5, 10)
_THRESHOLD_M = 25.0


@dataclass(frozen=True)
class Collection:
    """Describe a set of photographs.

    Attributes:
        folder: The folder below ``data`` with ``database.csv``.
        queries: Name of a set of queries → file of the set.
        truth: The rule of right answers: within some metres, or within some frames.
    """

    folder: str
    queries: Mapping[str, str]
    truth: NearbyTruth | int


COLLECTIONS = (
    Collection(
        "gardenspoint_walking",
        {"gardenspoint, by day": "queries_day_left.csv", "gardenspoint, at night": "queries_night_right.csv"},
        TOLERANCE_FRAMES,
    ),
    Collection("penn_campus_gps", {"penn": "queries.csv"}, NearbyTruth(_THRESHOLD_M, None)),
    Collection("corridor_indoor", {"corridor": "queries.csv"}, TOLERANCE_FRAMES),
    Collection("lund_berlin_gps", {"lund": "queries.csv"}, NearbyTruth(_THRESHOLD_M, None)),
)


def photographs(
    weights: Annotated[
        list[str] | None,
        typer.Option(help="More networks to compare with; may be repeated.", show_default=False),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="One of the networks by its name; may be repeated.", show_default=False),
    ] = None,
    shared: Annotated[
        Path | None,
        typer.Option(
            envvar="PLACEFIX_SHARED", help=f"The folder that has {FOLDER.as_posix()} below it.", show_default=False
        ),
    ] = None,
    rerank: Annotated[int, typer.Option(min=max(RECALL_VALUES), help="Candidates that are re-ranked.")] = 50,
    device: Annotated[DeviceName, typer.Option(help="The device of the work.")] = "auto",
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path(
        "benchmarks/results/photographs.json"
    ),
) -> None:
    """Ask every set of photographs: the starter, the demo's network, and a random one of DINOv2's shape."""
    datasets = [read_collection(shared, collection) for collection in COLLECTIONS]
    options = EvaluationOptions(rerank=rerank, recall_values=RECALL_VALUES)
    rows = []
    with tempfile.TemporaryDirectory(prefix="placefix-photographs-") as folder:
        random = Path(folder) / "random.safetensors"
        save_network(seeded_network(VIT_SMALL), random)
        networks = {STARTER: STARTER, "demo": str(SHIPPED.weights), "random ViT-S/14": str(random)}
        networks |= {name: name for name in weights or ()}
        if unknown := set(only or ()) - networks.keys():
            raise InvalidInput(f"--only {', '.join(sorted(unknown))}: the networks are {', '.join(networks)}")
        networks = {name: path for name, path in networks.items() if not only or name in only}
        for name, path in networks.items():
            choice = NetworkChoice(path, None, device, "fast")
            for asked in datasets:
                rows += [_row(name, queries, found) for queries, found in measure(asked, choice, options).items()]
    console = output_console()
    console.print(_table(rows))
    write_result(out, {"rerank": rerank, "rows": rows})


def read_collection(shared: Path | None, collection: Collection) -> dict[str, Dataset]:
    """Read a set of photographs: the queries and right answers of each set of queries.

    Raises:
        SourceError: The photographs are missing.
    """
    folder = None if shared is None else shared / FOLDER / collection.folder
    if folder is None or not (folder / "database.csv").is_file():
        where = "PLACEFIX_SHARED is not set" if folder is None else f"{folder / 'database.csv'} is not there"
        raise SourceError(f"{where}: give the folder that has {FOLDER / collection.folder} below it with --shared")
    return {
        name: read_dataset([folder / file], [folder / "database.csv"], None, collection.truth, None, ReadOptions())
        for name, file in collection.queries.items()
    }


def _row(network: str, queries: str, found: WalkResult) -> dict[str, Any]:
    evaluation = found.evaluation
    asked = evaluation["queries"]
    return {
        "network": network,
        "queries": queries,
        "asked": asked,
        "database": evaluation["database"],
        "before": {f"R@{value}": asdict(interval) for value, interval in found.before.items()},
        "after": {f"R@{value}": asdict(interval) for value, interval in found.after.items()},
        "ms": {stage: 1000 * duration_s / asked for stage, duration_s in evaluation["seconds"].items()},
        "bytes_per_picture": found.bytes_per_picture,
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="recall in percent [95 %]")
    headings = ["queries", "network", *(f"R@{value}" for value in RECALL_VALUES), "re-ranked R@1", "ms", "bytes"]
    for heading in headings:
        table.add_column(heading, justify="left" if heading in headings[:2] else "right")
    for row in rows:
        table.add_row(
            row["queries"],
            row["network"],
            *(f"{row['before'][f'R@{value}']['value']:.1f}" for value in RECALL_VALUES),
            "{value:.1f} [{low:.1f}, {high:.1f}]".format(**row["after"]["R@1"]),
            f"{sum(row['ms'].values()):.0f}",
            f"{row['bytes_per_picture']:,}",
        )
    return table
