"""``python -m benchmarks store``: the cost and quality of each store, on any pictures and weights."""

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.hardware import describe_hardware
from benchmarks.store.measure import EXACT, Measurement, measure
from benchmarks.store.recode import recode
from benchmarks.store.report import Conditions, summarize, to_json, to_tables
from index_builder.build_options import BuildOptions
from index_builder.sources.read_options import ReadOptions
from model.device import DeviceName
from model.durable import write_atomically
from model.errors import InvalidInput
from model.matching import MatchingPrecision
from place_map.local_codec import STORES, StoreType
from place_map.reader import PlaceMap
from placefix.console import output_console
from placefix.evaluation.run import Dataset, NetworkChoice, open_localizer, read_dataset
from placefix.evaluation.truth import NearbyTruth
from placefix.progress import show_progress
from service.localizer import Localizer


def store(
    database: Annotated[
        list[Path], typer.Option(help="The pictures to search: a folder or a CSV file.", show_default=False)
    ],
    queries: Annotated[list[Path], typer.Option(help="The queries, with positions.", show_default=False)],
    weights: Annotated[str, typer.Option(help="A network with local features.", show_default=False)],
    threshold_m: Annotated[float, typer.Option(min=0, help="The greatest distance of a right picture.")] = 25.0,
    frame_tolerance: Annotated[
        int | None,
        typer.Option(
            min=0, help="The greatest difference in frames of a right picture, in CSV files with frame numbers."
        ),
    ] = None,
    queries_every: Annotated[int, typer.Option(min=1, help="Ask every n-th query.")] = 1,
    shortlist: Annotated[int, typer.Option(min=10, help="Candidates that are re-ranked.")] = 20,
    precision: Annotated[MatchingPrecision, typer.Option(help="The precision of counting, for every store.")] = "fast",
    exact_every: Annotated[
        int,
        typer.Option(min=1, help="Every n-th query is also counted exactly, from float32, to compare counts."),
    ] = 8,
    device: Annotated[DeviceName, typer.Option(help="The device of the work.")] = "auto",
    stores: Annotated[
        list[str] | None,
        typer.Option(
            "--store",
            help=f"A store to compare with float32; may be repeated. By default all: {', '.join(STORES[1:])}.",
            show_default=False,
        ),
    ] = None,
    keep_on_device: Annotated[
        bool,
        typer.Option(
            "--keep-on-device",
            help="Keep all stored features in the device's memory: many queries take less time there, and gathering is "
            "a copy in that memory.",
        ),
    ] = False,
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/store.json"),
) -> None:
    """Compare the stores of local features: bytes, recall, counts, order, seconds.

    The database is encoded once into float32, and rounded to every other store; stores that learn a codebook learn it
    from a sample of the database, as a build does. All stores are in TMPDIR together: 4.0 MB per picture with 3721 ×
    128 local features.
    """
    compared = _chosen(stores)
    truth = NearbyTruth(threshold_m, None) if frame_tolerance is None else frame_tolerance
    dataset = read_dataset(queries, database, None, truth, None, ReadOptions())
    choice = NetworkChoice(weights, None, device, precision)
    options = BuildOptions()
    with open_localizer(dataset, None, choice, EXACT.store, None, options.batch_size) as localizer:
        if not localizer.encoder.local_dim:
            raise InvalidInput("the network has no local features, so there is nothing to store: give other weights")
        found = _measure(
            localizer,
            dataset,
            compared,
            queries_every=queries_every,
            shortlist=shortlist,
            precision=precision,
            exact_every=exact_every,
            batch_size=options.batch_size,
            keep_on_device=keep_on_device,
        )
        conditions = Conditions(
            database=tuple("/".join(path.parts[-2:]) for path in database),  # at its place on this machine
            queries=tuple("/".join(path.parts[-2:]) for path in queries),
            weights=localizer.encoder.fingerprint,
            is_trained=localizer.encoder.is_trained,
            pictures=len(localizer.place_map),
            asked=len(found.is_right),
            shortlist=found.is_right.shape[1],
            device=localizer.encoder.device.type,
            hardware=describe_hardware(),
        )
    rows = summarize(found)
    console = output_console()
    for table in to_tables(rows, conditions):
        console.print(table)
    if not conditions.is_trained:
        console.print("the network is not trained for places: recall by its local features says nothing")
    console.print(conditions.hardware, soft_wrap=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, (json.dumps(to_json(rows, conditions), indent=1) + "\n").encode())


def _chosen(names: list[str] | None) -> list[StoreType]:
    """Return the stores to compare with float32, in their usual order.

    Raises:
        InvalidInput: A name is unknown.
    """
    others: list[StoreType] = [each for each in STORES if each != EXACT.store]
    if unknown := set(names or ()) - set(others):
        raise InvalidInput(f"--store {min(unknown)} is not one of {', '.join(others)}")
    return [each for each in others if not names or each in names]


def _measure(
    localizer: Localizer,
    dataset: Dataset,
    stores: list[StoreType],
    *,
    queries_every: int,
    shortlist: int,
    precision: MatchingPrecision,
    exact_every: int,
    batch_size: int,
    keep_on_device: bool,
) -> Measurement:
    if dataset.positives is None:
        raise InvalidInput("the queries do not say where they were taken: recall cannot be computed")
    with ExitStack() as opened:
        # Beside the map, because its files are shared by link.
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(dir=localizer.place_map.path.parent)))
        maps = {EXACT.store: localizer.place_map}
        with show_progress("rounding") as progress:
            progress.started(len(stores), 0)
            for name in stores:
                path = recode(localizer.place_map.path, name, folder / name, localizer.encoder.device)
                maps[name] = opened.enter_context(PlaceMap.open(path))
                progress.advanced(1)
        with show_progress("asking") as progress:
            return measure(
                localizer,
                maps,
                dataset.queries[::queries_every],
                dataset.positives[::queries_every],
                shortlist=shortlist,
                precision=precision,
                exact_every=exact_every,
                batch_size=batch_size,
                keep_on_device=keep_on_device,
                progress=progress,
            )
