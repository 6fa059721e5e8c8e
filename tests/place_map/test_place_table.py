import gc
import json
import struct
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import InvalidInput
from model.geo import LatLon
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum
from place_map.place_file import PlaceRecord, listed_thumbnails, read_places, write_places, wrong_geometries
from place_map.place_table import PlaceTable, join_live

zones = st.one_of(st.none(), st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))))
times = st.datetimes(min_value=datetime(1850, 1, 1), max_value=datetime(2200, 1, 1), timezones=zones)  # type: ignore[arg-type]
text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
records = st.builds(
    PlaceRecord,
    id=text,
    position=st.builds(LatLon, st.floats(-90, 90), st.floats(-180, 180)),
    heading_deg=st.none() | st.floats(0, 360, exclude_max=True),
    time=st.none() | times,
    source_path=text,
    content_sha256=st.just("ab" * 32),
    thumbnail=st.none() | st.builds(FileSum, bytes=st.integers(0, 2**31 - 1), sha256=st.just("cd" * 32)),
)


def table_of(path: Path, written: list[PlaceRecord]) -> PlaceTable:
    write_places(path, written)
    table = read_places(path, len(written))
    return PlaceTable(join_live([(table, np.arange(len(written)))]), path)


@given(st.lists(records, min_size=1, max_size=8, unique_by=lambda record: record.id))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, written: list[PlaceRecord]) -> None:
    table = table_of(tmp_path_factory.mktemp("table") / "places.parquet", written)
    assert [table[row] for row in range(len(table))] == written
    for row, record in enumerate(written):
        assert table.row_of(record.id) == row
        found = table[row].time
        if record.time is not None and found is not None:
            assert found.utcoffset() == record.time.utcoffset()
    np.testing.assert_array_equal(table.latitudes, [record.position.latitude for record in written])


SOMEWHERE = LatLon(55.5, 13.25)


def record(place_id: str = "a", time: datetime | None = None, position: LatLon = SOMEWHERE) -> PlaceRecord:
    return PlaceRecord(place_id, position, None, time, "a.jpg", "ab" * 32, None)


def test_times_are_kept_as_the_source_states_them(tmp_path: Path) -> None:
    summer = timezone(timedelta(hours=2))
    naive = datetime(2020, 7, 1, 12)
    write_places(
        tmp_path / "p",
        [record("a", naive), record("b", datetime(2020, 7, 1, 12, tzinfo=summer)), record("c")],
    )
    table = pq.read_table(tmp_path / "p")
    assert table.column("time").to_pylist() == [
        datetime(2020, 7, 1, 12, tzinfo=UTC),
        datetime(2020, 7, 1, 10, tzinfo=UTC),
        None,
    ]
    assert table.column("time_utc_offset_s").to_pylist() == [None, 7200, None]


def test_headings_and_clock_times_come_as_columns(tmp_path: Path) -> None:
    summer = timezone(timedelta(hours=2))
    table = table_of(
        tmp_path / "p",
        [
            record("a", datetime(2020, 7, 1, 12)),
            replace(record("b", datetime(2020, 7, 1, 12, 30, tzinfo=summer)), heading_deg=90.5),
            record("c"),
        ],
    )
    np.testing.assert_array_equal(table.headings_deg, [np.nan, 90.5, np.nan])
    expected = np.array(["2020-07-01T12:00", "2020-07-01T12:30", "NaT"], dtype="datetime64[us]")
    np.testing.assert_array_equal(table.clock_times, expected)
    nothing = table_of(tmp_path / "q", [record("a")])
    assert np.isnan(nothing.headings_deg).all()
    assert np.isnat(nothing.clock_times).all()


