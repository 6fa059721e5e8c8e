"""``python -m benchmarks outliers``: how many wrong positions of a map are found, and how many right ones are
suspected.

The pictures stay, and some positions are moved. Therefore the map is asked once, and the positions are judged
repeatedly.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.ablations.bootstrap import Interval, bootstrap
from benchmarks.result_file import write_result
from model.errors import InvalidInput
from model.geo import EARTH_RADIUS_M, distances_m
from placefix.console import output_console
from placefix.outliers.own_matches import DEFAULT_CANDIDATES, ask_own_pictures
from placefix.outliers.suspects import Limits, OwnMatches, Pictures, find_suspects
from placefix.progress import show_progress
from service.loading import load_maps

_FARTHEST_M = 1000.0
_BESIDE_M = 5.0


class Target(StrEnum):
    """Name the kind of place to which a picture is moved."""

    PICTURE = "beside another picture"
    OPEN = "in any direction"


@dataclass(frozen=True)
class Moved:
    """Count moved positions and suspects for one share of moved positions, over all seeds.

    Attributes:
        share: The share of the moved pictures.
        target: The kind of place to which they were moved.
        found: ``(m,)`` bool, for each moved picture whether it was suspect.
        right: ``(s,)`` bool, for each suspect whether it had been moved.
    """

    share: float
    target: Target
    found: NDArray[np.bool_]
    right: NDArray[np.bool_]

    @property
    def recall(self) -> Interval:
        """Return the share of moved pictures that were suspect, in percent."""
        return bootstrap([self.found])

    @property
    def precision(self) -> Interval | None:
        """Return the share of suspects that had been moved, in percent; None without a suspect."""
        return bootstrap([self.right]) if len(self.right) else None


def outliers(
    maps: Annotated[list[Path], typer.Option("--map", help="A map; may be repeated.", show_default=False)],
    weights: Annotated[
        str | None, typer.Option(help="The network of all maps; by default the file with which each was built.")
    ] = None,
    share: Annotated[
        list[float] | None, typer.Option(help="The share of the positions; by default 2, 5 and 10 %.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="The number of choices of moved pictures.")] = 20,
    least_m: Annotated[float, typer.Option(min=1, max=_FARTHEST_M, help="Metres, at least.")] = 200.0,
    candidates: Annotated[
        int, typer.Option(min=1, help="The number of pictures with which each one is compared.")
    ] = DEFAULT_CANDIDATES,
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/outliers.json"),
) -> None:
    """Measure precision and recall of `placefix map outliers`, with positions that are moved on purpose."""
    shares = share or [0.02, 0.05, 0.1]
    if not all(0 < each < 1 for each in shares):
        raise InvalidInput(f"--share {shares}: a share is between 0 and 1")
    rows = []
    for path in maps:
        loaded = load_maps([path], weights=weights)
        try:
            [localizer] = loaded.localizers.values()
            pictures = Pictures.of(localizer.place_map.places)
            start_s = time.process_time()
            with show_progress(f"comparing {path.name}") as progress:
                own = ask_own_pictures(localizer, candidates, pictures.contents, progress)
            asked_s = time.process_time() - start_s
            matcher = localizer.matcher
        finally:
            loaded.close()
        unmoved = find_suspects(own, pictures, Limits())
        rows.append(
            {
                "map": path.name,
                "pictures": len(pictures),
                "matcher": matcher,
                "cpu_s_per_picture": asked_s / len(pictures),
                "checked": unmoved.checked,
                "suspects_unmoved": len(unmoved.suspects),
                "moved": [_figures(each) for each in _measure(own, pictures, shares, seeds, least_m)],
            }
        )
    output_console().print(_table(rows))
    write_result(out, {"seeds": seeds, "least_m": least_m, "candidates": candidates, "maps": rows})


def _measure(own: OwnMatches, pictures: Pictures, shares: list[float], seeds: int, least_m: float) -> Iterator[Moved]:
    for share in shares:
        for target in Target:
            found, right = [], []
            for seed in range(seeds):
                wrong, moved = move(pictures, share, target, least_m, seed)
                suspects = np.array([each.row for each in find_suspects(own, moved, Limits()).suspects], dtype=np.int64)
                found.append(np.isin(wrong, suspects))
                right.append(np.isin(suspects, wrong))
            yield Moved(share, target, np.concatenate(found), np.concatenate(right))


def move(
    pictures: Pictures, share: float, target: Target, least_m: float, seed: int
) -> tuple[NDArray[np.int64], Pictures]:
    """Move positions.

    Args:
        pictures: The pictures, with right positions.
        share: The share of the pictures to move, at least one.
        target: The kind of place. Beside another picture: within 5 m of one that is far enough away; a picture is not
            moved if there is none.
        least_m: The least distance in metres. In any direction: at most 1 km.
        seed: The seed of the choice of pictures and new positions.

    Returns:
        The rows ``(m,)`` that were moved, and all pictures.
    """
    random = np.random.default_rng(seed)
    count = len(pictures)
    latitudes, longitudes = pictures.latitudes.copy(), pictures.longitudes.copy()
    moved = []
    for row in random.choice(count, max(1, round(share * count)), replace=False).tolist():
        origin, metres = pictures.position(row), random.uniform(least_m, _FARTHEST_M)
        if target is Target.PICTURE:
            away_m = distances_m(origin, pictures.latitudes, pictures.longitudes)
            others = np.flatnonzero(away_m >= least_m + _BESIDE_M)
            if not len(others):
                continue
            origin, metres = pictures.position(int(random.choice(others))), random.uniform(0, _BESIDE_M)
        bearing, angle = random.uniform(0, 2 * np.pi), np.degrees(metres / EARTH_RADIUS_M)
        latitudes[row] = origin.latitude + angle * np.cos(bearing)
        longitudes[row] = origin.longitude + angle * np.sin(bearing) / np.cos(np.radians(origin.latitude))
        moved.append(row)
    return np.array(moved, dtype=np.int64), Pictures(latitudes, longitudes, pictures.contents)


def _figures(moved: Moved) -> dict[str, Any]:
    precision = moved.precision
    return {
        "share": moved.share,
        "target": moved.target,
        "moved": len(moved.found),
        "suspects": len(moved.right),
        "precision": None if precision is None else asdict(precision),
        "recall": asdict(moved.recall),
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="positions moved on purpose; percent [95 %]")
    for heading in ("map", "moved", "to", "precision", "recall"):
        table.add_column(heading, justify="right" if heading in ("precision", "recall") else "left")
    for row in rows:
        table.add_row(row["map"], "none", "", f"{row['suspects_unmoved']} suspects", "")
        for each in row["moved"]:
            precision, recall = (
                "–" if each[name] is None else str(Interval(**each[name])) for name in ("precision", "recall")
            )
            table.add_row("", f"{each['share']:.0%}", each["target"], precision, recall)
        table.add_section()
    return table
