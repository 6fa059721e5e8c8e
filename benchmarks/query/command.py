"""``python -m benchmarks query``: a whole query in the service against the plain path, stage by stage."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.encoding.networks import NAMES, network_of
from benchmarks.hardware import describe_hardware
from benchmarks.query.plain import PlainPath
from benchmarks.query.replicated_map import write_replicated_map
from benchmarks.result_file import write_result
from model.device import choose_device
from model.encoder import Encoder
from model.errors import InvalidInput
from model.images import DEFAULT_LIMITS
from model.network_precision import RequestedPrecision, choose_network_precision
from model.selavpr.selavpr import SelaVPR
from place_map.global_index import open_searcher
from place_map.local_codec import StoreType
from place_map.reader import PlaceMap
from placefix.asking import AskedMap
from placefix.console import output_console
from placefix.progress import show_progress
from service.asked import Asked
from service.decoding import decode_query
from service.localizer import Localizer
from service.query_options import QueryOptions
from service.stages import Stage

SHOWN = (Stage.DECODE, Stage.ENCODE, Stage.SHORTLIST, Stage.GATHER, Stage.RERANK)
SERVED, PLAIN = "as it is served", "plain"


@dataclass(frozen=True)
class Run:
    """Hold one query by one path.

    Attributes:
        row: The row of the best candidate.
        seconds: The seconds of each stage.
    """

    row: int
    seconds: Mapping[str, float]

    @property
    def total_s(self) -> float:
        """Return the seconds of all stages."""
        return sum(self.seconds.values())


def query(
    pictures: Annotated[
        Path, typer.Option(help="A folder of JPEG files, below which the map's pictures and the queries are found.")
    ] = Path("demo/town/pictures"),
    network: Annotated[str, typer.Option(help=f"{', '.join(NAMES)}; the first three have random weights.")] = "vitl14",
    places: Annotated[int, typer.Option(min=1, help="The number of rows of the map.")] = 10_000,
    encoded: Annotated[
        int, typer.Option(min=1, help="The number of pictures from which the rows are copied with noise.")
    ] = 400,
    shortlist: Annotated[int, typer.Option(min=1, help="Candidates.")] = 100,
    queries: Annotated[
        int, typer.Option(min=2, help="Queries, each asked by both paths in turn; the first warms up.")
    ] = 7,
    store: Annotated[StoreType, typer.Option(help="The store of the map's local features.")] = "int8",
    network_precision: Annotated[
        RequestedPrecision, typer.Option(help="The precision of the served encoder, of the map and of the queries.")
    ] = "auto",
    folder: Annotated[Path, typer.Option(exists=True, file_okay=False, help="The folder of the temporary map.")] = Path(
        "/var/tmp"  # noqa: S108  (not /tmp, which may be memory: the map has 5 GB)
    ),
    out: Annotated[Path, typer.Option(help="The result, as JSON.")] = Path("benchmarks/results/query.json"),
) -> None:
    """Measure the milliseconds from the bytes of a photo to the answer by stages, on a CPU."""
    files = sorted(pictures.rglob("*.jpg"))
    if len(files) < encoded + queries:
        raise InvalidInput(f"{pictures} has {len(files)} JPEG files; {encoded} places and {queries} queries need more")
    plain_network = network_of(network).eval()
    plain_network.is_trained = True  # re-ranking is measured even if it finds nothing
    choice = choose_network_precision(network_precision, choose_device("cpu").device)
    encoder = Encoder(plain_network, precision=choice.precision)
    with tempfile.TemporaryDirectory(prefix="placefix-query-", dir=folder) as scratch:
        map_path = Path(scratch) / "replicated"
        step = len(files) // (encoded + queries)
        chosen = files[:: max(1, step)][: encoded + queries]
        _write_map(map_path, encoder, chosen[:encoded], places, store)
        runs = _ask(plain_network, encoder, map_path, chosen[encoded:], shortlist)
    seconds = {path: _medians(of_path[1:]) for path, of_path in runs.items()}  # the first query warms up
    totals = {path: median(run.total_s for run in of_path[1:]) for path, of_path in runs.items()}
    pairs = [(ours.row, theirs.row) for ours, theirs in zip(runs[SERVED][1:], runs[PLAIN][1:], strict=True)]
    result = {
        "network": network,
        "precision": choice.precision,
        "places": places,
        "encoded": encoded,
        "store": store,
        "shortlist": shortlist,
        "queries": queries - 1,
        "same_place": sum(ours == theirs for ours, theirs in pairs),
        "same_picture": sum(ours % encoded == theirs % encoded for ours, theirs in pairs),
        "seconds": seconds,
        "total_s": totals,
        "ratio": totals[PLAIN] / totals[SERVED],
    }
    write_result(out, result)
    _print(result, seconds, totals)


def _write_map(path: Path, encoder: Encoder, files: list[Path], places: int, store: StoreType) -> None:
    with show_progress("encoding pictures") as progress:
        progress.started(len(files), 0)
        features = []
        for file in files:
            features.append(encoder.encode(decode_query(file, DEFAULT_LIMITS, encoder.preparation)[None]))
            progress.advanced(1)
    with show_progress("writing the map") as progress:
        progress.started(places, 0)
        write_replicated_map(path, encoder, features, places, store, progress.advanced)


def _ask(
    plain_network: SelaVPR,
    encoder: Encoder,
    map_path: Path,
    photos: list[Path],
    shortlist: int,
) -> dict[str, list[Run]]:
    """Ask each query by both paths, one after the other."""
    runs: dict[str, list[Run]] = {PLAIN: [], SERVED: []}
    options = QueryOptions(candidates=1, shortlist=shortlist, rerank="always")
    with PlaceMap.open(map_path) as place_map:
        localizer = Localizer(encoder, place_map, open_searcher(place_map, "cpu"))
        asked = AskedMap(localizer, Asked(options), DEFAULT_LIMITS)
        plain = PlainPath(plain_network, place_map)
        with show_progress("asking") as progress:
            progress.started(len(photos), 0)
            for photo in photos:
                row, seconds = plain.answer(photo, shortlist)
                runs[PLAIN].append(Run(row, {stage.value: seconds[stage] for stage in SHOWN}))
                found = asked.ask(photo)
                runs[SERVED].append(
                    Run(found.candidates[0].row, {stage.value: found.seconds[stage] for stage in SHOWN})
                )
                progress.advanced(1)
    return runs


def _medians(runs: list[Run]) -> dict[str, float]:
    return {stage.value: median(run.seconds[stage.value] for run in runs) for stage in SHOWN}


def _print(
    result: Mapping[str, object], seconds: Mapping[str, Mapping[str, float]], totals: Mapping[str, float]
) -> None:
    table = Table(
        title=f"{result['network']}, {result['shortlist']} of {result['places']:,} places, {result['store']} store"
    )
    for heading in ("ms", PLAIN, SERVED, "ratio"):
        table.add_column(heading, justify="left" if heading == "ms" else "right")
    rows = [(stage.value, seconds[PLAIN][stage.value], seconds[SERVED][stage.value]) for stage in SHOWN]
    for name, plain_s, served_s in (*rows, ("all", totals[PLAIN], totals[SERVED])):
        table.add_row(name, f"{plain_s * 1000:.1f}", f"{served_s * 1000:.1f}", f"{plain_s / served_s:.1f}")
    console = output_console()
    console.print(table)
    console.print(
        f"the same picture for {result['same_picture']} of {result['queries']} queries, and the same copy of it for "
        f"{result['same_place']}",
        soft_wrap=True,
    )
    console.print(describe_hardware(), soft_wrap=True)
