"""The description of a map in numbers, for ``placefix map describe``."""

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
    """Describe a source of pictures.

    Attributes:
        kind: ``SourceListing.kind``.
        path: The path of the source when it was read.
        prefix: The prefix of its ids.
        pictures: The number of its live pictures.
    """

    kind: str
    path: str
    prefix: str
    pictures: int


@dataclass(frozen=True)
class MapDescription:
    """Describe a version of a map.

    Attributes:
        path: Directory of the map.
        name: The name of the map.
        version: Number of the version, six digits.
        created_at: The time of writing, ISO 8601 in UTC.
        network_family: The family of the network that encoded it.
        network_fingerprint: The fingerprint of that network.
        is_trained: Whether that network is trained, so that re-ranking has a meaning.
        weights_licence: The licence of its weights; None if they had no known name.
        reranker: The name of the map's re-ranker; None without local features.
        precision: The arithmetic of that network.
        preprocessing: The way of resizing pictures.
        store: The stored form of the local features.
        index_factory: faiss's name of the shortlist index.
        sources: The sources of its pictures, in the order of their numbers.
        pictures: The number of live pictures.
        skipped: Pictures of the source without a usable position.
        rejected: Pictures of the source that cannot be read.
        segments: The number of its segments.
        dead_rows: Pictures in its segments that no longer belong to it.
        box: The box around all pictures.
        covered_cells: The number of squares of ``CELL_M`` with a picture.
        median_nearest_m: Median distance of a picture to the nearest other one; None for a single picture.
        headings: The directions of the cameras.
        dates: The times of the pictures.
        sizes: The sizes on the disk.
    """

    path: Path
    name: str
    version: str
    created_at: str
    network_family: str
    network_fingerprint: str
    is_trained: bool
    weights_licence: str | None
    reranker: str | None
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
        """Return the area of the squares with a picture."""
        return self.covered_cells * (CELL_M / 1000) ** 2

    @property
    def pictures_per_km2(self) -> float:
        """Return pictures per square kilometre of covered ground."""
        return self.pictures / self.covered_km2

    @property
    def bytes_per_picture(self) -> float:
        """Return the bytes of the version per live picture."""
        return self.sizes.version / self.pictures


def describe_map(place_map: PlaceMap) -> MapDescription:
    """Describe an open map; a million pictures take seconds.

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
        weights_licence=manifest.network.licence,
        reranker=manifest.features.reranker if manifest.features.local_dim else None,
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
