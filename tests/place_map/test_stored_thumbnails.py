"""Thumbnails in one file equal those with a file each."""

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.geo import LatLon
from place_map import layout
from place_map.errors import MapCorrupt
from place_map.file_sum import FileSum
from place_map.place_file import PlaceRecord, read_places, write_places
from place_map.segment import Segment, Thumbnails
from place_map.stored_thumbnails import StoredThumbnails, ThumbnailWriter, loose_thumbnails, wrong_thumbnail

NO_SUM = FileSum(bytes=0, sha256="0" * 64)
PLACES = [PlaceRecord(f"p{row}", LatLon(0, row), None, None, f"p{row}.jpg", "0" * 64) for row in range(9)]


def write(directory: Path, thumbnails: list[bytes | None]) -> Segment:
    with ThumbnailWriter(directory / layout.THUMBNAILS) as writer:
        records = [
            record if thumbnail is None else record.with_thumbnail(writer.append(thumbnail))
            for record, thumbnail in zip(PLACES, thumbnails, strict=False)
        ]
        counted = writer.finish()
    write_places(directory / layout.PLACES, records)
    files = dict.fromkeys(layout.SEGMENT_FILES, NO_SUM)
    if counted.count:
        files[layout.THUMBNAILS] = FileSum.of(directory / layout.THUMBNAILS)
    return Segment(id="000001", rows=len(records), files=files, thumbnails=counted)


@given(st.lists(st.none() | st.binary(min_size=1, max_size=50), min_size=1, max_size=9))
def test_each_is_read_alone(thumbnails: list[bytes | None]) -> None:
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        segment = write(directory, thumbnails)
        table = read_places(directory / layout.PLACES, segment.rows)
        stored = StoredThumbnails(directory, segment, table)
        present = [thumbnail for thumbnail in thumbnails if thumbnail is not None]
        assert segment.thumbnails == Thumbnails(count=len(present), bytes=len(b"".join(present)))
        assert (directory / layout.THUMBNAILS).exists() == bool(present)
        for row, thumbnail in enumerate(thumbnails):
            if thumbnail is not None:
                assert stored.read(row) == thumbnail
        assert wrong_thumbnail(directory, segment, table) is None
        assert not list(loose_thumbnails(directory, segment, table)) or not present


def test_a_thumbnail_that_is_not_what_the_table_says_is_found(tmp_path: Path) -> None:
    segment = write(tmp_path, [b"first", None, b"second", b"third"])
    table = read_places(tmp_path / layout.PLACES, segment.rows)
    (tmp_path / layout.THUMBNAILS).write_bytes(b"firstsec0ndthird")
    assert wrong_thumbnail(tmp_path, segment, table) == 2
    (tmp_path / layout.THUMBNAILS).write_bytes(b"firstsecondthir")
    assert wrong_thumbnail(tmp_path, segment, table) == 3
    (tmp_path / layout.THUMBNAILS).unlink()
    with pytest.raises(MapCorrupt, match=r"thumbnails\.mjpeg cannot be read"):
        wrong_thumbnail(tmp_path, segment, table)


def test_a_file_each_is_read_as_before(tmp_path: Path) -> None:
    packed = write(tmp_path, [b"first", None, b"second"])
    table = read_places(tmp_path / layout.PLACES, packed.rows)
    segment = packed.model_copy(update={"files": dict.fromkeys(layout.SEGMENT_FILES, NO_SUM)})
    folder = tmp_path / layout.LOOSE_THUMBNAILS
    folder.mkdir()
    (folder / "000000.jpg").write_bytes(b"first")
    (folder / "000002.jpg").write_bytes(b"second")
    (tmp_path / layout.THUMBNAILS).unlink()
    stored = StoredThumbnails(tmp_path, segment, table)
    assert (stored.read(0), stored.read(2)) == (b"first", b"second")
    assert [(path.name, file.sha256) for path, file in loose_thumbnails(tmp_path, segment, table)] == [
        ("000000.jpg", sha256(b"first").hexdigest()),
        ("000002.jpg", sha256(b"second").hexdigest()),
    ]
