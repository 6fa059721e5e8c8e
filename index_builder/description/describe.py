"""What a map holds, in numbers: ``placefix map describe``."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index_builder.description.dates import Dates, summarise_dates
from index_builder.description.extent import CELL_M, BoundingBox, bounding_box, covered_cells
from index_builder.description.headings import Headings, summarise_headings
from index_builder.description.neighbours import nearest_distances_m
from index_builder.description.sizes import Sizes, measure_sizes
from model.network_precision import NetworkPrecision
from model.preprocess import Preprocessing
from place_map.local_codec import StoreType
from place_map.manifest import Manifest
from place_map.reader import PlaceMap


@dataclass(frozen=True)
class DescribedSource:
    """A collection that pictures came from.

    Attributes:
        kind: ``SourceListing.kind``.
        path: Where it lay when it was read.
        prefix: What its ids begin with.
        pictures: Of it, live.
    """

    kind: str
    path: str
    prefix: str
    pictures: int


@dataclass(frozen=True)
class MapDescription:
    """A version of a map, described.

    Attributes:
        path: Directory of the map.
        name: Its name.
        version: Number of the version, six digits.
        created_at: When it was written, ISO 8601 in UTC.
        network_family: Of the network that encoded it.
        network_fingerprint: Of the same.
        is_trained: Whether re-ranking with that network means anything.
        precision: Arithmetic that it computed in.
        preprocessing: How the pictures were resized.
        store: What the local features are stored as.
        index_factory: faiss's name of the shortlist index.
        sources: Where its pictures came from, in the order of their numbers.
        pictures: Live ones.
        skipped: Pictures of the source without a usable position.
        rejected: Pictures of the source that cannot be read.
        segments: How many the version consists of.
        dead_rows: Pictures in its segments that do not belong to it any more.
        box: Around all pictures.
        covered_cells: Squares of ``CELL_M`` in which there is a picture.
        median_nearest_m: Median distance of a picture to the nearest other one; None for a single picture.
        headings: Which way the cameras look.
        dates: When the pictures were taken.
        sizes: What it takes on the disk.
    """

    path: Path
    name: str
    version: str
    created_at: str
    network_family: str
    network_fingerprint: str
    is_trained: bool
    precision: NetworkPrecision
    preprocessing: Preprocessing
    store: StoreType
    index_factory: str
    sources: tuple[DescribedSource, ...]
    pictures: int
    skipped: int
    rejected: int
    segments: int
    dead_rows: int
    box: BoundingBox
    covered_cells: int
    median_nearest_m: float | None
    headings: Headings
    dates: Dates
    sizes: Sizes

    @property
    def covered_km2(self) -> float:
        """Area of the squares in which there is a picture."""
        return self.covered_cells * (CELL_M / 1000) ** 2

    @property
    def pictures_per_km2(self) -> float:
        """Pictures on a square kilometre of covered ground."""
        return self.pictures / self.covered_km2

    @property
    def bytes_per_picture(self) -> float:
        """Bytes of the version for each live picture."""
        return self.sizes.version / self.pictures


def describe_map(place_map: PlaceMap) -> MapDescription:
    """Describes an open map; a million pictures take seconds.

    Raises:
        OSError: A folder of the map cannot be listed.
    """
    manifest, places = place_map.manifest, place_map.places
    latitudes, longitudes = places.latitudes, places.longitudes
    return MapDescription(
        path=place_map.path,
        name=place_map.name,
        version=manifest.version,
        created_at=manifest.created_at,
        network_family=manifest.network.family,
        network_fingerprint=manifest.network.fingerprint,
        is_trained=manifest.network.is_trained,
        precision=manifest.network.precision,
        preprocessing=manifest.preprocessing,
        store=place_map.store,
        index_factory=manifest.index.factory,
        sources=_sources(manifest),
        pictures=len(place_map),
        skipped=manifest.counts.skipped,
        rejected=manifest.counts.rejected,
        segments=len(manifest.segments),
        dead_rows=sum(len(segment.dead_rows) for segment in manifest.segments),
        box=bounding_box(latitudes, longitudes),
        covered_cells=covered_cells(latitudes, longitudes),
        median_nearest_m=None if len(places) < 2 else float(np.median(nearest_distances_m(latitudes, longitudes))),
        headings=summarise_headings(latitudes, longitudes, places.headings_deg),
        dates=summarise_dates(places.clock_times),
        sizes=measure_sizes(place_map.path, manifest),
    )


def _sources(manifest: Manifest) -> tuple[DescribedSource, ...]:
    live = [0] * len(manifest.sources)
    for segment in manifest.segments:
        live[segment.source] += segment.live_rows
    return tuple(
        DescribedSource(source.kind, source.path, source.prefix, pictures)
        for source, pictures in zip(manifest.sources, live, strict=True)
    )
