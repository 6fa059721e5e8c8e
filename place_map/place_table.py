"""The table of a version: its pictures by row and by id, with their positions and times, in columns.

Parquet is compressed, so the columns are in memory and not mapped. No Python object is kept for a picture.
"""

import bisect
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from model.errors import InvalidInput
from model.geo import LatLon
from model.spacing import spacing_m
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum
from place_map.place_cells import PlaceCells
from place_map.place_file import GEOMETRY, PlaceRecord
from place_map.tracks import Steps, find_steps


class PlaceTable:
    """Hold the pictures of a version, by row and by id.

    Rows number the live pictures, in the order of the segments. The columns take about 160 bytes of memory per picture,
    and the search by id takes 8 more.

    Attributes:
        latitudes: ``(n,)`` float64 degrees.
        longitudes: ``(n,)`` float64 degrees.
    """

    def __init__(self, table: pa.Table, path: Path) -> None:
        """Take the joined tables of all segments.

        Args:
            table: The result of ``join_live``.
            path: The map, for messages.

        Raises:
            MapCorrupt: Two pictures have the same id.
        """
        self._table = table
        self.latitudes: NDArray[np.float64] = table.column("latitude").to_numpy()
        self.longitudes: NDArray[np.float64] = table.column("longitude").to_numpy()
        ids = table.column("id")
        self._rows_by_id: NDArray[np.uint64] = pc.sort_indices(ids).to_numpy()
        in_order = ids.take(self._rows_by_id)
        if pc.any(pc.equal(in_order[1:], in_order[:-1])).as_py():
            raise MapCorrupt(f"{path} holds two pictures of the same id; run placefix verify on the map")

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[PlaceRecord]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> PlaceRecord:
        if not 0 <= row < len(self):
            raise InvalidInput(f"row {row} is not in a map of {len(self)} pictures")
        values = {
            name: column[row].as_py()
            for name, column in zip(self._table.column_names, self._table.columns, strict=True)
        }
        has_thumbnail = values["thumbnail_bytes"] is not None
        return PlaceRecord(
            id=values["id"],
            position=LatLon(values["latitude"], values["longitude"]),
            heading_deg=values["heading_deg"],
            time=_as_stated(values["time"], values["time_utc_offset_s"]),
            source_path=values["source_path"],
            content_sha256=values["content_sha256"].hex(),
            thumbnail=FileSum(bytes=values["thumbnail_bytes"], sha256=values["thumbnail_sha256"].hex())
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
    def contents(self) -> NDArray[np.int64]:
        """Return ``(n,)`` numbers that are equal for pictures of the same file, by the SHA-256 sums of the files."""
        numbers = self._table.column("content_sha256").combine_chunks().dictionary_encode().indices
        return np.asarray(numbers.to_numpy(), dtype=np.int64)

    def row_of(self, place_id: str) -> int | None:
        """Return the row of a picture; None if the map has no picture of that id."""
        ids, rows = self._table.column("id"), self._rows_by_id
        place = bisect.bisect_left(rows, place_id, key=lambda row: str(ids[int(row)].as_py()))
        if place == len(rows) or ids[int(rows[place])].as_py() != place_id:
            return None
        return int(rows[place])


def join_live(tables: Iterable[tuple[pa.Table, NDArray[np.int64]]]) -> pa.Table:
    """Join the live rows of the tables of segments, ascending, without the geometry, which repeats the position.

    Each column becomes one piece, because rows are taken from pieces slowly. A joined column replaces its pieces before
    the next one is joined, so that no more than one is in memory twice.

    Args:
        tables: The result of ``read_places`` of each segment, and the rows ``(k,)`` of it that live, ascending.
    """
    without = ((table.replace_schema_metadata(None).drop_columns(GEOMETRY), live) for table, live in tables)
    pieces = pa.concat_tables(table if len(live) == table.num_rows else table.take(live) for table, live in without)
    joined: dict[str, pa.ChunkedArray[Any]] = {}
    for name in pieces.column_names:
        joined[name] = pieces.select([name]).combine_chunks().column(0)
        pieces = pieces.drop_columns(name)
    return pa.table(joined)


def _as_stated(time: datetime | None, utc_offset_s: int | None) -> datetime | None:
    if time is None:
        return None
    if utc_offset_s is None:
        return time.replace(tzinfo=None)
    return time.astimezone(timezone(timedelta(seconds=utc_offset_s)))
