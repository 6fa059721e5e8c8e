"""The file of a segment's table: the picture of each row, with its position and time.

Parquet with GeoParquet 1.1 metadata: QGIS, DuckDB and pandas open it. ``time`` is the instant in UTC, and
``time_utc_offset_s`` the offset that the source stated. If the source stated none, the offset is null, and ``time``
holds the digits of the camera's clock as if they were UTC.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.geo import LatLon
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum

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


_SUMS = ("content_sha256", "thumbnail_sha256")
_SUM_BYTES = 32

GEOMETRY = "geometry"
"""The column that repeats the position for other programs."""


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


def read_places(path: Path, rows: int) -> pa.Table:
    """Read the table of one segment, with SHA-256 sums as 32 bytes.

    Args:
        path: The file of the table.
        rows: The number of rows that the manifest states.

    Raises:
        MapCorrupt: The file cannot be read, or has other columns or another number of rows.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(use_threads=False)  # tables are small, and threads keep the memory of each
    except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: damaged names that are not valid text
        raise MapCorrupt(f"{path} cannot be read as Parquet: {error}; run placefix verify on the map") from error
    if not table.schema.equals(_COLUMNS, check_metadata=False):
        raise MapCorrupt(f"{path} has other columns than a place table of this format; run placefix verify on the map")
    if table.num_rows != rows:
        raise MapCorrupt(f"{path} has {table.num_rows} rows, the manifest says {rows}; run placefix verify on the map")
    try:
        return _with_short_sums(table)
    except ValueError as error:
        raise MapCorrupt(f"{path} is damaged: {error}; run placefix verify on the map") from error


def listed_thumbnails(table: pa.Table) -> Iterator[tuple[int, FileSum]]:
    """Yield row, size and sum of every thumbnail that a segment's table lists."""
    sizes = table.column("thumbnail_bytes").to_pylist()
    sums = table.column("thumbnail_sha256").to_pylist()
    for row, (size, digest) in enumerate(zip(sizes, sums, strict=True)):
        if size is not None and digest is not None:
            yield row, FileSum(bytes=size, sha256=digest.hex())


def wrong_geometries(table: pa.Table) -> list[int]:
    """Return the rows whose geometry is not the point of their latitude and longitude."""
    geometries = table.column("geometry").to_pylist()
    latitudes, longitudes = table.column("latitude").to_pylist(), table.column("longitude").to_pylist()
    return [
        row
        for row, (geometry, latitude, longitude) in enumerate(zip(geometries, latitudes, longitudes, strict=True))
        if geometry != _WKB_POINT.pack(1, 1, longitude, latitude)
    ]


def _with_short_sums(table: pa.Table) -> pa.Table:
    """Return a table with sums of 32 bytes instead of 64 digits, which are most of its bytes.

    Raises:
        ValueError: A sum has another form.
    """
    for name in _SUMS:
        digits = table.select([name]).combine_chunks().column(0)
        table = table.set_column(table.schema.get_field_index(name), name, _bytes_of(digits))
    return table


def _bytes_of(digits: "pa.ChunkedArray[Any]") -> "pa.Array[Any]":
    """Return ``(n,)`` sums as bytes; null where there is none."""
    texts = [str(text) for text in digits.drop_null().to_pylist()]
    content = bytes.fromhex("".join(texts))
    if any(len(text) != 2 * _SUM_BYTES for text in texts) or len(content) != _SUM_BYTES * len(texts):
        raise ValueError("a SHA-256 sum has not 64 digits")
    sums = pa.Array.from_buffers(pa.binary(_SUM_BYTES), len(texts), [None, pa.py_buffer(content)])
    if not digits.null_count:
        return sums
    is_present = np.asarray(digits.is_valid())
    return sums.take(pa.array(np.cumsum(is_present) - 1, mask=~is_present))


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
