"""``python -m benchmarks together``: recall of one photo, and of several photos that are asked together.

Every photo is asked once alone. Then windows of consecutive photos are fused, as the server does for a request. All
numbers of photos are measured on the places that the longest windows have, too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer
from rich.table import Table

from benchmarks.ablations.bootstrap import bootstrap
from benchmarks.gardenspoint import DATABASE, FOLDER, TOLERANCE_FRAMES, WALKS
from benchmarks.result_file import write_result
from demo.shipped import SHIPPED
from index_builder.build_options import BuildOptions
from index_builder.errors import SourceError
from index_builder.sources.csv_rows import read_rows
from index_builder.sources.read_options import ReadOptions
from model.device import DeviceName
from model.weights_cache import STARTER
from placefix.console import output_console
from placefix.evaluation.run import Dataset, NetworkChoice, asking, open_localizer, read_dataset
from placefix.evaluation.truth import NearbyTruth
from service.asked import Together
from service.decoding import decode_query
from service.encoded_query import encode_queries
from service.fusion import fuse
from service.localization import Localization
from service.localizer import Localizer
from service.query_options import QueryOptions

WALK = "night_right"
THRESHOLD_M = 25.0
SEQUENCES = (1, 3, 5, 10)

_BATCH_SIZE = 16

Tracks = Sequence[Sequence[int]]
"""Numbers of consecutive queries."""


@dataclass(frozen=True)
class Photos:
    """Hold the photos that are asked, and their tracks.

    Attributes:
        name: The name for people.
        weights: The weights of the network.
        dataset: The queries, the pictures to search, and the right answers.
        paths: The tracks of photos along a path.
        places: The tracks of photos of one place.
        place_sizes: The numbers of photos of one place that are asked together.
    """

    name: str
    weights: str
    dataset: Dataset
    paths: Tracks
    places: Tracks
    place_sizes: tuple[int, ...]


def together(
    photos: Annotated[Literal["gardenspoint", "town"], typer.Argument(help="The photos that are asked.")],
    shared: Annotated[
        Path | None,
        typer.Option(envvar="PLACEFIX_SHARED", help=f"The folder that has {FOLDER.as_posix()} below it."),
    ] = None,
    pictures: Annotated[Path, typer.Option(help="The folder of the town's split.")] = Path(".town/pictures/test"),
    rerank: Annotated[int, typer.Option(min=2, help="Candidates that are re-ranked.")] = 20,
    device: Annotated[DeviceName, typer.Option(help="The device of the work.")] = "auto",
    out: Annotated[
        Path | None,
        typer.Option(help="The file of the figures; by default benchmarks/results/together_PHOTOS.json."),
    ] = None,
) -> None:
    """Measure R@1 of 1, 3, 5 and 10 photos, of one place and along a path."""
    asked = read_gardenspoint(shared) if photos == "gardenspoint" else read_town(pictures)
    options = QueryOptions(1, rerank, "always")
    rows: list[dict[str, object]] = []
    choice = NetworkChoice(asked.weights, None, device, "fast")
    with open_localizer(asked.dataset, None, choice, BuildOptions().store, None, _BATCH_SIZE) as localizer:
        found = ask_all(localizer, asked.dataset, options)
        for kind, tracks, sizes in (
            ("sequence", asked.paths, SEQUENCES),
            ("place", asked.places, asked.place_sizes),
        ):
            for size in sizes:
                hits = [
                    fused_row(localizer, [found[each] for each in window], kind, options) in positives(asked, asked_for)
                    for window, asked_for in windows(tracks, size, max(sizes), is_centred=kind == "place")
                ]
                recall = asdict(bootstrap([np.array(hits)]))
                rows.append({"kind": kind, "photos": size, "asked": len(hits), "R@1": recall})
    _print(asked.name, rows)
    figures = {"queries": asked.name, "database": len(asked.dataset.database), "rerank": rerank, "rows": rows}
    write_result(out or Path(f"benchmarks/results/together_{photos}.json"), figures)


def read_gardenspoint(shared: Path | None) -> Photos:
    """Read the walk at night: 200 frames along a path; a difference of two frames still counts as the same place.

    Raises:
        SourceError: The photographs are missing.
    """
    folder = None if shared is None else shared / FOLDER
    if folder is None or not (folder / DATABASE).is_file():
        where = "PLACEFIX_SHARED is not set" if folder is None else f"{folder / DATABASE} is not there"
        raise SourceError(f"{where}: give the folder that has {FOLDER.as_posix()} below it with --shared")
    columns = ReadOptions(latitude_column="dummy_lat", longitude_column="dummy_lon")  # ten metres from frame to frame
    dataset = read_dataset([folder / WALKS[WALK]], [folder / DATABASE], None, TOLERANCE_FRAMES, None, columns)
    walk = range(len(dataset.queries))
    return Photos("gardenspoint, at night", STARTER, dataset, [walk], [walk], (1, 3, 5))


def read_town(pictures: Path) -> Photos:
    """Read a split of the rendered town, with tracks by street, direction, light and weather.

    Raises:
        SourceError: The pictures are missing, or their list lacks columns of ``demo render``.
    """
    queries = pictures / "queries.csv"
    header, lines = read_rows(queries)
    if missing := {"path", "street", "along_m", "place"} - set(header):
        raise SourceError(
            f"{queries} has no column {', '.join(sorted(missing))}: give a split of python -m demo render"
        )
    rows = [dict(zip(header, line, strict=False)) for _, line in lines]
    truth = NearbyTruth(THRESHOLD_M, None)
    dataset = read_dataset([queries], [pictures / "database.csv"], None, truth, None, ReadOptions())
    number_of = {query.id: number for number, query in enumerate(dataset.queries)}
    paths, places = defaultdict(list), defaultdict(list)
    for row in sorted(rows, key=lambda row: float(row["along_m"])):
        paths[row["street"], row["place"].rpartition("-")[2]].append(number_of[row["path"]])
        places[row["place"]].append(number_of[row["path"]])
    backwards = [track[::-1] if way == "back" else track for (_, way), track in paths.items()]
    return Photos("town, test", str(SHIPPED.weights), dataset, backwards, list(places.values()), (1, 3))


def ask_all(localizer: Localizer, dataset: Dataset, options: QueryOptions) -> list[Localization]:
    """Ask every query alone."""
    found: list[Localization] = []
    with asking() as progress:
        progress.started(len(dataset.queries), 0)
        for query in dataset.queries:
            image = decode_query(query.path, BuildOptions().limits, localizer.preparation)
            [encoded] = encode_queries(localizer.encoder, image[None])
            found.append(localizer.localize(encoded, options))
            progress.advanced(1)
    return found


def windows(tracks: Tracks, size: int, largest: int, *, is_centred: bool) -> Iterator[tuple[Sequence[int], int]]:
    """Yield the photos that are asked together, and the photo whose place is the answer.

    Args:
        tracks: The tracks of photos.
        size: The number of photos that are asked together.
        largest: The greatest of all sizes: only places that all sizes can ask for are used.
        is_centred: Whether the place of the middle photo is the answer; otherwise the place of the last one.
    """
    for track in tracks:
        for end in range(largest, len(track) + 1):
            first = end - largest + (largest - size) // 2 if is_centred else end - size
            window = track[first : first + size]
            yield window, window[size // 2] if is_centred else window[-1]


def fused_row(localizer: Localizer, found: Sequence[Localization], kind: str, options: QueryOptions) -> int:
    """Return the picture that is the answer to some photos together."""
    belong = Together("place" if kind == "place" else "sequence")
    return fuse(localizer, found, belong, options).candidates[0].row


def positives(asked: Photos, query: int) -> Sequence[int]:
    """Return the rows that are right for a query."""
    if asked.dataset.positives is None:
        raise SourceError(f"nobody says where the queries of {asked.name} were taken")
    rows: list[int] = asked.dataset.positives[query].tolist()
    return rows


def _print(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table("together", "photos", "asked", "R@1 [95 %]", title=name)
    for row in rows:
        recall = "{value:.1f} [{low:.1f}, {high:.1f}]".format(**row["R@1"])
        table.add_row(str(row["kind"]), str(row["photos"]), str(row["asked"]), recall)
    output_console().print(table)
