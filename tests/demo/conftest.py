"""A small town: some of the shipped pictures, and a tiny network that is marked as trained."""

import csv
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from demo.shipped import SHIPPED, ShippedTown
from model.progress import SILENT, Progress
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from tests.conftest import TINY_CONFIG

DATABASE, QUERIES = 4, 3


@contextmanager
def _silent(_what: str) -> Iterator[Progress]:
    yield SILENT


@pytest.fixture(scope="session")
def silent() -> Callable[[str], AbstractContextManager[Progress]]:
    """Show no progress."""
    return _silent


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> ShippedTown:
    town = ShippedTown(tmp_path_factory.mktemp("shipped"))
    town.database.mkdir(parents=True)
    for picture in sorted(SHIPPED.database.glob("*.jpg"))[: 20 * DATABASE : 20]:
        shutil.copy(picture, town.database)
    with SHIPPED.query_list.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))[:: 60 // QUERIES]
    with town.query_list.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    for row in rows:
        (town.pictures / row["path"]).parent.mkdir(exist_ok=True)
        shutil.copy(SHIPPED.pictures / row["path"], town.pictures / row["path"])
    shutil.copy(
        SHIPPED.calibration, town.calibration
    )  # a calibration of another network: it is read, and does not hold for this one
    network = seeded_network(TINY_CONFIG)
    network.is_trained = True
    save_network(network, town.weights)
    return town
