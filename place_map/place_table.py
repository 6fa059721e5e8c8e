"""The table of a segment: the picture of each row, with its position and time.

Parquet with GeoParquet 1.1 metadata: QGIS, DuckDB and pandas open it. ``time`` is the instant in UTC, and
``time_utc_offset_s`` the offset that the source stated. If the source stated none, the offset is null, and ``time``
holds the digits of the camera's clock as if they were UTC.
"""

import bisect
import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from model.errors import InvalidInput
from model.geo import LatLon
from model.spacing import spacing_m
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum
from place_map.place_cells import PlaceCells
from place_map.tracks import Steps, find_steps

_FIELDS: list["pa.Field[Any]"] = [
    pa.field("id", pa.string(), nullable=False),
    pa.field("geometry", pa.binary(), nullable=False),
    pa.field("latitude", pa.float64(), nullable=False),
    pa.field("longitude", pa.float64(), nullable=False),
    pa.field("heading_deg", pa.float64()),
    pa.field("time", pa.timestamp("us", tz="UTC")),
    pa.field("time_utc_offset_s", pa.int32()),
    pa.field("source_path", pa.string(), nullable=False),
    pa.field("content_sha256", pa.string(), nullable=False),
    pa.field("thumbnail_bytes", pa.int32()),
    pa.field("thumbnail_sha256", pa.string()),
]
_COLUMNS = pa.schema(_FIELDS)
_WKB_POINT = struct.Struct("<BIdd")  # little-endian, geometry type 1, longitude, latitude


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """Describe a picture of a map.

    Attributes:
        id: The name in the source; unique in the map.
        position: The position in WGS84.
        heading_deg: Direction of the camera, clockwise from true north; None if unknown.
        time: The time of the picture; naive if the source states no time zone; None if unknown.
        source_path: Path below the source, with ``/``.
        content_sha256: SHA-256 of the picture's file.
        thumbnail: Size and sum of its thumbnail; None if it has none.
    """

    id: str
    position: LatLon
    heading_deg: float | None
    time: datetime | None
    source_path: str
    content_sha256: str
    thumbnail: FileSum | None = None

    def with_thumbnail(self, thumbnail: FileSum) -> "PlaceRecord":
        """Return the same picture with a thumbnail."""
        return replace(self, thumbnail=thumbnail)


def write_places(path: Path, records: Sequence[PlaceRecord]) -> None:
    """Write the table of a segment; equal records give equal bytes."""
    positions = [record.position for record in records]
    columns: list[list[object]] = [
        [record.id for record in records],
        [_WKB_POINT.pack(1, 1, position.longitude, position.latitude) for position in positions],
        [position.latitude for position in positions],
        [position.longitude for position in positions],
        [record.heading_deg for record in records],
        [_in_utc(record.time) for record in records],
        [_utc_offset_s(record.time) for record in records],
        [record.source_path for record in records],
        [record.content_sha256 for record in records],
        [record.thumbnail.bytes if record.thumbnail else None for record in records],
        [record.thumbnail.sha256 if record.thumbnail else None for record in records],
    ]
    schema = _COLUMNS.with_metadata({"geo": json.dumps(_geo_metadata(positions))})
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd", write_page_checksum=True)


