"""The maps and their queries: the town, and sets of photographs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.photographs import COLLECTIONS, FOLDER, Collection
from benchmarks.split import read_conditions, read_split
from demo.shipped import SHIPPED
from index_builder.errors import SourceError
from index_builder.sources.listing import SourceListing
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from model.places import Place
from model.weights_cache import STARTER

TOWN = "town"


@dataclass(frozen=True)
class MapSet:
    """Describe a map and its queries.

    Attributes:
        name: The name of the map.
        weights: The network of the map.
        database: The pictures of the map.
        queries: Photos of places in the map.
        conditions: Path of a query → set or condition of the query.
        foreign: Photos of other places.
    """

    name: str
    weights: str
    database: SourceListing
    queries: tuple[Place, ...]
    conditions: Mapping[Path, str]
    foreign: tuple[Place, ...]


def read_town(test: Path, elsewhere: Path, every: int) -> MapSet:
    """Read two splits of the town without a common street.

    Args:
        test: The folder of the split of map and queries.
        elsewhere: The folder of the split whose queries are photos of other places.
        every: Every n-th query is taken.

    Raises:
        SourceError: A split cannot be read.
    """
    queries, conditions = read_split(test).queries, read_conditions(test / "queries.csv")
    return MapSet(
        TOWN,
        str(SHIPPED.weights),
        read_source(test / "database.csv"),
        queries[::every],
        {query.path: condition for query, condition in zip(queries, conditions, strict=True)},
        read_source(elsewhere / "queries.csv").places[::every],
    )


def read_photographs(shared: Path) -> Iterator[MapSet]:
    """Read each set of photographs; the queries of all other sets are its photos of other places.

    Args:
        shared: The folder that contains ``data``.

    Raises:
        SourceError: The photographs are missing.
    """
    queries = {
        collection.folder: {name: _read(shared, collection, file).places for name, file in collection.queries.items()}
        for collection in COLLECTIONS
    }
    for collection in COLLECTIONS:
        own = queries[collection.folder]
        others = (places for folder, sets in queries.items() if folder != collection.folder for places in sets.values())
        yield MapSet(
            collection.folder,
            STARTER,
            _read(shared, collection, "database.csv"),
            tuple(place for places in own.values() for place in places),
            {place.path: name for name, places in own.items() for place in places},
            tuple(place for places in others for place in places),
        )


def _read(shared: Path, collection: Collection, file: str) -> SourceListing:
    path = shared / FOLDER / collection.folder / file
    if not path.is_file():
        raise SourceError(f"{path} is not there: give the folder that has {FOLDER} below it with --shared")
    if isinstance(collection.truth, int):  # frames: the lists have invented positions, 10 m per frame
        return read_source(path, ReadOptions(latitude_column="dummy_lat", longitude_column="dummy_lon"))
    return read_source(path)
