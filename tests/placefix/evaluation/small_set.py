"""A small dataset, and the command that is tested on it."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from model.geo import LatLon, from_utm, to_utm
from model.places import Place
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from placefix.command_line import app
from tests.conftest import write_photo

BATCH = 4
START = LatLon(55.7, 13.2)


@dataclass(frozen=True)
class Set:
    """Hold a small dataset: 10 pictures 20 m apart on a line, and 6 queries beside it, the last of them far away.

    Every second picture looks north, the others east; the queries look north.
    """

    folder: Path
    database: list[Place]
    queries: list[Place]
    weights: Path

    def side(self, name: str, kind: str) -> Path:
        return self.folder / "csv" / f"{name}.csv" if kind == "csv" else self.folder / name


def place_at(folder: Path, number: int, northing_m: float, heading_deg: int, seed: int) -> Place:
    utm = to_utm(START)
    name = f"@{utm.easting_m:.2f}@{utm.northing_m + northing_m:.2f}@33@U@@@key{number}@@{heading_deg:03d}@@@@@@.jpg"
    path = write_photo(folder / name, seed)
    _, easting, northing, *_ = name.split("@")
    position = from_utm(type(utm)(float(easting), float(northing), 33, is_north=True))
    return Place(name, path, position, float(heading_deg))


def make_set(folder: Path, network: SelaVPR) -> Set:
    """Write the set, and lists of it as CSV files."""
    database = [place_at(folder / "database", n, 20.0 * n, 90 * (n % 2), n) for n in range(10)]
    queries = [place_at(folder / "queries", n, 40.0 * n + 3 if n < 5 else 9000.0, 10, 40 + n) for n in range(6)]
    save_network(network, folder / "tiny.safetensors")
    (folder / "csv").mkdir()
    for side, places in (("database", database), ("queries", queries)):
        with (folder / "csv" / f"{side}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "lat", "lon", "heading", "frame"])
            for number, place in enumerate(places):
                position = place.position
                row = [f"../{side}/{place.id}", position.latitude, position.longitude, place.heading_deg, number]
                writer.writerow(row)
    return Set(folder, database, queries, folder / "tiny.safetensors")


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--batch-size", str(BATCH)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def measure(*arguments: object) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return values


def error_of(*arguments: object) -> BaseException | None:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)]).exception


def from_folders(town: Set, kind: str = "folder") -> list[object]:
    sides = ["--database", town.side("database", kind), "--queries", town.side("queries", kind)]
    return [*sides, "--weights", town.weights]