class PlaceTable:
    """Hold the pictures of a version, by row and by id.

    Rows number the live pictures, in the order of the segments. The columns take about 250 bytes of memory per picture,
    and the search by id takes 8 more.

    Attributes:
        latitudes: ``(n,)`` float64 degrees.
        longitudes: ``(n,)`` float64 degrees.
    """

    def __init__(self, table: pa.Table, path: Path) -> None:
        """Take the joined tables of all segments, live rows only; ``path`` is for messages."""
        self._table = table.combine_chunks()
        self.latitudes: NDArray[np.float64] = self._table.column("latitude").to_numpy()
        self.longitudes: NDArray[np.float64] = self._table.column("longitude").to_numpy()
        if pc.count_distinct(self._table.column("id")).as_py() != len(self):
            raise MapCorrupt(f"{path} holds two pictures of the same id; run placefix verify on the map")

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[PlaceRecord]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> PlaceRecord:
        if not 0 <= row < len(self):
            raise InvalidInput(f"row {row} is not in a map of {len(self)} pictures")
        values = {name: self._table.column(name)[row].as_py() for name in _COLUMNS.names if name != "geometry"}
        has_thumbnail = values["thumbnail_bytes"] is not None
        return PlaceRecord(
            id=values["id"],
            position=LatLon(values["latitude"], values["longitude"]),
            heading_deg=values["heading_deg"],
            time=_as_stated(values["time"], values["time_utc_offset_s"]),
            source_path=values["source_path"],
            content_sha256=values["content_sha256"],
            thumbnail=FileSum(bytes=values["thumbnail_bytes"], sha256=values["thumbnail_sha256"])
            if has_thumbnail
            else None,
        )

    @property
    def ids(self) -> list[str]:
        """Return the ids in the order of the rows."""
        return [str(place_id) for place_id in self._table.column("id").to_pylist()]

    @property
    def headings_deg(self) -> NDArray[np.float64]:
        """Return ``(n,)`` directions of the cameras, clockwise from true north; NaN if unknown."""
        return np.asarray(self._table.column("heading_deg").to_numpy(), dtype=np.float64)

    @cached_property
    def spacing_m(self) -> float:
        """Return the median distance in metres from a position to the nearest other one; infinity for a single
        position.
        """
        return spacing_m(self.latitudes, self.longitudes)

    @cached_property
    def cells(self) -> PlaceCells:
        """Return the pictures sorted for cells in any box; they are sorted on the first call."""
        return PlaceCells(self.latitudes, self.longitudes)

    @cached_property
    def steps(self) -> Steps:
        """Return the steps of the tracks by time; they are searched for on the first call."""
        return find_steps(self.latitudes, self.longitudes, self.times, self.has_time_zone)

    @property
    def clock_times(self) -> NDArray[np.datetime64]:
        """Return ``(n,)`` datetime64[us], the local time as the source states it; NaT if unknown."""
        times = self._table.column("time").to_numpy().astype("datetime64[us]")
        offsets_s = np.nan_to_num(self._table.column("time_utc_offset_s").to_numpy())
        return np.asarray(times + offsets_s.astype("timedelta64[s]"))

    @property
    def times(self) -> NDArray[np.datetime64]:
        """Return ``(n,)`` datetime64[us] in UTC, NaT if unknown; a time without a time zone keeps its digits."""
        times: NDArray[np.datetime64] = self._table.column("time").to_numpy()
        return times

    @property
    def has_time_zone(self) -> NDArray[np.bool_]:
        """Return ``(n,)``, whether the source states the time zone of each time."""
        has_zone: NDArray[np.bool_] = self._table.column("time_utc_offset_s").is_valid().to_numpy()
        return has_zone

    def ids_of(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the ids of some rows, in the order of the rows."""
        return [str(place_id) for place_id in self._table.column("id").take(rows).to_pylist()]

    def times_of(self, rows: NDArray[np.int64]) -> list[datetime | None]:
        """Return the times of some rows as the source states them, in the order of the rows; None if unknown."""
        times, offsets_s = (self._table.column(name).take(rows).to_pylist() for name in ("time", "time_utc_offset_s"))
        return [_as_stated(time, offset_s) for time, offset_s in zip(times, offsets_s, strict=True)]

    @property
    def content_sums(self) -> list[str]:
        """Return the SHA-256 sums of the pictures' files, in the order of the rows."""
        return [str(content_sum) for content_sum in self._table.column("content_sha256").to_pylist()]

    def row_of(self, place_id: str) -> int | None:
        """Return the row of a picture; None if the map has no picture of that id."""
        ids, rows = self._table.column("id"), self._rows_by_id
        place = bisect.bisect_left(rows, place_id, key=lambda row: str(ids[int(row)].as_py()))
        if place == len(rows) or ids[int(rows[place])].as_py() != place_id:
            return None
        return int(rows[place])

    @cached_property
    def _rows_by_id(self) -> NDArray[np.uint64]:
        """Return the rows ``(n,)`` in the order of their ids; they are sorted on the first call."""
        order: NDArray[np.uint64] = pc.sort_indices(self._table.column("id")).to_numpy()
        return order


def read_places(path: Path, rows: int) -> pa.Table:
    """Read the table of one segment.

    Args:
        path: The file of the table.
        rows: The number of rows that the manifest states.

    Raises:
        MapCorrupt: The file cannot be read, or has other columns or another number of rows.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
    except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: damaged names that are not valid text
        raise MapCorrupt(f"{path} cannot be read as Parquet: {error}; run placefix verify on the map") from error
    if not table.schema.equals(_COLUMNS, check_metadata=False):
        raise MapCorrupt(f"{path} has other columns than a place table of this format; run placefix verify on the map")
    if table.num_rows != rows:
        raise MapCorrupt(f"{path} has {table.num_rows} rows, the manifest says {rows}; run placefix verify on the map")
    return table


def listed_thumbnails(table: pa.Table) -> Iterator[tuple[int, FileSum]]:
    """Yield row, size and sum of every thumbnail that a segment's table lists."""
    sizes = table.column("thumbnail_bytes").to_pylist()
    sums = table.column("thumbnail_sha256").to_pylist()
    for row, (size, digest) in enumerate(zip(sizes, sums, strict=True)):
        if size is not None and digest is not None:
            yield row, FileSum(bytes=size, sha256=digest)


def wrong_geometries(table: pa.Table) -> list[int]:
    """Return the rows whose geometry is not the point of their latitude and longitude."""
    geometries = table.column("geometry").to_pylist()
    latitudes, longitudes = table.column("latitude").to_pylist(), table.column("longitude").to_pylist()
    return [
        row
        for row, (geometry, latitude, longitude) in enumerate(zip(geometries, latitudes, longitudes, strict=True))
        if geometry != _WKB_POINT.pack(1, 1, longitude, latitude)
    ]


def join_live(tables: Iterable[tuple[pa.Table, NDArray[np.int64]]]) -> pa.Table:
    """Join the live rows of the tables of segments, ascending, without the geometry, which repeats the position."""
    without = ((table.replace_schema_metadata(None).drop_columns("geometry"), live) for table, live in tables)
    return pa.concat_tables(table if len(live) == table.num_rows else table.take(live) for table, live in without)


def _geo_metadata(positions: Sequence[LatLon]) -> dict[str, object]:
    """Return metadata of GeoParquet 1.1; coordinates without ``crs`` are OGC:CRS84, which is WGS84 with longitude
    first.
    """
    latitudes = [position.latitude for position in positions]
    longitudes = [position.longitude for position in positions]
    return {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB",
                "geometry_types": ["Point"],
                "bbox": [min(longitudes), min(latitudes), max(longitudes), max(latitudes)],
            }
        },
    }


def _in_utc(time: datetime | None) -> datetime | None:
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.utcoffset() is None else time.astimezone(UTC)


def _utc_offset_s(time: datetime | None) -> int | None:
    offset = None if time is None else time.utcoffset()
    return None if offset is None else round(offset.total_seconds())


def _as_stated(time: datetime | None, utc_offset_s: int | None) -> datetime | None:
    if time is None:
        return None
    if utc_offset_s is None:
        return time.replace(tzinfo=None)
    return time.astimezone(timezone(timedelta(seconds=utc_offset_s)))
