"""The making of the shipped files: pictures from a rendered test split, and weights from a training."""

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import Image

from demo.choice import Row, choose_database, choose_queries
from demo.photo_file import Taken, photo_bytes
from demo.rendering.render import COLUMNS, read_table
from model.errors import InvalidInput
from model.geo import LatLon
from model.weights import load_selavpr, save_network

MAX_WEIGHTS_BYTES = 25_000_000

_SIDES = ("database", "queries")
_OURS = {name for side in _SIDES for name in (side, f"{side}.csv")}


@dataclass(frozen=True)
class ShippedPictures:
    """Count the shipped pictures.

    Attributes:
        database: The number of pictures of the map.
        queries: The number of queries.
        total_bytes: The bytes of all of them.
    """

    database: int
    queries: int
    total_bytes: int


def ship_pictures(rendered: Path, out: Path) -> ShippedPictures:
    """Choose pictures, and write all of them with EXIF blocks and tables, or none.

    Args:
        rendered: The folder of the rendered split ``test``, complete or its first three streets.
        out: The folder of the pictures; earlier pictures are replaced.

    Raises:
        InvalidInput: The split is missing or incomplete, or ``out`` has other content.
    """
    database = choose_database(_rows(rendered / "database.csv"))
    queries = choose_queries(_rows(rendered / "queries.csv"))
    if out.exists() and not (out.is_dir() and {path.name for path in out.iterdir()} <= _OURS):
        raise InvalidInput(f"{out} holds something else than pictures of the demo; name another folder (--out)")
    unfinished = out.with_name(f".{out.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    total_bytes = 0
    for side, rows in zip(_SIDES, (database, queries), strict=True):
        (unfinished / side).mkdir(parents=True)
        for row in rows:
            content = _photo(rendered / row["path"], row)
            (unfinished / row["path"]).write_bytes(content)
            total_bytes += len(content)
        _write_table(unfinished / f"{side}.csv", rows)
    if out.exists():
        shutil.rmtree(out)
    unfinished.rename(out)
    return ShippedPictures(len(database), len(queries), total_bytes)


def ship_weights(trained: Path, out: Path) -> int:
    """Write a trained network in float16.

    Args:
        trained: The file of the network.
        out: The file to write; earlier weights are replaced.

    Returns:
        The size of the file in bytes.

    Raises:
        WeightsError: The file cannot be used, or a weight does not fit into float16.
        InvalidInput: The network is not trained, or too large to be shipped with the code.
    """
    network = load_selavpr(trained)
    if not network.is_trained:
        raise InvalidInput(f"{trained} is not a trained network; ship a network of placefix train")
    size_bytes = sum(2 * tensor.numel() for tensor in network.state_dict().values())
    if size_bytes > MAX_WEIGHTS_BYTES:
        raise InvalidInput(
            f"{trained} takes {size_bytes / 1e6:.1f} MB in float16, and the demo comes with at most "
            f"{MAX_WEIGHTS_BYTES / 1e6:.0f} MB; ship a smaller network"
        )
    save_network(network, out, dtype="float16")
    return out.stat().st_size


def _rows(table: Path) -> list[Row]:
    try:
        rows = read_table(table)
    except OSError as error:
        raise InvalidInput(
            f"{table} cannot be read ({error.strerror}); --pictures is the folder of a rendered split: "
            "python -m demo render --split test"
        ) from error
    missing = [name for name in COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise InvalidInput(
            f"{table} has no column {missing[0]}, or no rows; it is not a table of python -m demo render"
        )
    return rows


def _photo(path: Path, row: Row) -> bytes:
    position = LatLon(float(row["latitude"]), float(row["longitude"]))
    taken = Taken(position, float(row["heading"]), datetime.fromisoformat(row["time"]))
    try:
        with Image.open(path) as image:
            return photo_bytes(image, taken)
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read ({error}); give the command again that rendered the split"
        ) from error


def _write_table(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
