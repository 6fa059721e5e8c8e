"""Gardens Point Walking: three walks through a campus, two by day on either side of the path and one by night.

Each walk has 200 frames. Frame i of every walk shows the same place, and a difference of two frames still counts as
right. The photographs are not part of this repository; ``PLACEFIX_SHARED`` names their folder.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.ablations.bootstrap import Interval, bootstrap, bootstrap_difference
from benchmarks.hardware import describe_hardware
from index_builder.build_options import BuildOptions
from index_builder.errors import SourceError
from index_builder.sources.read_options import ReadOptions
from model.device import DeviceName
from model.durable import write_atomically
from model.matching import MatchingPrecision
from model.recall import DEFAULT_RECALL_VALUES
from model.training.config import NetworkStart
from model.training.trainable import starting_network
from model.weights import load_selavpr, resolve_weights, save_network
from placefix.console import output_console
from placefix.evaluation.report import Settings, to_json
from placefix.evaluation.run import Dataset, NetworkChoice, asking, open_localizer, read_dataset
from service import evaluate as service_evaluate
from service.evaluate import EvaluationOptions, QueryResult
from service.localizer import Localizer

FOLDER = Path("data") / "gardenspoint_walking"
DATABASE = "database.csv"
WALKS = {"day_left": "queries_day_left.csv", "night_right": "queries_night_right.csv"}
TOLERANCE_FRAMES = 2

_BATCH_SIZE = 16


@dataclass(frozen=True)
class WalkResult:
    """Hold the result of the queries of one walk.

    Attributes:
        before: N → recall by global distance, percent.
        after: N → recall after re-ranking; empty for a network without local features.
        gain: N → points that re-ranking adds; empty for a network without local features.
        evaluation: The object of ``placefix evaluate --json``.
        bytes_per_picture: Bytes of the stored features per picture.
    """

    before: dict[int, Interval]
    after: dict[int, Interval]
    gain: dict[int, Interval]
    evaluation: dict[str, Any]
    bytes_per_picture: int


def gardenspoint(
    weights: Annotated[str, typer.Option(help="A network with local features.", show_default=False)],
    backbone: Annotated[
        Path | None,
        typer.Option(help="Its backbone before any adaptation, to compare with; its patch tokens are re-ranked."),
    ] = None,
    shared: Annotated[
        Path | None,
        typer.Option(
            envvar="PLACEFIX_SHARED", help=f"The folder that has {FOLDER.as_posix()} below it.", show_default=False
        ),
    ] = None,
    rerank: Annotated[int, typer.Option(min=max(DEFAULT_RECALL_VALUES), help="Candidates that are re-ranked.")] = 100,
    precision: Annotated[MatchingPrecision, typer.Option(help="The precision of counting mutual matches.")] = "exact",
    device: Annotated[DeviceName, typer.Option(help="The device of the work.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="The JSON file of the figures.")] = None,
) -> None:
    """Measure recall on photographs, Gardens Point Walking: by day from the other side of the path, and by night."""
    datasets = read_walks(shared)
    options = EvaluationOptions(rerank=rerank, recall_values=DEFAULT_RECALL_VALUES, batch_size=_BATCH_SIZE)
    found = {
        "network": measure(datasets, NetworkChoice(str(resolve_weights(weights)), None, device, precision), options)
    }
    if backbone is not None:
        with tempfile.TemporaryDirectory(prefix="placefix-backbone-") as folder:
            path = with_patch_tokens(backbone, Path(folder) / "backbone.safetensors")
            found["backbone"] = measure(datasets, NetworkChoice(str(path), None, device, precision), options)
    console = output_console()
    for name, walks in found.items():
        for walk, result in walks.items():
            console.print(_table(name, walk, result))
    console.print(describe_hardware(), soft_wrap=True)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        summary = {
            "tolerance_frames": TOLERANCE_FRAMES,
            "hardware": describe_hardware(),
            "networks": {
                name: {walk: _walk_json(result) for walk, result in walks.items()} for name, walks in found.items()
            },
        }
        write_atomically(out, (json.dumps(summary, indent=1) + "\n").encode())


def read_walks(shared: Path | None) -> dict[str, Dataset]:
    """Return the two query walks, each with the walk that is searched.

    Raises:
        SourceError: The photographs are missing, or a list of them is wrong.
    """
    if shared is None or not (shared / FOLDER / DATABASE).is_file():
        where = "PLACEFIX_SHARED is not set" if shared is None else f"{shared / FOLDER / DATABASE} is not there"
        raise SourceError(
            f"{where}: give the folder that has {FOLDER.as_posix()} below it, with {DATABASE} and "
            f"{' and '.join(WALKS.values())} (columns path, place_id)"
        )
    folder = shared / FOLDER
    return {
        walk: read_dataset([folder / name], [folder / DATABASE], None, TOLERANCE_FRAMES, None, ReadOptions())
        for walk, name in WALKS.items()
    }


def with_patch_tokens(backbone: Path, path: Path) -> Path:
    """Write an unchanged backbone as a network whose local features are its patch tokens.

    A trained network keeps its local features.

    Raises:
        WeightsError: The network cannot be loaded, or the other file cannot be written.
    """
    start = NetworkStart(str(backbone), local_features="coarse")
    save_network(starting_network(load_selavpr(backbone), start, seed=0), path)
    return path


def measure(datasets: dict[str, Dataset], network: NetworkChoice, options: EvaluationOptions) -> dict[str, WalkResult]:
    """Ask all walks as ``placefix evaluate`` does; the map is built once.

    Raises:
        PlacefixError: The network cannot be loaded, or a picture cannot be read.
    """
    first = next(iter(datasets.values()))
    with open_localizer(first, None, network, BuildOptions().store, None, options.batch_size) as localizer:
        if not localizer.encoder.local_dim:
            options = replace(options, rerank=0)
        return {walk: _ask(localizer, dataset, options) for walk, dataset in datasets.items()}


def _ask(localizer: Localizer, dataset: Dataset, options: EvaluationOptions) -> WalkResult:
    before: list[int | None] = []
    after: list[int | None] = []

    def keep(result: QueryResult) -> None:
        right = set(() if result.positives is None else result.positives.tolist())
        for ranks, candidates in ((before, result.before), (after, result.final)):
            ranks.append(next((rank for rank, each in enumerate(candidates) if each.row in right), None))

    with asking() as progress:
        measured = service_evaluate.evaluate(localizer, dataset.queries, dataset.positives, options, progress, keep)
    settings = Settings.of(localizer, dataset.truth, options.rerank)
    values = options.recall_values
    reranked_values = values if options.rerank else ()
    hits_before, hits_after = ({value: _hits(ranks, value) for value in values} for ranks in (before, after))
    return WalkResult(
        before={value: bootstrap([hits_before[value]]) for value in values},
        after={value: bootstrap([hits_after[value]]) for value in reranked_values},
        gain={value: bootstrap_difference([hits_after[value]], [hits_before[value]]) for value in reranked_values},
        evaluation=to_json(measured, settings, None, None),
        bytes_per_picture=localizer.place_map.manifest.features.bytes_per_picture,
    )


def _hits(ranks: Sequence[int | None], value: int) -> NDArray[np.bool_]:
    return np.array([rank is not None and rank < value for rank in ranks])


def _walk_json(result: WalkResult) -> dict[str, Any]:
    recalls = {"before": result.before, "after": result.after, "gain": result.gain}
    return {
        **{name: {f"R@{value}": asdict(interval) for value, interval in row.items()} for name, row in recalls.items()},
        "evaluation": result.evaluation,
    }


def _table(network: str, walk: str, result: WalkResult) -> Table:
    table = Table(title=f"{network}, {walk}: recall in percent [95 %], ±{TOLERANCE_FRAMES} frames", min_width=60)
    for heading in ("", "by global distance", "re-ranked", "gain"):
        table.add_column(heading, justify="right")
    for value, before in result.before.items():
        reranked = (result.after[value], result.gain[value]) if result.after else ("", "")
        table.add_row(f"R@{value}", str(before), *map(str, reranked))
    return table
