"""``python -m benchmarks large-map``: seconds and memory of a map of many invented places, from its index to a swap.

The global features have the width of ViT-L. Local features are one cell of two numbers, because they are read a row at
a time, whatever the size of a map. Writing, serving and swapping run in processes of their own, so that the memory of
one does not count for another.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.hardware import describe_hardware
from benchmarks.memory import peak_memory_bytes, reset_peak_memory
from benchmarks.result_file import write_result
from benchmarks.synthetic_map import GLOBAL_DIM
from index_builder.build_options import BuildOptions
from model.geo import LatLon
from model.preprocess import Preprocessing
from place_map import layout
from place_map.global_index import open_searcher
from place_map.index_choice import choose_index
from place_map.index_files import BaseIndex
from place_map.manifest import Counts, FeatureShapes, NetworkIdentity, SourceHint
from place_map.place_table import PlaceRecord
from place_map.reader import PlaceMap
from place_map.searching import Searcher
from place_map.segment import Segment
from place_map.segment_writer import SegmentWriter
from place_map.version_writer import VersionContent, write_version
from place_map.versions import read_manifest
from placefix.console import error_console, output_console

_SHAPES = FeatureShapes(global_dim=GLOBAL_DIM, local_grid=(1, 1), local_dim=2, dtype="float16")
_NO_SUM = "0" * 64
_SHORTLIST = 100
_ROWS_AT_A_TIME = 4096


@dataclass(frozen=True)
class Step:
    """Describe a step.

    Attributes:
        name: The step.
        duration_s: Its duration, or the median if it is repeated.
        peak_bytes: The greatest resident memory during the step.
    """

    name: str
    duration_s: float
    peak_bytes: int


def large_map(
    places: Annotated[int, typer.Option(min=256, help="Places in the map.")] = 1_000_000,
    queries: Annotated[int, typer.Option(min=1, help="Queries, and looked up pictures.")] = 20,
    index: Annotated[str, typer.Option(help="The shortlist index; auto chooses by the size.")] = "auto",
    seed: Annotated[int, typer.Option(help="The seed of the features.")] = 0,
    out: Annotated[Path, typer.Option(help="The JSON file.")] = Path("benchmarks/results/large_map.json"),
) -> None:
    """Measure how long a large map takes to be indexed, opened, asked, grown and swapped, and in how much memory."""
    factory = choose_index(places, GLOBAL_DIM).factory if index == "auto" else index
    with TemporaryDirectory(prefix="placefix-large-map-") as folder:
        path = Path(folder) / "map"
        size = BuildOptions().segment_size_for(places)
        segments = write_segments(path, places, size, seed)
        steps = measure(path, segments, factory, queries)
        manifest = read_manifest(path)
    table = Table(title=f"{places:,} places of width {GLOBAL_DIM}, {len(segments) - 1:,} segments, index {factory}")
    for heading in ("step", "s", "peak MB"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for step in steps:
        table.add_row(step.name, f"{step.duration_s:.4f}", f"{step.peak_bytes / 1e6:,.0f}")
    output_console().print(table)
    output_console().print(describe_hardware(), soft_wrap=True)
    write_result(
        out,
        {
            "places": places,
            "width": GLOBAL_DIM,
            "segments": len(segments) - 1,
            "index": factory,
            "manifest_bytes": len(manifest.to_json()),
            "steps": [asdict(step) for step in steps],
        },
    )


def write_segments(path: Path, places: int, segment_size: int, seed: int) -> tuple[Segment, ...]:
    """Write segments of invented places, and one more of a single place, which is added later.

    Args:
        path: The directory of the map.
        places: The number of places without the one more.
        segment_size: The places of a segment.
        seed: The seed of the features.
    """
    random = np.random.default_rng(seed)
    starts = range(0, places, segment_size)
    segments = []
    for number, start in enumerate((*starts, places), start=1):
        count = 1 if start == places else min(segment_size, places - start)
        directory = layout.segment_dir(path, layout.segment_id_of(number))
        directory.mkdir(parents=True)
        writer = SegmentWriter(directory, _SHAPES)
        for first in range(start, start + count, _ROWS_AT_A_TIME):
            rows = range(first, min(first + _ROWS_AT_A_TIME, start + count))
            features = random.standard_normal((len(rows), GLOBAL_DIM), dtype=np.float32)
            features /= np.linalg.norm(features, axis=1, keepdims=True)
            writer.append(
                [_record(row) for row in rows],
                [None] * len(rows),
                features.astype(np.float16),
                np.full((len(rows), 1, 2), 0.5**0.5, np.float16),
            )
        segment = writer.finish(directory.name)
        writer.close()
        if segment is None:
            raise AssertionError("a segment of invented places has places")
        segments.append(segment)
        error_console().print(f"segment {number:,} of {len(starts) + 1:,}", soft_wrap=True)
    return tuple(segments)


def measure(path: Path, segments: Sequence[Segment], factory: str, queries: int) -> list[Step]:
    """Write the first version, serve it, write a second one, and swap them.

    Args:
        path: The map.
        segments: Its segments; the last one is added after the others.
        factory: The shortlist index.
        queries: The number of queries.
    """
    first = tuple(segments[:-1])
    return [
        *_in_a_process(_write, "write the first version", path, first, factory),
        *_in_a_process(_serve, path, queries),
        *_in_a_process(_write, "write a version of one picture more", path, tuple(segments), factory),
        *_in_a_process(_swap, path),
    ]


def _write(name: str, path: Path, segments: tuple[Segment, ...], factory: str) -> list[Step]:
    reset_peak_memory()
    start_s = time.perf_counter()
    placed = sum(segment.rows for segment in segments)
    has_first = (path / layout.CURRENT).exists()
    base = BaseIndex(path, "000001", read_manifest(path).index, has_same_rows=False) if has_first else None
    write_version(
        path,
        VersionContent(
            version="000002" if has_first else "000001",
            sources=(SourceHint(kind="synthetic", path="nowhere"),),
            network=NetworkIdentity(fingerprint=_NO_SUM, is_trained=False, config={}, weights_path=None),
            preprocessing=Preprocessing.ANTIALIAS,
            features=_SHAPES,
            counts=Counts(placed=placed, skipped=0, rejected=0),
            segments=segments,
            index_factory=factory,
            left_out_csv=b"path,outcome,code,reason\n",
            base_index=base,
        ),
    )
    return [Step(name, time.perf_counter() - start_s, peak_memory_bytes())]


def _serve(path: Path, queries: int) -> list[Step]:
    steps = []

    def timed(name: str, act: Callable[[int], object], times: int = 1) -> None:
        reset_peak_memory()
        durations = []
        for number in range(times):
            start_s = time.perf_counter()
            act(number)
            durations.append(time.perf_counter() - start_s)
        steps.append(Step(name, median(durations), peak_memory_bytes()))

    opened: list[PlaceMap] = []
    timed("open", lambda _: opened.append(PlaceMap.open(path)))
    [place_map] = opened
    searchers: list[Searcher] = []
    timed("load the index", lambda _: searchers.append(open_searcher(place_map, "cpu")))
    [searcher] = searchers
    rows = _spread(len(place_map), queries)
    vectors = torch.from_numpy(place_map.global_features(rows))
    searcher.search(vectors[:1], _SHORTLIST)
    timed("find a shortlist", lambda number: searcher.search(vectors[number : number + 1], _SHORTLIST), queries)
    timed("look up the first picture by its id", lambda _: place_map.places.row_of("p0"))
    timed("look up another picture", lambda number: place_map.places.row_of(f"p{rows[number]}"), queries)
    place_map.close()
    return steps


def _swap(path: Path) -> list[Step]:
    """Load a version while another one answers, as a server does when ``CURRENT`` moves."""
    with PlaceMap.open(path, "000001") as old:
        searcher = open_searcher(old, "cpu")
        query = torch.from_numpy(old.global_features(np.array([0])))
        reset_peak_memory()
        start_s = time.perf_counter()
        with PlaceMap.open(path, "000002") as new:
            open_searcher(new, "cpu").search(query, 1)
            duration_s = time.perf_counter() - start_s
            searcher.search(query, 1)
    return [Step("load that version beside the first", duration_s, peak_memory_bytes())]


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    return np.linspace(0, count - 1, wanted).astype(np.int64)


def _record(row: int) -> PlaceRecord:
    position = LatLon(45 + row // 1000 % 10_000 / 1000, 10 + row % 1000 / 1000)
    return PlaceRecord(f"p{row}", position, None, None, f"p{row}.jpg", _NO_SUM)


def _in_a_process(act: Callable[..., list[Step]], *arguments: object) -> list[Step]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        steps = pool.apply(act, arguments)
    for step in steps:
        error_console().print(f"{step.name}: {step.duration_s:.4f} s", soft_wrap=True)
    return steps
