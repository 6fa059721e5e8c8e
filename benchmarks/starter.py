"""The speed of the starter in building a map and answering a query.

The demo's pictures are taken in two sizes: frames of a video, and photographs of a phone.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from PIL import Image
from rich.table import Table

from benchmarks.building.throughput import listing_of, measure_throughput
from benchmarks.result_file import write_result
from demo.shipped import SHIPPED
from index_builder.build import build_map
from index_builder.sources.read import read_source
from model.encoder import Encoder
from model.images import DEFAULT_LIMITS
from model.places import Place
from model.weights import load_network, resolve_weights
from model.weights_cache import STARTER
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from placefix.console import error_console, output_console
from service.decoding import decode_query
from service.encoded_query import encode_queries
from service.localizer import Localizer
from service.query_options import QueryOptions
from service.stages import Stage

SIZES = {"512 × 288": (512, 288, 128), "4000 × 3000": (4000, 3000, 16)}
"""Width and height in pixels, and the number of pictures in a build."""

SHORTLIST = 100
_JPEG_QUALITY = 92


def starter(
    repeats: Annotated[int, typer.Option(min=1, help="The number of builds of each size.")] = 3,
    queries: Annotated[int, typer.Option(min=1, help="The number of queries, one after the other.")] = 60,
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/starter.json"),
) -> None:
    """Build maps of pictures of two sizes with the starter, and ask for 100 candidates."""
    encoder = Encoder(load_network(resolve_weights(STARTER)))
    places = read_source(SHIPPED.database).places
    with tempfile.TemporaryDirectory(prefix="placefix-starter-") as folder:
        root = Path(folder)
        builds = {name: _build_rates(encoder, places, root, name, repeats) for name in SIZES}
        seconds = _ask(encoder, places, root, queries)
    table = Table(title="the starter")
    table.add_column("pictures")
    for heading in ("encoder alone, pictures/s", "whole build, pictures/s"):
        table.add_column(heading, justify="right")
    for name, rates in builds.items():
        table.add_row(name, f"{rates['encoder_rate']:.1f}", f"{rates['build_rate']:.1f}")
    console = output_console()
    console.print(table)
    console.print(f"a query, {SHORTLIST} candidates: {1000 * seconds['total']:.1f} ms (median of {queries})")
    write_result(out, {"builds": builds, "shortlist": SHORTLIST, "queries": queries, "query_s": seconds})


def _build_rates(encoder: Encoder, places: Sequence[Place], root: Path, name: str, repeats: int) -> dict[str, Any]:
    *size, count = SIZES[name]
    resized = [_resized(place, root / name, (size[0], size[1])) for place in places[:count]]
    found = measure_throughput(encoder, resized, root, repeats=repeats, on_done=error_console().print)
    return {"pictures": count, "encoder_rate": found.encoder_rate, "build_rate": found.build_rate}


def _resized(place: Place, folder: Path, size: tuple[int, int]) -> Place:
    folder.mkdir(exist_ok=True)
    path = folder / place.path.name
    with Image.open(place.path) as image:
        image.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(path, quality=_JPEG_QUALITY)
    return Place(place.id, path, place.position, place.heading_deg, place.time)


def _ask(encoder: Encoder, places: Sequence[Place], root: Path, count: int) -> dict[str, float]:
    """Return the median seconds of each stage of a query, and of the whole."""
    folder = root / "queries"
    asked = [
        _resized(Place(path.name, path, places[0].position, None, None), folder, (512, 288)).path
        for path in sorted(SHIPPED.pictures.glob("queries/*.jpg"))[:count]
    ]
    build_map(listing_of(places), encoder, root / "town")
    stages: list[dict[str, float]] = []
    with PlaceMap.open(root / "town") as place_map:
        localizer = Localizer(encoder, place_map, open_searcher(place_map, encoder.device))
        for path in [asked[0], *asked]:
            start_s = time.perf_counter()
            image = decode_query(path, DEFAULT_LIMITS, localizer.preparation)
            decoded_s = time.perf_counter() - start_s
            [encoded] = encode_queries(encoder, image[None])
            found = localizer.localize(encoded, QueryOptions(candidates=10, shortlist=SHORTLIST, rerank="always"))
            total_s = time.perf_counter() - start_s
            stages.append({str(stage): each_s for stage, each_s in found.seconds.items()})
            stages[-1] |= {str(Stage.DECODE): decoded_s, "total": total_s}
    measured = stages[1:]  # the first query includes one-time work
    return {stage: median(each[stage] for each in measured) for stage in measured[0]}