def test_the_file_is_geoparquet(tmp_path: Path) -> None:
    write_places(tmp_path / "p", [record("a"), record("b", position=LatLon(-1, 2))])
    metadata = pq.read_metadata(tmp_path / "p").metadata
    assert metadata is not None
    geo = json.loads(metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["primary_column"] == "geometry"
    assert geo["columns"]["geometry"] == {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "bbox": [2.0, -1.0, 13.25, 55.5],
    }
    table = pq.read_table(tmp_path / "p")
    assert table.column("geometry").to_pylist()[0] == struct.pack("<BIdd", 1, 1, 13.25, 55.5)
    assert wrong_geometries(table) == []


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    written = [record("a", datetime(2020, 1, 1, tzinfo=UTC)), record("b")]
    write_places(tmp_path / "one", written)
    write_places(tmp_path / "two", written)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_dead_rows_are_left_out_and_rows_counted_through_the_segments(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_places(tmp_path / name, [record(f"{name}{number}") for number in range(3)])
    joined = join_live(
        [(read_places(tmp_path / "one", 3), np.array([0, 2])), (read_places(tmp_path / "two", 3), np.arange(3))]
    )
    table = PlaceTable(joined, tmp_path)
    assert table.ids == ["one0", "one2", "two0", "two1", "two2"]
    assert table.row_of("one1") is None
    assert table.row_of("two0") == 2
    assert [place.id for place in table] == table.ids


def test_a_table_keeps_columns_and_no_objects_of_pictures(tmp_path: Path) -> None:
    """A million pictures take 160 MB; their sums are kept as 32 bytes, and as 64 digits nowhere."""
    digests = [f"{number:064x}" for number in range(4000)]
    written = [
        replace(record(f"{digest[-8:]}"), content_sha256=digest, thumbnail=FileSum(bytes=1, sha256=digest))
        for digest in digests
    ]
    write_places(tmp_path / "p", written)
    table_of(tmp_path / "warm", written[:1])
    gc.collect()
    objects, column_bytes = sys.getallocatedblocks(), pa.total_allocated_bytes()
    table = PlaceTable(join_live([(read_places(tmp_path / "p", len(written)), np.arange(len(written)))]), tmp_path)
    gc.collect()
    assert sys.getallocatedblocks() - objects < 1000
    position_time_and_sums, texts_and_ids = 8 + 8 + 8 + 8 + 4 + 4 + 2 * 32, 4 + 8 + 4 + 5 + 8
    assert pa.total_allocated_bytes() - column_bytes < 1.1 * len(table) * (position_time_and_sums + texts_and_ids)
    assert table[17].content_sha256 == digests[17]


def test_pictures_of_the_same_file_have_the_same_number(tmp_path: Path) -> None:
    sums = [f"{number:064x}" for number in (1, 2, 1, 3, 2)]
    table = table_of(tmp_path / "p", [replace(record(f"{row}"), content_sha256=each) for row, each in enumerate(sums)])
    assert [table.contents.tolist().index(number) for number in table.contents] == [0, 1, 0, 3, 1]


def test_a_sum_of_another_form_is_refused(tmp_path: Path) -> None:
    for number, wrong in enumerate(("", "ab", "g" * 64, " " * 2 + "a" * 62)):
        write_places(tmp_path / str(number), [replace(record(), content_sha256=wrong)])
        with pytest.raises(MapCorrupt, match="is damaged"):
            read_places(tmp_path / str(number), 1)


def test_two_pictures_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MapCorrupt, match="same id"):
        table_of(tmp_path / "p", [record("a"), record("a")])


def test_rows_that_are_not_there_are_refused(tmp_path: Path) -> None:
    table = table_of(tmp_path / "p", [record("a")])
    for row in (-1, 1):
        with pytest.raises(InvalidInput):
            table[row]


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "other")
    write_places(tmp_path / "good", [record()])
    for name, rows, says in (
        ("missing", 1, "cannot be read"),
        ("text", 1, "cannot be read as Parquet"),
        ("other", 1, "other columns"),
        ("good", 2, "the manifest says 2"),
    ):
        with pytest.raises(MapCorrupt, match=says):
            read_places(tmp_path / name, rows)


@given(st.data())
def test_a_flipped_bit_is_refused_or_changes_nothing_but_the_metadata(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Pages carry check sums; the footer does not, and must not bring down the reader."""
    path = tmp_path_factory.mktemp("table") / "places.parquet"
    write_places(path, [record("a"), record("b")])
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) * 8 - 1))
    content[position // 8] ^= 1 << position % 8
    path.write_bytes(content)
    try:
        table = read_places(path, 2)
    except MapCorrupt:
        return
    assert table.column("latitude").to_pylist() == [55.5, 55.5]


def test_listed_thumbnails(tmp_path: Path) -> None:
    thumbnail = FileSum(bytes=5, sha256="cd" * 32)
    write_places(tmp_path / "p", [record("a"), record("b").with_thumbnail(thumbnail)])
    assert list(listed_thumbnails(read_places(tmp_path / "p", 2))) == [(1, thumbnail)]
